"""Confirmation: what conditions in one zone mean together.

Two detectors in a zone, or a detector and a manual call point, confirm a fire; one alone is a pre-alarm (GB 50116, EN
54-2 type A dependency). Smoke together with heat or carbon monoxide is a fire before either would say so alone (EN
54-29, EN 54-30). Both are a rule file's combinations (alerting.rules.Combination); which of their rules hold, on which
devices, is all that counts here.

A combination is carried by one device of the zone, the first on which a rule of its first part held: the alert that is
open there becomes the confirmed one. While it holds, early warnings beside it in the zone call nobody
(alerting/suppression.py).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from alerting.rules import Combination


class Held(NamedTuple):
    """A rule whose condition holds on a device."""

    device_id: int
    rule: str


class Reason(StrEnum):
    """Why a combination holds."""

    TOGETHER = "together"  # every part holds
    ALONE = "alone"  # a part has stood alone for the delay


@dataclass(frozen=True, slots=True)
class Standing:
    """A combination in a zone of which some rule holds: the device that carries it, since when (µs since 1970, by the
    device's clock), and why it holds as a whole, None while it does not."""

    device_id: int
    since_us: int
    reason: Reason | None = None


def judge(combination: Combination, before: Standing | None, held: Collection[Held], at_us: int) -> Standing | None:
    """Where `combination` stands when `held` is what holds in its zone from `at_us` on; None where nothing of it does.

    What held because it stood alone for its delay goes on while anything of it stands: a pre-alarm that was believed
    is not taken back because a part of it has gone.
    """
    mine = [each for each in held if each.rule in combination.rules]
    if not mine:
        return None
    leading = {each.device_id for each in mine if each.rule in combination.parts[0]}
    now = before or Standing(min(leading or {each.device_id for each in mine}), at_us)
    reason: Reason | None = Reason.ALONE if now.reason is Reason.ALONE else None
    if _together(combination, mine):
        reason = now.reason or Reason.TOGETHER
    # Another device carries it only while it does not hold; chosen as soon as that is so, and not at the next change.
    if leading and now.device_id not in leading and (now.reason is None or reason is None):
        now = replace(now, device_id=min(leading))
    return replace(now, reason=reason)


def due_us(combination: Combination, standing: Standing) -> int | None:
    """When the delay of what stands alone runs out; None where it never does or is of no consequence any more."""
    if not combination.alone_delay_s or standing.reason is not None:
        return None
    return standing.since_us + round(combination.alone_delay_s * 1e6)


def stood_alone(standing: Standing) -> Standing:
    """`standing` once its delay has run out."""
    return replace(standing, reason=Reason.ALONE)


def believed(combination: Combination, device_id: int, held: Collection[Held], since_us: int) -> Standing | None:
    """Where a combination stands of which the log says that it holds, carried by `device_id`; None where the conditions
    do not bear it out. Why it held is not told by the log: what is not together now stood alone."""
    mine = [each for each in held if each.rule in combination.rules]
    if _together(combination, mine):
        return Standing(device_id, since_us, Reason.TOGETHER)
    return Standing(device_id, since_us, Reason.ALONE) if mine and combination.alone_delay_s else None


def _together(combination: Combination, mine: Sequence[Held]) -> bool:
    return len({each.device_id for each in mine}) >= combination.devices_min and all(
        any(each.rule in part for each in mine) for part in combination.parts
    )
