"""Dwell: how long somebody has been on the floor, by a radar that says so or takes it back.

    on = x ≥ `level`
    T ← T + Δt   where the sample before was on;   T ← 0   once it has been off for longer than `bridge_s`
    score = 1 while on, else 0;   onset = t − T

The rule's on-delay is the dwell: counted from the onset, and by the clock between samples, because a radar that tells
changes says nothing more while a person lies still. Radars on sale alarm after 5 to 180 s on the floor
(docs/rules.md). Whoever gets up within the dwell has only sat down, or needs no help.

A radar loses a person who lies still now and then. An interruption of at most `bridge_s` does not begin the dwell anew,
but neither does it count: a ghost that flickers must add up to as long as a person who lies there. Grace: a fresh row
has been on the floor for no time.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect.detector import Columns, Float64, Parameter


class Dwell:
    """Score 1 on the floor, 0 off it; the state's `onset_us` is since when, interruptions left out.

    >>> detector, state = Dwell(), Dwell().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for second, floor in ((0, 1.0), (20, 0.0), (25, 1.0)):  # lost for five seconds
    ...     score = detector.score(state, tuned, np.array([second * 1_000_000]), np.array([floor]))
    >>> score, state["onset_us"] // 1_000_000
    (array([1.]), array([5]))
    """

    name: Final = "dwell"
    parameters: Final[Mapping[str, Parameter]] = {
        "level": Parameter(0.5, "the quantity's", -1e6, 1e6),
        "bridge_s": Parameter(15.0, "s", 0.0, 600.0),
    }

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002 - it says yes or no
        """Yes or no."""
        return "1"

    def memory_s(self, parameters: Mapping[str, float]) -> float:
        """An interruption that may be bridged; the stay itself is as long as the rule's on-delay."""
        return parameters["bridge_s"]

    def begin(self, count: int) -> Columns:
        """When the latest sample came and when it was last off after on (NEVER = -1 before), whether it was on, how
        long the stay has lasted, and its onset."""
        return {
            "at_us": np.full(count, -1, np.int64),
            "off_us": np.full(count, -1, np.int64),
            "stay_us": np.zeros(count, np.int64),
            "onset_us": np.full(count, -1, np.int64),
            "on": np.zeros(count, np.bool_),
        }

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:
        """1 where somebody is on the floor."""
        on, before = value >= parameters["level"], state["on"]
        off_us = np.where(before & ~on, at_us, state["off_us"])
        over = ~before & (at_us - off_us > parameters["bridge_s"] * 1e6)
        stay_us = np.where(before, state["stay_us"] + (at_us - state["at_us"]), np.where(over, 0, state["stay_us"]))
        state["at_us"], state["off_us"], state["on"] = at_us, off_us, on
        state["stay_us"], state["onset_us"] = stay_us, at_us - stay_us
        return on.astype(np.float64)
