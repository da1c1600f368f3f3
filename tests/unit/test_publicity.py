"""What the public reads: only what is named, and who decides that it does."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection import commitment, publicity
from inspection.checklist import Level
from inspection.commitment import Commitment
from inspection.errors import StepRefused, WrongPerson
from inspection.hazard import By
from inspection.publicity import HazardFigures, Known, PageAct, Place, Responsible, RiskFigures, Unfit

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
TEXT = commitment.parse(commitment.default_text())
SIGNED = Commitment(1, 7, 1, NOW, NOW + timedelta(days=365), 1, "王院长", "user:head", 0, 0, 0)
PLACE = Place(7, "安和养老院", "Anhe Home", "nursing_home", "220322", NOW)
INSIDE, OUTSIDE = By("user:head", 1, outside=False), By("user:county", 2, outside=True)


def known(*people: Responsible) -> Known:
    return Known(PLACE, "private", people, RiskFigures(), {}, {}, SIGNED, TEXT)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("消防审验合格，未发生安全事故", None),
        ("不符合 GB 38600-2019 第 5 条，依据县民政〔2026〕12号，2026-11-27 查实", None),
        ("1,690 次自查，60 处重大隐患", None),
        ("联系 13800138000", Unfit.NUMBER),
        ("联系 138 0013 8000", Unfit.NUMBER),
        ("电话 (0434) 523-4567", Unfit.NUMBER),
        ("身份证 22030219400101123X", Unfit.NUMBER),
        ("电话１３８００１３８０００", Unfit.NUMBER),
        ("1391-23-45678", Unfit.NUMBER),  # no day, though it begins like one
        ("QQ 123456789-2019", Unfit.NUMBER),  # and no standard
        ("2026-11-271391234567", Unfit.NUMBER),
        ("2026-11-27至2026-12-01，MZ/T 032-2012", None),
        ("见 https://example.org/x", Unfit.ADDRESS),
        ("来信 a@example.org", Unfit.ADDRESS),
        ("护理员张晓燕举报", Unfit.NAME),
        ("zhang xiaoyan reported it", Unfit.NAME),
    ],
)
def test_words_for_the_public_hold_nothing_by_which_somebody_is_reached_or_known(words, why):
    assert publicity.unfit(words, ["张晓燕", "Zhang Xiaoyan", "消", ""]) is why


people = st.builds(
    Responsible,
    st.sampled_from(["head", "officer", "township"]),
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12),
    st.none() | st.text(st.characters(categories=["L", "N"]), max_size=12),
    st.booleans(),
)


@given(st.lists(people, max_size=6))
def test_only_who_agreed_is_named(found):
    shown = publicity.page(known(*found)).responsibles
    for each in shown:
        assert any(one.public and (one.duty, one.name) == (each.duty, each.name) for one in found)
        assert publicity.unfit(each.name) is None
        assert publicity.unfit(each.position or "") is None
    assert len(shown) == sum(each.public and publicity.unfit(each.name) is None for each in found)


def test_a_number_in_a_name_or_position_is_not_shown():
    page = publicity.page(known(
        Responsible("head", "王院长", "院长 13800138000", public=True),
        Responsible("officer", "李安全 13900139000", "安全员", public=True),
    ))  # fmt: skip
    assert [(each.name, each.position) for each in page.responsibles] == [("王院长", None)]


def test_the_signer_is_named_only_where_the_file_says_so():
    secret, open_one = (
        Responsible("head", "王院长", None, public=False),
        Responsible("head", "王院长", None, public=True),
    )
    hidden, shown = publicity.page(known(secret)).commitment, publicity.page(known(open_one)).commitment
    assert (hidden.signer, shown.signer) == (None, "王院长")
    assert hidden.clauses == TEXT.clauses
    assert publicity.page(replace(known(), commitment=None)).commitment is None
    assert publicity.page(replace(known(), text=None)).commitment is None


def test_every_level_and_kind_of_check_stands_on_the_page_also_with_none():
    page = publicity.page(known())
    assert set(page.hazards) == set(Level)
    assert [each.made for each in page.checks.values()] == [0, 0, 0]
    assert page.risks == RiskFigures({"major": 0, "high": 0, "medium": 0, "low": 0}, None)
    assert HazardFigures(10, 6, 5, 3).running == 1


def act(by: By, *, published: bool) -> PageAct:
    return PageAct(published, "x", NOW, "user:x", by.outside)


def test_a_page_is_published_and_taken_down_by_turns():
    public, down = act(INSIDE, published=True), act(INSIDE, published=False)
    demand = publicity.demand_page_step
    demand(None, INSIDE, published=True, note="")
    demand(act(OUTSIDE, published=True), INSIDE, published=False, note="整改")
    demand(down, OUTSIDE, published=True, note="")
    demand(act(OUTSIDE, published=False), OUTSIDE, published=True, note="")
    for newest, by in ((None, INSIDE), (down, OUTSIDE)):
        with pytest.raises(StepRefused):
            demand(newest, by, published=False, note="x")
    with pytest.raises(StepRefused):
        demand(public, OUTSIDE, published=True, note="")
    for note in (" ", "x" * 501):
        with pytest.raises(StepRefused):
            demand(public, OUTSIDE, published=False, note=note)
    with pytest.raises(WrongPerson):
        demand(act(OUTSIDE, published=False), INSIDE, published=True, note="")
