"""What is going on, as the pages see it: every open alert, what keeps it quiet, and each institution at a glance.

Kept in memory and changed by the event log, by the spool while the database is away, by suppressions and by time; each
change answers with the Update that brings every page to the same picture. Pure: `now` is an argument.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from alerting.alert import Alert, AlertEvent
from alerting.feed import Entry
from alerting.spool_feed import SpooledEntry
from alerting.suppression import Suppression, may_hide
from dashboard import present, schemas
from dashboard.early_events import EarlyEvents, after
from dashboard.hub import Frame, Place, Shown, Update, on_wire
from dashboard.present import CALLS, Places, Quiet

_SERVICE: Final = Place(None, "")
_NOWHERE: Final = "?"  # the region of an institution that is not known: only who sees everything sees it
_ENDED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """One event and the alert after it; no number while only the spool has it."""

    number: int | None
    recorded_at: datetime | None
    event: AlertEvent
    alert: Alert


@dataclass(slots=True)
class _Standing:
    """The open alerts of one institution, or of the service itself."""

    alerts: dict[UUID, Alert] = field(default_factory=dict)
    quiet: dict[UUID, Quiet] = field(default_factory=dict)


class Picture:
    """The picture. Not thread-safe: the caller sees to it that one call follows the other."""

    def __init__(self) -> None:
        self.places = Places({}, {}, {})
        self._standings: dict[int | None, _Standing] = {}
        self._suppressions: dict[int, list[Suppression]] = {}
        self._cursor = 0
        self._turning_at: datetime | None = None  # when the next suppression begins or ends
        self._early = EarlyEvents()
        self._ended: OrderedDict[UUID, Alert] = OrderedDict()  # the alerts that ended last, as they ended

    @property
    def told_early(self) -> list[UUID]:
        """Events that were told from the spool and have not been seen in the log yet."""
        return self._early.ids()

    @property
    def early_alerts(self) -> set[UUID]:
        """The alerts that those are about."""
        return self._early.alert_ids()

    def begin(
        self,
        cursor: int,
        alerts: Iterable[Alert],
        places: Places,
        suppressions: Iterable[Suppression],
        logged: Collection[UUID],
        concerned: Iterable[Alert],
        now: datetime,
    ) -> Update:
        """Start from a snapshot of the database. `logged`: those of `told_early` that it holds; what was told of the
        others stays, for they are still on their way. `concerned`: the alerts of `early_alerts`, as far as the database
        has them, open or not, and those that ended last."""
        for event_id in logged:
            self._early.forget(event_id)
        known = {alert.id: alert for alert in (*alerts, *concerned)}
        on_their_way = self._early.alert_ids() - known.keys()
        kept = [
            alert for each in self._standings.values() for alert in each.alerts.values() if alert.id in on_their_way
        ]
        self._standings = {}
        self._cursor, self.places = cursor, places
        for alert in (*map(self._early.ahead, known.values()), *kept):
            if alert.open:
                self._put(alert)
            else:
                self._end(alert)
        self._set_suppressions(suppressions, now)
        return self._everything(now)

    def move(self, places: Places, now: datetime) -> Update:
        """The registry has changed."""
        self.places = places
        return self._everything(now)

    def lacks(self, alerts: Iterable[Alert]) -> bool:
        """Whether one of `alerts` is at a place whose name is not known: the registry must be read again."""
        return any(
            (each.source.institution_id is not None and each.source.institution_id not in self.places.institutions)
            or (each.source.device_id is not None and each.source.device_id not in self.places.devices)
            for each in alerts
        )

    def take(self, entries: Sequence[Entry], now: datetime) -> Update:
        """Events of the log, in their order."""
        self._cursor = entries[-1].cursor
        mistold = False
        news = []
        told = [self._early.forget(entry.event.event_id) for entry in entries]
        for entry, told_of in zip(entries, told, strict=True):
            alert, known = self._early.ahead(entry.alert), self._known(entry.alert)
            if told_of is not None and told_of != alert.id:
                # Another alert of the same source has taken the event, unknown to the pipeline.
                self._standing(alert).alerts.pop(told_of, None)
                mistold = True
            if told_of == alert.id and known is not None and known.version >= alert.version:
                continue  # told already, from the spool
            news.append(_Occurrence(entry.cursor, entry.recorded_at, entry.event, alert))
        update = self._tell(news, now)
        return self._everything(now) if mistold else update

    def take_spooled(self, entries: Sequence[SpooledEntry], now: datetime) -> Update:
        """Events the database did not confirm, in their order. One whose commit went through although its answer was
        lost may have been told from the log before: its alert is then known as it stands here, or has ended since."""
        news = []
        latest: dict[UUID, Alert] = {}
        for entry in entries:
            self._early.note(entry.event)
            alert = entry.alert
            known = latest.get(alert.id) or self._known(alert) or self._ended.get(alert.id)
            if known is not None and known.version >= alert.version:
                alert = after(known, entry.event)
                if alert is known:
                    continue
            latest[alert.id] = alert
            news.append(_Occurrence(None, None, entry.event, alert))
        return self._tell(news, now)

    def suppress(self, suppressions: Iterable[Suppression], now: datetime) -> Update:
        """Those in force or planned are these now."""
        before = set(self._suppressions)
        self._set_suppressions(suppressions, now)
        return self._requiet(before | set(self._suppressions), now)

    def tick(self, now: datetime) -> Update | None:
        """What changes because time has passed; None when nothing does."""
        if self._turning_at is None or now < self._turning_at:
            return None
        concerned = set(self._suppressions)
        self._set_suppressions([each for mine in self._suppressions.values() for each in mine], now)
        return self._requiet(concerned, now)

    def _set_suppressions(self, suppressions: Iterable[Suppression], now: datetime) -> None:
        self._suppressions = {}
        turns = []
        for each in suppressions:
            if each.until_at > now and each.ended_at is None:
                self._suppressions.setdefault(each.institution_id, []).append(each)
                turns.append(each.from_at if each.from_at > now else each.until_at)
        self._turning_at = min(turns, default=None)

    def _standing(self, alert: Alert) -> _Standing:
        return self._standings.setdefault(alert.source.institution_id, _Standing())

    def _known(self, alert: Alert) -> Alert | None:
        standing = self._standings.get(alert.source.institution_id)
        return standing.alerts.get(alert.id) if standing else None

    def _end(self, alert: Alert) -> None:
        """Remember how an alert ended."""
        self._ended[alert.id] = alert
        if len(self._ended) > _ENDED_MAX:
            self._ended.popitem(last=False)

    def _put(self, alert: Alert) -> None:
        """Take `alert` in unless a newer version is known."""
        standing = self._standing(alert)
        known = standing.alerts.get(alert.id)
        if known is None or known.version <= alert.version:
            standing.alerts[alert.id] = alert

    def _tell(self, news: Sequence[_Occurrence], now: datetime) -> Update:
        for each in news:
            self._put(each.alert)
        with_event = {each.alert.id for each in news}
        shown: dict[UUID, Shown] = {}
        institutions: dict[Hashable, Shown] = {}
        silent: dict[int | None, list[UUID]] = {}  # changed without an event of their own
        for institution_id in dict.fromkeys(each.alert.source.institution_id for each in news):
            standing = self._standings[institution_id]
            changed = self._judge_quiet(institution_id, now)
            silent[institution_id] = [each for each in changed if each not in with_event]
            for alert_id in changed | (with_event & standing.alerts.keys()):
                shown[alert_id] = self._shown(standing.alerts[alert_id], standing.quiet[alert_id])
            if (summary := self._summary(institution_id)) is not None:
                institutions[institution_id] = summary
        frames = [self._event_frame(each, shown[each.alert.id], institutions) for each in news]
        alerts: dict[Hashable, Shown | None] = dict(shown.items())
        for institution_id, alert_ids in silent.items():
            frames += self._quiet_frame(institution_id, alert_ids)
            standing = self._standings[institution_id]
            for alert_id in [each.id for each in standing.alerts.values() if not each.open]:
                self._end(standing.alerts.pop(alert_id))
                del standing.quiet[alert_id]
                alerts[alert_id] = None
        return Update(frames, {"alerts": alerts, "institutions": institutions}, self._cursor)

    def _requiet(self, institution_ids: Iterable[int | None], now: datetime) -> Update:
        """Judge anew what is quiet there, and tell what changed."""
        frames: list[Frame] = []
        alerts: dict[Hashable, Shown | None] = {}
        for institution_id in institution_ids:
            standing = self._standings.get(institution_id)
            if standing is None:
                continue
            changed = list(self._judge_quiet(institution_id, now))
            for alert_id in changed:
                alerts[alert_id] = self._shown(standing.alerts[alert_id], standing.quiet[alert_id])
            frames += self._quiet_frame(institution_id, changed)
        return Update(frames, {"alerts": alerts})

    def _judge_quiet(self, institution_id: int | None, now: datetime) -> set[UUID]:
        """Judge what is quiet at an institution; the alerts for which the answer is another one than before."""
        standing = self._standings[institution_id]
        suppressions = self._suppressions.get(institution_id, []) if institution_id is not None else []
        hiding = [alert for alert in standing.alerts.values() if may_hide(alert)]
        changed = set()
        for alert in standing.alerts.values():
            judged = present.quiet(alert, suppressions, hiding, now)
            if judged != standing.quiet.get(alert.id, CALLS):
                changed.add(alert.id)
            standing.quiet[alert.id] = judged
        return changed

    def _everything(self, now: datetime) -> Update:
        alerts: dict[Hashable, Shown] = {}
        for institution_id, standing in self._standings.items():
            self._judge_quiet(institution_id, now)
            for alert in standing.alerts.values():
                alerts[alert.id] = self._shown(alert, standing.quiet[alert.id])
        summaries = {each: self._summary(each) for each in self.places.institutions}
        institutions: dict[Hashable, Shown] = {each: shown for each, shown in summaries.items() if shown is not None}
        return Update((), {"alerts": alerts, "institutions": institutions}, self._cursor, fresh=True)

    def _place(self, institution_id: int | None) -> Place:
        if institution_id is None:
            return _SERVICE
        entry = self.places.institutions.get(institution_id)
        return Place(institution_id, entry.region if entry else _NOWHERE)

    def _shown(self, alert: Alert, quiet: Quiet) -> Shown:
        rank = (alert.priority.rank, -alert.raised_at.timestamp(), str(alert.id))
        shown = present.alert(alert, self.places, quiet)
        return Shown(self._place(alert.source.institution_id), rank, shown.model_dump_json())

    def _summary(self, institution_id: int | None) -> Shown | None:
        entry = self.places.institutions.get(institution_id) if institution_id is not None else None
        if entry is None:
            return None
        standing = self._standings.get(institution_id)
        open_now = [alert for alert in standing.alerts.values() if alert.open] if standing else []
        summary = present.institution(entry, present.groups_of(open_now))
        return Shown(Place(entry.id, entry.region), present.worst_first(summary), summary.model_dump_json())

    def _event_frame(self, news: _Occurrence, shown: Shown, institutions: Mapping[Hashable, Shown]) -> Frame:
        """An AlertFrame, put together from what is serialised already."""
        event = present.event(news.number, news.recorded_at, news.event).model_dump_json()
        cursor = news.number if news.number is not None else self._cursor
        summary = institutions.get(news.alert.source.institution_id)
        text = (
            f'{{"type":"alert","cursor":{cursor},"event":{event},"alert":{shown.json},'
            f'"institution":{summary.json if summary else "null"}}}'
        )
        return Frame(shown.place, on_wire(text))

    def _quiet_frame(self, institution_id: int | None, alert_ids: Collection[UUID]) -> list[Frame]:
        if not alert_ids:
            return []
        quiet: Mapping[UUID, Quiet] = self._standings[institution_id].quiet
        frame = schemas.QuietFrame(
            institution_id=institution_id,
            alerts=[
                schemas.QuietAlert(id=each, quiet=quiet[each].reason, quiet_until=quiet[each].until)
                for each in alert_ids
            ],
        )
        return [Frame(self._place(institution_id), on_wire(frame.model_dump_json()))]
