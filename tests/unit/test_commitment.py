"""The commitment: who signs what for how long, and what holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting.people import Person, Role, Scope
from inspection import commitment
from inspection.commitment import Commitment, Revocation, Standing
from inspection.errors import CommitmentChanged, CommitmentTextInvalid, StepRefused, WrongPerson

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
HOME = 7
HEAD = Person(1, "王院长", Role.INSTITUTION_MANAGER, Scope(HOME))
COUNTY = Person(2, "县局", Role.SUPERVISOR, Scope(None, "220322"))
TEXT = commitment.parse(commitment.default_text())


def signed(number: int, *, days: int = 365, revoked: bool = False) -> Commitment:
    taken_back = Revocation(NOW, "换人", "user:x", outside=False) if revoked else None
    return Commitment(
        number, HOME, 1, NOW, NOW + timedelta(days=days), HEAD.id, HEAD.name, "user:head", 0, 0, 0, taken_back
    )  # fmt: skip


def test_the_shipped_text_says_all_that_the_mechanism_asks_for():
    said = "".join(each.zh for each in TEXT.clauses)
    for word in ("自主评估", "自主检查", "自主整改", "公开安全责任人", "他人复核", "承诺"):
        assert word in said
    assert all(each.en for each in TEXT.clauses)
    assert TEXT.term_months <= TEXT.term_months_max


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[[clause]]", "[[promise]]"), "clause"),
        (("term_months = 12", "term_months = 13"), "more than term_months_max"),
        (("term_months = 12", "term_months = 1.5"), "whole number"),
        (("term_months_max = 12", "term_months_max = 400"), "not within"),
        (('title_en = "Safety commitment"', ""), "title_en is missing"),
        (('version = "2026.11.1"', 'version = "2026.11.1"\nsigned = true'), "signed"),
        (('en = "The head', 'by = "x"\nen = "The head'), "clause 1"),
        (("version", "[version"), ""),
    ],
)
def test_a_text_with_errors_is_refused_whole(change, problem):
    text = commitment.default_text()
    assert change[0] in text
    with pytest.raises(CommitmentTextInvalid) as refused:
        commitment.parse(text.replace(*change))
    assert problem in str(refused.value)


def test_the_head_alone_signs_and_only_what_they_saw():
    term = commitment.sign(TEXT, TEXT.sha256, 12, HOME, HEAD, NOW)
    assert (term.signed_at, term.until) == (NOW, NOW.replace(year=2027))
    others = (
        COUNTY,
        replace(HEAD, scope=Scope(HOME + 1)),
        replace(HEAD, role=Role.SAFETY_OFFICER),
        replace(HEAD, role=Role.ADMINISTRATOR),
        replace(HEAD, active=False),
    )
    for each in others:
        with pytest.raises(WrongPerson):
            commitment.sign(TEXT, TEXT.sha256, 12, HOME, each, NOW)
    with pytest.raises(CommitmentChanged):
        commitment.sign(TEXT, "0" * 64, 12, HOME, HEAD, NOW)
    for months in (0, TEXT.term_months_max + 1):
        with pytest.raises(StepRefused):
            commitment.sign(TEXT, TEXT.sha256, months, HOME, HEAD, NOW)


def test_the_newest_holds_until_its_end_or_its_revocation_and_no_older_one_comes_back():
    old, new = signed(1), signed(2, days=100)
    assert commitment.in_force([], NOW) is None
    assert commitment.in_force([old, new], NOW) == new
    assert commitment.standing(old, 2, NOW) is Standing.SUPERSEDED
    assert commitment.in_force([old, new], new.until - timedelta(microseconds=1)) == new
    assert commitment.in_force([old, new], new.until) is None  # though the older would have lasted longer
    assert commitment.standing(new, 2, new.until) is Standing.EXPIRED
    assert commitment.in_force([old, signed(2, revoked=True)], NOW) is None
    assert commitment.standing(signed(2, revoked=True), 2, new.until) is Standing.REVOKED


def test_what_holds_is_revoked_with_a_reason_by_the_head_or_from_outside():
    old, new = signed(1), signed(2)
    assert commitment.revoke([new, old], 2, "负责人变更", HEAD, NOW) == new
    assert commitment.revoke([new, old], 2, "失信", COUNTY, NOW) == new
    for number, reason, who, error in (
        (1, "x", HEAD, StepRefused),
        (2, "  ", HEAD, StepRefused),
        (2, "x" * 501, HEAD, StepRefused),
        (2, "x", replace(HEAD, role=Role.SAFETY_OFFICER), WrongPerson),
        (2, "x", replace(HEAD, scope=Scope(HOME + 1)), WrongPerson),
        (2, "x", replace(COUNTY, role=Role.EXPERT), WrongPerson),
        (2, "x", replace(COUNTY, active=False), WrongPerson),
    ):
        with pytest.raises(error):
            commitment.revoke([new, old], number, reason, who, NOW)
    with pytest.raises(StepRefused):
        commitment.revoke([new, old], 2, "x", HEAD, new.until)
