"""The quantities a point can measure, their units and the span a working sensor can report."""

from dataclasses import dataclass
from typing import Final

from ingest.errors import UnitMismatch


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measurable quantity.

    `low` and `high` bound what a working sensor can say, in `unit`; a value outside them (a −200 missing-value code, a
    broken wire) is kept as evidence but is not judged.
    """

    name: str
    unit: str
    low: float
    high: float


QUANTITIES: Final[dict[str, Quantity]] = {
    quantity.name: quantity
    for quantity in (
        Quantity("smoke_obscuration", "dB/m", -0.5, 100.0),
        Quantity("smoke_alarm", "1", 0.0, 1.0),
        Quantity("temperature", "Cel", -60.0, 1400.0),  # a flashover stays below 1,400 °C
        Quantity("heat_alarm", "1", 0.0, 1.0),
        Quantity("call_point", "1", 0.0, 1.0),
        Quantity("humidity", "%RH", 0.0, 100.0),
        Quantity("co", "ppm", -20.0, 100_000.0),  # small negatives are zero drift of the cell
        Quantity("co_alarm", "1", 0.0, 1.0),
        Quantity("gas", "%LEL", -5.0, 100.0),
        Quantity("gas_alarm", "1", 0.0, 1.0),
        Quantity("water_leak", "1", 0.0, 1.0),
        Quantity("fall", "1", 0.0, 1.0),
        Quantity("on_floor", "1", 0.0, 1.0),  # a radar sees somebody on the floor; a fall is when they stay there
        Quantity("sos", "1", 0.0, 1.0),
        Quantity("occupancy", "1", 0.0, 1.0),
        Quantity("vibration", "1", 0.0, 1.0),
        Quantity("tamper", "1", 0.0, 1.0),
        Quantity("battery", "%", 0.0, 100.0),
        Quantity("battery_low", "1", 0.0, 1.0),
        Quantity("mains_power", "1", 0.0, 1.0),  # 1 while the mains are there
        Quantity("fire_alarm", "1", 0.0, 1.0),  # of a fire panel, or of what on one has no quantity of its own
        Quantity("fault", "1", 0.0, 1.0),
        Quantity("alive", "1", 0.0, 1.0),  # 1 where its gateway reaches the device, 0 where it says that it does not
    )
}

# (unit sent, unit kept) → (factor, offset): kept = sent × factor + offset. Unit names are SenML's (RFC 8428 §12.1,
# RFC 8798) beside the spellings gateways use.
_CONVERSIONS: Final[dict[tuple[str, str], tuple[float, float]]] = {
    ("K", "Cel"): (1.0, -273.15),
    ("°C", "Cel"): (1.0, 0.0),
    ("C", "Cel"): (1.0, 0.0),
    ("/", "ppm"): (1e6, 0.0),
    ("ppb", "ppm"): (1e-3, 0.0),
    ("%", "ppm"): (1e4, 0.0),
    ("%EL", "%"): (1.0, 0.0),
    ("/", "%"): (100.0, 0.0),
    ("/", "%RH"): (100.0, 0.0),
    ("%", "%RH"): (1.0, 0.0),
    ("/", "%LEL"): (100.0, 0.0),
    ("%", "%LEL"): (1.0, 0.0),
    ("1/m", "dB/m"): (10.0, 0.0),  # optical density is log10 of the loss, a decibel a tenth of it
    ("/", "1"): (1.0, 0.0),
    ("count", "1"): (1.0, 0.0),
}


def convert(value: float, unit: str, quantity: Quantity) -> float:
    """`value` in `unit`, in the unit of `quantity`.

    Raises UnitMismatch when the two measure different things.

    >>> convert(300.15, "K", QUANTITIES["temperature"])
    27.0
    """
    if unit == quantity.unit:
        return value
    try:
        factor, offset = _CONVERSIONS[unit, quantity.unit]
    except KeyError:
        raise UnitMismatch(f"{unit} cannot be read as {quantity.name} in {quantity.unit}") from None
    return value * factor + offset
