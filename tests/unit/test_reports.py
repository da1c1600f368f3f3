"""Reports without a database: the time, what is signed, who stands on the bulletin, what is counted, Excel."""

import io
import json
import uuid
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from inspection import report_bulletin, report_campaign, report_ledger, report_notice, report_workbook
from inspection.canonical import canonical, sha256
from inspection.checklist import Level
from inspection.errors import CursorRefused, ReportRefused
from inspection.export import Cursor, cursor
from inspection.hazard import Category, Hazard, Origin, Proposal, State, Supervisor
from inspection.policy import default_policy
from inspection.report import Document, Figures, Language, Period, ReportKind, Table
from inspection.report_ledger import Change, Ledger, Place, changes
from inspection.report_notice import Notice
from inspection.report_words import word
from inspection.service_account import Collection, new_token, token_sha256

POLICY = default_policy()
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
PLACES = {1: Place("安和养老院", "Anhe Home"), 2: Place("康乐院", "")}
AT = NOVEMBER.ends


def hazard(no: int, state: State = State.ASSIGNED, **more: Any) -> Hazard:
    """One that was found on November 10, and is to be rectified by the 20th."""
    found = datetime(2026, 11, 10, 1, tzinfo=UTC)
    made = Hazard(
        id=uuid.UUID(int=no), institution_id=1, zone_id=None, device_id=None, origin=Origin.PERSON,
        category=Category.FIRE, level=Level.GENERAL, supervisor=Supervisor.HEAD, title=f"隐患 {no}", detail="",
        state=state, version=1, reported_at=found, reported_by="user:x", reporter_id=9,
        no=no,
    )  # fmt: skip
    if state is not State.REPORTED:
        deadline = found + timedelta(days=10)
        made = replace(made, assignee_id=7, assigned_at=found, assigned_by="user:y", term="days-10", deadline=deadline)
    if state in (State.RECTIFIED, State.RECHECKED, State.CLOSED):
        made = replace(made, rectified_at=found + timedelta(days=2), rectifier_id=7)
    if state in (State.RECHECKED, State.CLOSED):
        made = replace(made, rechecked_at=found + timedelta(days=3))
    if state is State.CLOSED:
        made = replace(made, closed_at=found + timedelta(days=4))
    return replace(made, **more)


def made_ledger(*hazards: Hazard, place: str = "region:22") -> Ledger:
    return report_ledger.ledger(NOVEMBER, place, hazards, PLACES, {7: "李娜"}, AT, POLICY)


def table_of(document: Document) -> Table:
    [found] = [each for each in document.blocks if isinstance(each, Table)]
    return found


def figures_of(document: Document) -> list[int]:
    [found] = [each for each in document.blocks if isinstance(each, Figures)]
    return [each.value for each in found.items]


def test_a_time_is_whole_days_in_china_and_shows_what_stood_at_its_end():
    assert datetime(2026, 10, 31, 16, tzinfo=UTC) == NOVEMBER.begins
    assert datetime(2026, 11, 30, 16, tzinfo=UTC) == NOVEMBER.ends
    assert NOVEMBER.is_month
    assert not Period(date(2026, 11, 1), date(2026, 11, 29)).is_month
    assert not Period(date(2026, 11, 1), date(2026, 12, 31)).is_month
    assert Period(date(2028, 2, 1), date(2028, 2, 29)).is_month
    running = datetime(2026, 11, 12, tzinfo=UTC)
    assert NOVEMBER.as_of(running) == running
    assert NOVEMBER.as_of(AT + timedelta(days=400)) == AT
    for first, last in ((date(2026, 11, 1), date(2026, 10, 31)), (date(2026, 11, 1), date(2036, 1, 1)),
                        (date(1, 1, 1), date(1, 1, 2)), (date(9999, 12, 1), date(9999, 12, 31))):  # fmt: skip
        with pytest.raises(ReportRefused):
            Period(first, last)


def test_the_ledger_counts_every_hazard_once_and_says_how_it_stands():
    october = datetime(2026, 10, 20, tzinfo=UTC)
    found = made_ledger(
        hazard(3, State.CLOSED), hazard(1, reported_at=october), hazard(2, State.REPORTED, level=Level.MAJOR),
        hazard(4, State.RECTIFIED, occurrence=2, failures=1, institution_id=2),
    )  # fmt: skip
    document = report_ledger.lay_out(found, NOVEMBER, "zh", ())
    assert [row[:2] for row in table_of(document).rows] == [(1, "YH-000001"), (2, "YH-000002"), (3, "YH-000003"),
                                                            (4, "YH-000004")]  # fmt: skip
    carried, new, new_major, closed, left, overdue, left_major = figures_of(document)
    assert (carried, new, new_major, closed, left, overdue, left_major) == (1, 3, 1, 1, 3, 1, 1)
    first, second, third, fourth = table_of(document).rows
    assert (first[8], first[9], first[10], first[13]) == ("李娜", "2026-11-20 09:00", "整改中", "逾期；列入通报")
    assert (second[8], second[9], second[10]) == (None, None, "待交办")
    assert (third[10], third[12]) == ("已销号", "2026-11-14")
    assert fourth[13] == "第 2 次出现；复查未通过 1 次"
    english = report_ledger.lay_out(found, NOVEMBER, "en", ())
    assert [row[2] for row in table_of(english).rows] == ["Anhe Home"] * 3 + ["康乐院"]
    assert english.title == "Ledger of hazards, November 2026"


def test_what_is_signed_is_text_and_whole_numbers_and_reads_back_the_same():
    found = made_ledger(hazard(1), hazard(2, State.CLOSED, proposal=Proposal.SUSPEND))
    written = canonical(found.content())
    again = Ledger.read(json.loads(written))
    assert again == found
    assert again.sha256 == found.sha256 == sha256(found.content())
    with pytest.raises(ValueError, match="form"):
        Ledger.read({**found.content(), "form": 2})


CHANGED = {
    "title": "另一个", "category": "gas", "level": "major", "supervisor": "deputy", "assignee": None, "deadline": None,
    "state": "rectified", "overdue": False, "on_bulletin": False, "rectified_on": "2026-11-21", "failures": 3,
    "extensions": 1, "proposal": "close", "closed_on": "2026-11-22", "institution": "x", "occurrence": 9,
}  # fmt: skip


@pytest.mark.parametrize("column", CHANGED)
def test_no_change_of_a_fact_goes_unnoticed(column: str):
    signed = made_ledger(hazard(1), hazard(2))
    row = replace(signed.rows[0], **{column: CHANGED[column]})
    now = replace(signed, rows=(row, signed.rows[1]))
    assert changes(signed, now) == [Change(1, "changed", (column,))]
    assert now.sha256 != signed.sha256


def test_what_was_added_and_removed_since_the_signature():
    signed, now = made_ledger(hazard(1), hazard(2)), made_ledger(hazard(2), hazard(3))
    assert changes(signed, now) == [Change(1, "removed"), Change(3, "added")]
    assert changes(signed, signed) == []
    assert made_ledger(hazard(1)).sha256 != made_ledger(hazard(1), place="region:23").sha256


def test_the_bulletin_names_by_the_policy_and_never_a_person():
    late = hazard(1, level=Level.MAJOR)
    just_late = hazard(2, deadline=AT - timedelta(hours=1))  # a general one has 72 h more
    again = hazard(3, State.CLOSED, occurrence=3)
    long_ago = hazard(4, State.CLOSED, occurrence=2, reported_at=datetime(2026, 3, 1, tzinfo=UTC))
    proposed = hazard(5, State.RECTIFIED, proposal=Proposal.SUSPEND, failures=2)
    over = hazard(6, State.CLOSED, proposal=Proposal.SUSPEND)
    found = report_bulletin.bulletin(NOVEMBER, [just_late, late, again, long_ago, proposed, over], AT, POLICY)
    assert (found.overdue, found.repeated, found.proposed) == ((late,), (again,), (proposed,))
    document = report_bulletin.lay_out(found, NOVEMBER, PLACES, AT, "zh", ())
    assert figures_of(document) == [1, 1, 1, 1]
    overdue = document.blocks[1]
    assert isinstance(overdue, Table)
    assert overdue.rows == (("安和养老院", "YH-000001", "隐患 1", "重大", "2026-11-20 09:00", 10, "红"),)
    assert "李娜" not in str(document)


@given(st.lists(st.tuples(st.sampled_from(State), st.sampled_from(Level), st.booleans()), max_size=30))
def test_every_hazard_has_exactly_one_outcome(kinds: list[tuple[State, Level, bool]]):
    hazards = [
        hazard(
            no, state, level=level, **({"deadline": AT + timedelta(days=3)} if ahead and state != "reported" else {})
        )
        for no, (state, level, ahead) in enumerate(kinds, start=1)
    ]
    found = report_campaign.outcome(hazards, AT)
    assert found.closed + found.waiting + found.with_deadline + found.overdue + found.unassigned == found.found
    assert found.found == len(kinds)
    assert found.with_deadline == sum(state is State.ASSIGNED and ahead for state, _, ahead in kinds)


def test_a_campaign_is_the_sum_of_its_institutions():
    hazards = [hazard(1), hazard(2, State.CLOSED, institution_id=2), hazard(3, State.CLOSED, institution_id=2)]
    found = report_campaign.summary("冬春行动", "", {1: (2, 1), 2: (1, 1)}, hazards, PLACES, AT)
    assert (found.visits, found.concluded) == (3, 2)
    assert [(each.place.zh, each.visits, each.outcome.found, each.outcome.closed) for each in found.institutions] == [
        ("安和养老院", 2, 1, 0), ("康乐院", 1, 2, 2),
    ]  # fmt: skip
    assert sum(each.outcome.overdue for each in found.institutions) == found.outcome.overdue == 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_notice_says_what_by_when_and_by_which_clause(language: Language):
    hazards = (hazard(1, level=Level.MAJOR, clause="GB 38600 5.2", detail="二楼"), hazard(2, State.REPORTED))
    document = report_notice.lay_out(Notice("安和养老院", hazards, 12, AT), language, AT)
    first, second = table_of(document).rows
    assert first[3] == "GB 38600 5.2"
    assert first[5] == "2026-11-20 09:00"
    assert second[5] == ("待交办" if language == "zh" else "not set yet")
    assert "ZG-JC000012" in document.heads[0]
    said = str(document.blocks[0])
    assert ("其中重大事故隐患 1 项" if language == "zh" else "Of these 1 are major") in said
    assert report_notice.notice_number(Notice("x", hazards)) == "ZG-YH-000001"


def test_there_is_a_word_for_every_value():
    for of, values in (("state", State), ("level", Level), ("supervisor", Supervisor), ("category", Category),
                       ("proposal", Proposal)):  # fmt: skip
        assert {word(of, each, "zh") for each in values} & {word(of, each, "en") for each in values} == set()


# An Excel file is a folder of XML: what is in it is read here without the library that wrote it.
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def opened(written: bytes) -> tuple[Any, list[str], str, str | None]:
    """The sheet, the texts it refers to, the sheet's name, and which rows are printed on every page."""
    with zipfile.ZipFile(io.BytesIO(written)) as folder:
        sheet = ElementTree.fromstring(folder.read("xl/worksheets/sheet1.xml"))
        texts = ElementTree.fromstring(folder.read("xl/sharedStrings.xml"))
        book = ElementTree.fromstring(folder.read("xl/workbook.xml"))
    titles = book.findtext(f"{MAIN}definedNames/{MAIN}definedName[@name='_xlnm.Print_Titles']")
    name = book.find(f"{MAIN}sheets/{MAIN}sheet").get("name")
    return sheet, ["".join(each.itertext()) for each in texts], name, titles


def values(sheet: Any, texts: list[str], row: int) -> list[str | float]:
    cells = sheet.findall(f"{MAIN}sheetData/{MAIN}row[@r='{row}']/{MAIN}c")
    found: list[str | float] = []
    for each in cells:
        value = each.findtext(f"{MAIN}v")
        if value is not None:
            found.append(texts[int(value)] if each.get("t") == "s" else float(value))
    return found


def test_the_excel_file_has_the_texts_as_texts_and_is_set_up_for_a4():
    evil = '=HYPERLINK("http://example.org","x")'
    found = made_ledger(hazard(1, title=evil), hazard(2, State.CLOSED))
    document = report_ledger.lay_out(found, NOVEMBER, "zh", ("吉林省", "未签字"))
    sheet, texts, name, titles = opened(report_workbook.workbook(document))
    assert name == "月调度表"
    assert values(sheet, texts, 1) == ["安全隐患整改月调度表（2026 年 11 月）"]
    assert sheet.findall(f".//{MAIN}f") == []  # no formula, whatever people wrote
    assert evil in texts
    setup = sheet.find(f"{MAIN}pageSetup")
    assert (setup.get("paperSize"), setup.get("orientation"), setup.get("fitToHeight")) == ("9", "landscape", "0")
    widths = [float(each.get("width")) for each in sheet.findall(f"{MAIN}cols/{MAIN}col")]
    assert len(widths) >= 12
    assert max(widths) > 30
    heading = next(row for row in range(1, 40) if values(sheet, texts, row)[:2] == ["序号", "编号"])
    assert values(sheet, texts, heading + 1)[:4] == [1.0, "YH-000001", "安和养老院", evil]
    assert values(sheet, texts, heading + 2)[:2] == [2.0, "YH-000002"]
    assert titles == f"月调度表!${heading}:${heading}"  # the heading stands on every page


@pytest.mark.parametrize("kind", ReportKind)
def test_every_report_can_be_written(kind: ReportKind):
    closing = hazard(1, proposal=Proposal.CLOSE, occurrence=2)
    found = report_bulletin.bulletin(NOVEMBER, [closing], AT, POLICY)
    document = replace(report_bulletin.lay_out(found, NOVEMBER, PLACES, AT, "en", ()), kind=kind)
    _, texts, _, titles = opened(report_workbook.workbook(document))
    assert "1. Overdue" in texts
    assert titles is None  # of three tables none has the one heading


def test_a_cursor_is_good_for_its_own_export_only():
    for made in (Cursor(Collection.ALERTS, 5), Cursor(Collection.RATINGS, 5, 3), Cursor(Collection.HAZARDS)):
        assert cursor(str(made), made.collection) == made
    assert cursor(None, Collection.ALERTS) == Cursor(Collection.ALERTS)
    for wrong in ("hazards.5", "alerts.", "alerts.5.3", "alerts.-1", "5", "alerts.1' OR 1=1", "alerts.9" + "9" * 30):
        with pytest.raises(CursorRefused):
            cursor(wrong, Collection.ALERTS)


def test_tokens_are_long_and_known_by_their_hash():
    one, other = new_token(), new_token()
    assert one != other
    assert len(one) > 40
    assert token_sha256(one) != token_sha256(other)
