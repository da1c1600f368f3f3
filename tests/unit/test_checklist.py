"""Checklists: what ships, the errors of a file, lists composed of others."""

import pytest

from inspection import checklist
from inspection.checklist import Level, Purpose, Wording
from inspection.errors import ChecklistInvalid, ChecklistUnknown

GOOD = """id = "own"
version = "1"
purpose = "self_check"
title_zh = "自查"
title_en = "Self-check"
source_zh = "本院"
source_en = "Our home"
kinds = ["nursing_home"]

[[section]]
id = "fire"
title_zh = "消防"
title_en = "Fire"

[[item]]
id = "exits"
section = "fire"
wording = "summary"
zh = "出口畅通"
en = "Exits are free"
level = "major"
clause = "§1"
evidence = ["photo"]

[[item]]
id = "unread"
section = "fire"
wording = "missing"
level = "general"

[[item]]
from = "duties/drill"
section = "fire"
"""


def test_a_list_says_what_is_known_and_what_is_missing():
    made = checklist.parse(GOOD, checklist.shipped())
    assert (made.id, made.purpose, made.kinds) == ("own", Purpose.SELF_CHECK, {"nursing_home"})
    assert made.applies_to("nursing_home")
    assert not made.applies_to("rescue_station")
    exits, unread, drill = made.items
    assert (exits.level, exits.clause, exits.source) == (Level.MAJOR, "§1", None)
    assert (unread.wording, unread.zh, unread.en) == (Wording.MISSING, "", "")
    taken = checklist.get("duties").item("drill")
    assert (drill.id, drill.source) == ("duties.drill", "duties/drill")
    assert (drill.zh, drill.clause, drill.evidence) == (taken.zh, taken.clause, taken.evidence)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('zh = "出口畅通"\n', ""), "line 15, item 1 (exits): zh is missing"),
        (('clause = "§1"\n', ""), "line 15, item 1 (exits): clause is missing"),
        (('evidence = ["photo"]\n', ""), "line 15, item 1 (exits): evidence is missing"),
        (('evidence = ["photo"]', 'evidence = ["rumour"]'), "evidence must be a list of photo"),
        (('level = "major"', 'level = "huge"'), "level = 'huge' is not one of general, major"),
        (('wording = "missing"', 'wording = "missing"\nzh = "猜的"'), "line 25, item 2 (unread): has a text"),
        (('id = "unread"', 'id = "exits"'), "item exits stands twice"),
        (("duties/drill", "duties/dril"), "line 31, item 3 (duties/dril): from = 'duties/dril': the checklist duties"),
        (("duties/drill", "dutys/drill"), "there is no checklist 'dutys'"),
        (("duties/drill", "rescue-station-major/02"), "its text is missing, so nobody could answer it"),
        (('section = "fire"', 'section = "water"'), "section 'water' is not one of this list"),
        (('purpose = "self_check"', 'purpose = "selfcheck"'), "the list: purpose = 'selfcheck'"),
        (('version = "1"\n', "items_count = 4\n"), "items_count says 4, and there are 3 items"),
        (('id = "own"', 'id = "Own list"'), "must be lower-case letters"),
        (('kinds = ["nursing_home"]', 'kinds = ["hotel"]'), "kinds must be a list of"),
        (('en = "Exits are free"', 'en = "Exits are free"\nweight = 3'), "item 1 (exits): unknown field weight"),
        (('level = "major"', 'level = major"'), "(at line 21"),
    ],
)
def test_errors_name_line_and_entry(change, told):
    with pytest.raises(ChecklistInvalid) as caught:
        checklist.parse(GOOD.replace(*change, 1), checklist.shipped())
    assert any(told in problem for problem in caught.value.problems), caught.value.problems


def test_every_error_is_told_at_once():
    broken = GOOD.replace('level = "major"', 'level = "huge"').replace('version = "1"\n', "")
    with pytest.raises(ChecklistInvalid) as caught:
        checklist.parse(broken, checklist.shipped())
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("list_id", "items", "missing"),
    [
        ("nursing-home-major", 22, 2),
        ("rescue-station-major", 21, 16),
        ("child-welfare-major", 28, 26),
        ("fire-ten-rules", 10, 2),
        ("gb38600-protections", 9, 0),
    ],
)
def test_lists_are_as_long_as_their_sources_and_invent_nothing(list_id: str, items: int, missing: int):
    found = checklist.get(list_id)
    assert len(found.items) == items
    unknown = [each for each in found.items if each.wording is Wording.MISSING]
    assert len(unknown) == missing
    assert not any(each.zh or each.en or each.clause for each in unknown)
    assert not any(each.wording is Wording.QUOTED for each in found.items)  # nobody here has the sources themselves


def test_self_check_and_the_four_seasons_are_composed_of_items_that_can_be_answered():
    composed = [each for each in checklist.shipped().values() if each.purpose in (Purpose.SELF_CHECK, Purpose.SEASONAL)]
    assert len(composed) == 5
    for made in composed:
        assert all(each.source and each.wording is not Wording.MISSING for each in made.items), made.id


def test_an_unknown_list_or_item_is_told():
    with pytest.raises(ChecklistUnknown, match="no checklist nothing"):
        checklist.get("nothing")
    with pytest.raises(ChecklistUnknown, match="has no item nothing"):
        checklist.get("duties").item("nothing")
