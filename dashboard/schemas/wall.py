"""The supervision wall: figures of every institution somebody reaches, and the institutions in order of risk."""

from datetime import date
from uuid import UUID

from alerting.alert import Priority
from dashboard.schemas.alerts import Alert
from dashboard.schemas.base import Moment, Shape
from dashboard.schemas.institutions import OpenAlerts
from dashboard.schemas.ratings import RatedInstitution, RatingRow
from dashboard.wall import WallState
from inspection.risk_order import Why


class WallReason(Shape):
    """Why an institution stands where it stands: what is the matter, how many of it, since when; `amount` is the weight
    of the grade `name`, or the share of devices that are offline."""

    why: Why
    count: int
    since: Moment | None
    amount: float
    name: str | None


class WallInstitution(Shape):
    """An institution in the order of risk, `rank` 1 for the first; its `reasons`, the most pressing first."""

    rank: int
    institution: RatedInstitution
    state: WallState
    reasons: list[WallReason]
    open_alerts: OpenAlerts
    hazards_overdue: int
    major_overdue: int
    grade: str | None
    device_count: int
    offline_count: int


class WallInstitutions(Shape):
    """A page of them; `total` counts all that match, `states` and `regions` all within reach."""

    items: list[WallInstitution]
    total: int
    states: dict[WallState, int]
    regions: dict[str, int]


class WallDay(Shape):
    """How many alerts were raised on one day in China, by priority."""

    day: date
    counts: OpenAlerts


class WallResponse(Shape):
    """How soon the alerts of one priority were acknowledged; null while so large a share still waits. `in_time` of the
    `due` ones were within the time after which the escalation policy calls the next."""

    priority: Priority
    raised: int
    raised_24h: int
    acknowledged: int
    median_s: float | None
    p90_s: float | None
    due: int
    in_time: int
    share: float | None


class WallAlarms(Shape):
    """Alarms: open now, of these not taken on (critical and high ones, without those kept quiet), the last days, and
    how people answered them."""

    open: OpenAlerts
    waiting: int
    days: list[WallDay]
    responses: list[WallResponse]


class WallHazards(Shape):
    """Hazards of one level; `closed` of those `reported` in the last `closing_days`."""

    open: int
    overdue: int
    reported: int
    closed: int


class WallRatings(Shape):
    """How many institutions have which grade, the best first; who moved by grades, the fallen first, at most
    `movers_max` each way, of `fell` and `rose` in all."""

    grades: dict[str, int]
    unrated: int
    change_days: int
    fell: int
    rose: int
    movers: list[RatingRow]


class WallDevices(Shape):
    """Devices and how many of them are not heard; institutions of which nothing is."""

    total: int
    offline: int
    silent_institutions: int


class WallFireRow(Shape):
    """An institution whose fire acceptance has open gaps, and how many days are left for the first."""

    institution: RatedInstitution
    open_count: int
    due_on: date
    days_left: int


class WallFire(Shape):
    """Fire acceptance: of the institutions that had gaps, how many have some now, and the first that are due."""

    known: int
    left: int
    open_gaps: int
    overdue: int
    unsaid: int
    items: list[WallFireRow]


class WallCampaign(Shape):
    """A campaign that runs now, with its visits within reach."""

    id: UUID
    theme: str
    region: str
    ends_on: date
    days_left: int
    visits: int
    begun: int
    concluded: int


class Wall(Shape):
    """Everything the wall counts, at one moment. `major_overdue` are the institutions with a major hazard overdue."""

    as_of: Moment
    alarms: WallAlarms
    major: WallHazards
    general: WallHazards
    closing_days: int
    ratings: WallRatings
    devices: WallDevices
    fire: WallFire
    campaigns: list[WallCampaign]
    major_overdue: list[int]


class WallCall(Shape):
    """An alarm that nobody has taken on, and the names of those who have been told, null for whoever may not see who
    that is."""

    alert: Alert
    told: list[str] | None


class WallCalls(Shape):
    """The most urgent and longest waiting; `total` counts all."""

    items: list[WallCall]
    total: int
