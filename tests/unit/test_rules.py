"""Rule files: checked as a whole, every error told."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.alert import Kind, Priority
from alerting.errors import RulesInvalid
from alerting.evidence import quantity_name
from alerting.rules import default_rules, parse
from ingest.quantity import QUANTITIES

RULE = """
version = "1"
[[rule]]
id = "r.one"
kind = "fire"
priority = "high"
quantity = "temperature"
raise_at = 60
clear_at = 50
title_zh = "标题"
title_en = "title"
clause = "a clause"
"""
DEFAULT = parse(default_rules())


def problems(text: str) -> str:
    with pytest.raises(RulesInvalid) as caught:
        parse(text)
    return "\n".join(caught.value.problems)


def test_the_rules_that_ship_are_valid_and_say_where_every_threshold_comes_from() -> None:
    assert len(DEFAULT.rules) > 10
    for rule in DEFAULT.rules:
        assert rule.clause, rule.id
        assert re.search("[一-鿿]", rule.clause_zh), rule.id
        assert rule.title_zh != rule.title_en
    for combination in DEFAULT.combinations:
        assert re.search("[一-鿿]", combination.clause_zh), combination.id
    assert DEFAULT.supervision.clause
    assert re.search("[一-鿿]", DEFAULT.supervision.clause_zh)
    assert {rule.kind for rule in DEFAULT.rules} >= {
        Kind.FIRE,
        Kind.GAS,
        Kind.CO,
        Kind.FALL,
        Kind.SOS,
        Kind.LOW_BATTERY,
        Kind.POWER_LOSS,
    }
    assert all(rule.latching for rule in DEFAULT.rules if rule.priority is Priority.CRITICAL)


@pytest.mark.parametrize("quantity", sorted(QUANTITIES))
def test_every_quantity_can_be_called_by_its_name(quantity: str) -> None:
    zh, en = quantity_name(quantity)
    assert re.search("[一-鿿]", zh)
    assert en.isascii()


@pytest.mark.parametrize("zone", ["bedroom", "kitchen", "corridor", "boiler_room", "laundry", "dormitory", "other"])
@pytest.mark.parametrize("quantity", ["smoke_obscuration", "temperature", "co", "gas", "smoke_alarm", "sos", "fall"])
def test_every_place_is_watched(zone: str, quantity: str) -> None:
    applying = [rule.id for rule in DEFAULT.rules if rule.applies_to("nursing_home", zone, quantity)]
    assert applying
    if quantity == "temperature":
        assert ("fire.heat" in applying) != ("fire.heat.hot-room" in applying)


def test_what_is_left_out_has_a_default() -> None:
    rule = parse(RULE).rules[0]
    assert (rule.detector, rule.above, rule.latching, rule.clause_verified) == ("setpoint", True, False, False)
    assert (rule.on_delay_s, rule.off_delay_s, rule.hold_s, rule.samples_min) == (0, 0, 0, 1)
    assert (rule.zone_kinds, rule.institution_kinds) == (frozenset(), frozenset())
    assert parse(RULE.replace("clear_at = 50", "")).rules[0].clear_at == 60


def test_the_hash_is_of_the_text() -> None:
    assert parse(RULE).sha256 == parse(RULE).sha256 != parse(RULE + "# a comment\n").sha256


def test_where_a_rule_applies() -> None:
    rule = parse(RULE + 'zone_kinds = ["kitchen", "office"]\nzone_kinds_except = ["office"]\n'
                 'institution_kinds = ["nursing_home"]\n').rules[0]  # fmt: skip
    assert rule.applies_to("nursing_home", "kitchen", "temperature")
    assert not rule.applies_to("nursing_home", "office", "temperature")
    assert not rule.applies_to("nursing_home", "bedroom", "temperature")
    assert not rule.applies_to("other", "kitchen", "temperature")
    assert not rule.applies_to("nursing_home", "kitchen", "co")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('version = "1"', "", "version is missing"),
        ('version = "1"', 'version = "1"\ncolour = 1', "unknown entry colour"),
        ('id = "r.one"', "", "rule 1: id is missing"),
        ('id = "r.one"', 'id = "R One"', "an id is made of"),
        ('kind = "fire"', 'kind = "flood"', "rule r.one: kind = 'flood' is not one of"),
        ('kind = "fire"', "", "kind = None"),
        ('priority = "high"', 'priority = "huge"', "priority"),
        ('quantity = "temperature"', 'quantity = "smell"', "quantity"),
        ("raise_at = 60", "", "raise_at is missing"),
        ("raise_at = 60", "raise_at = nan", "raise_at must be a number"),
        ("raise_at = 60", "raise_at = inf", "raise_at must be a number"),
        ("raise_at = 60", "raise_at = true", "raise_at must be a number"),
        ("raise_at = 60", "raise_at = 1e300", "not within"),
        ("clear_at = 50", "clear_at = 61", "lies on the alarm's side"),
        ("clear_at = 50", 'clear_at = 50\ndirection = "below"', "lies on the alarm's side"),
        ("clear_at = 50", 'clear_at = 50\ndirection = "sideways"', "direction"),
        ("clear_at = 50", "clear_at = 50\non_delay_s = -1", "on_delay_s"),
        ("clear_at = 50", "clear_at = 50\nsamples_min = 0", "samples_min"),
        ("clear_at = 50", 'clear_at = 50\nlatching = "yes"', "latching must be true or false"),
        ("clear_at = 50", 'clear_at = 50\nzone_kinds = "kitchen"', "zone_kinds must be a list"),
        ("clear_at = 50", 'clear_at = 50\nzone_kinds = ["moon"]', "zone_kinds must be a list"),
        ("clear_at = 50", "clear_at = 50\ncolour = 1", "unknown field colour"),
        ("clear_at = 50", "clear_at = 50\nfast_s = 3", "unknown field fast_s"),
        ("clear_at = 50", 'clear_at = 50\ndetector = "magic"', "detector"),
        ("clear_at = 50", 'clear_at = 50\ndetector = "rate_of_rise"\nfast_s = 60', "fast_s must be smaller"),
        ('title_zh = "标题"', "title_zh = 5", "title_zh must be text"),
        ('clause = "a clause"', "", "clause is missing"),
        ("[[rule]]", "[rule]", "no [[rule]]"),
        ("[[rule]]", "[supervision]\nintervals = 0\n[[rule]]", "supervision: intervals"),
        ("[[rule]]", "supervision = 3\n[[rule]]", "supervision must be a table"),
        ("[[rule]]", "rule = [1]\n", "kind"),
    ],
)
def test_an_error_is_told(before: str, after: str, said: str) -> None:
    text = RULE.replace(before, after, 1)
    if after.startswith("rule = [1]"):
        text = 'version = "1"\nrule = [1]\n'
    assert said in problems(text)


def test_every_error_is_told_at_once() -> None:
    told = problems(RULE.replace('kind = "fire"', 'kind = "x"').replace("raise_at = 60", "raise_at = 'hot'"))
    assert "kind" in told
    assert "raise_at" in told


def test_a_rule_stands_once() -> None:
    assert "rule r.one stands twice" in problems(RULE + RULE.replace('version = "1"', ""))


@pytest.mark.parametrize("text", ["", "[[rule]", 'version = "1"', "\0"])
def test_what_is_no_rule_file(text: str) -> None:
    assert problems(text)


@given(st.sampled_from(RULE.strip().split("\n")), st.text(max_size=30))
def test_no_line_makes_it_fail_otherwise(line: str, instead: str) -> None:
    with suppress(RulesInvalid):
        parse(RULE.replace(line, instead))
