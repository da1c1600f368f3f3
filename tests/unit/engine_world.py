"""A small institution for the engine's tests, and shorthand for readings."""

from alerting.engine import State, adopt, step, tick
from alerting.plan import compile_plan
from alerting.rules import default_rules, parse
from ingest.reading import ReadingBatch
from ingest.registry import Device, Institution, Point, Registry, Zone

S = 1_000_000
T0 = 1_795_305_600 * S

ZONES = ("bedroom", "kitchen", "corridor")
QUANTITIES = ("smoke_obscuration", "temperature", "co", "gas", "battery", "fall", "sos", "smoke_alarm")


def point(device: int, quantity: str) -> int:
    """The id of a point of a device (1, 2, 3 … stand in bedroom, kitchen, corridor, bedroom, …)."""
    return device * 10 + QUANTITIES.index(quantity)


def registry(devices: int = 3, version: int = 1, interval_s: int = 30) -> Registry:
    """One nursing home with `devices` devices that measure everything."""
    units = dict.fromkeys(QUANTITIES, "1")
    return Registry.build(
        version,
        [Institution(1, "home", "安和养老院", "Anhe", "nursing_home", "220322")],
        [Zone(row + 1, 1, kind, kind, kind, kind, 1) for row, kind in enumerate(ZONES)],
        [Device(n, 1, (n - 1) % 3 + 1, f"d{n}", f"设备 {n}", "multi", "", interval_s) for n in range(1, devices + 1)],
        [Point(point(n, name), n, name, units[name]) for n in range(1, devices + 1) for name in QUANTITIES],
    )


def state(devices: int = 3, rules: str | None = None, now_us: int = T0, interval_s: int = 30) -> State:
    """A fresh state under the default rules, or those given."""
    return State.begin(compile_plan(registry(devices, interval_s=interval_s), parse(rules or default_rules())), now_us)


def readings(*rows: tuple[int, float, float], delay_s: float = 0.1) -> ReadingBatch:
    """(point, seconds after T0, value) each."""
    measured = [T0 + round(seconds * S) for _, seconds, _ in rows]
    received = [at + round(delay_s * S) for at in measured]
    return ReadingBatch.build([row[0] for row in rows], measured, received, [row[2] for row in rows])


def feed(engine: State, batch: ReadingBatch):
    """Judge and adopt; the events as (verb, rule, seconds after T0)."""
    verdict = step(engine, batch)
    adopt(engine, verdict.patch)
    return told(verdict.events)


def pass_time(engine: State, seconds: float, *, listening: bool = True, caught_up: bool = True):
    """Tick and adopt at T0 + seconds."""
    verdict = tick(engine, T0 + round(seconds * S), listening=listening, caught_up=caught_up)
    adopt(engine, verdict.patch)
    return told(verdict.events)


def told(events):
    """Events in short."""
    return [(event.verb.value, event.rule, round(event.at.timestamp() - T0 / S, 3)) for event in events]
