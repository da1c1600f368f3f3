"""The institution file (一院一档): which sections it has, what stands in them, and what makes a row of one valid.

The catalogue is data: the page's forms, the workbook's sheets and the check of what comes in are all made from it. Days
are kept as ISO text, so that a row is JSON as it stands.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from inspection.errors import FileSectionInvalid, FileSectionUnknown

Value: TypeAlias = str | int | bool | None
Row: TypeAlias = Mapping[str, Value]

COUNT_MAX: Final = 1_000_000
_YEAR_MIN: Final = 1900


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    CHOICE = "choice"
    DAY = "day"
    COUNT = "count"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values a field can have."""

    value: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a section. `length_max` in letters; a count lies between `least` and `most`. `past`: a day that
    cannot lie ahead."""

    name: str
    kind: FieldKind
    zh: str
    en: str
    required: bool = False
    choices: tuple[Choice, ...] = ()
    pattern: str = ""
    length_max: int = 100
    least: int = 0
    most: int = COUNT_MAX
    past: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the file: at most `rows_max` rows. `after`: pairs of days of which the second is not the earlier."""

    name: str
    zh: str
    en: str
    fields: tuple[Field, ...]
    rows_max: int = 1
    after: tuple[tuple[str, str], ...] = ()

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((each for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a value: the row counts from 1; `field` is "" where it is the row or the section."""

    row: int
    field: str
    why: str

    def __str__(self) -> str:
        place = f"第 {self.row} 行 / row {self.row}"
        return f"{place}, {self.field}: {self.why}" if self.field else f"{place}: {self.why}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A section as it stands. Version 0: nobody has written it yet."""

    version: int = 0
    rows: tuple[Row, ...] = ()
    changed_at: datetime | None = None
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class FireGap:
    """What still keeps an institution from its fire acceptance, or did."""

    id: int
    institution_id: int
    title: str
    found_on: date
    due_on: date | None
    opened_at: datetime
    opened_by: str
    outcome: str | None
    closed_on: date | None
    note: str
    closed_at: datetime | None
    closed_by: str | None

    @property
    def open(self) -> bool:
        """Whether it still counts."""
        return self.outcome is None


@dataclass(frozen=True, slots=True)
class Practice:
    """What the system knows by itself of emergency plans and drills: how many action cards are written, how many drills
    were passed, and when the last of them was."""

    plan_cards: int = 0
    drills_passed: int = 0
    last_drill_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InstitutionFile:
    """All of one institution's file. `kind` is what the institution is registered as; `documents` is how many stand in
    which section."""

    institution_id: int
    kind: str
    sections: Mapping[str, Kept]
    gaps: tuple[FireGap, ...]
    practice: Practice
    documents: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def rows(self, section: str) -> tuple[Row, ...]:
        """The rows of a section."""
        return self.sections.get(section, Kept()).rows

    def one(self, section: str) -> Row:
        """The only row of a section that has one; empty where nobody has written it."""
        rows = self.rows(section)
        return rows[0] if rows else {}


def _choices(*given: tuple[str, str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(*each) for each in given)


def _text(name: str, zh: str, en: str, *, required: bool = False, pattern: str = "", length_max: int = 100) -> Field:
    return Field(name, FieldKind.TEXT, zh, en, required, pattern=pattern, length_max=length_max)


def _choice(name: str, zh: str, en: str, choices: tuple[Choice, ...], *, required: bool = False) -> Field:
    return Field(name, FieldKind.CHOICE, zh, en, required, choices)


def _day(name: str, zh: str, en: str, *, required: bool = False, past: bool = False) -> Field:
    return Field(name, FieldKind.DAY, zh, en, required, past=past)


def _count(name: str, zh: str, en: str, *, required: bool = False, least: int = 0, most: int = COUNT_MAX) -> Field:
    return Field(name, FieldKind.COUNT, zh, en, required, least=least, most=most)


def _yes(name: str, zh: str, en: str, *, required: bool = False) -> Field:
    return Field(name, FieldKind.YES, zh, en, required)


_CREDIT_CODE: Final = "[0-9A-HJ-NPQRTUWXY]{18}"  # GB 32100-2015: 18 places, without I, O, S, V, Z
_PHONE: Final = r"[0-9+][0-9 \-]{2,29}"
_GRADES: Final = _choices(("1", "一级", "1"), ("2", "二级", "2"), ("3", "三级", "3"), ("4", "四级", "4"))

# 重大, 较大, 一般, 低: red, orange, yellow and blue of 安全风险分级管控.
RISK_LEVELS: Final = _choices(
    ("major", "重大（红）", "major (red)"), ("high", "较大（橙）", "high (orange)"),
    ("medium", "一般（黄）", "medium (yellow)"), ("low", "低（蓝）", "low (blue)"),
)  # fmt: skip
CATALOGUE: Final[tuple[Section, ...]] = (
    Section(
        "identity", "基本信息", "Identity",
        (
            _text("legal_name", "登记名称", "registered name", required=True),
            _choice(
                "ownership", "公办/民办", "ownership",
                _choices(("public", "公办", "public"), ("private", "民办", "private")), required=True,
            ),
            _text("credit_code", "统一社会信用代码", "unified social credit code", pattern=_CREDIT_CODE, length_max=18),
            _choice("station_class", "救助管理站类别", "class of a rescue station",
                    _choices(("1", "一类", "1"), ("2", "二类", "2"), ("3", "三类", "3"), ("4", "四类", "4"))),
            _day("opened_on", "开办日期", "opened on", past=True),
            _text("address", "地址", "address", length_max=200),
        ),
    ),
    Section(
        "beds", "床位与人员", "Beds and people",
        (
            _count("self_care", "自理床位", "beds, self-caring", required=True),
            _count("partial_care", "半失能床位", "beds, partly dependent", required=True),
            _count("full_care", "失能床位", "beds, dependent", required=True),
            _count("residents", "在住人数", "residents"),
            _count("staff", "工作人员", "staff"),
            _count("carers", "护理人员", "carers"),
        ),
    ),
    Section(
        "building", "建筑", "Building",
        (
            _count("area_m2", "建筑面积（平方米）", "floor area (m²)", required=True, least=1),
            _count("floors", "地上层数", "floors above ground", required=True, least=1, most=200),
            _count("basement_floors", "地下层数", "floors below ground", most=20),
            _count("built_year", "建成年份", "built in", least=_YEAR_MIN, most=2200),
            _choice("structure", "结构", "structure", _choices(
                ("brick_concrete", "砖混", "brick and concrete"), ("frame", "框架", "concrete frame"),
                ("steel", "钢结构", "steel"), ("brick_wood", "砖木", "brick and wood"), ("other", "其他", "other"))),
            _choice("fire_resistance", "耐火等级", "fire resistance", _GRADES),
            _yes("alarm_system", "火灾自动报警系统", "automatic fire alarm system"),
            _yes("sprinklers", "自动喷水灭火系统", "sprinklers"),
            _count("lifts", "电梯数", "lifts", most=1000),
        ),
    ),
    Section(
        "fire_acceptance", "消防审验", "Fire acceptance",
        (
            _choice("state", "状态", "state", _choices(
                ("accepted", "验收合格", "accepted"), ("filed", "已备案", "filed"),
                ("applied", "办理中", "applied for"), ("none", "未办理", "none"),
                ("not_required", "无需办理", "not required")), required=True),
            _day("decided_on", "日期", "decided on", past=True),
            _text("number", "文号", "number"),
            _text("authority", "办理机关", "authority"),
        ),
    ),
    Section(
        "licences", "证照", "Licences",
        (
            _choice("kind", "证照", "licence", _choices(
                ("registration", "法人登记证书", "registration as a legal person"),
                ("filing", "养老机构备案", "filing as a nursing home"), ("food", "食品经营许可证", "food licence"),
                ("medical", "医疗机构执业许可证", "medical licence"), ("lift", "电梯使用登记", "lift registration"),
                ("boiler", "锅炉使用登记", "boiler registration"), ("other", "其他", "other")), required=True),
            _text("number", "编号", "number", required=True),
            _text("issuer", "发证机关", "issuer"),
            _day("issued_on", "发证日期", "issued on", past=True),
            _day("expires_on", "有效期至", "expires on"),
        ),
        rows_max=50, after=(("issued_on", "expires_on"),),
    ),
    Section(
        "star", "等级评定", "Star grade",
        (
            _count("stars", "等级", "stars", required=True, least=1, most=5),
            _day("awarded_on", "评定日期", "awarded on", required=True, past=True),
            _day("expires_on", "有效期至", "expires on", required=True),
            _text("authority", "评定机关", "authority"),
        ),
        after=(("awarded_on", "expires_on"),),
    ),
    Section(
        "responsibles", "责任人", "Responsible persons",
        (
            _choice("duty", "职责", "duty", _choices(
                ("head", "安全责任人", "responsible for safety"), ("officer", "安全员", "safety officer"),
                ("township", "乡镇（街道）责任人", "township officer"),
                ("department", "主管部门责任人", "department officer")), required=True),
            _text("name", "姓名", "name", required=True),
            _text("position", "职务", "position"),
            _text("phone", "电话", "phone", pattern=_PHONE, length_max=30),
            _day("appointed_on", "任职日期", "appointed on", past=True),
            _yes("public", "同意公开姓名", "agreed to be named in public"),
        ),
        rows_max=50,
    ),
    Section(
        "contacts", "联系方式", "Contacts",
        (
            _choice("what", "用途", "what for", _choices(
                ("duty", "24 小时值班", "24 h duty"), ("office", "办公", "office"),
                ("hospital", "协议医院", "hospital"),
                ("fire", "消防救援站", "fire station"), ("police", "派出所", "police station"),
                ("repair", "设备维保", "maintenance"), ("other", "其他", "other")), required=True),
            _text("name", "名称", "name", required=True),
            _text("phone", "电话", "phone", required=True, pattern=_PHONE, length_max=30),
        ),
        rows_max=50,
    ),
    Section(
        "trainings", "培训", "Trainings",
        (
            _day("held_on", "日期", "held on", required=True, past=True),
            _choice("kind", "种类", "kind", _choices(
                ("fire", "消防", "fire"), ("gas", "燃气", "gas"), ("first_aid", "急救", "first aid"),
                ("law", "法规制度", "law and rules"), ("other", "其他", "other")), required=True),
            _text("topic", "内容", "topic", required=True, length_max=200),
            _count("participants", "人数", "participants", required=True, least=1),
            _count("minutes", "时长（分钟）", "minutes", least=1, most=10_000),
        ),
        rows_max=500,
    ),
    Section(
        "equipment", "设备检查", "Equipment checks",
        (
            _choice("kind", "设备", "equipment", _choices(
                ("extinguisher", "灭火器", "extinguishers"), ("hydrant", "消火栓", "hydrants"),
                ("alarm", "火灾报警系统", "fire alarm system"), ("sprinkler", "喷淋", "sprinklers"),
                ("lighting", "应急照明与疏散指示", "emergency lighting and signs"),
                ("gas", "燃气设施", "gas installation"),
                ("electrical", "电气线路", "wiring"), ("lift", "电梯", "lifts"), ("boiler", "锅炉", "boilers"),
                ("other", "其他", "other")), required=True),
            _day("checked_on", "检查日期", "checked on", required=True, past=True),
            _day("next_due_on", "下次检查", "next due on"),
            _yes("passed", "合格", "passed", required=True),
            _text("checked_by", "检查人或单位", "checked by"),
            _text("note", "备注", "note", length_max=200),
        ),
        rows_max=500, after=(("checked_on", "next_due_on"),),
    ),
    Section(
        "risks", "风险自评", "Own assessment of risks",
        (
            _choice("risk", "风险", "risk", _choices(
                ("fire", "火灾", "fire"), ("electrical", "用电", "electricity"), ("gas", "燃气", "gas"),
                ("building", "建筑", "building"), ("equipment", "设备", "equipment"), ("food", "食品", "food"),
                ("infection", "传染病", "infection"), ("fall", "跌倒坠床", "falls"), ("lost", "走失", "wandering off"),
                ("choking", "噎食误吸", "choking"), ("weather", "极端天气", "extreme weather"),
                ("other", "其他", "other")), required=True),
            _text("place", "部位", "place", required=True),
            _choice("level", "等级", "level", RISK_LEVELS, required=True),
            _text("measures", "管控措施", "measures", required=True, length_max=200),
            _text("owner", "责任岗位", "responsible post", required=True),
            _day("assessed_on", "评估日期", "assessed on", required=True, past=True),
        ),
        rows_max=200,
    ),
)  # fmt: skip
SECTIONS: Final[Mapping[str, Section]] = {each.name: each for each in CATALOGUE}


def section_of(name: str) -> Section:
    """The section of that name. Raises FileSectionUnknown."""
    if name not in SECTIONS:
        raise FileSectionUnknown(f"there is no section {name!r}")
    return SECTIONS[name]


def checked(section: Section, rows: Sequence[Mapping[str, Any]], today: date) -> tuple[Row, ...]:
    """The rows as they are kept: every field there, texts without blanks around them. Raises FileSectionInvalid with
    everything that is wrong."""
    faults: list[Fault] = []
    if len(rows) > section.rows_max:
        faults.append(Fault(section.rows_max + 1, "", f"最多 {section.rows_max} 行 / at most {section.rows_max} rows"))
    kept = [_row(section, number, row, today, faults) for number, row in enumerate(rows[: section.rows_max], 1)]
    if faults:
        raise FileSectionInvalid(faults)
    return tuple(kept)


def _row(section: Section, number: int, row: Mapping[str, Any], today: date, faults: list[Fault]) -> Row:
    known = {each.name for each in section.fields}
    faults += [
        Fault(number, str(name)[:40], "没有这一项 / there is no such field") for name in row if name not in known
    ]
    kept: dict[str, Value] = {}
    for field in section.fields:
        try:
            kept[field.name] = _value(field, row.get(field.name), today)
        except ValueError as error:
            faults.append(Fault(number, field.name, str(error)))
    for first, second in section.after:
        earlier, later = kept.get(first), kept.get(second)
        if earlier and later and str(later) < str(earlier):
            faults.append(Fault(number, second, f"早于 {first} / before {first}"))
    return kept


def _value(field: Field, value: Any, today: date) -> Value:
    """Raises ValueError with what is wrong."""
    if isinstance(value, str):
        value = value.strip() or None
    if value is None:
        if field.required:
            raise ValueError("未填写 / is missing")
        return None
    match field.kind:
        case FieldKind.TEXT:
            return _text_value(field, value)
        case FieldKind.CHOICE:
            if value not in [each.value for each in field.choices]:
                raise ValueError(f"不是可选的值 / is none of {', '.join(each.value for each in field.choices)}")
            return str(value)
        case FieldKind.DAY:
            return _day_value(field, value, today)
        case FieldKind.COUNT:
            if isinstance(value, bool) or not isinstance(value, int) or not field.least <= value <= field.most:
                raise ValueError(f"不是 {field.least} 到 {field.most} 的整数 / is no whole number in this range")
            return value
        case FieldKind.YES:
            if value is True or value is False:
                return bool(value)
            raise ValueError("不是“是”或“否” / is neither yes nor no")


def _text_value(field: Field, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("不是一行文字 / is no line of text")
    if len(value) > field.length_max:
        raise ValueError(f"超过 {field.length_max} 字 / has more letters than that")
    if field.pattern and not re.fullmatch(field.pattern, value):
        raise ValueError("格式不对 / is not written as it should be")
    return value


def _day_value(field: Field, value: Any, today: date) -> str:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("不是日期（2026-01-31） / is no day") from None
    if day.year < _YEAR_MIN:
        raise ValueError(f"早于 {_YEAR_MIN} 年 / lies before {_YEAR_MIN}")
    if field.past and day > today:
        raise ValueError("是将来的日期 / lies in the future")
    return day.isoformat()
