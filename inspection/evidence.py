"""What a rating may rest on: named sources over facts, each fact a record with the times at which something
happened to it.

A policy names a source and narrows it by the source's own parameters; it never holds a query. Facts are
columns, one row a
record, as they were known at one moment (inspection/evidence_store.py); everything here is worked out from
them by numpy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from alerting.alert import Kind, Priority
from inspection.checklist import Level
from inspection.hazard import Category, Origin
from inspection.safety_record import LEVELS, RecordKind
from inspection.visit import OWN_KINDS
from inspection.visit import Kind as VisitKind

NEVER: Final = np.iinfo(np.int64).max  # µs; of what has not happened
DAY_US: Final = 86_400_000_000

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Facts:
    """The records of one table as they were known at one moment, ordered by institution and id. `columns` hold times
    (int64, µs since 1970, NEVER for what has not happened), amounts (float64), flags (bool) and words (object)."""

    table: str
    institution_id: NDArray[np.int32]
    record: NDArray[np.object_]  # each record's id as text
    columns: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        if {len(each) for each in (self.record, *self.columns.values())} - {len(self.institution_id)}:
            raise ValueError("the columns differ in length")


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of evidence: which facts, which of their times counts, and what a policy may narrow them by. `amount` is a
    number of the `unit`; `fixed` columns have to hold that value."""

    table: str
    at: str
    zh: str
    en: str
    amount: str | None = None
    unit: str = ""
    repaired: str | None = None
    until: str | None = None
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    fixed: Mapping[str, Any] = field(default_factory=dict)


_HAZARD: Final = {"level": tuple(Level), "origin": tuple(Origin), "category": tuple(Category)}
_ALERT: Final = {"kind": tuple(each for each in Kind if each is not Kind.SYSTEM), "priority": tuple(Priority)}
_RECORD: Final = {"level": tuple(sorted({level for levels in LEVELS.values() for level in levels}))}

SOURCES: Final[Mapping[str, Source]] = {
    "hazards_found": Source(
        "hazards", "reported_at", "发现的隐患", "hazards found", repaired="closed_at", words=_HAZARD
    ),
    "hazards_overdue": Source(
        "hazards", "overdue_at", "逾期的隐患", "hazards that became overdue", "overdue_h", "h", "closed_at",
        words=_HAZARD, flags=frozenset({"standing"}),
    ),
    "hazards_repeated": Source(
        "hazards", "reported_at", "重复出现的隐患", "hazards found again", repaired="closed_at", words=_HAZARD,
        fixed={"repeated": True},
    ),
    "hazards_failed": Source(
        "hazards", "failed_at", "复查未通过的隐患", "hazards that failed a recheck", "failures", "×", "closed_at",
        words=_HAZARD,
    ),
    "hazards_in_time": Source(
        "hazards", "closed_at", "按期整改销号的隐患", "hazards rectified in time and closed", words=_HAZARD,
        fixed={"in_time": True},
    ),
    "alerts": Source("alerts", "raised_at", "报警", "alerts", words=_ALERT),
    "alerts_unanswered": Source(
        "alerts", "raised_at", "逐级通知后无人确认的报警", "alarms nobody acknowledged to the end",
        fixed={"kind": "unanswered", "to_the_end": True},
    ),
    "offline_hours": Source(
        "alerts", "raised_at", "监测设备离线", "devices offline", "held_h", "h", "cleared_at",
        fixed={"kind": "offline"},
    ),
    "duty_checks_missed": Source("duty_checks", "missed_at", "未应答的查岗", "duty checks not answered"),
    "chain_drills": Source("drills", "passed_at", "通过的报警演练", "drills of the alarm chain that passed"),
    "visits": Source(
        "inspections", "concluded_at", "外部检查", "visits from outside, concluded", "findings", "×",
        words={"kind": tuple(each for each in VisitKind if each is not VisitKind.SELF_CHECK)},
        flags=frozenset({"clean"}), fixed={"own": False},
    ),
    "self_checks": Source(
        "inspections", "concluded_at", "机构自行检查", "the institution's own checks, concluded", "findings", "×",
        words={"kind": tuple(sorted(OWN_KINDS))}, flags=frozenset({"clean"}), fixed={"own": True},
    ),
    **{
        kind.value: Source(
            "safety_records", "occurred_at", zh, en, repaired="repaired_at", until="until_at", words=_RECORD,
            fixed={"kind": kind.value},
        )
        for kind, zh, en in (
            (RecordKind.ACCIDENT, "安全事故", "accidents"),
            (RecordKind.PENALTY, "行政处罚", "penalties"),
            (RecordKind.CONCEALMENT, "瞒报、谎报", "concealment"),
            (RecordKind.HONOUR, "表彰", "honours"),
            (RecordKind.STANDARD, "安全生产标准化等级", "standardisation level"),
            (RecordKind.STAR, "养老机构等级", "star grade"),
            (RecordKind.COMMITMENT, "书面安全承诺", "written commitment"),
            (RecordKind.TRAINING, "安全培训", "safety trainings"),
            (RecordKind.DRILL, "应急演练", "emergency drills"),
        )
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """A source narrowed by a policy: words and flags that a record must have, the least amount, and how far back."""

    source: str
    where: Mapping[str, str | bool]
    amount_min: float
    days: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The records of a query, ordered by institution, time and id. `index` points into the facts."""

    facts: Facts
    index: NDArray[np.intp]
    institution_id: NDArray[np.int32]
    at_us: Times
    amount: NDArray[np.float64]
    repaired_us: Times

    def __len__(self) -> int:
        return len(self.index)


def select(query: Query, facts: Mapping[str, Facts], as_of_us: int) -> Evidence:
    """The records that count at `as_of_us`: what happened within the query's days before it, and is still valid."""
    source = SOURCES[query.source]
    table = facts[source.table]
    at_us = table.columns[source.at]
    kept = (at_us <= as_of_us) & (at_us > as_of_us - round(query.days * DAY_US))
    for name, wanted in {**source.fixed, **query.where}.items():
        kept &= table.columns[name] == wanted
    amount = table.columns[source.amount] if source.amount else np.ones(len(at_us))
    kept &= amount >= query.amount_min
    if source.until:
        kept &= table.columns[source.until] > as_of_us
    index = np.flatnonzero(kept)
    index = index[np.lexsort((index, at_us[index], table.institution_id[index]))]
    repaired = table.columns[source.repaired][index] if source.repaired else np.full(len(index), NEVER)
    return Evidence(table, index, table.institution_id[index], at_us[index], amount[index], repaired)
