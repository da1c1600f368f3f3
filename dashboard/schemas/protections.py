"""The shapes of the nine protections: shares of counties, institutions with what is missing, one's own records."""

from typing import Literal
from uuid import UUID

from dashboard.schemas.base import Moment, Shape
from dashboard.schemas.institution_files import FileInstitution
from inspection.protection import Because, Standing, Verdict
from inspection.visit import Kind, Outcome


class ProtectionPolicy(Shape):
    """By what it is judged."""

    version: str
    target_percent: int
    valid_days: int
    own_checks_count: bool


class ProtectionName(Shape):
    """One of the nine, as the checklist names it."""

    id: str
    clause: str
    zh: str
    en: str


class ProtectionShare(Shape):
    """How many conform: of all, `assessed` are those of which is known whether they do; `verified` do not rest on the
    institution's own word. `short_of`: how many more the target wants."""

    total: int
    assessed: int
    conforming: int
    verified: int
    not_conforming: int
    incomplete: int
    percent: int
    reached: bool
    short_of: int


class ProtectionCounty(Shape):
    """The share of one county, by the first six digits of the region code."""

    region: str
    share: ProtectionShare


class ProtectionLack(Shape):
    """A protection that keeps an institution from conforming, and why."""

    protection: str
    verdict: Verdict
    because: Because
    hazard_id: UUID | None
    hazard_no: int | None


class ProtectionRow(Shape):
    """An institution: where it stands, what is missing, and until when it conforms."""

    institution: FileInstitution
    standing: Standing
    verified: bool
    lacks: list[ProtectionLack]
    until: Moment | None


class ProtectionPage(Shape):
    """The whole within reach, its counties, and a page of institutions: those that do not conform first."""

    policy: ProtectionPolicy
    checklist: str
    protections: list[ProtectionName]
    share: ProtectionShare
    counties: list[ProtectionCounty]
    items: list[ProtectionRow]
    total: int


class ProtectionMonth(Shape):
    """The share at the end of a month; of the running one, as it stands now."""

    month: str
    at: Moment
    share: ProtectionShare


class ProtectionTrend(Shape):
    """Month by month, the oldest first."""

    target_percent: int
    items: list[ProtectionMonth]


class ProtectionAssessment(Shape):
    """What a concluded inspection found of a protection: by whom, when, on what evidence."""

    protection: str
    outcome: Outcome
    at: Moment
    inspection_id: UUID
    inspection_no: int
    kind: Kind
    own: bool
    by: str
    note: str
    photos: int
    hazard_id: UUID | None
    hazard_no: int | None
    hazard_closed_at: Moment | None
    hazard_withdrawn_at: Moment | None


class ProtectionFound(Shape):
    """A protection: the verdict, why, the record it rests on, and until when it holds."""

    protection: str
    verdict: Verdict
    because: Because
    basis: ProtectionAssessment | None
    until: Moment | None


class ProtectionDetail(Shape):
    """One institution. `standing` "not_meant": the list is not for its kind. `history` holds every record, the newest
    first."""

    institution: FileInstitution
    policy: ProtectionPolicy
    checklist: str
    protections: list[ProtectionName]
    standing: Standing | Literal["not_meant"]
    verified: bool
    until: Moment | None
    found: list[ProtectionFound]
    history: list[ProtectionAssessment]
