"""One fault under load: devices report and call, something breaks, and afterwards the books must balance.

    with Trial(stand, "kill -9 of the pipeline", "f01") as trial:
        trial.fault(lambda: stand.roles()["pipeline"].kill())

While it lasts, a publisher sends what its plan says, people are called at a web server and a page follows. At its end
every reading that was sent must be one row, every device that called one alert, raised once, shown on the page and told
by messages of one id; nothing may be refused, and the whole service be well again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.stage import Child
from tests.faults.plan import Plan, Reading
from tests.faults.publisher import GIVE_UP_S, STOP, Journal, publish
from tests.faults.stand import RECOVERY_S_MAX, Stand, now_us
from tests.waiting import wait_until

LEAD_US: Final = 1_500_000  # the publisher's process needs so long to be ready
ROLE_MIB_MAX: Final = 512.0  # a role's memory, whatever happens to it
_STORED: Final = (
    "SELECT d.code, p.quantity, (extract(epoch FROM measured_at) * 1000000)::bigint FROM readings"
    " JOIN points p ON p.id = point_id JOIN devices d ON d.id = p.device_id"
    " JOIN institutions i ON i.id = d.institution_id WHERE i.code = %s"
)
_EVENTS: Final = (
    "SELECT coalesce(d.code, '-'), e.kind, e.verb, coalesce(e.rule, '-'), count(*) FROM alert_events e"
    " JOIN institutions i ON i.id = e.institution_id LEFT JOIN devices d ON d.id = e.device_id"
    " WHERE i.code = %s AND e.verb IN ('raise', 'clear') GROUP BY 1, 2, 3, 4"
)
_ALERTS: Final = (
    "SELECT a.id::text, coalesce(d.code, '-'), a.kind, a.occurrences, a.version FROM alerts a"
    " JOIN institutions i ON i.id = a.institution_id LEFT JOIN devices d ON d.id = a.device_id WHERE i.code = %s"
)
_UNSETTLED: Final = (
    "SELECT count(*) FROM deliveries v JOIN pushes u ON u.id = v.push_id JOIN institutions i ON i.id = u.institution_id"
    " WHERE i.code = %s AND v.state <> 'sent'"
)
_REFUSED: Final = "SELECT reason, count(*) FROM dead_letters WHERE topic LIKE %s GROUP BY 1"


@dataclass
class Outcome:
    """What was sent and what came of it; a row of the table."""

    fault: str
    messages: int = 0
    readings: int = 0
    stored: int = 0
    doubled: int = 0
    lost: int = 0
    lost_by_broker: int = 0
    called: int = 0
    raised: int = 0
    raised_again: int = 0
    shown: int = 0
    told: int = 0
    told_again: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    again_after_s: float | None = None
    page_s_max: float = 0.0
    phone_s_max: float = 0.0
    peak_mib: dict[str, float] = field(default_factory=dict)
    note: str = ""

    def line(self) -> str:
        """For the terminal."""
        again = "" if self.again_after_s is None else f", stored again after {self.again_after_s:.1f} s"
        refused = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items()))
        readings = f"{self.readings} readings sent, {self.stored} stored, {self.doubled} doubled, {self.lost} lost"
        alarms = (
            f"{self.called} called, {self.raised} raised, {self.raised_again} raised again, {self.shown} on the page"
        )
        said = [
            f"{self.fault}: {readings}",
            f"{alarms}, {self.told} told, {self.told_again} told again{again}",
            f"slowest on the page {self.page_s_max:.1f} s, on the phone {self.phone_s_max:.1f} s",
        ]
        return "; ".join([*said, *([f"refused: {refused}"] if refused else []), *([self.note] if self.note else [])])


OUTCOMES: Final[list[Outcome]] = []


def _by_point(readings: Iterable[Reading]) -> Counter[tuple[str, str]]:
    return Counter((each.device, each.quantity) for each in readings)


class Trial:
    """`institution` is one that no other trial of the stand uses. `plan` are further arguments of its Plan.

    `refused`: how many dead letters of which reason belong to it. `broker_forgets_s`: what the broker acknowledged in
    its last moments may be lost with it, and is counted apart. `redated`: what the service took to be dated ahead is a
    row as of its arrival, and left a letter. `beside`: devices that call apart from the plan, and how many rows each
    must have. `page_host`: the page takes this detour.
    """

    def __init__(
        self, stand: Stand, fault: str, institution: str, *, refused: Mapping[str, int] | None = None,
        broker_forgets_s: float = 0.0, redated: bool = False, beside: Mapping[str, int] | None = None,
        page_host: str | None = None, **plan: Any,
    ) -> None:  # fmt: skip
        self.stand = stand
        self.outcome = Outcome(fault)
        self.refused = dict(refused or {})
        self._broker_forgets_s = broker_forgets_s
        self._redated = redated
        self._beside = dict(beside or {})
        self._page_host = page_host
        self._institution, self._plan_more = institution, plan
        self._begun_us = self._over_us = 0
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.stand.peak_mib()
        self.page = self._stack.enter_context(self.stand.page(self._page_host))
        self.plan = Plan(self._institution, now_us() + LEAD_US, **self._plan_more)
        self._publisher = self._stack.enter_context(Child(publish, self.stand.device_mqtt_url, self.plan))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                self._close_books()

    def under_way(self) -> None:
        """Wait until readings are stored, and an alarm is on the page and told."""
        wait_until(lambda: self._stored_after(0), "readings are stored", time_s_max=RECOVERY_S_MAX, every_s=0.2)
        if self.plan.alarms:
            wait_until(lambda: self._heard_after(0), "an alarm is told", time_s_max=RECOVERY_S_MAX, every_s=0.1)

    def fault(self, strike: Callable[[], None]) -> None:
        """Let it be under way, `strike`, and wait until readings and alarms from after that come through again."""
        self.under_way()
        self._begun_us = now_us()
        strike()
        self.goes_on()

    def goes_on(self) -> None:
        """The fault is over: wait until what is sent from now on arrives."""
        self._over_us = since_us = now_us()
        wait_until(
            lambda: self._stored_after(since_us), "readings are stored again", time_s_max=RECOVERY_S_MAX, every_s=0.1
        )
        self.outcome.again_after_s = (now_us() - since_us) / 1e6
        if self.plan.alarms:
            wait_until(
                lambda: self._heard_after(since_us), "alarms are told again", time_s_max=RECOVERY_S_MAX, every_s=0.1
            )

    def last(self, seconds: float) -> None:
        """Let the load go on for so long."""
        until_us = now_us() + int(seconds * 1e6)
        wait_until(lambda: self._stored_after(until_us), "the load goes on", time_s_max=RECOVERY_S_MAX, every_s=0.2)

    def begin_outage(self) -> None:
        """Note that it begins only now."""
        self._begun_us = now_us()

    def pause(self, seconds: float) -> None:
        """Let the fault last until so long after it began."""
        until_us = self._begun_us + int(seconds * 1e6)
        wait_until(lambda: now_us() > until_us, "it lasts", time_s_max=seconds + 10, every_s=0.1)

    def alarms_heard(self) -> bool:
        """Whether some alarm that came since the fault began is on the page and told."""
        return self._heard_after(self._begun_us)

    def page_s_max(self, since_us: int) -> float:
        """The slowest way to the page of an alarm due since then; after the end."""
        shown = self.page.shown_us()
        due_us = self.plan.callers(self.journal.count)
        return max((shown[code] - at_us) / 1e6 for code, at_us in due_us.items() if at_us >= since_us)

    def told_count(self) -> int:
        """How many messages about its alarms have come, those that came again too."""
        return sum(len(messages) for messages in self._told().values())

    def begin_fault(self) -> None:
        """Note that it begins now."""
        self.under_way()
        self._begun_us = now_us()

    def _stored_after(self, since_us: int) -> int:
        found = self.stand.rows(
            "SELECT count(*) FROM readings WHERE point_id IN (SELECT p.id FROM points p JOIN devices d ON d.id ="
            " p.device_id JOIN institutions i ON i.id = d.institution_id WHERE i.code = %s)"
            " AND measured_at > timestamptz 'epoch' + %s::bigint * interval '1 us'",
            self._institution, max(0, since_us - int(self.plan.held_back_s * 1e6)),
        )  # fmt: skip
        return int(found[0][0]) if found else 0

    def _heard_after(self, since_us: int) -> bool:
        """Whether an alarm due since then is on the page and told; also when the plan has none left to say."""
        due_us = self.plan.callers(10**9)
        wanted = {code for code, at_us in due_us.items() if at_us >= since_us} or set(due_us)
        shown = wanted & set(self.page.shown_us())
        return bool(shown & set(self._told()))

    def _told(self) -> dict[str, list[tuple[int, str]]]:
        """By device: when a message about its alert came (µs since 1970), and its id."""
        found: dict[str, list[tuple[int, str]]] = {}
        for request in list(self.stand.receiver.requests):
            for code in set(re.findall(rf"\b{self._institution}-a\d\d\b", request.text)):
                found.setdefault(code, []).append((request.at_us, request.headers["idempotency-key"]))
        return found

    def _close_books(self) -> None:
        self._publisher.tell(STOP)
        self.journal: Journal = self._publisher.answer(GIVE_UP_S + 60)
        journal = self.journal
        out, since_us = self.outcome, now_us()
        out.messages = journal.count
        assert all(journal.acknowledged_us), f"{journal.acknowledged_us.count(0)} messages were never acknowledged"
        forgettable = self._forgettable(journal)
        sent = {reading for number in range(journal.count) for reading in self.plan.readings(number)}
        assert len(sent) == sum(len(self.plan.readings(number)) for number in range(journal.count))
        must = sent - forgettable
        self._wait_for_rows(must, sent)
        self._wait_until_well(since_us)
        called = self.plan.callers(journal.count)
        self._wait_for_calls(called)
        stored = self.stand.rows(_STORED, self._institution)
        rows = {Reading(*each) for each in stored}
        out.readings, out.stored, out.doubled = len(sent), len(stored), len(stored) - len(rows)
        out.lost, out.lost_by_broker = len(must - rows), len((sent - rows) & forgettable)
        beside = Counter(each.device for each in rows - sent if each.device in self._beside)
        assert beside == self._beside
        unknown = {each for each in rows - sent if each.device not in self._beside}
        if self._redated:
            ahead = {number for number in range(journal.count) if not rows.issuperset(self.plan.readings(number))}
            self.refused["future"] = len(ahead)
            out.lost, unknown = out.lost - len(unknown), set()
            out.note = f"{len(ahead):,} messages count as of their arrival, each with a letter"
        if self._broker_forgets_s:
            out.note = f"the broker had acknowledged {out.lost_by_broker} readings that it forgot"
        out.refused = dict(self.stand.rows(_REFUSED, f"anhu/v1/{self._institution}/%"))  # type: ignore[arg-type]
        out.peak_mib = self.stand.peak_mib()
        self._count_calls(called)
        OUTCOMES.append(out)
        print(out.line())
        self._check(unknown)

    def _wait_for_rows(self, must: set[Reading], sent: set[Reading]) -> None:
        def complete() -> bool:
            if self._stored_after(0) < len(must):
                return False
            rows = [Reading(*each) for each in self.stand.rows(_STORED, self._institution)]
            return _by_point(rows) == _by_point(must) if self._redated else must <= set(rows)

        try:
            wait_until(complete, f"all of {len(sent)} readings are stored", time_s_max=180, every_s=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._missing(must)}") from None

    def _missing(self, must: set[Reading]) -> str:
        """What is not stored, and when it was measured, in seconds since the fault began."""
        missing = must - {Reading(*each) for each in self.stand.rows(_STORED, self._institution)}
        when_s = sorted((each.measured_us - self._begun_us) / 1e6 for each in missing)
        where = f"{len(missing)} readings, measured {when_s[0]:.3f} s to {when_s[-1]:.3f} s after" if when_s else "none"
        refused = dict(self.stand.rows(_REFUSED, f"anhu/v1/{self._institution}/%"))
        return f"{where}; refused: {refused}; {self.stand.ailing() or 'all is well'}"

    def _wait_until_well(self, since_us: int) -> None:
        ailing = ["not asked yet"]

        def well() -> bool:
            ailing[0] = self.stand.ailing()
            return not ailing[0] and self.page.well_since(since_us)

        try:
            wait_until(well, "all is well again", time_s_max=180, every_s=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}: {ailing[0] or 'the page hears of trouble'}") from None

    def _wait_for_calls(self, called: Iterable[str]) -> None:
        wanted = {*called, *self._beside}
        wait_until(lambda: wanted <= set(self.page.shown_us()), "every alarm is shown", time_s_max=60, every_s=0.2)
        wait_until(lambda: wanted <= set(self._told()), "every alarm is told", time_s_max=120, every_s=0.5)
        wait_until(
            lambda: self.stand.rows(_UNSETTLED, self._institution) == [(0,)], "no message is under way",
            time_s_max=180, every_s=0.5,
        )  # fmt: skip

    def _forgettable(self, journal: Journal) -> set[Reading]:
        """What the broker acknowledged in its last moments before the fault."""
        if not self._broker_forgets_s:
            return set()
        until_us = self._begun_us + 200_000  # the signal, and what was still in the socket
        since_us = self._begun_us - int(self._broker_forgets_s * 1e6)
        numbers = [number for number, at_us in enumerate(journal.acknowledged_us) if since_us <= at_us <= until_us]
        return {reading for number in numbers for reading in self.plan.readings(number)}

    def _count_calls(self, called: Mapping[str, int]) -> None:
        out, told, shown = self.outcome, self._told(), self.page.shown_us()
        out.called = len(called)
        out.shown = len(set(called) & set(shown))
        out.told = len(set(called) & set(told))
        out.told_again = sum(len(messages) - 1 for messages in told.values())
        out.page_s_max = max(((shown[code] - due_us) / 1e6 for code, due_us in called.items()), default=0.0)
        out.phone_s_max = max(((min(told[code])[0] - due_us) / 1e6 for code, due_us in called.items()), default=0.0)
        raises: Counter[str] = Counter()
        for code, _, verb, _, count in self.stand.rows(_EVENTS, self._institution):
            raises[code] += count if verb == "raise" else 0
        out.raised = len(set(raises) & set(called))
        out.raised_again = sum(raises.values()) - len(raises)

    def _check(self, unknown: set[Reading]) -> None:
        out = self.outcome
        assert not unknown, f"rows that nobody sent: {sorted(unknown)[:5]}"
        assert (out.doubled, out.lost) == (0, 0)
        assert out.refused == self.refused
        called = {*self.plan.callers(out.messages), *self._beside}
        events = sorted(self.stand.rows(_EVENTS, self._institution))
        assert events == sorted((code, "fire", "raise", "fire.smoke.contact", 1) for code in called)
        alerts = self.stand.rows(_ALERTS, self._institution)
        assert sorted(each[1:] for each in alerts) == sorted((code, "fire", 1, 1) for code in called)
        for code, messages in self._told().items():
            assert len({key for _, key in messages}) == 1, f"{code} was told with several ids: {messages}"
        twice = {key: told for key, told in self.page.raises.items() if _raised_twice(told)}
        assert not twice, f"raised twice on one page: {twice}"
        over = {name: round(weight) for name, weight in out.peak_mib.items() if weight > ROLE_MIB_MAX}
        assert not over, f"MiB: {over}"
        self._acknowledge([number for number, *_ in alerts])

    def _acknowledge(self, alerts: Iterable[str]) -> None:
        """Somebody takes them all on, which ends the calling; that the page can do so is part of being well."""
        with self.stand.api() as client:
            for number in alerts:
                standing = client.get(f"/api/alerts/{number}").raise_for_status().json()
                body = {"version": standing["version"], "note": None}
                client.post(f"/api/alerts/{number}/acknowledge", json=body).raise_for_status()


def _raised_twice(told: Iterable[tuple[Any, ...]]) -> bool:
    """Whether a page heard of one alert twice. What a pipeline that began without the database told from the spool may
    be another alert's, which it did not know; the log sets that right, once."""
    raised = [alert for _, event, alert, *_ in told if event is not None]
    early = [alert for _, event, alert, *_ in told if event is None]
    return len(raised) > 1 or len(early) > 1 or bool(set(raised) & set(early))
