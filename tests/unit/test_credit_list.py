"""The machine of the credit lists: nobody is listed without a decision, a delivered notice and a window to object."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.people import RIGHTS, Right, Role
from inspection.credit_calendar import CHINA, add_months, window_end
from inspection.credit_criteria import ListKind, default_criteria
from inspection.credit_list import (
    RIGHT_OF,
    CreditEvent,
    End,
    Entry,
    State,
    Verb,
    allowed,
    fold,
    terms,
    visible,
)
from inspection.credit_paper import Names, day, has_paper, paper
from inspection.errors import InspectionError, StepRefused, WrongPerson
from inspection.hazard import ENGINE, By

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = timedelta(days=1)
CRITERIA = default_criteria()
MANAGER = By("user:manager", 1, outside=False)
NURSE = By("user:nurse", 2, outside=False)
INSPECTOR = By("user:inspector", 3, outside=True)
COUNTY = By("user:county", 4, outside=True)
CITY = By("user:city", 5, outside=True)
PEOPLE = (MANAGER, NURSE, INSPECTOR, COUNTY, CITY, ENGINE)


def make(entry: Entry | None, verb: Verb, by: By, at: datetime, kind=ListKind.BLACK, **more) -> CreditEvent:
    """A well-formed act."""
    note = more.pop("note", "" if by is ENGINE else "理由")
    body = {
        Verb.PROPOSE: {
            "institution_id": 7, "kind": kind.value, "criterion": "black-grade" if by is ENGINE else None,
            "grounds": ["grade:x"] if by is ENGINE else [],
        },
        Verb.NOTIFY: terms(CRITERIA.lists[entry.kind if entry else kind]),
        Verb.DELIVER: {"delivered_at": at.isoformat(), "delivery": "post"},
        Verb.PROLONG: {"breach_at": at.isoformat(), "grounds": [f"hazards:{at.isoformat()}"]},
        Verb.REMOVE: {"end": "term" if by is ENGINE else "repair"},
    }.get(verb, {})  # fmt: skip
    return CreditEvent(uuid.uuid4(), entry.id if entry else uuid.uuid4(), verb, at, by, note, body | more)


def step(entry: Entry | None, verb: Verb, by: By, at: datetime, **more) -> Entry:
    return fold(entry, make(entry, verb, by, at, **more))


def delivered(kind=ListKind.BLACK) -> Entry:
    entry = step(None, Verb.PROPOSE, ENGINE, NOW, kind=kind)
    return step(step(entry, Verb.NOTIFY, COUNTY, NOW + DAY), Verb.DELIVER, INSPECTOR, NOW + 2 * DAY)


def listed(kind=ListKind.BLACK) -> Entry:
    return step(delivered(kind), Verb.LIST, COUNTY, NOW + 20 * DAY)


def test_the_whole_road_ends_by_itself_when_the_term_ends():
    entry = step(None, Verb.PROPOSE, ENGINE, NOW)
    assert (entry.state, entry.proposed_by, entry.handlers) == (State.PROPOSED, "policy", ())
    for verb in (Verb.LIST, Verb.DELIVER, Verb.APPEAL, Verb.REMOVE):
        with pytest.raises(StepRefused, match="does not allow"):
            step(entry, verb, COUNTY, NOW + DAY)
    entry = delivered()
    assert entry.appeal_until == datetime(2026, 3, 15, tzinfo=CHINA)  # ten whole days after the 4th
    with pytest.raises(StepRefused, match="may still object"):
        step(entry, Verb.LIST, COUNTY, entry.appeal_until - timedelta(seconds=1))
    entry = step(entry, Verb.LIST, COUNTY, entry.appeal_until)
    assert entry.until == datetime(2029, 3, 15, tzinfo=CHINA)
    assert entry.repair_from == datetime(2028, 3, 15, tzinfo=CHINA)
    with pytest.raises(StepRefused, match="not ended"):
        step(entry, Verb.REMOVE, ENGINE, entry.until - timedelta(seconds=1))
    gone = step(entry, Verb.REMOVE, ENGINE, entry.until)
    assert (gone.state, gone.end, gone.open) == (State.REMOVED, End.TERM, False)


def test_an_objection_is_decided_by_somebody_without_a_part_in_it():
    entry = delivered()
    with pytest.raises(WrongPerson, match="institution itself"):
        step(entry, Verb.APPEAL, COUNTY, NOW + 3 * DAY)
    with pytest.raises(StepRefused, match="time to object is over"):
        step(entry, Verb.APPEAL, MANAGER, entry.appeal_until)
    appealed = step(entry, Verb.APPEAL, MANAGER, NOW + 3 * DAY)
    with pytest.raises(StepRefused):
        step(appealed, Verb.LIST, COUNTY, NOW + 90 * DAY)  # however long ago
    for verb in (Verb.GRANT_APPEAL, Verb.REJECT_APPEAL):
        for by in (COUNTY, INSPECTOR):
            with pytest.raises(WrongPerson, match="had a part"):
                step(appealed, verb, by, NOW + 4 * DAY)
        with pytest.raises(WrongPerson, match="outside"):
            step(appealed, verb, MANAGER, NOW + 4 * DAY)
    granted = step(appealed, Verb.GRANT_APPEAL, CITY, NOW + 4 * DAY)
    assert (granted.state, granted.end, granted.listed_at) == (State.DROPPED, End.APPEAL, None)
    rejected = step(appealed, Verb.REJECT_APPEAL, CITY, NOW + 4 * DAY)
    with pytest.raises(StepRefused, match="decided already"):
        step(rejected, Verb.APPEAL, MANAGER, NOW + 5 * DAY)
    with pytest.raises(WrongPerson, match="decided on the objection"):
        step(rejected, Verb.LIST, CITY, NOW + 5 * DAY)
    assert step(rejected, Verb.LIST, COUNTY, NOW + 5 * DAY).standing  # the window need not run out any more


def test_who_is_listed_may_object_once_more_and_is_taken_off_when_right():
    entry = listed()
    assert entry.appeal_until == window_end(NOW + 20 * DAY, 10)
    contested = step(entry, Verb.APPEAL, MANAGER, NOW + 21 * DAY)
    assert (contested.state, contested.standing) == (State.CONTESTED, True)  # meanwhile it counts
    gone = step(contested, Verb.GRANT_APPEAL, CITY, NOW + 22 * DAY)
    assert (gone.state, gone.end) == (State.REMOVED, End.APPEAL)
    kept = step(contested, Verb.REJECT_APPEAL, CITY, NOW + 22 * DAY)
    assert (kept.state, kept.until) == (State.LISTED, entry.until)
    with pytest.raises(StepRefused):
        step(kept, Verb.APPEAL, MANAGER, NOW + 23 * DAY)
    assert step(contested, Verb.REMOVE, ENGINE, entry.until).end is End.TERM  # an objection keeps nobody longer


def test_a_new_breach_makes_the_term_count_anew_once_and_can_be_objected_to():
    entry = listed()
    at = entry.listed_at + 100 * DAY
    longer = step(entry, Verb.PROLONG, ENGINE, at)
    assert longer.until == add_months(at, 36)
    assert longer.repair_from == add_months(at, 24)
    with pytest.raises(StepRefused, match="counted already"):
        step(longer, Verb.PROLONG, ENGINE, at + DAY, breach_at=at.isoformat(), grounds=[f"hazards:{at.isoformat()}"])
    with pytest.raises(StepRefused, match="after the listing"):
        step(entry, Verb.PROLONG, ENGINE, at, breach_at=(entry.listed_at - DAY).isoformat())
    with pytest.raises(WrongPerson, match="service itself"):
        step(entry, Verb.PROLONG, COUNTY, at)
    contested = step(longer, Verb.APPEAL, MANAGER, at + DAY)
    as_before = step(contested, Verb.GRANT_APPEAL, CITY, at + 2 * DAY)
    assert (as_before.state, as_before.until, as_before.repair_from) == (State.LISTED, entry.until, entry.repair_from)
    with pytest.raises(StepRefused):  # the listing itself had its time
        step(as_before, Verb.APPEAL, MANAGER, at + 2 * DAY)
    assert step(contested, Verb.REJECT_APPEAL, CITY, at + 2 * DAY).until == longer.until
    with pytest.raises(StepRefused, match="red list"):
        step(listed(ListKind.RED), Verb.PROLONG, ENGINE, at)


def test_who_has_made_good_asks_from_a_day_on_and_another_decides():
    entry = listed()
    with pytest.raises(StepRefused, match="not be asked for yet"):
        step(entry, Verb.ASK_REPAIR, MANAGER, entry.repair_from - DAY)
    with pytest.raises(StepRefused, match="has not asked"):
        step(entry, Verb.REMOVE, COUNTY, entry.repair_from)
    asked = step(entry, Verb.ASK_REPAIR, MANAGER, entry.repair_from)
    with pytest.raises(StepRefused, match="already"):
        step(asked, Verb.ASK_REPAIR, MANAGER, entry.repair_from + DAY)
    refused = step(asked, Verb.REFUSE_REPAIR, COUNTY, entry.repair_from + DAY)
    assert step(refused, Verb.ASK_REPAIR, MANAGER, entry.repair_from + 2 * DAY).repair_asked_at
    gone = step(asked, Verb.REMOVE, COUNTY, entry.repair_from + DAY)
    assert (gone.state, gone.end) == (State.REMOVED, End.REPAIR)
    with pytest.raises(StepRefused):
        step(listed(ListKind.WATCH), Verb.ASK_REPAIR, MANAGER, NOW + 60 * DAY)  # no clause allows it


def test_a_place_on_the_red_list_is_revoked_by_a_person_and_no_other():
    gone = step(listed(ListKind.RED), Verb.REVOKE, COUNTY, NOW + 30 * DAY)
    assert (gone.state, gone.end) == (State.REMOVED, End.REVOKED)
    with pytest.raises(StepRefused, match="red list"):
        step(listed(), Verb.REVOKE, COUNTY, NOW + 30 * DAY)


def test_a_decision_says_why_and_nothing_lies_before_what_has_happened():
    entry = step(None, Verb.PROPOSE, ENGINE, NOW)
    with pytest.raises(StepRefused, match="say why"):
        step(entry, Verb.DROP, COUNTY, NOW, note="  ")
    with pytest.raises(StepRefused, match="before what has happened"):
        step(entry, Verb.NOTIFY, COUNTY, NOW - DAY)
    with pytest.raises(WrongPerson):
        step(entry, Verb.NOTIFY, ENGINE, NOW)
    notified = step(entry, Verb.NOTIFY, COUNTY, NOW + DAY)
    for moment in (NOW, NOW + 9 * DAY):  # before the notice, after the act
        with pytest.raises(StepRefused, match="not in the future"):
            step(notified, Verb.DELIVER, COUNTY, NOW + 2 * DAY, delivered_at=moment.isoformat())


def test_the_institution_sees_it_from_the_notice_on():
    entry = step(None, Verb.PROPOSE, ENGINE, NOW)
    assert visible(entry, COUNTY)
    assert not visible(entry, MANAGER)
    assert not visible(step(entry, Verb.DROP, COUNTY, NOW), MANAGER)
    assert visible(step(entry, Verb.NOTIFY, COUNTY, NOW), MANAGER)


def test_months_are_those_of_the_calendar_and_days_are_whole():
    assert add_months(datetime(2024, 2, 29, 8, tzinfo=CHINA), 12) == datetime(2025, 2, 28, 8, tzinfo=CHINA)
    assert add_months(datetime(2026, 12, 1, 17, tzinfo=UTC), 1) == datetime(2027, 1, 1, 17, tzinfo=UTC)  # 2nd in China
    assert window_end(datetime(2026, 3, 2, 17, tzinfo=UTC), 1) == datetime(
        2026, 3, 5, tzinfo=CHINA
    )  # delivered the 3rd


NAMES = Names("安康养老院", "黑名单", "评为 D 级", "某办法第 3 条", "县局老李")


def test_a_paper_says_what_its_event_says():
    entry = delivered()
    notice = paper(replace(entry, no=12), make(entry, Verb.NOTIFY, COUNTY, NOW), 2, NAMES, zh=True)
    said = "".join(notice.paragraphs)
    assert (notice.title, notice.number, notice.day) == ("拟列入黑名单告知书", "XY-000012-2", "2026年3月2日")
    for words in ("期限 36 个月", "10 日内提出异议", "评为 D 级", "某办法第 3 条", "满 24 个月"):
        assert words in said
    assert "满" not in "".join(
        paper(delivered(ListKind.RED), make(entry, Verb.NOTIFY, COUNTY, NOW), 2, NAMES, zh=True).paragraphs
    )
    decided = listed()
    decision = paper(decided, make(decided, Verb.LIST, COUNTY, NOW), 4, NAMES, zh=True)
    said = "".join(decision.paragraphs)
    assert f"至 {day(decided.until, zh=True)} 止" in said
    assert "2026年4月1日 前（含当日）" in said  # the last day of the window that ends at midnight
    assert "未提出异议" in said
    heard = paper(replace(decided, judges=(5,)), make(decided, Verb.LIST, COUNTY, NOW), 4, NAMES, zh=True)
    assert "异议经审查不成立" in "".join(heard.paragraphs)


def test_every_act_that_concerns_the_institution_has_a_paper_in_both_languages():
    without = {Verb.PROPOSE, Verb.DROP, Verb.DELIVER, Verb.APPEAL, Verb.ASK_REPAIR}
    assert {each for each in Verb if not has_paper(each)} == without
    for verb in set(Verb) - without:
        for entry in (delivered(), listed(), listed(ListKind.RED)):
            event = make(entry, verb, COUNTY, NOW)
            zh, en = (paper(entry, event, 3, NAMES, zh=each) for each in (True, False))
            assert len(zh.paragraphs) == len(en.paragraphs) > 0


TRIES = st.lists(
    st.tuples(st.sampled_from(list(Verb)), st.sampled_from(PEOPLE), st.sampled_from((0, 1, 9, 11, 200, 800))),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(tries=TRIES, kind=st.sampled_from(list(ListKind)))
def test_whatever_is_tried_nobody_is_listed_out_of_turn(tries, kind):
    entry, now = step(None, Verb.PROPOSE, ENGINE, NOW, kind=kind), NOW
    told = [(Verb.PROPOSE, ENGINE, NOW)]
    for verb, by, days in tries:
        now += days * DAY
        rights = frozenset(Right) if by.person_id else frozenset()
        may = verb in allowed(entry, by, rights, now)
        try:
            event = make(entry, verb, by, now)
            after = fold(entry, event)
        except InspectionError:
            assert not may, (entry.state, verb, by)
            continue
        if by.person_id is not None:
            assert may or not visible(entry, by), (entry.state, verb, by)
        assert (after.version, after.changed_at) == (entry.version + 1, now)
        told.append((verb, by, now))
        entry = after
    done = {verb for verb, _, _ in told}
    if entry.listed_at is not None:
        assert {Verb.NOTIFY, Verb.DELIVER, Verb.LIST} <= done
        [(who, at)] = [(by, at) for verb, by, at in told if verb is Verb.LIST]
        assert who.outside
        assert who.person_id is not None
        rejected = [(by, when) for verb, by, when in told if verb is Verb.REJECT_APPEAL and when <= at]
        assert at >= window_end(entry.delivered_at, entry.appeal_days) or rejected
    handled = {by.person_id for verb, by, _ in told if verb in (Verb.NOTIFY, Verb.DELIVER, Verb.LIST, Verb.DROP)}
    judged = {by.person_id for verb, by, _ in told if verb in (Verb.GRANT_APPEAL, Verb.REJECT_APPEAL)}
    assert not handled & judged
    assert all(by is ENGINE for verb, by, _ in told if verb is Verb.PROLONG)
    assert entry.open == (entry.end is None)


def test_rights_go_by_role():
    managing, judging, asking = (
        {role for role in Role if right in RIGHTS[role]}
        for right in (Right.MANAGE_CREDIT_LIST, Right.DECIDE_CREDIT_APPEAL, Right.APPEAL_CREDIT_LIST)
    )
    assert managing == {Role.INSPECTOR, Role.SUPERVISOR, Role.ADMINISTRATOR}
    assert judging == {Role.SUPERVISOR, Role.ADMINISTRATOR}
    assert asking == {Role.INSTITUTION_MANAGER, Role.ADMINISTRATOR}
    assert set(RIGHT_OF) == set(Verb) - {Verb.PROLONG}
