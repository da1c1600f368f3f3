"""How the parts of the service are, for who looks after it."""

from dashboard.schemas.base import Moment, Shape


class RoleHealth(Shape):
    """A role, and how many connections to the database it holds: none, and it does not run, or cannot reach it."""

    name: str
    connections: int


class DiskHealth(Shape):
    """A disk that Anhu writes to, on the dashboard's machine."""

    folder: str
    free_bytes: int
    free_share: float


class CertificateHealth(Shape):
    """A certificate that is watched; null where it cannot be read."""

    name: str
    days_left: float | None


class OwnAlert(Shape):
    """What Anhu says of itself just now."""

    since: Moment
    text_zh: str
    text_en: str


class SystemHealth(Shape):
    """The limits are those by which Anhu raises alerts about itself. `spool_bytes` is null where the pipeline is on
    another machine, `broker_reachable` where nobody has said where the broker is."""

    roles: list[RoleHealth]
    broker_reachable: bool | None
    outbox_waiting: int
    outbox_sending: int
    spool_bytes: int | None
    spool_bytes_max: int | None
    disks: list[DiskHealth]
    disk_free_share_min: float
    clock_ahead_s: float
    clock_error_s_max: float
    database_bytes: int
    rolled_until: Moment
    packed_until: Moment
    night_at: Moment | None
    raw_days: float
    minute_days: float
    hour_days: float
    certificates: list[CertificateHealth]
    certificate_days_min: float
    checkpoint_at: Moment | None
    own_alerts: list[OwnAlert]
