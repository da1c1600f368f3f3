"""How complete an institution file is: points for what is there and still holds, item by item with the reason.

It says how much is known, not how safe the place is: an open gap of the fire acceptance costs nothing here. The half
year of a drill is that of 国办函〔2026〕14号; the points and the year of a training are ours.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from inspection.institution_file import InstitutionFile, Row
from inspection.notice import CHINA

DRILL_DAYS_MAX: Final = 183
TRAINING_DAYS_MAX: Final = 365


class Judged(NamedTuple):
    """Whether an item is there, and what was found, in both languages."""

    met: bool
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something a file should hold. `section` is where to write it; "plans" and "drills" the system knows by itself."""

    key: str
    section: str
    zh: str
    en: str
    points: int
    judge: Callable[[InstitutionFile, date], Judged]
    kinds: frozenset[str] = frozenset()  # of institutions; none: of all


@dataclass(frozen=True, slots=True)
class Point:
    """An item with what was found."""

    key: str
    section: str
    zh: str
    en: str
    points: int
    met: bool
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """All items that apply to an institution."""

    items: tuple[Point, ...]

    @property
    def points(self) -> int:
        """Those that are there."""
        return sum(each.points for each in self.items if each.met)

    @property
    def possible(self) -> int:
        """Those there could be."""
        return sum(each.points for each in self.items)

    @property
    def percent(self) -> int:
        """The share, rounded down: 100 is everything."""
        return 100 * self.points // self.possible


def complete(found: InstitutionFile, today: date) -> Completeness:
    """The completeness of a file on a day."""
    return Completeness(
        tuple(
            Point(each.key, each.section, each.zh, each.en, each.points, *each.judge(found, today))
            for each in ITEMS
            if not each.kinds or found.kind in each.kinds
        )
    )


def _filled(section: str, *fields: str) -> Callable[[InstitutionFile, date], Judged]:
    """Whether these fields of a section with one row say something; without fields whether it was written."""

    def judge(found: InstitutionFile, _today: date) -> Judged:
        row = found.one(section)
        missing = [each for each in fields if row.get(each) is None]
        if not row:
            return Judged(met=False, zh="未填写", en="not written yet")
        return Judged(met=False, zh=f"缺 {len(missing)} 项", en=f"{len(missing)} missing") if missing else _THERE

    return judge


def _has(section: str, field: str, value: str) -> Callable[[InstitutionFile, date], Judged]:
    """Whether a row of the section has that value."""

    def judge(found: InstitutionFile, _today: date) -> Judged:
        return _THERE if any(row.get(field) == value for row in found.rows(section)) else _NOT_THERE

    return judge


def _document(section: str) -> Callable[[InstitutionFile, date], Judged]:
    """Whether a document or photo stands in that section."""

    def judge(found: InstitutionFile, _today: date) -> Judged:
        number = found.documents.get(section, 0)
        return Judged(met=True, zh=f"{number} 份材料", en=f"documents: {number}") if number else _NOT_THERE

    return judge


def _fire_paper(found: InstitutionFile, today: date) -> Judged:
    row = found.one("fire_acceptance")
    if row and row.get("state") not in ("accepted", "filed"):
        return Judged(met=True, zh="没有结论可附", en="there is no decision to attach")
    return _document("fire_acceptance")(found, today)


def _decision(found: InstitutionFile, _today: date) -> Judged:
    row = found.one("fire_acceptance")
    if row.get("state") not in ("accepted", "filed"):
        return Judged(met=True, zh="没有结论可填", en="there is no decision to name") if row else _NOT_THERE
    return (
        _THERE
        if row.get("decided_on") and row.get("number")
        else Judged(met=False, zh="缺日期或文号", en="day or number missing")
    )


def _none_expired(found: InstitutionFile, today: date) -> Judged:
    rows = found.rows("licences")
    expired = [row for row in rows if _before(row, "expires_on", today)]
    if not rows:
        return _NOT_THERE
    return Judged(met=False, zh=f"{len(expired)} 个已过期", en=f"{len(expired)} expired") if expired else _THERE


def _star(found: InstitutionFile, today: date) -> Judged:
    row = found.one("star")
    if not row:
        return _NOT_THERE
    if _before(row, "expires_on", today):
        return Judged(met=False, zh=f"{row['expires_on']} 到期", en=f"expired {row['expires_on']}")
    return _THERE


def _plans(found: InstitutionFile, _today: date) -> Judged:
    cards = found.practice.plan_cards
    return Judged(cards > 0, f"{cards} 张行动卡", f"{cards} action cards")


def _drill(found: InstitutionFile, today: date) -> Judged:
    last = found.practice.last_drill_at
    if last is None:
        return Judged(met=False, zh="没有通过的演练", en="no drill was passed")
    day = last.astimezone(CHINA).date()
    return Judged(today - day <= timedelta(days=DRILL_DAYS_MAX), f"最近一次 {day}", f"last on {day}")


def _training(found: InstitutionFile, today: date) -> Judged:
    days = [date.fromisoformat(str(row["held_on"])) for row in found.rows("trainings")]
    if not days:
        return _NOT_THERE
    last = max(days)
    return Judged(today - last <= timedelta(days=TRAINING_DAYS_MAX), f"最近一次 {last}", f"last on {last}")


def _equipment(found: InstitutionFile, today: date) -> Judged:
    """Of each kind of equipment its newest check counts."""
    newest: dict[object, Row] = {}
    for row in sorted(found.rows("equipment"), key=lambda each: str(each["checked_on"])):
        newest[row["kind"]] = row
    if not newest:
        return _NOT_THERE
    late = sum(_before(row, "next_due_on", today) for row in newest.values())
    return Judged(met=False, zh=f"{late} 类设备检查逾期", en=f"{late} kinds of equipment overdue") if late else _THERE


def _before(row: Row, field: str, today: date) -> bool:
    value = row.get(field)
    return value is not None and str(value) < today.isoformat()


_THERE: Final = Judged(met=True, zh="已有", en="there")
_NOT_THERE: Final = Judged(met=False, zh="没有", en="not there")
_HOMES: Final = frozenset({"nursing_home"})
_STATIONS: Final = frozenset({"rescue_station"})
_HOUSED: Final = frozenset({"nursing_home", "rescue_station", "child_welfare"})
ITEMS: Final[tuple[Item, ...]] = (
    Item("ownership", "identity", "登记名称、公办或民办", "name and ownership", 8, _filled("identity", "ownership")),
    Item("credit_code", "identity", "统一社会信用代码", "social credit code", 3, _filled("identity", "credit_code")),
    Item("address", "identity", "地址", "address", 3, _filled("identity", "address")),
    Item("class", "identity", "救助站类别", "class of station", 3, _filled("identity", "station_class"), _STATIONS),
    Item("beds", "beds", "按照护等级的床位", "beds by level of care", 8, _filled("beds"), _HOUSED),
    Item("people", "beds", "在住与工作人数", "residents and staff", 4, _filled("beds", "residents", "staff"), _HOUSED),
    Item("building", "building", "建筑面积与层数", "floor area and floors", 6, _filled("building")),
    Item(
        "protection", "building", "结构、耐火等级、报警与喷淋", "structure, fire resistance, alarm, sprinklers", 6,
        _filled("building", "structure", "fire_resistance", "alarm_system", "sprinklers"),
    ),
    Item("fire_state", "fire_acceptance", "消防审验状态", "state of fire acceptance", 8, _filled("fire_acceptance")),
    Item("fire_decision", "fire_acceptance", "消防审验日期与文号", "its day and number", 4, _decision),
    Item("fire_paper", "fire_acceptance", "消防审验文书（材料）", "the paper of the fire acceptance", 4, _fire_paper),
    Item("registration", "licences", "法人登记证书", "registration", 5, _has("licences", "kind", "registration")),
    Item("expired", "licences", "证照均在有效期内", "no licence has expired", 5, _none_expired),
    Item("licence_copy", "licences", "证照扫描件或照片", "a copy of the licences", 4, _document("licences")),
    Item("star", "star", "有效的等级评定", "a star grade that holds", 3, _star, _HOMES),
    Item("head", "responsibles", "安全责任人", "responsible for safety", 6, _has("responsibles", "duty", "head")),
    Item("officer", "responsibles", "安全员", "safety officer", 6, _has("responsibles", "duty", "officer")),
    Item("township", "responsibles", "乡镇街道责任人", "township officer", 4, _has("responsibles", "duty", "township")),
    Item("duty_phone", "contacts", "24 小时值班电话", "phone of the 24 h duty", 4, _has("contacts", "what", "duty")),
    Item("fire_station", "contacts", "消防站电话", "fire station's phone", 2, _has("contacts", "what", "fire")),
    Item("plans", "plans", "应急预案行动卡", "action cards of the emergency plan", 5, _plans),
    Item("plan_text", "plans", "应急预案文本（材料）", "the text of the emergency plan", 4, _document("plans")),
    Item("drill", "drills", "半年内通过的演练", "a drill passed within half a year", 5, _drill),
    Item("training", "trainings", "一年内的培训", "a training within a year", 4, _training),
    Item("equipment", "equipment", "设备检查未逾期", "equipment checked in time", 4, _equipment),
)  # fmt: skip
