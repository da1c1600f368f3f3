"""The hazard policy: what ships, and the errors of a file."""

import pytest
from typer.testing import CliRunner

from alerting.alert import Kind
from alerting.people import Role
from anhu.cli import app
from inspection.checklist import Level
from inspection.errors import HazardPolicyInvalid
from inspection.hazard import Supervisor
from inspection.policy import When, default_policy, default_text, parse


def test_the_policy_that_ships_has_the_five_terms_and_the_four_sensor_rules():
    policy = default_policy()
    assert [each.hours for each in policy.terms.values()] == [24, 72, 168, 360, 720]
    assert policy.terms[policy.defaults[Level.MAJOR, Supervisor.HEAD]].hours == 24
    assert [each.after_hours for each in policy.escalations] == [0, 24, 72]
    assert policy.escalations[2].to == {Role.SUPERVISOR}
    assert {level: each.total_seconds() / 3600 for level, each in policy.assign_within.items()} == {
        Level.MAJOR: 4, Level.GENERAL: 24
    }  # fmt: skip
    assert policy.unassigned[-1].to == {Role.SUPERVISOR}
    assert {each.alert_kind for each in policy.sensors.values()} == {
        Kind.OFFLINE, Kind.LOW_BATTERY, Kind.GAS, Kind.UNANSWERED
    }  # fmt: skip
    assert policy.sensors["offline-24h"].hours == 24
    assert policy.sensors["gas-repeated"].when is When.REPEATED
    assert policy.remind_before.total_seconds() == 24 * 3600


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("hours = 24\nzh", 'hours = "24"\nzh'), "term 1 (hours-24): hours must be a number"),
        (('head = "hours-24"', 'head = "hours-25"'), "defaults: major.head = 'hours-25' is not one of the terms"),
        (("after_hours = 24\nto", "after_hours = 0\nto"), "in the order of their hours"),
        (('to = ["inspector"]', "to = []"), "escalation 2: to names nobody"),
        (('to = ["inspector"]', 'to = ["mayor"]'), "escalation 2: to must be a list of"),
        (('after_hours = 24\nto = ["supervisor"]', 'after_hours = 0\nto = ["supervisor"]'), "[[unassigned]] must"),
        (("major_within_hours = 4\n", ""), "assignment: major_within_hours is missing"),
        (("[assignment]\nmajor_within_hours = 4\ngeneral_within_hours = 24\n", ""), "[assignment] is missing"),
        (("[bulletin]", "[bulletins]"), "[bulletin] is missing"),
        (('alert_kind = "gas"', 'alert_kind = "system"'), "sensor 3 (gas-repeated): alert_kind = 'system'"),
        (("count = 3\n", ""), "sensor 3 (gas-repeated): count is missing"),
        (('when = "raised"', 'when = "raised"\ncolour = "red"'), "sensor 4 (alarm-unanswered): unknown field colour"),
        (('id = "battery-ignored"', 'id = "offline-24h"'), "two sensor rules have the same id"),
        (('version = "2026.11.2"', ""), "the policy: version is missing"),
        (("[repeat]\ndays = 365", "[repeat]\ndays = 0"), "repeat: days = 0 is not within 1 and 3660"),
        (("count_max = 2", "count_max = ="), "(at line"),
    ],
)
def test_errors_are_named(change, told):
    text = default_text()
    assert change[0] in text
    with pytest.raises(HazardPolicyInvalid) as caught:
        parse(text.replace(*change, 1))
    assert any(told in problem for problem in caught.value.problems), caught.value.problems


def test_a_policy_of_before_keeps_its_own_times_and_takes_those_of_the_assignment_from_what_ships():
    text = default_text().replace("before_hours = 24", "before_hours = 12")
    begin, end = text.index("# Within so long a reported"), text.index("[reminder]")
    text = text[:begin] + text[end:]
    begin, end = text.index("# Who is told when nobody was given"), text.index("# From when an overdue hazard")
    before = parse(text[:begin] + text[end:])
    assert before.remind_before.total_seconds() == 12 * 3600
    assert (before.assign_within, before.unassigned) == (default_policy().assign_within, default_policy().unassigned)


def test_the_command_tells_every_error(tmp_path):
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(default_text(), "utf-8")
    bad.write_text(
        default_text().replace("days_max = 30", "days_max = 0").replace('to = ["inspector"]', "to = []"), "utf-8"
    )
    runner = CliRunner()
    assert runner.invoke(app, ["hazard", "check", str(good)]).exit_code == 0
    refused = runner.invoke(app, ["hazard", "check", str(bad)])
    assert refused.exit_code == 1
    assert "extension: days_max" in refused.output
    assert "escalation 2" in refused.output
    assert runner.invoke(app, ["hazard", "check", str(tmp_path / "none.toml")]).exit_code == 1
