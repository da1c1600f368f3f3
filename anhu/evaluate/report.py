"""What an evaluation answers with: what happened, what was noticed, how soon, and what was raised for nothing."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

Z_95: Final = 1.959963984540054  # two-sided 95 % of the normal distribution


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that should be noticed: what it belongs to, and how long after its beginning an alarm came.

    `delay_s` is None where none came. `lead_s` is how long before the real photoelectric alarms, `lag_s` how long after
    the real ionisation alarms; None where there were none to compare with.
    """

    name: str
    group: str
    delay_s: float | None
    lead_s: float | None = None
    lag_s: float | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Time in which nothing should be raised, in hours, and the alarms that were raised all the same."""

    group: str
    hours: float
    false_alarms: int
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """Everything an evaluation found. `notes` say in words what a reader must know to judge the figures; `more` holds
    figures that only this kind has."""

    kind: str
    outcomes: Sequence[Outcome]
    quiet: Sequence[Quiet]
    notes: Sequence[str] = ()
    more: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The figures under the protocol's names."""
        groups = sorted({each.group for each in self.outcomes} | {each.group for each in self.quiet})
        by_group = {
            group: _figures(
                [each for each in self.outcomes if each.group == group],
                [each for each in self.quiet if each.group == group],
            )
            for group in groups
        }
        return {
            "kind": self.kind,
            **_figures(self.outcomes, self.quiet),
            "by_group": by_group,
            **self.more,
            "notes": list(self.notes),
        }


def _figures(outcomes: Sequence[Outcome], quiet: Sequence[Quiet]) -> dict[str, Any]:
    detected = sum(each.delay_s is not None for each in outcomes)
    hours = sum(each.hours for each in quiet)
    false_alarms = sum(each.false_alarms for each in quiet)
    interval = wilson(detected, len(outcomes))
    return {
        "events": len(outcomes),
        "detected": detected,
        "missed": len(outcomes) - detected,
        "median_lead_vs_photoelectric_s": _median((each, each.lead_s) for each in outcomes),
        "median_lag_vs_ionisation_s": _median((each, each.lag_s) for each in outcomes),
        "median_delay_s": _median((each, each.delay_s) for each in outcomes),
        "false_alarms": false_alarms,
        "hours": round(hours, 4),
        "hours_synthetic": round(sum(each.hours for each in quiet if each.synthetic), 4),
        "false_alarms_per_hour": round(false_alarms / hours, 4) if hours else None,
        "recall": round(detected / len(outcomes), 4) if outcomes else None,
        "recall_ci95": None if interval is None else [round(each, 4) for each in interval],
    }


def _median(pairs: Iterable[tuple[Outcome, float | None]]) -> float | None:
    """Over those that were noticed: a miss is counted as a miss, not as a delay."""
    known = [value for outcome, value in pairs if outcome.delay_s is not None and value is not None]
    return round(median(known), 3) if known else None


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """The 95 % score interval of a share (Wilson 1927, JASA 22:209); None without trials.

    >>> [round(each, 4) for each in wilson(19, 19)]
    [0.8318, 1.0]
    >>> wilson(0, 0) is None
    True
    """
    if not trials:
        return None
    share, z2 = successes / trials, Z_95 * Z_95
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)
