"""Who is told about an entry on a credit list."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.people import Person, Role, Scope
from inspection.credit_list import Verb
from inspection.credit_message import message, readers
from inspection.hazard import ENGINE
from tests.unit.test_credit_list import CITY, COUNTY, DAY, INSPECTOR, MANAGER, NOW, delivered, listed, make, step

REGION = "220322"
PEOPLE = [
    Person(1, "王院长", Role.INSTITUTION_MANAGER, Scope(7)),
    Person(2, "护理员", Role.OPERATOR, Scope(7)),
    Person(3, "监管干部", Role.INSPECTOR, Scope(None, REGION)),
    Person(4, "县局老李", Role.SUPERVISOR, Scope(None, REGION)),
    Person(5, "市局老赵", Role.SUPERVISOR, Scope(None, "2203")),
    Person(6, "Chief", Role.SUPERVISOR, Scope(None, REGION), language="en"),
    Person(7, "邻县", Role.SUPERVISOR, Scope(None, "220381")),
    Person(8, "别家院长", Role.INSTITUTION_MANAGER, Scope(8)),
    Person(9, "离职的", Role.SUPERVISOR, Scope(None, REGION), active=False),
]


def told(entry, verb, by, at=NOW + 30 * DAY) -> set[int]:
    return {each.id for each in readers(entry, make(entry, verb, by, at), PEOPLE, REGION)}


@pytest.mark.parametrize(
    ("verb", "by", "expected"),
    [
        (Verb.PROPOSE, ENGINE, {3, 4, 6}),  # the county, and nobody of the institution
        (Verb.NOTIFY, COUNTY, {1}),
        (Verb.DELIVER, COUNTY, set()),
        (Verb.DROP, COUNTY, set()),
        (Verb.LIST, COUNTY, {1}),
        (Verb.PROLONG, ENGINE, {1}),
        (Verb.REMOVE, ENGINE, {1}),
        (Verb.ASK_REPAIR, MANAGER, {3, 4, 6}),
        (Verb.REJECT_APPEAL, CITY, {1}),
    ],
)
def test_each_step_is_told_to_whom_it_concerns(verb, by, expected):
    assert told(listed(), verb, by) == expected


def test_an_objection_goes_to_the_nearest_who_may_decide_it():
    entry = delivered()
    assert entry.handlers == (4, 3)
    assert told(entry, Verb.APPEAL, MANAGER, NOW + 3 * DAY) == {6}  # of the county, without a part in it
    alone = [each for each in PEOPLE if each.id != 6]
    event = make(entry, Verb.APPEAL, MANAGER, NOW + 3 * DAY)
    assert [each.id for each in readers(entry, event, alone, REGION)] == [5]  # none there: the city


def test_the_message_says_until_when():
    entry = replace(step(delivered(), Verb.LIST, INSPECTOR, NOW + 20 * DAY), no=12)
    event = make(entry, Verb.LIST, INSPECTOR, entry.listed_at)
    zh = message(entry, event, PEOPLE[0], "安康养老院")
    assert zh.title == "【已列入名单】安康养老院"
    assert "XY-000012 黑名单" in zh.body
    until = entry.until.astimezone(entry.until.tzinfo) + timedelta(hours=8)
    assert f"期限至：{until:%Y-%m-%d %H:%M}" in zh.body
    en = message(entry, event, PEOPLE[5], "Ankang Home")
    assert "Black list" in en.body
    assert "You may object until" in en.body
