"""What a bureau puts on record about an institution's safety: accidents, penalties, honours, levels held, and the rest.

A record is never changed. Another one withdraws it, with a reason, or says that the institution has made good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from inspection.errors import SafetyRecordRefused

TEXT_LENGTH_MAX: Final = 500


class RecordKind(StrEnum):
    """What the record is about."""

    ACCIDENT = "accident"
    PENALTY = "penalty"
    CONCEALMENT = "concealment"  # of an accident: 瞒报、谎报、迟报
    HONOUR = "honour"
    STANDARD = "standard"  # the level of safety standardisation (安全生产标准化) that the institution holds
    STAR = "star"  # its grade under GB/T 37276
    COMMITMENT = "commitment"
    TRAINING = "training"
    DRILL = "drill"
    WITHDRAWAL = "withdrawal"  # of an earlier record that should not stand
    REPAIR = "repair"  # the institution has made good what an earlier record says (信用修复)


LEVELS: Final[Mapping[RecordKind, tuple[str, ...]]] = {
    # 生产安全事故报告和调查处理条例: general, larger, major, especially major.
    RecordKind.ACCIDENT: ("general", "larger", "major", "extreme"),
    RecordKind.PENALTY: ("warning", "fine", "suspension", "revocation"),
    RecordKind.CONCEALMENT: (),
    RecordKind.HONOUR: ("county", "city", "province", "state"),
    RecordKind.STANDARD: ("1", "2", "3"),
    RecordKind.STAR: ("1", "2", "3", "4", "5"),
    RecordKind.COMMITMENT: (),
    RecordKind.TRAINING: (),
    RecordKind.DRILL: (),
    RecordKind.WITHDRAWAL: (),
    RecordKind.REPAIR: (),
}
ABOUT_ANOTHER: Final = frozenset({RecordKind.WITHDRAWAL, RecordKind.REPAIR})
REPAIRABLE: Final = frozenset({RecordKind.ACCIDENT, RecordKind.PENALTY, RecordKind.CONCEALMENT})
VALID_FOR_A_TIME: Final = frozenset({RecordKind.STANDARD, RecordKind.STAR, RecordKind.COMMITMENT})


@dataclass(frozen=True, slots=True)
class SafetyRecord:
    """One record. `source` says where it can be looked up: the number of a document, an address. `until` is where the
    validity of a level ends; `about` the record that is withdrawn or made good."""

    id: UUID
    institution_id: int
    kind: RecordKind
    level: str
    occurred_at: datetime
    until: datetime | None
    title: str
    source: str
    about: UUID | None
    person_id: int
    recorded_at: datetime | None = None  # the database's clock

    def __post_init__(self) -> None:
        if self.occurred_at.tzinfo is None or (self.until is not None and self.until.tzinfo is None):
            raise ValueError("a record's times need a time zone")


def check(record: SafetyRecord, about: SafetyRecord | None, now: datetime) -> None:
    """Whether `record` may be put on record at `now`; `about` is the record it is about. Raises SafetyRecordRefused."""
    levels = LEVELS[record.kind]
    if (record.level not in levels) if levels else record.level != "":
        raise SafetyRecordRefused(f"{record.kind} has no level {record.level!r}")
    if record.occurred_at > now:
        raise SafetyRecordRefused("this has not happened yet")
    if (record.until is not None) != (record.kind in VALID_FOR_A_TIME):
        raise SafetyRecordRefused("a level or a commitment is valid until a day, and nothing else is")
    if record.until is not None and record.until <= record.occurred_at:
        raise SafetyRecordRefused("its validity ends before it begins")
    if (about is not None) != (record.kind in ABOUT_ANOTHER):
        raise SafetyRecordRefused("a withdrawal or a repair is about another record, and nothing else is")
    if about is None:
        return
    if about.institution_id != record.institution_id:
        raise SafetyRecordRefused("the other record is not of this institution")
    if about.kind in ABOUT_ANOTHER or (record.kind is RecordKind.REPAIR and about.kind not in REPAIRABLE):
        raise SafetyRecordRefused(f"a {about.kind} cannot have a {record.kind}")
    if record.occurred_at < about.occurred_at:
        raise SafetyRecordRefused("it cannot be made good, or withdrawn, before it happened")
