"""The hazard machine: no path around recheck by somebody else, extension by approval, proof by data."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.people import RIGHTS, Right, Role
from inspection import decide
from inspection.checklist import Level
from inspection.decide import Found, Ripe, Standing
from inspection.errors import InspectionError, ProofMissing, StepRefused, WrongPerson
from inspection.hazard import ENGINE, By, Category, Hazard, HazardEvent, Origin, Proposal, State, Supervisor, Verb
from inspection.hazard_steps import fold, permitted
from inspection.policy import default_policy

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
POLICY = default_policy()
NURSE = By("user:nurse", 1, outside=False)
MANAGER = By("user:manager", 2, outside=False)
COUNTY = By("user:county", 3, outside=True)
LEADER = By("user:leader", 4, outside=True)
PEOPLE = (NURSE, MANAGER, COUNTY, LEADER)
PHOTO = uuid.UUID(int=7)
PROVEN = {"proof": {"reason": "proven"}}


def reported(level: Level = Level.GENERAL, origin: Origin = Origin.PERSON) -> tuple[Hazard, HazardEvent]:
    found = Found(1, "通道堵塞", "二楼东侧", Category.FIRE, level, Supervisor.DEPUTY, zone_id=5)
    event = decide.report(found, NURSE, NOW, [], POLICY, origin)
    return fold(None, event), event


def step(hazard: Hazard, verb: Verb, by: By, after: timedelta = timedelta(hours=1), **more) -> Hazard:
    """`hazard` after a well-formed act of `by`."""
    return fold(hazard, act(hazard, verb, by, after, **more))


def act(hazard: Hazard, verb: Verb, by: By, after: timedelta = timedelta(hours=1), **more) -> HazardEvent:
    at = NOW + after
    if verb is Verb.ASSIGN:
        given = {"assignee_id": 1, "term": None, "level": hazard.level, "supervisor": hazard.supervisor, "note": ""}
        return decide.assign(hazard, by, at, policy=POLICY, **(given | more))
    if verb is Verb.ASK_EXTENSION:
        deadline = hazard.deadline or at
        latest = deadline + POLICY.extension_max
        until = more.get("until") or min(max(deadline, at) + timedelta(days=5), latest)
        return decide.ask_extension(hazard, by, at, until, "等配件", POLICY)
    if verb is Verb.PROPOSE:
        return decide.propose(hazard, by, at, Proposal.SUSPEND, "拒不整改", POLICY)
    if verb is Verb.ESCALATE:
        return decide.event(hazard, verb, by, at, body=late_body(hazard, hazard.escalated + 1))
    passed = more.get("passed", True) if verb is Verb.RECHECK else None
    body = more.get("body", PROVEN if verb in (Verb.RECHECK, Verb.CLOSE) else {})
    photos = more.get("photos", (PHOTO,) if verb is Verb.RECTIFY else ())
    return decide.event(hazard, verb, by, at, more.get("note", "已处理"), passed=passed, body=body, photos=photos)


def late_body(hazard: Hazard, number: int) -> dict[str, object]:
    return {"step": number, "to": [], "assign_by": decide.assign_by(hazard, POLICY).isoformat()}


def rectified(level: Level = Level.GENERAL, by: By = NURSE) -> Hazard:
    hazard = step(reported(level)[0], Verb.ASSIGN, COUNTY)
    return step(hazard, Verb.RECTIFY, by)


def test_the_whole_road():
    hazard, _ = reported()
    assert (hazard.state, hazard.version, hazard.reported_by) == (State.REPORTED, 1, "user:nurse")
    hazard = step(hazard, Verb.ASSIGN, COUNTY)
    assert hazard.deadline == NOW + timedelta(hours=1, days=7)  # general, supervised by the deputy
    hazard = step(hazard, Verb.RECTIFY, NURSE)
    hazard = step(hazard, Verb.RECHECK, MANAGER)
    assert hazard.state is State.RECHECKED
    hazard = step(hazard, Verb.CLOSE, COUNTY)
    assert (hazard.state, hazard.closed_by, hazard.open) == (State.CLOSED, "user:county", False)
    assert hazard.version == 5


@pytest.mark.parametrize(
    ("level", "supervisor", "hours"),
    [
        (Level.MAJOR, Supervisor.HEAD, 24),
        (Level.MAJOR, Supervisor.DEPUTY, 72),
        (Level.GENERAL, Supervisor.HEAD, 72),
        (Level.GENERAL, Supervisor.DEPARTMENT, 360),
    ],
)
def test_the_term_follows_level_and_colour_unless_another_is_chosen(level, supervisor, hours):
    hazard = replace(reported()[0], level=level, supervisor=supervisor)
    assert step(hazard, Verb.ASSIGN, COUNTY).deadline == NOW + timedelta(hours=1 + hours)
    assert step(hazard, Verb.ASSIGN, COUNTY, term="days-30").deadline == NOW + timedelta(hours=1, days=30)
    with pytest.raises(StepRefused, match="no term"):
        step(hazard, Verb.ASSIGN, COUNTY, term="a-year")


def test_colours():
    assert [each.colour for each in Supervisor] == ["red", "yellow", "blue"]


def test_who_rectified_cannot_recheck_and_a_major_one_needs_somebody_from_outside():
    with pytest.raises(WrongPerson, match="who rectified it"):
        step(rectified(), Verb.RECHECK, NURSE)
    step(rectified(), Verb.RECHECK, MANAGER)
    with pytest.raises(WrongPerson, match="from outside"):
        step(rectified(Level.MAJOR), Verb.RECHECK, MANAGER)
    passed = step(rectified(Level.MAJOR), Verb.RECHECK, COUNTY)
    with pytest.raises(WrongPerson, match="from outside"):
        step(passed, Verb.CLOSE, MANAGER)
    assert step(passed, Verb.CLOSE, COUNTY).state is State.CLOSED


def test_a_failed_recheck_goes_back_and_the_deadline_stays():
    before = rectified()
    back = step(before, Verb.RECHECK, MANAGER, passed=False, note="仍有杂物")
    assert (back.state, back.failures, back.deadline) == (State.ASSIGNED, 1, before.deadline)
    assert (back.rectified_at, back.rectifier_id) == (None, None)
    with pytest.raises(StepRefused, match="still wrong"):
        step(before, Verb.RECHECK, MANAGER, passed=False, note=" ")
    again = step(step(back, Verb.RECTIFY, MANAGER), Verb.RECHECK, NURSE)  # another rectified it this time
    failed_late = step(
        again, Verb.RECHECK, COUNTY, passed=False
    )  # it had passed, and is found wrong before it is closed
    assert (failed_late.state, failed_late.failures) == (State.ASSIGNED, 2)


def test_a_rectification_needs_words_and_evidence():
    assigned = step(reported()[0], Verb.ASSIGN, COUNTY)
    with pytest.raises(StepRefused, match="evidence"):
        step(assigned, Verb.RECTIFY, NURSE, photos=())
    with pytest.raises(StepRefused, match="what was done"):
        step(assigned, Verb.RECTIFY, NURSE, note="")


def test_more_time_takes_two_people_and_is_bounded():
    assigned = step(reported()[0], Verb.ASSIGN, COUNTY)
    asked = step(assigned, Verb.ASK_EXTENSION, NURSE)
    with pytest.raises(WrongPerson, match="who asked"):
        step(asked, Verb.EXTEND, NURSE)
    with pytest.raises(StepRefused, match="already"):
        step(asked, Verb.ASK_EXTENSION, MANAGER)
    granted = step(asked, Verb.EXTEND, MANAGER)
    assert granted.deadline == assigned.deadline + timedelta(days=5)
    refused = step(asked, Verb.REFUSE_EXTENSION, MANAGER)
    assert (refused.deadline, refused.extension, refused.extensions) == (assigned.deadline, None, 0)
    twice = step(step(granted, Verb.ASK_EXTENSION, NURSE), Verb.EXTEND, MANAGER)
    with pytest.raises(StepRefused, match="used up"):
        step(twice, Verb.ASK_EXTENSION, NURSE)
    with pytest.raises(StepRefused, match="at most 30 days"):
        step(assigned, Verb.ASK_EXTENSION, NURSE, until=assigned.deadline + timedelta(days=31))
    with pytest.raises(StepRefused, match="after the deadline"):
        step(assigned, Verb.ASK_EXTENSION, NURSE, until=assigned.deadline)
    with pytest.raises(StepRefused, match="only be refused"):
        step(asked, Verb.EXTEND, MANAGER, after=timedelta(days=60))


def test_another_person_does_not_get_more_time_and_a_major_one_stays_major():
    assigned = step(reported(Level.MAJOR)[0], Verb.ASSIGN, COUNTY)
    moved = step(assigned, Verb.ASSIGN, MANAGER, after=timedelta(hours=20), assignee_id=9, term="days-30")
    assert (moved.assignee_id, moved.deadline, moved.term) == (9, assigned.deadline, assigned.term)
    with pytest.raises(WrongPerson, match="outside"):
        step(assigned, Verb.ASSIGN, MANAGER, level=Level.GENERAL)
    assert step(assigned, Verb.ASSIGN, COUNTY, level=Level.GENERAL).level is Level.GENERAL


def test_what_a_sensor_found_needs_proof():
    _, event = reported(origin=Origin.SENSOR)
    hazard = step(fold(None, event), Verb.ASSIGN, COUNTY)
    hazard = step(hazard, Verb.RECTIFY, NURSE, photos=())  # the data are its evidence
    for body in ({}, {"proof": {"reason": "still_failing"}}):
        with pytest.raises(ProofMissing):
            step(hazard, Verb.RECHECK, MANAGER, body=body)
    passed = step(hazard, Verb.RECHECK, MANAGER)
    with pytest.raises(ProofMissing):
        step(passed, Verb.CLOSE, COUNTY, body={"proof": {"reason": "failed_again"}})
    assert step(passed, Verb.RECHECK, COUNTY, passed=False).state is State.ASSIGNED


def test_overdue_is_worked_out_and_ends_with_the_rectification():
    assigned = step(reported()[0], Verb.ASSIGN, COUNTY)
    assert not assigned.overdue(assigned.deadline)
    assert assigned.overdue(assigned.deadline + timedelta(seconds=1))
    assert not step(assigned, Verb.RECTIFY, NURSE, after=timedelta(days=40)).overdue(NOW + timedelta(days=50))


def test_reminder_a_day_before_escalation_step_by_step_bulletin_and_the_end_of_the_road():
    hazard = step(reported()[0], Verb.ASSIGN, COUNTY)
    deadline = hazard.deadline
    assert decide.due(hazard, deadline - timedelta(hours=25), POLICY) is None
    told = []
    for hours in range(-24, 24 * 20):
        now = deadline + timedelta(hours=hours, seconds=1)
        while event := decide.due(hazard, now, POLICY):
            hazard = fold(hazard, event)
            told.append((hours, event.verb, event.body.get("to")))
    assert told == [
        (-24, Verb.REMIND, None),
        (0, Verb.ESCALATE, ["institution_manager", "safety_officer"]),
        (24, Verb.ESCALATE, ["inspector"]),
        (72, Verb.ESCALATE, ["supervisor"]),
    ]
    late = [deadline + timedelta(hours=each, seconds=1) for each in (0, 71, 72, 359, 360)]
    assert [decide.on_bulletin(hazard, now, POLICY) for now in late] == [False, False, True, True, True]
    assert [decide.ripe(hazard, now, POLICY) for now in late] == [Ripe.NOT_YET] * 4 + [Ripe.OVERDUE]
    with pytest.raises(StepRefused, match="not overdue for long enough"):
        decide.propose(hazard, COUNTY, late[3], Proposal.CLOSE, "拒不整改", POLICY)
    with pytest.raises(WrongPerson):
        fold(hazard, decide.propose(hazard, MANAGER, late[4], Proposal.CLOSE, "拒不整改", POLICY))
    proposed = fold(hazard, decide.propose(hazard, COUNTY, late[4], Proposal.CLOSE, "拒不整改", POLICY))
    assert proposed.proposal is Proposal.CLOSE
    with pytest.raises(StepRefused, match="already"):
        decide.propose(proposed, COUNTY, late[4], Proposal.CLOSE, "x", POLICY)


def test_more_time_starts_reminders_and_escalation_over():
    hazard = step(reported()[0], Verb.ASSIGN, COUNTY)
    overdue = hazard.deadline + timedelta(hours=1)
    hazard = fold(hazard, decide.due(hazard, overdue, POLICY))
    asked = fold(
        hazard, decide.ask_extension(hazard, NURSE, overdue, hazard.deadline + timedelta(days=9), "等配件", POLICY)
    )
    granted = fold(
        asked, decide.event(asked, Verb.EXTEND, MANAGER, overdue, body={"until": asked.extension.until.isoformat()})
    )
    assert decide.due(granted, overdue, POLICY) is None
    assert decide.due(granted, granted.deadline - timedelta(hours=1), POLICY).verb is Verb.REMIND
    assert decide.due(granted, granted.deadline + timedelta(hours=1), POLICY).body["step"] == 1


@pytest.mark.parametrize(("level", "hours"), [(Level.MAJOR, 4), (Level.GENERAL, 24)])
def test_what_nobody_is_given_in_time_is_escalated_step_by_step_and_the_deadline_begins_anew(level, hours):
    hazard = reported(level)[0]
    late_at = NOW + timedelta(hours=hours)
    told = []
    for minutes in range(0, 60 * 24 * 9, 30):
        now = NOW + timedelta(minutes=minutes)
        while event := decide.due(hazard, now, POLICY):
            hazard = fold(hazard, event)
            told.append((now - late_at, event.verb, event.body["to"]))
    assert told == [
        (timedelta(minutes=30), Verb.ESCALATE, ["inspector", "institution_manager", "safety_officer"]),
        (timedelta(hours=24), Verb.ESCALATE, ["supervisor"]),
    ]
    early = reported(level)[0]
    with pytest.raises(StepRefused, match="not the next step"):
        fold(early, decide.event(early, Verb.ESCALATE, ENGINE, late_at, body=late_body(early, 1)))
    assigned = step(hazard, Verb.ASSIGN, COUNTY, after=timedelta(days=9))
    assert assigned.escalated == 0
    first = decide.due(assigned, assigned.deadline + timedelta(seconds=1), POLICY)
    assert (first.body["step"], first.body["to"]) == (1, ["institution_manager", "safety_officer"])
    again = step(fold(assigned, first), Verb.ASSIGN, COUNTY, after=timedelta(days=40), assignee_id=2)
    assert again.escalated == 1  # another person is no new deadline


def test_a_mistaken_report_is_withdrawn_by_its_reporter_or_from_outside_before_it_is_rectified():
    hazard = reported()[0]
    taken_back = step(hazard, Verb.WITHDRAW, NURSE)
    assert (taken_back.state, taken_back.open, taken_back.withdrawn_by) == (State.WITHDRAWN, False, "user:nurse")
    assert decide.standing(taken_back, NOW, POLICY) is Standing.WITHDRAWN
    assert step(taken_back, Verb.COMMENT, MANAGER).state is State.WITHDRAWN
    with pytest.raises(StepRefused, match="why the report was a mistake"):
        step(hazard, Verb.WITHDRAW, NURSE, note=" ")
    with pytest.raises(WrongPerson, match="who reported it"):
        step(hazard, Verb.WITHDRAW, MANAGER)
    assigned = step(hazard, Verb.ASSIGN, MANAGER)
    with pytest.raises(WrongPerson, match="has been assigned"):
        step(assigned, Verb.WITHDRAW, NURSE)
    asked = step(assigned, Verb.ASK_EXTENSION, MANAGER)
    assert (step(asked, Verb.WITHDRAW, COUNTY).state, step(asked, Verb.WITHDRAW, COUNTY).extension) == (
        State.WITHDRAWN, None
    )  # fmt: skip
    with pytest.raises(StepRefused, match="more time"):
        step(step(asked, Verb.EXTEND, COUNTY), Verb.WITHDRAW, COUNTY)
    with pytest.raises(StepRefused, match="overdue"):
        step(assigned, Verb.WITHDRAW, COUNTY, after=timedelta(days=20))
    with pytest.raises(StepRefused, match="does not allow"):
        step(rectified(), Verb.WITHDRAW, COUNTY)
    with pytest.raises(StepRefused, match="go its road"):
        step(step(rectified(), Verb.RECHECK, MANAGER, passed=False), Verb.WITHDRAW, COUNTY)
    with pytest.raises(WrongPerson, match="major"):
        step(reported(Level.MAJOR)[0], Verb.WITHDRAW, NURSE)
    sensed = fold(None, reported(origin=Origin.SENSOR)[1])
    with pytest.raises(StepRefused, match="sensors"):
        step(sensed, Verb.WITHDRAW, COUNTY)


def test_who_comes_from_outside_withdraws_what_others_reported_only_as_a_supervisor():
    hazard = reported()[0]
    for role, offered in ((Role.SUPERVISOR, True), (Role.INSPECTOR, False), (Role.EXPERT, False)):
        assert (Verb.WITHDRAW in decide.allowed(hazard, COUNTY, RIGHTS[role], NOW, POLICY)) == offered
    with pytest.raises(WrongPerson, match="or a supervisor"):
        decide.withdraw(hazard, COUNTY, NOW, "误报", supervises=False)
    assert Verb.WITHDRAW in decide.allowed(hazard, NURSE, RIGHTS[Role.OPERATOR], NOW, POLICY)
    manager = RIGHTS[Role.INSTITUTION_MANAGER]
    assert Verb.WITHDRAW not in decide.allowed(hazard, MANAGER, manager, NOW, POLICY)


def test_standing_says_why():
    hazard, _ = reported()
    seen = [decide.standing(hazard, at, POLICY) for at in (NOW, NOW + timedelta(hours=25))]
    hazard = step(hazard, Verb.ASSIGN, COUNTY)
    moments = (NOW + timedelta(days=1), hazard.deadline - timedelta(hours=3), hazard.deadline + timedelta(hours=3))
    seen += [decide.standing(hazard, at, POLICY) for at in moments]
    hazard = step(hazard, Verb.RECTIFY, NURSE)
    seen.append(decide.standing(hazard, NOW, POLICY))
    hazard = step(step(hazard, Verb.RECHECK, MANAGER), Verb.CLOSE, COUNTY)
    seen.append(decide.standing(hazard, NOW, POLICY))
    assert seen == [
        Standing.UNASSIGNED, Standing.ASSIGN_LATE, Standing.IN_TIME, Standing.DUE_SOON, Standing.OVERDUE,
        Standing.WAITING, Standing.CLOSED,
    ]  # fmt: skip


def test_the_same_thing_again_within_a_year_is_a_repeat():
    first = step(step(rectified(), Verb.RECHECK, MANAGER), Verb.CLOSE, COUNTY)
    found = Found(1, "又堵了", "", Category.FIRE, Level.GENERAL, Supervisor.DEPUTY, zone_id=5)
    again = decide.report(found, NURSE, NOW + timedelta(days=100), [first], POLICY)
    assert (again.body["repeat_of"], again.body["occurrence"]) == (str(first.id), 2)
    elsewhere = replace(found, zone_id=6)
    assert "repeat_of" not in decide.report(elsewhere, NURSE, NOW + timedelta(days=100), [first], POLICY).body
    assert "repeat_of" not in decide.report(found, NURSE, NOW + timedelta(days=400), [first], POLICY).body
    assert "repeat_of" not in decide.report(found, NURSE, NOW, [reported()[0]], POLICY).body  # that one is still open
    third = decide.repeated("k", [replace(first, repeat_key="k", occurrence=4)], NOW + timedelta(days=1), POLICY)
    assert third.occurrence == 5


ANY = frozenset(Right)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(list(Verb)), st.sampled_from((*PEOPLE, ENGINE)), st.integers(0, 60 * 24 * 3), st.booleans(),
        st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


def attempt(hazard: Hazard, verb: Verb, by: By, after: timedelta, *, passed: bool, proven: bool) -> Hazard | None:
    """The hazard after a well-formed attempt, None where it is refused."""
    body = PROVEN if proven else {}
    more = {"passed": passed, "body": body} if verb in (Verb.RECHECK, Verb.CLOSE) else {}
    if verb is Verb.EXTEND and hazard.extension:
        more = {"body": {"until": hazard.extension.until.isoformat()}}
    try:
        return step(hazard, verb, by, after, **more)
    except InspectionError:
        return None


@settings(max_examples=150, deadline=None)
@given(tries=EVENTS, major=st.booleans(), sensor=st.booleans())
def test_whatever_is_tried_the_rules_hold(tries, major, sensor):
    origin = Origin.SENSOR if sensor else Origin.PERSON
    hazard, _ = reported(Level.MAJOR if major else Level.GENERAL, origin)
    after, rectifier, asker = timedelta(), None, None
    for verb, by, minutes, passed, proven in tries:
        after += timedelta(minutes=minutes)
        before, changed = hazard, attempt(hazard, verb, by, after, passed=passed, proven=proven)
        if changed is None:
            continue
        hazard = changed
        assert hazard.version == before.version + 1
        assert before.open or verb is Verb.COMMENT, "what is closed or withdrawn stays so"
        assert (by.person_id is None) == (verb in (Verb.REMIND, Verb.ESCALATE)), "every act names its person"
        if verb is Verb.RECTIFY:
            rectifier = by.person_id
        if verb in (Verb.RECHECK, Verb.CLOSE):
            assert by.person_id != rectifier
            assert before.level is Level.GENERAL or by.outside
            assert proven or not sensor or not (passed or verb is Verb.CLOSE)
        if verb is Verb.ASK_EXTENSION:
            asker = by.person_id
        if verb is Verb.WITHDRAW:
            assert rectifier is None, "what was rectified once was no mistake"
            assert not sensor
            assert not before.overdue(NOW + after)
            assert not before.extensions
            assert by.outside or (by is NURSE and before.deadline is None and before.level is Level.GENERAL)
        if before.deadline is not None and hazard.deadline != before.deadline:
            assert verb is Verb.EXTEND
            assert by.person_id != asker
            assert hazard.deadline > before.deadline
        assert (hazard.state is State.WITHDRAWN) == (hazard.withdrawn_at is not None)
        if hazard.state is State.CLOSED and verb is not Verb.COMMENT:
            assert before.state is State.RECHECKED
        if hazard.state is State.RECHECKED and before.state is not State.RECHECKED:
            assert (verb, before.state) == (Verb.RECHECK, State.RECTIFIED)


def test_more_time_is_not_offered_when_the_longest_would_be_over():
    assigned = step(reported()[0], Verb.ASSIGN, COUNTY)
    latest = assigned.deadline + POLICY.extension_max
    for at, offered in ((latest - timedelta(seconds=1), True), (latest, False)):
        assert (Verb.ASK_EXTENSION in decide.allowed(assigned, NURSE, ANY, at, POLICY)) == offered
        try:
            fold(assigned, decide.ask_extension(assigned, NURSE, at, latest, "等配件", POLICY))
        except StepRefused:
            assert not offered
        else:
            assert offered


@settings(max_examples=150, deadline=None)
@given(tries=EVENTS, major=st.booleans(), verb=st.sampled_from(list(decide.RIGHT_OF)), by=st.sampled_from(PEOPLE))
def test_what_is_offered_is_what_is_allowed(tries, major, verb, by):
    hazard, _ = reported(Level.MAJOR if major else Level.GENERAL)
    after = timedelta()
    for each, actor, minutes, passed, proven in tries:
        after += timedelta(minutes=minutes)
        hazard = attempt(hazard, each, actor, after, passed=passed, proven=proven) or hazard
    offered = verb in decide.allowed(hazard, by, ANY, NOW + after, POLICY)
    passing = hazard.state is not State.RECHECKED  # what has passed can only fail now
    assert (attempt(hazard, verb, by, after, passed=passing, proven=True) is not None) == offered
    assert not decide.allowed(hazard, by, frozenset(), NOW + after, POLICY)


def test_the_engine_does_what_is_due_and_nothing_else():
    assigned = step(reported()[0], Verb.ASSIGN, COUNTY)
    for verb in (Verb.RECTIFY, Verb.COMMENT, Verb.ASSIGN):
        with pytest.raises(WrongPerson, match="a person"):
            step(assigned, verb, ENGINE)
    with pytest.raises(WrongPerson, match="service itself"):
        step(assigned, Verb.REMIND, COUNTY)
    with pytest.raises(StepRefused):
        fold(None, act(assigned, Verb.COMMENT, NURSE))
    assert not permitted(assigned, Verb.CLOSE)


def test_roles():
    rectify = {role for role in Role if Right.RECTIFY_HAZARD in RIGHTS[role]}
    recheck = {role for role in Role if Right.RECHECK_HAZARD in RIGHTS[role]}
    assert Role.OPERATOR in rectify - recheck
    assert {Role.EXPERT, Role.INSPECTOR, Role.SUPERVISOR} <= recheck - rectify
    assert all(Right.REPORT_HAZARD in RIGHTS[role] for role in Role if role is not Role.AUDITOR)  # who only reads
