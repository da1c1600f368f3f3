"""The shapes of reports: what stands on them, and what was signed."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from dashboard.schemas.base import Id, Language, Moment, Shape, Text
from inspection.report import ReportKind


class ReportColumn(Shape):
    """A column; `width` in letters, a Chinese one being two."""

    title: str
    width: int


class ReportTable(Shape):
    """Rows under headings; `empty` is said where there is no row."""

    type: Literal["table"] = "table"
    title: str
    columns: list[ReportColumn]
    rows: list[list[str | int | None]]
    empty: str


class ReportFigure(Shape):
    """A number and what it counts."""

    label: str
    value: int


class ReportFigures(Shape):
    """Numbers that belong together."""

    type: Literal["figures"] = "figures"
    title: str
    items: list[ReportFigure]


class ReportProse(Shape):
    """Paragraphs."""

    type: Literal["prose"] = "prose"
    paragraphs: list[str]


class ReportSignatureLines(Shape):
    """Where people put their names by hand."""

    type: Literal["signature_lines"] = "signature_lines"
    labels: list[str]


ReportBlock = Annotated[
    ReportTable | ReportFigures | ReportProse | ReportSignatureLines, Field(discriminator="type")
]  # fmt: skip


class ReportSignature(Shape):
    """Who signed, and when."""

    person_id: int
    name: str
    signed_at: Moment
    note: str


class ReportVersion(Shape):
    """A content of the ledger that was signed; `sha256` in hex."""

    id: int
    version: int
    sha256: str
    made_at: Moment
    signatures: list[ReportSignature]


class ReportChange(Shape):
    """How a hazard differs from what was signed."""

    no: int
    what: Literal["added", "removed", "changed"]
    columns: list[str]


class ReportSigning(Shape):
    """What was signed of a monthly ledger. `sha256` is that of the content now; `valid`: the newest version is this
    content; `may_sign`: the reader may sign it."""

    sha256: str
    valid: bool
    may_sign: bool
    versions: list[ReportVersion]
    changes: list[ReportChange]


class Report(Shape):
    """A report in one language; `signing` of a monthly ledger only."""

    kind: ReportKind
    language: Language
    title: str
    heads: list[str]
    landscape: bool
    blocks: list[ReportBlock]
    signing: ReportSigning | None


class ReportSignatureRequest(BaseModel):
    """A signature on the ledger of one month, as it was seen: `sha256` of its content. Without region and institution
    it is that of one's own reach."""

    first: date
    last: date
    region: Annotated[str, Field(pattern=r"^([0-9]{2}){0,3}$")] | None = None
    institution_id: Id | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    note: Annotated[Text, Field(max_length=500)] = ""
