"""Who was told of an alert, and who is next."""

from alerting.people import Role
from alerting.told_store import Progress
from dashboard.schemas.base import Moment, Shape


class NotifiedPerson(Shape):
    """Who was told."""

    id: int
    name: str
    role: Role


class Notification(Shape):
    """One way of telling one person of an alert; no channel yet while it is held back to go with others."""

    person: NotifiedPerson
    channel: str | None
    step: int
    state: Progress
    at: Moment
    attempts: int
    error: str | None


class NextCall(Shape):
    """Who is called next unless somebody acknowledges."""

    at: Moment
    to: str


class Notifications(Shape):
    """Who was told of an alert, in the order in which they were called."""

    items: list[Notification]
    next: NextCall | None = None
