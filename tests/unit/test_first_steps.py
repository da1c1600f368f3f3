"""The first steps: what counts as done, and what is said to be missing."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from alerting.alert import Kind
from alerting.drill import Drill, Observed, Reach, Stage, State
from alerting.drill_store import Record
from alerting.first_steps import Facts, Missing, Step, complete, standings
from ingest.place import NewInstitution, NewZone, institution_problems, zone_problems
from ingest.refused import DeadLetterEntry, UnclaimedEntry
from ingest.registry import Institution

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
HOME = Institution(1, "home-1", "安和养老院", "", "nursing_home", "220322")
LETTER = DeadLetterEntry(1, NOW, "anhu/v1/home-1/x/readings", "bad_json", "", b"", 0)
STRANGER = UnclaimedEntry("home1", "x", "", "institution_unknown", NOW, NOW, 1, "anhu/v1/home1/x/readings", b"", None)


def trial(state: State, *reached: Stage) -> Record:
    drill = Drill(uuid4(), 1, None, Kind.FIRE, "user:admin", False, Reach.SCREEN, "", {}, 120, NOW)  # noqa: FBT003
    return Record(drill, Observed(dict.fromkeys(reached, NOW)), state, None, None)


ALL = Facts(HOME, 1, 0, 1, NOW, None, None, trial(State.PASSED, Stage.RAISED, Stage.SHOWN), 2, 1)


def missing(facts: Facts) -> dict[Step, Missing | None]:
    return {each.step: each.missing for each in standings(facts)}


def test_a_whole_installation_lacks_nothing() -> None:
    assert complete(standings(ALL))
    assert list(missing(ALL)) == list(Step)


@pytest.mark.parametrize(
    ("facts", "step", "expected"),
    [
        (Facts(None), Step.INSTITUTION, Missing.NO_INSTITUTION),
        (replace(ALL, zone_count=0), Step.ZONES, Missing.NO_ZONE),
        (replace(ALL, reporting_at=None), Step.CONNECT, Missing.NOTHING_HEARD),
        (replace(ALL, reporting_at=None, stranger=STRANGER), Step.CONNECT, Missing.STRANGER),
        (replace(ALL, reporting_at=None, refused=LETTER, stranger=STRANGER), Step.CONNECT, Missing.REFUSED),
        (replace(ALL, reporting_at=None, heard_count=1, refused=LETTER), Step.CONNECT, None),
        (replace(ALL, refused=LETTER, stranger=STRANGER), Step.CONNECT, None),  # it has got through since
        (replace(ALL, device_count=0, reporting_at=None, heard_count=1), Step.DEVICE, Missing.NOT_REGISTERED),
        (replace(ALL, reporting_at=None), Step.DEVICE, Missing.SILENT),
        (replace(ALL, trial=None), Step.ALARM, Missing.NOT_TRIED),
        (replace(ALL, trial=trial(State.RUNNING, Stage.RAISED)), Step.ALARM, Missing.UNDER_WAY),
        (replace(ALL, trial=trial(State.RUNNING, Stage.RAISED, Stage.SHOWN)), Step.ALARM, None),
        (replace(ALL, trial=trial(State.FAILED, Stage.RAISED)), Step.ALARM, Missing.NOT_SHOWN),
        (replace(ALL, responsible_count=0), Step.PEOPLE, Missing.NOBODY),
        (replace(ALL, reachable_count=0), Step.PEOPLE, Missing.NO_CONTACT),
    ],
)
def test_what_is_missing_is_said(facts: Facts, step: Step, expected: Missing | None) -> None:
    assert missing(facts)[step] == expected
    assert complete(standings(facts)) == (set(missing(facts).values()) == {None})


def test_what_cannot_be_added_is_told_field_by_field() -> None:
    assert institution_problems(NewInstitution("home-2", "福寿院", "other", "220322")) == []
    wrong = NewInstitution("a b", " ", "castle", "2203")
    assert [each.partition(":")[0] for each in institution_problems(wrong)] == ["code", "name", "kind", "region"]
    assert zone_problems(NewZone("k-1", "厨房", "kitchen", -9)) == []
    found = zone_problems(NewZone("厨房", "x" * 201, "attic", 100, "y" * 201))
    assert [each.partition(":")[0] for each in found] == ["code", "name", "name_en", "kind", "floor"]
