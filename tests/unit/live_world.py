"""A log, a spool, a dashboard and its pages, without clock, network or threads: what happens is a list of steps."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from alerting.alert import (
    Alert,
    AlertEvent,
    Condition,
    Key,
    Kind,
    Priority,
    Source,
    Verb,
    act,
    alert_id,
    engine_event,
    fold,
)
from alerting.feed import Entry
from alerting.joining import join
from alerting.people import Person, Role, Scope
from alerting.spool_feed import SpooledEntry
from dashboard.hub import Client, Hub, Update
from dashboard.picture import Picture
from dashboard.present import Places
from ingest.directory import InstitutionEntry
from ingest.reading import to_us
from ingest.registry import Device, Zone

T0 = datetime(2026, 11, 22, tzinfo=UTC)
DEVICES = 4
PAGES = 3
PLACES = Places(
    {1: InstitutionEntry(1, "home", "安和", "Anhe", "nursing_home", "220322", DEVICES)},
    {1: Zone(1, 1, "kitchen", "厨房", "Kitchen", "kitchen", 1)},
    {n: Device(n, 1, 1, f"smk-{n}", f"烟感 {n}", "smoke", "", 30) for n in range(DEVICES)},
)
WAITING_BYTES_MAX = 20_000


class Page:
    """One page, as dashboard/web/src/live takes frames: an older version of an alert never undoes a newer one."""

    def __init__(self) -> None:
        self.open: dict[str, int] = {}  # alert → version
        self.devices: dict[str, int] = {}  # alert → device
        self.closed: dict[str, int] = {}
        self.client: Client | None = None
        self.reading = True
        self._unread: list[bytes] = []

    @property
    def waiting_bytes(self) -> int:
        """As a connection's: what this page has not read."""
        return sum(len(data) for data in self._unread)

    def post(self, data: bytes) -> None:
        """As a connection's."""
        self._unread.append(data)

    def begin(self, client: Client) -> None:
        """A new connection: what the old one still held is gone."""
        self.client = client
        self._unread = []

    @property
    def calling(self) -> set[int]:
        """The devices of which this page shows an open alert."""
        return {self.devices[number] for number in self.open}

    def read(self) -> None:
        """Take every frame that has come."""
        data, self._unread = b"".join(self._unread), []
        while data:
            length, start = data[1], 2
            if length == 126:
                length, start = int.from_bytes(data[2:4], "big"), 4
            elif length == 127:
                length, start = int.from_bytes(data[2:10], "big"), 10
            self.take(json.loads(data[start : start + length]))
            data = data[start + length :]

    def take(self, frame: dict) -> None:
        """One frame."""
        if frame["type"] == "snapshot":
            known, self.open = self.open, {}
            for alert in frame["alerts"]:
                self.devices[alert["id"]] = alert["device"]["id"]
                if self.closed.get(alert["id"], -1) < alert["version"]:
                    self.open[alert["id"]] = max(alert["version"], known.get(alert["id"], -1))
        elif frame["type"] == "alert":
            alert, number = frame["alert"], frame["alert"]["id"]
            self.devices[number] = alert["device"]["id"]
            if alert["version"] > max(self.open.get(number, -1), self.closed.get(number, -1)):
                self.open.pop(number, None)
                self.closed.pop(number, None)
                (self.open if alert["open"] else self.closed)[number] = alert["version"]


class LiveWorld:
    """Everything that happens to it is one of its methods."""

    def __init__(self) -> None:
        self.now = T0
        self.away = False
        self.alerts: dict[UUID, Alert] = {}  # as the database has them
        self.log: list[AlertEvent] = []
        self.spool: list[tuple[int, AlertEvent, Alert]] = []
        self.believed: dict[int, Alert] = {}  # by device, as the pipeline has them
        self.pages = [Page() for _ in range(PAGES)]
        self._spooled_count = 0
        self._brought_in = 0
        self.restart()

    def engine(self, device: int) -> None:
        """The engine has something to say of a device: raised, or returned to normal."""
        self.now += timedelta(seconds=1)
        standing = self.believed.get(device)
        if standing is None or not standing.open:
            standing, onset, verb = None, self.now, Verb.RAISE
        else:
            onset, verb = standing.onset_at, Verb.CLEAR if standing.active else Verb.RAISE
        event = engine_event(
            alert_id(Key(1, device, Kind.FIRE), to_us(onset)), verb, to_us(self.now), to_us(onset),
            Source(1, 1, device), Condition("r", Kind.FIRE, Priority.CRITICAL, latching=False), {},
        )  # fmt: skip
        alert = self.believed[device] = fold(standing, event)
        if self.away or self.spool:  # everything goes through the spool until it is empty
            self._put(event, alert)
        else:
            self.believed[device] = self._append(event)

    def person(self, device: int) -> None:
        """Somebody acknowledges the alert of a device, if there is one and the database is there."""
        self.now += timedelta(seconds=1)
        for alert in self.alerts.values():
            if not self.away and alert.source.device_id == device and alert.open and not alert.acknowledged:
                event = act(alert, Verb.ACKNOWLEDGE, "user:a", self.now, None)
                self.alerts[alert.id] = fold(alert, event)
                self.log.append(event)
                return

    def hear(self) -> None:
        """The pipeline hears what people did."""
        if not self.away and not self.spool:
            self.believed = {alert.source.device_id or 0: alert for alert in self.alerts.values() if alert.open}

    def lose_database(self, doubled: int) -> None:
        """The database goes away. The answers to its last `doubled` commits were lost, so they are spooled, too; those
        before, the follower has read."""
        if self.away or self.spool:
            return
        doubled = min(doubled, len(self.log))
        self._read_log(len(self.log) - doubled)
        self.away = True
        for event in self.log[len(self.log) - doubled :]:
            if event.actor == "engine":
                self._put(event, self.alerts[event.alert_id])

    def find_database(self) -> None:
        """It is back: the follower begins anew."""
        if self.away:
            self.away = False
            self._begin()

    def drain(self, count: int) -> None:
        """Some of the spool is brought in; it leaves the file only with the next step."""
        if self.away:
            return
        del self.spool[: self._brought_in]
        for _, event, _ in self.spool[:count]:
            self._append(event)
        self._brought_in = min(count, len(self.spool))
        self.hear()

    def follow(self) -> None:
        """The follower looks at the log."""
        if not self.away:
            self._read_log(len(self.log))

    def stand_by(self) -> None:
        """The bystander looks at the spool."""
        entries = [SpooledEntry(number, event, alert) for number, event, alert in self.spool if number > self._looked]
        if entries:
            self._looked = entries[-1].number
            self._waiting.append(self.picture.take_spooled(entries, self.now))

    def flush(self) -> None:
        """The pause between two rounds of writing is over."""
        updates, self._waiting = self._waiting, []
        self.hub.publish(updates, self.now)
        for page in self.pages:
            if page.client is not None and page.client.closing is not None:
                self.disconnect(page)
            if page.reading:
                page.read()

    def restart(self) -> None:
        """The dashboard is another process now, and every page has lost its connection."""
        for page in self.pages:
            page.client = None
        self.hub, self.picture, self._waiting = Hub(), Picture(), list[Update]()
        self._looked = 0
        self._cursor = 0
        self.stand_by()  # before the log is asked, as dashboard.live does
        if not self.away:
            self._begin()

    def connect(self, page: Page) -> None:
        """The page connects, again if it must."""
        if page.client is None or page.client.closing is not None:
            client = Client(page, b"", Person(1, "x", Role.OPERATOR, Scope()), WAITING_BYTES_MAX)
            page.begin(client)
            if not self.hub.admit(client, self.now):
                page.client = None
        if page.reading:
            page.read()

    def disconnect(self, page: Page) -> None:
        """The page's network breaks."""
        if page.client is not None:
            self.hub.dismiss(page.client)
            page.client = None

    def stall(self, page: Page) -> None:
        """The page stops reading, or goes on."""
        page.reading = not page.reading
        if page.reading:
            page.read()

    def settle(self) -> None:
        """Everything comes to rest: the database is there, the spool empty, every page reads and is connected."""
        self.find_database()
        self.stand_by()
        self.drain(len(self.spool))
        self.drain(0)
        self.follow()
        self.flush()
        for page in self.pages:
            page.reading = True
            self.connect(page)
            page.read()

    def open_now(self) -> dict[str, int]:
        """The open alerts and their versions, as the database has them."""
        return {str(alert.id): alert.version for alert in self.alerts.values() if alert.open}

    def calling(self) -> set[int]:
        """The devices of which somebody must still see an alarm, as the pipeline and the database know together."""

        def seen_to(alert: Alert) -> bool:
            known = self.alerts.get(alert.id)
            at = known.acknowledged_at if known is not None else None
            return at is not None and at >= alert.called_at

        return {device for device, alert in self.believed.items() if not alert.acknowledged and not seen_to(alert)}

    def _put(self, event: AlertEvent, alert: Alert) -> None:
        self._spooled_count += 1
        self.spool.append((self._spooled_count, event, alert))

    def _append(self, event: AlertEvent) -> Alert:
        """As alerting.store does; the alert that took the event."""
        by_key = {alert.key: alert for alert in self.alerts.values() if alert.open}
        new, taken_by = join([event], {each.event_id for each in self.log}, self.alerts, by_key)
        self.log += new
        return self.alerts[taken_by[event.alert_id]]

    def _read_log(self, until: int) -> None:
        entries = [
            Entry(number, self.now, event, self.alerts[event.alert_id])
            for number, event in enumerate(self.log[self._cursor : until], start=self._cursor + 1)
        ]
        if entries and self.hub.board.ready:
            self._cursor = until
            self._waiting.append(self.picture.take(entries, self.now))

    def _begin(self) -> None:
        logged = {each.event_id for each in self.log} & set(self.picture.told_early)
        standing = [alert for alert in self.alerts.values() if alert.open]
        self._cursor = len(self.log)
        early = self.picture.early_alerts
        concerned = [alert for alert in self.alerts.values() if alert.id in early or not alert.open]
        self._waiting.append(self.picture.begin(self._cursor, standing, PLACES, [], logged, concerned, self.now))
        self.flush()
