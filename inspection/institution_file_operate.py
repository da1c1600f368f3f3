"""Writing institution files: the page's way and the workbook's, and the gaps of fire acceptance.

Every function works in the caller's transaction; whether the writer may touch that institution is the caller's to ask.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import structlog

from alerting.people import Person
from ingest.database import Connection
from inspection import institution_file_store as store
from inspection.errors import FileSectionInvalid, StepRefused, WorkbookRefused, WrongPerson
from inspection.institution_file import Fault, FireGap, InstitutionFile, Kept, Row, checked, section_of
from inspection.institution_file_store import Writer
from inspection.institution_file_workbook import CODE, FAULTS_COUNT_MAX, VERSION, Filled, SheetFault
from inspection.notice import CHINA

TITLE_LENGTH_MAX: Final = 200
NOTE_LENGTH_MAX: Final = 500
OPEN_GAPS_COUNT_MAX: Final = 200  # of one institution

log = structlog.get_logger("inspection.institution_file_operate")


@dataclass(frozen=True, slots=True)
class Imported:
    """What a workbook changed: (institution's code, section) of every new version."""

    changed: tuple[tuple[str, str], ...]


def today(now: datetime) -> date:
    """The day it is in China."""
    return now.astimezone(CHINA).date()


def write(
    connection: Connection, institution_id: int, section: str, version: int, rows: list[Mapping[str, Any]], by: Writer,
    now: datetime,
) -> int:  # fmt: skip
    """Write a section anew; its version. Raises FileSectionUnknown, FileSectionInvalid, FileSectionChanged."""
    kept = checked(section_of(section), rows, today(now))
    made = store.save(connection, institution_id, section, version, kept, by)
    log.info("file written", institution_id=institution_id, section=section, version=made, actor=by.actor)
    return made


def open_gap(
    connection: Connection, institution_id: int, title: str, found_on: date, due_on: date | None, by: Writer,
    now: datetime,
) -> FireGap:  # fmt: skip
    """Put a gap of the fire acceptance on record. Raises StepRefused."""
    title = title.strip()
    if not title or len(title) > TITLE_LENGTH_MAX:
        raise StepRefused(f"a gap is said in 1 to {TITLE_LENGTH_MAX} letters")
    if found_on > today(now):
        raise StepRefused("a gap cannot be found in the future")
    if due_on is not None and due_on < found_on:
        raise StepRefused("it is due before it was found")
    store.lock(connection, institution_id)
    still_open = [each for each in store.load(connection, institution_id).gaps if each.open]
    if len(still_open) >= OPEN_GAPS_COUNT_MAX:
        raise StepRefused(f"{OPEN_GAPS_COUNT_MAX} gaps are open already")
    if any(each.title == title for each in still_open):
        raise StepRefused("this gap is on the list already")
    return store.open_gap(connection, institution_id, title, found_on, due_on, by)


def close_gap(
    connection: Connection, found: FireGap, outcome: str, closed_on: date, note: str, who: Person, by: Writer,
    now: datetime,
) -> FireGap:  # fmt: skip
    """Close a gap: rectified, or entered by mistake. Raises WrongPerson for somebody of the institution itself — nobody
    counts themselves down —, StepRefused."""
    if who.scope.institution_id is not None:
        raise WrongPerson("a gap of the fire acceptance is closed by the authority")
    if not found.open:
        raise StepRefused("this gap is closed already")
    if not found.found_on <= closed_on <= today(now):
        raise StepRefused("it is closed between the day it was found and today")
    note = note.strip()
    if len(note) > NOTE_LENGTH_MAX or (outcome == "mistaken" and not note):
        raise StepRefused("say in a few words why this never was a gap")
    return store.close_gap(connection, found, outcome, closed_on, note, by)


def take_in(
    connection: Connection, filled: list[Filled], known: Mapping[str, int], by: Writer, now: datetime
) -> Imported:  # fmt: skip
    """Write everything a workbook holds, or nothing. `known`: the institutions the writer reaches, code → id. A section
    whose rows are those on record is left alone. Raises WorkbookRefused with every error by sheet, row and column."""
    faults: list[SheetFault] = []
    files = store.load_many(connection, {known[each.code] for each in filled if each.code in known})
    wanted: list[tuple[Filled, int, tuple[Row, ...]]] = []
    for each in filled:
        number = known.get(each.code)
        if number is None:
            faults.append(each.fault(0, CODE, "没有这家机构 / there is no such institution"))
            continue
        rows = _checked(each, files[number], today(now), faults)
        if rows is not None:
            wanted.append((each, number, rows))
    if faults:
        raise WorkbookRefused([str(each) for each in faults[:FAULTS_COUNT_MAX]])
    for each, number, rows in sorted(wanted, key=lambda one: one[1]):  # locks are taken in one order
        store.save(connection, number, each.section.name, each.version, rows, by)
    log.info("files imported", sections=len(wanted), actor=by.actor)
    return Imported(tuple((each.code, each.section.name) for each, _, _ in wanted))


def _checked(each: Filled, found: InstitutionFile, day: date, faults: list[SheetFault]) -> tuple[Row, ...] | None:
    """The rows to write; None where there is nothing to write or something is wrong."""
    try:
        rows = checked(each.section, each.rows, day)
    except FileSectionInvalid as error:
        faults += [
            each.fault(fault.row - 1, fault.field, fault.why) for fault in error.faults if isinstance(fault, Fault)
        ]
        return None
    kept = found.sections.get(each.section.name, Kept())
    if [dict(row) for row in rows] == [dict(row) for row in kept.rows]:
        return None
    if kept.version != each.version:
        faults.append(
            each.fault(0, VERSION, f"导出后已有人修改，现为第 {kept.version} 版 / somebody has changed this since")
        )
        return None
    return rows
