"""The inspection machine: who may do what when, and what a signature is about."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.people import Right
from inspection import visit
from inspection.errors import InspectionError, StepRefused, WrongPerson
from inspection.hazard import By
from inspection.visit import Duty, ItemKey, Kind, Outcome, State, Verb, Visit, VisitEvent, fold

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
LEADER, OFFICER, STRANGER = (By(f"user:{number}", number, outside=True) for number in (1, 2, 3))
NURSE = By("user:4", 4, outside=False)
ITEMS = [["duties", "a"], ["duties", "b"]]


def plan(by: By = LEADER, kind: Kind = Kind.SURPRISE, **more) -> Visit:
    own = not by.outside
    body = {
        "institution_id": 1, "kind": kind.value, "own": own, "unannounced": kind in visit.UNANNOUNCED_KINDS,
        "planned_for": "2026-03-03", "checklists": ["duties"],
        "team": [[4, "leader"]] if own else [[1, "leader"], [2, "officer"]], **more,
    }  # fmt: skip
    return fold(None, VisitEvent(uuid.uuid4(), uuid.uuid4(), Verb.PLAN, NOW, by, "", body))


def act(before: Visit, verb: Verb, by: By, note: str = "看过", **body) -> Visit:
    if verb is Verb.BEGIN:
        body = {"items": ITEMS, "editions": {}, **body}
    if verb is Verb.ANSWER:
        body = {"checklist_id": "duties", "item_id": "a", "outcome": "pass", **body}
    if verb is Verb.FIND or body.get("outcome") == "fail":
        body = {"hazard_id": str(uuid.uuid4()), "level": "general", "clause": "", **body}
    if verb is Verb.CONCLUDE:
        body = {"record_sha256": visit.record(before), **body}
    return fold(before, VisitEvent(uuid.uuid4(), before.id, verb, NOW + timedelta(hours=1), by, note, body))


def test_the_whole_visit():
    made = act(plan(), Verb.BEGIN, OFFICER)
    with pytest.raises(StepRefused, match="2 items"):
        act(made, Verb.CONCLUDE, LEADER)
    made = act(made, Verb.ANSWER, OFFICER, outcome="fail")
    made = act(made, Verb.ANSWER, LEADER, item_id="b", outcome="not_applicable")
    made = act(made, Verb.FIND, OFFICER)
    assert [each.key for each in made.findings] == [ItemKey("duties", "a"), None]
    assert visit.counts(made) == {"pass": 0, "fail": 1, "not_applicable": 1, "open": 0}
    with pytest.raises(WrongPerson, match="leader"):
        act(made, Verb.CONCLUDE, OFFICER)
    signed = act(made, Verb.CONCLUDE, LEADER, "有一处隐患")
    assert (signed.state, signed.record_sha256) == (State.CONCLUDED, visit.record(made))
    for verb in (Verb.ANSWER, Verb.FIND, Verb.CANCEL, Verb.BEGIN):
        with pytest.raises(StepRefused):
            act(signed, verb, LEADER)


def test_a_signature_is_about_what_was_found_and_nothing_else():
    made = act(plan(), Verb.BEGIN, OFFICER)
    passed = act(made, Verb.ANSWER, OFFICER)
    assert visit.record(passed) != visit.record(made)
    assert visit.record(act(passed, Verb.COMMENT, OFFICER)) == visit.record(passed)
    both = act(passed, Verb.ANSWER, OFFICER, item_id="b")
    with pytest.raises(StepRefused, match="meanwhile"):
        act(both, Verb.CONCLUDE, LEADER, record_sha256=visit.record(passed))


def test_a_failed_item_stays_failed_and_says_why():
    made = act(plan(), Verb.BEGIN, OFFICER)
    assert act(act(made, Verb.ANSWER, OFFICER), Verb.ANSWER, OFFICER, outcome="not_applicable").findings == ()
    with pytest.raises(StepRefused, match="say what was found"):
        act(made, Verb.ANSWER, OFFICER, " ", outcome="fail")
    failed = act(made, Verb.ANSWER, OFFICER, outcome="fail")
    with pytest.raises(StepRefused, match="stays failed"):
        act(failed, Verb.ANSWER, OFFICER)
    with pytest.raises(StepRefused, match="no such item"):
        act(made, Verb.ANSWER, OFFICER, item_id="c")


def test_what_makes_no_sense_is_not_planned():
    for by, kind, more in (
        (NURSE, Kind.SURPRISE, {}),
        (NURSE, Kind.JOINT, {}),
        (LEADER, Kind.SELF_CHECK, {}),
        (LEADER, Kind.SURPRISE, {"unannounced": False}),
        (NURSE, Kind.SELF_CHECK, {"unannounced": True}),
        (LEADER, Kind.RANDOM, {}),
        (LEADER, Kind.CAMPAIGN, {}),
        (LEADER, Kind.JOINT, {"draw_id": str(uuid.uuid4())}),
        (LEADER, Kind.JOINT, {"team": [[1, "officer"]]}),
        (LEADER, Kind.JOINT, {"team": [[1, "leader"], [2, "leader"]]}),
        (LEADER, Kind.JOINT, {"team": [[1, "leader"], [1, "officer"]]}),
        (LEADER, Kind.JOINT, {"checklists": ["duties", "duties"]}),
        (LEADER, Kind.JOINT, {"own": True}),
    ):
        with pytest.raises(StepRefused):
            plan(by, kind, **more)
    assert plan(NURSE, Kind.SELF_CHECK).own


def test_nobody_of_the_institution_knows_before_it_begins():
    hidden = plan()
    everything = frozenset(Right)
    assert not visit.visible(hidden, NURSE)
    assert visit.allowed(hidden, NURSE, everything) == frozenset()
    with pytest.raises(WrongPerson):
        act(hidden, Verb.COMMENT, NURSE)
    begun = act(hidden, Verb.BEGIN, LEADER)
    assert visit.visible(begun, NURSE)
    assert visit.allowed(begun, NURSE, everything) == {Verb.COMMENT}
    assert not visit.visible(act(hidden, Verb.CANCEL, STRANGER), NURSE)
    assert visit.visible(plan(kind=Kind.JOINT), NURSE)


@settings(max_examples=150, deadline=None)
@given(
    tries=st.lists(
        st.tuples(
            st.sampled_from(list(Verb)), st.sampled_from((LEADER, OFFICER, STRANGER, NURSE)),
            st.sampled_from(list(Outcome)), st.sampled_from("abc"),
        ),
        max_size=20,
    ),
    own=st.booleans(),
)  # fmt: skip
def test_whatever_is_tried_the_rules_hold(tries, own):
    made = plan(NURSE, Kind.DAILY_PATROL) if own else plan()
    everything = frozenset(Right)
    for verb, by, outcome, item in tries:
        body = {"outcome": outcome.value, "item_id": item} if verb is Verb.ANSWER else {}
        before, offered = made, visit.allowed(made, by, everything)
        try:
            made = act(made, verb, by, **body)
        except InspectionError:
            continue
        assert verb in offered, "what is possible is offered"
        assert made.version == before.version + 1
        assert before.state not in (State.CONCLUDED, State.CANCELLED) or verb is Verb.COMMENT
        assert verb not in (Verb.BEGIN, Verb.ANSWER, Verb.FIND) or before.on_team(by.person_id)
        assert verb is not Verb.CONCLUDE or (by.person_id == before.leader_id and None not in before.items.values())
        assert set(made.findings) >= set(before.findings)
        failed = {key for key, each in made.items.items() if each and each.outcome is Outcome.FAIL}
        assert failed == {each.key for each in made.findings if each.key}
        assert sum(each.duty is Duty.LEADER for each in made.team) == 1
