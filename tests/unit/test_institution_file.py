"""The institution file: what may stand in it, how complete it is, and its workbook there and back."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest

from inspection.errors import FileSectionInvalid, FileSectionUnknown, WorkbookRefused
from inspection.institution_file import (
    CATALOGUE,
    SECTIONS,
    FireGap,
    InstitutionFile,
    Kept,
    Practice,
    checked,
    section_of,
)
from inspection.institution_file_score import ITEMS, complete
from inspection.institution_file_workbook import ROWS_COUNT_MAX, WORKBOOK_BYTES_MAX, Entry, read, workbook

TODAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 4, tzinfo=UTC)
FULL = {
    "identity": [
        {
            "legal_name": "=安和养老院", "ownership": "private", "credit_code": "52220322MJ0000000A",
            "address": "梨树镇 1 号", "opened_on": "2009-05-01",
        }
    ],
    "beds": [
        {"self_care": 40, "partial_care": 0, "full_care": 20, "residents": 51, "staff": 20, "carers": 9},
    ],
    "building": [
        {
            "area_m2": 2400, "floors": 3, "structure": "frame", "fire_resistance": "2", "alarm_system": True,
            "sprinklers": False,
        }
    ],
    "fire_acceptance": [{"state": "accepted", "decided_on": "2025-03-01", "number": "梨消验〔2025〕3 号"}],
    "licences": [
        {"kind": "registration", "number": "007", "expires_on": "2026-11-27"},
        {"kind": "food", "number": "JY1", "issued_on": "2024-01-01"},
    ],
    "star": [{"stars": 3, "awarded_on": "2024-01-01", "expires_on": "2027-01-01"}],
    "responsibles": [
        {"duty": "head", "name": "王院长", "public": True},
        {"duty": "officer", "name": "李安全", "phone": "0434-5223344"},
        {"duty": "township", "name": "赵镇长", "public": False},
    ],
    "contacts": [
        {"what": "duty", "name": "值班室", "phone": "13800138000"}, {"what": "fire", "name": "消防站", "phone": "119"},
    ],
    "trainings": [{"held_on": "2025-11-27", "kind": "fire", "topic": "灭火器使用", "participants": 18}],
    "equipment": [
        {"kind": "extinguisher", "checked_on": "2025-01-01", "next_due_on": "2026-01-01", "passed": True},
        {"kind": "extinguisher", "checked_on": "2026-01-05", "next_due_on": "2026-12-01", "passed": True},
    ],
}  # fmt: skip


def full(kind: str = "nursing_home", **other: list) -> InstitutionFile:
    sections = {
        name: Kept(1, checked(SECTIONS[name], rows, TODAY), NOW, "user:a") for name, rows in {**FULL, **other}.items()
    }
    gap = FireGap(1, 7, "疏散楼梯未封闭", TODAY, None, NOW, "user:a", None, None, "", None, None)
    documents = {"licences": 2, "fire_acceptance": 1, "plans": 1}
    return InstitutionFile(7, kind, sections, (gap,), Practice(3, 2, NOW - timedelta(days=183)), documents)


def faults(section: str, *rows: dict) -> list[tuple[int, str]]:
    with pytest.raises(FileSectionInvalid) as caught:
        checked(section_of(section), rows, TODAY)
    return [(each.row, each.field) for each in caught.value.faults]


def test_every_error_of_a_section_is_told_by_row_and_field():
    good = {"kind": "lift", "number": "T1"}
    bad = {"kind": "boat", "number": " ", "issued_on": "2026-11-28", "expires_on": "soon", "colour": "red"}
    assert faults("licences", good, bad) == [
        (2, "colour"), (2, "kind"), (2, "number"), (2, "issued_on"), (2, "expires_on"),
    ]  # fmt: skip
    assert faults("licences", good | {"issued_on": "2026-01-02", "expires_on": "2026-01-01"}) == [(1, "expires_on")]
    assert faults("identity", *FULL["identity"] * 2) == [(2, "")]
    beds = FULL["beds"][0]
    for field, value in (("self_care", True), ("staff", -1), ("carers", "9"), ("residents", 1_000_001)):
        assert faults("beds", beds | {field: value}) == [(1, field)]
    assert faults("contacts", {"what": "duty", "name": "a\nb", "phone": "call me"}) == [(1, "name"), (1, "phone")]
    assert faults("identity", FULL["identity"][0] | {"credit_code": "52220322MJ000000OI"}) == [(1, "credit_code")]
    assert faults("equipment", FULL["equipment"][0] | {"passed": 1}) == [(1, "passed")]
    with pytest.raises(FileSectionUnknown):
        section_of("secrets")


def test_a_row_is_kept_with_every_field_and_without_blanks_around():
    [row] = checked(SECTIONS["contacts"], [{"what": "fire", "name": "  消防站 ", "phone": "119"}], TODAY)
    assert row == {"what": "fire", "name": "消防站", "phone": "119"}
    [row] = checked(SECTIONS["responsibles"], [{"duty": "head", "name": "王", "phone": ""}], TODAY)
    assert row["phone"] is None
    assert row["public"] is None


def test_a_whole_file_has_all_points_and_gaps_cost_none():
    for kind in ("nursing_home", "child_welfare", "other"):
        judged = complete(full(kind), TODAY)
        assert [each.key for each in judged.items if not each.met] == []
        assert judged.percent == 100
    station = complete(full("rescue_station"), TODAY)
    assert [each.key for each in station.items if not each.met] == ["class"]
    assert "star" not in [each.key for each in station.items]


def test_an_empty_file_has_no_points():
    judged = complete(InstitutionFile(7, "nursing_home", {}, (), Practice()), TODAY)
    assert judged.points == 0
    assert all(not each.met and each.reason_zh and each.reason_en for each in judged.items)
    assert judged.possible == sum(each.points for each in ITEMS if each.key != "class")


@pytest.mark.parametrize(
    ("lost", "change"),
    [
        ("fire_decision", {"fire_acceptance": [{"state": "accepted", "decided_on": "2025-03-01"}]}),
        ("expired", {"licences": [{"kind": "registration", "number": "7", "expires_on": "2026-11-26"}]}),
        ("star", {"star": [{"stars": 3, "awarded_on": "2020-01-01", "expires_on": "2023-01-01"}]}),
        ("officer", {"responsibles": [FULL["responsibles"][0], FULL["responsibles"][2]]}),
        ("training", {"trainings": [FULL["trainings"][0] | {"held_on": "2025-11-26"}]}),
        ("equipment", {"equipment": FULL["equipment"][:1]}),  # an older check stands in for no newer one
        ("protection", {"building": [FULL["building"][0] | {"sprinklers": None}]}),
    ],
)
def test_what_is_missing_or_over_costs_its_own_points_alone(lost: str, change: dict):
    judged = complete(full(**change), TODAY)
    [missing] = [each for each in judged.items if not each.met]
    assert missing.key == lost
    assert judged.possible - judged.points == missing.points
    assert judged.percent == 100 * judged.points // judged.possible < 100


def test_a_drill_holds_for_half_a_year():
    found = full()
    late = replace(found, practice=replace(found.practice, last_drill_at=NOW - timedelta(days=184)))
    assert [each.key for each in complete(late, TODAY).items if not each.met] == ["drill"]


def test_a_wanted_document_costs_its_points_where_it_is_not_there():
    def lacking(**documents: int) -> list[str]:
        found = replace(full(), documents={**full().documents, **documents})
        return [each.key for each in complete(found, TODAY).items if not each.met]

    assert lacking(licences=0) == ["licence_copy"]
    assert lacking(plans=0, fire_acceptance=0) == ["fire_paper", "plan_text"]
    applied = replace(full(fire_acceptance=[{"state": "applied"}]), documents={"licences": 1, "plans": 1})
    assert [each.key for each in complete(applied, TODAY).items if not each.met] == []  # there is no paper yet


def back(data: bytes) -> dict[str, list[dict]]:
    return {
        each.section.name: [dict(row) for row in checked(each.section, each.rows, TODAY)]
        for each in read(data)
        if (each.code, each.version) == ("home-1", 1)
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_workbook_says_what_the_file_says(language):
    found = full()
    data = workbook(
        [Entry("home-1", "安和养老院", found), Entry("home-2", "空", replace(found, sections={}))], language
    )
    assert back(data) == {name: [dict(row) for row in kept.rows] for name, kept in found.sections.items()}
    assert {each.code for each in read(data)} == {"home-1"}  # an empty line to fill in says nothing
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert len(book.sheetnames) == len(CATALOGUE) + 1
    identity = book.worksheets[0]
    assert (identity["D2"].value, identity["D2"].data_type) == ("=安和养老院", "s")  # never a formula
    assert [cell.value for cell in identity[3]][:3] == ["home-2", "空", 0]
    assert book.worksheets[-1]["C2"].value == "疏散楼梯未封闭"


def filled(change) -> bytes:
    """The workbook of the whole file, changed by hand."""
    book = openpyxl.load_workbook(io.BytesIO(workbook([Entry("home-1", "安和养老院", full())], "zh")))
    change(book)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_what_people_type_is_understood():
    def type_in(book):
        book["联系方式"].append(["home-1", "", 1, "repair", "维保公司", 4345223344])
        book["基本信息"]["D2"] = 2009
        book["培训"].append(["home-1", None, "1", date(2026, 3, 1), "消防", "疏散", 12.0, None])

    said = back(filled(type_in))
    assert said["contacts"][-1] == {"what": "repair", "name": "维保公司", "phone": "4345223344"}
    assert said["identity"][0]["legal_name"] == "2009"
    assert said["trainings"][-1]["held_on"] == "2026-03-01"
    assert said["trainings"][-1]["participants"] == 12


def refused(data: bytes) -> list[str]:
    with pytest.raises(WorkbookRefused) as caught:
        read(data)
    return caught.value.problems


def test_errors_of_the_sheets_are_told_where_they_are():
    def spoil(book):
        book["证照"]["E1"] = "号码"
        book["床位与人员"]["A2"] = None
        book["建筑"]["C2"] = "first"
        book["联系方式"]["C3"] = 4
        book["培训"].title = "训练"

    assert [tuple(each.split("：")[0].split("，")) for each in refused(filled(spoil))] == [
        ("床位与人员", "第 2 行 / row 2", "机构编码"),
        ("建筑", "第 2 行 / row 2", "版本"),
        ("证照", "第 1 行 / row 1", "号码"),
        ("证照", "第 1 行 / row 1", "编号"),
        ("联系方式", "第 3 行 / row 3", "版本"),
        ("训练", "第 1 行 / row 1", "—"),
    ]


def test_what_is_no_workbook_or_too_large_is_refused():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(101 * 1_048_576))
    assert len(packed.getvalue()) < WORKBOOK_BYTES_MAX
    assert "unpacked" in refused(packed.getvalue())[0]
    assert "MiB" in refused(bytes(WORKBOOK_BYTES_MAX + 1))[0]
    good = workbook([Entry("home-1", "安和养老院", full())], "zh")
    for data in (b"", b"%PDF-1.7", good[: len(good) // 2]):
        assert "no Excel workbook" in refused(data)[0]
    assert refused(workbook([Entry("a", "a", replace(full(), sections={}))], "zh")) == [
        "没有内容 / there is nothing in it"
    ]

    def far_down(book):
        book["证照"].cell(ROWS_COUNT_MAX + 2, 1, "home-1")

    assert refused(filled(far_down)) == [f"证照：超过 {ROWS_COUNT_MAX} 行 / more rows than that"]
