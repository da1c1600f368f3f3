"""Emergency plans: the file, the merge, who has to be carried."""

import pytest

from alerting.alert import Kind
from alerting.errors import PlanInvalid
from alerting.plan_card import Own, Phone, Residents, Step, cannot_walk, default_cards, own_problems, parse, plan_for

GOOD = """
version = "1"
[fire]
title_zh = "火警"
title_en = "Fire"
steps = [{ zh = "走", en = "Go" }]
phones = [{ name = "119", number = "119" }]
"""


def test_the_cards_that_ship_say_what_to_do_in_both_languages():
    cards = default_cards()
    assert set(cards) == {Kind.FIRE, Kind.GAS, Kind.CO, Kind.FALL, Kind.SOS, Kind.OFFLINE, Kind.POWER_LOSS}
    assert {phone.number for phone in cards[Kind.FIRE].phones} >= {"119", "120", "110"}
    for card in cards.values():
        assert 4 <= len(card.steps) <= 10
        assert all(len(step.zh) <= 70 and len(step.en) <= 170 for step in card.steps), card.kind


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("version", "versio"), "version is missing"),
        (("[fire]", "[flood]"), "flood is not a kind"),
        ((', en = "Go"', ""), "steps 1 must have zh and en"),
        (('en = "Go"', 'en = " "'), "both languages"),
        (('number = "119"', 'number = "call me"'), "no name with a telephone number"),
        (('title_zh = "火警"', ""), "title_zh and title_en"),
        (("steps =", "step ="), "unknown entry step"),
        (("[{ zh", "[[{ zh"), "Unclosed array"),
    ],
)
def test_errors_are_named(change, told):
    assert parse(GOOD)[Kind.FIRE].steps == (Step("走", "Go"),)
    with pytest.raises(PlanInvalid, match=told):
        parse(GOOD.replace(*change, 1))


def test_an_institutions_own_steps_replace_and_its_numbers_come_first():
    defaults = default_cards()
    own = Own(Kind.FIRE, (Step("甲", "A"),), (Phone("门卫", "0434-5551234"), Phone("消防", "119")))
    plan = plan_for(Kind.FIRE, defaults, own)
    assert plan.source == "institution"
    assert plan.card.steps == own.steps
    assert [phone.number for phone in plan.card.phones] == ["0434-5551234", "119", "120", "110"]
    only_numbers = plan_for(Kind.FIRE, defaults, Own(Kind.FIRE, (), own.phones))
    assert only_numbers.card.steps == defaults[Kind.FIRE].steps
    assert plan_for(Kind.FIRE, defaults, None).source == "default"
    assert plan_for(Kind.ANOMALY, defaults, None) is None
    assert plan_for(Kind.ANOMALY, defaults, Own(Kind.ANOMALY, own.steps, ())).source == "institution"


def test_bounds_of_an_own_card():
    assert own_problems(Own(Kind.FIRE, (), ())) == []
    assert own_problems(Own(Kind.FIRE, (Step("", "A"),), (Phone("x", "not a number"),) * 21))


def test_who_has_to_be_carried():
    residents = [Residents(1, 4, ""), Residents(2, 6, "轮椅")]
    assert cannot_walk(residents, 1) == (4, 10)
    assert cannot_walk(residents, 9) == (0, 10)
    assert cannot_walk(residents, None) == (None, 10)
    assert cannot_walk([], 1) == (0, 0)
