"""The shapes of institution files: the catalogue of sections, a file with its completeness, gaps of fire acceptance."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StrictBool, StrictInt

from dashboard.schemas.base import InstitutionKind, Moment, Shape, Text
from inspection.institution_file import FieldKind
from inspection.institution_file_operate import NOTE_LENGTH_MAX, TITLE_LENGTH_MAX

FileValue = Annotated[Text, Field(max_length=500)] | StrictBool | StrictInt | None


class FileInstitution(Shape):
    """Whose file it is."""

    id: int
    code: str
    name: str
    name_en: str
    kind: InstitutionKind
    region: str


class FileChoice(Shape):
    """A value a field can have."""

    value: str
    zh: str
    en: str


class FileField(Shape):
    """A field of a section."""

    name: str
    kind: FieldKind
    zh: str
    en: str
    required: bool
    choices: list[FileChoice]
    length_max: int
    least: int
    most: int


class FileSectionShape(Shape):
    """A section: how many rows it can have, and its fields."""

    name: str
    zh: str
    en: str
    rows_max: int
    fields: list[FileField]


class FileCatalogue(Shape):
    """What a file consists of."""

    sections: list[FileSectionShape]


class FilePoint(Shape):
    """An item of the completeness: its points, whether it is there, and what was found."""

    key: str
    section: str
    zh: str
    en: str
    points: int
    met: bool
    reason_zh: str
    reason_en: str


class FileCompleteness(Shape):
    """How complete a file is."""

    points: int
    possible: int
    percent: int
    items: list[FilePoint]


class FileKept(Shape):
    """A section as it stands. Version 0: nobody has written it yet."""

    version: int
    rows: list[dict[str, str | bool | int | None]]
    changed_at: Moment | None
    changed_by: str


class FireGapShape(Shape):
    """A gap of the fire acceptance; `outcome` null while it is open."""

    id: int
    title: str
    found_on: date
    due_on: date | None
    opened_at: Moment
    opened_by: str
    outcome: Literal["rectified", "mistaken"] | None
    closed_on: date | None
    note: str
    closed_at: Moment | None
    closed_by: str | None


class FilePractice(Shape):
    """What the system knows by itself of emergency plans and drills."""

    plan_cards: int
    drills_passed: int
    last_drill_at: Moment | None


class FileDetail(Shape):
    """A whole file. `may_write`: the reader may; `may_close_gaps`: they may close gaps of the fire acceptance."""

    institution: FileInstitution
    sections: dict[str, FileKept]
    gaps: list[FireGapShape]
    practice: FilePractice
    completeness: FileCompleteness
    may_write: bool
    may_close_gaps: bool


class FileRow(Shape):
    """A line of the list: how complete, what is missing most, since when unchanged."""

    institution: FileInstitution
    ownership: Literal["public", "private"] | None
    percent: int
    missing: list[str]
    open_gaps: int
    changed_at: Moment | None


class FilePage(Shape):
    """A page of the list, the least complete first; `mean_percent` of all that were asked for."""

    items: list[FileRow]
    total: int
    mean_percent: int


class FileChange(Shape):
    """One version of a section that was written."""

    section: str
    version: int
    rows: list[dict[str, str | bool | int | None]]
    at: Moment
    actor: str
    door: Literal["page", "workbook"]


class FileHistory(Shape):
    """The newest changes, the newest first."""

    items: list[FileChange]


class FireRow(Shape):
    """An institution and its fire acceptance."""

    institution: FileInstitution
    state: str | None
    known_count: int
    open_count: int
    due_on: date | None
    cleared_on: date | None
    overdue: bool


class FirePage(Shape):
    """The countdown: of `total` institutions `known` had gaps, `left` have some now; `unsaid` have no state written."""

    items: list[FireRow]
    total: int
    known: int
    left: int
    unsaid: int
    open_gaps: int


class FileSectionWritten(BaseModel):
    """A section anew, as it was seen at `version`."""

    version: Annotated[int, Field(ge=0, le=2**31 - 2)]
    rows: Annotated[list[dict[Annotated[str, Field(max_length=40)], FileValue]], Field(max_length=1000)]


class NewFireGap(BaseModel):
    """A gap that was found."""

    title: Annotated[Text, Field(min_length=1, max_length=TITLE_LENGTH_MAX)]
    found_on: date
    due_on: date | None = None


class FireGapClosing(BaseModel):
    """How a gap was closed: rectified, or entered by mistake and why."""

    outcome: Literal["rectified", "mistaken"]
    closed_on: date
    note: Annotated[Text, Field(max_length=NOTE_LENGTH_MAX)] = ""


class FilesImported(Shape):
    """What a workbook changed."""

    institutions: int
    sections: int
