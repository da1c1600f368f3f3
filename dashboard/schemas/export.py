"""The shapes of the export. Other platforms rely on them: names and meanings stay; new members may be added."""

from uuid import UUID

from dashboard.schemas.base import InstitutionKind, Moment, Shape


class ExportInstitution(Shape):
    """An institution: `code` is its own in the registry, `region` its GB/T 2260 code."""

    code: str
    name: str
    kind: InstitutionKind
    region: str


class ExportAlert(Shape):
    """An alert as it stands now, which may be further on than the event beside it."""

    id: UUID
    institution: ExportInstitution
    zone: str | None
    device: str | None
    kind: str
    priority: str
    drill: bool
    state: str
    open: bool
    version: int
    occurrences: int
    raised_at: Moment
    cleared_at: Moment | None
    acknowledged_at: Moment | None
    reset_at: Moment | None


class ExportAlertEvent(Shape):
    """Something that happened to an alert."""

    cursor: str
    event_id: UUID
    verb: str
    at: Moment
    recorded_at: Moment
    alert: ExportAlert


class ExportAlertPage(Shape):
    """Events after a cursor. Ask again with `next_cursor`: at once while `has_more`, else later."""

    items: list[ExportAlertEvent]
    next_cursor: str
    has_more: bool


class ExportHazard(Shape):
    """A hazard as it stands now, which may be further on than the event beside it. Whether it is overdue follows from
    `state` (assigned), `deadline` and the time."""

    id: UUID
    no: int
    institution: ExportInstitution
    zone: str | None
    device: str | None
    origin: str
    category: str
    level: str
    supervisor: str
    title: str
    clause: str
    checklist_id: str | None
    item_id: str | None
    state: str
    version: int
    reported_at: Moment
    deadline: Moment | None
    rectified_at: Moment | None
    rechecked_at: Moment | None
    closed_at: Moment | None
    failures: int
    extensions: int
    occurrence: int
    repeat_of: UUID | None
    proposal: str | None
    alert_id: UUID | None


class ExportHazardEvent(Shape):
    """Something that happened to a hazard; `note` says what was found, done or decided."""

    cursor: str
    event_id: UUID
    verb: str
    at: Moment
    recorded_at: Moment
    passed: bool | None
    note: str
    hazard: ExportHazard


class ExportHazardPage(Shape):
    """Events after a cursor. Ask again with `next_cursor`: at once while `has_more`, else later."""

    items: list[ExportHazardEvent]
    next_cursor: str
    has_more: bool


class ExportRating(Shape):
    """A rating as it was made. `score` in points."""

    cursor: str
    run: int
    institution: ExportInstitution
    as_of: Moment
    policy: str
    policy_version: str
    score: float
    grade: str
    inspections_per_year: float


class ExportRatingPage(Shape):
    """Ratings after a cursor. Ask again with `next_cursor`: at once while `has_more`, else later."""

    items: list[ExportRating]
    next_cursor: str
    has_more: bool
