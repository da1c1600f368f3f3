"""Events told from the spool that the log has not told yet: what is known beyond what the log says. Pure."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from alerting.alert import Alert, AlertEvent, Verb, fold

_COUNT_MAX: Final = 50_000


class EarlyEvents:
    """In the order in which they were told."""

    def __init__(self) -> None:
        self._alert_of: OrderedDict[UUID, UUID] = OrderedDict()  # event → alert
        self._of_alert: dict[UUID, dict[UUID, AlertEvent]] = {}  # alert → event → event

    def ids(self) -> list[UUID]:
        """Of all of them."""
        return list(self._alert_of)

    def alert_ids(self) -> set[UUID]:
        """The alerts they are about."""
        return set(self._of_alert)

    def note(self, event: AlertEvent) -> None:
        """`event` is told from the spool."""
        self._alert_of[event.event_id] = event.alert_id
        self._of_alert.setdefault(event.alert_id, {})[event.event_id] = event
        if len(self._alert_of) > _COUNT_MAX:
            self.forget(next(iter(self._alert_of)))

    def forget(self, event_id: UUID) -> UUID | None:
        """The log has that event; of which alert it was told, None where it was not."""
        alert_id = self._alert_of.pop(event_id, None)
        if alert_id is not None:
            mine = self._of_alert[alert_id]
            del mine[event_id]
            if not mine:
                del self._of_alert[alert_id]
        return alert_id

    def ahead(self, alert: Alert) -> Alert:
        """`alert`, as the log has it, after what was told early of it."""
        for event in self._of_alert.get(alert.id, {}).values():
            alert = after(alert, event)
        return alert


def after(alert: Alert, event: AlertEvent) -> Alert:
    """`alert` after an event of the engine, who may not have heard what people did last; the same where the event says
    nothing new of it."""
    holds = event.rule in alert.rules
    if event.verb is Verb.RAISE:
        new = not holds and (alert.cleared_at is None or event.at > alert.cleared_at)
    else:
        new = holds and event.at > alert.raised_at
    return fold(alert, event) if new else alert
