"""CUSUM: standardised deviations added up, on either side, until they cannot be chance.

    z = (x − m) / s,  H ← min(max(0, H + z − k), top),  L ← min(max(0, L − z − k), top),  score = max(H, L)

Page, "Continuous inspection schemes", Biometrika 41 (1954), two-sided; k, half of the shift worth noticing, in standard
deviations; 4 to 5 is the usual limit (Montgomery, "Statistical Quality Control"). Mean m and spread s are learnt
(alerting/detect/moments.py); one reading adds no more than `step_max`, and `top` bounds the sum, so that it is soon
gone when the cause is. Where the drift itself is in physical units, use excess_sum.

Grace: the first `grace` readings add nothing.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerting.detect import moments
from alerting.detect.detector import Columns, Float64, Parameter


class Cusum:
    """Score in standard deviations.

    >>> detector, state = Cusum(), Cusum().begin(1)
    >>> tuned = {name: np.array([each.default]) for name, each in detector.parameters.items()}
    >>> for nth in range(212):
    ...     value = 20 + (-1) ** nth + (2 if nth >= 200 else 0)
    ...     score = detector.score(state, tuned, np.array([nth * 60_000_000]), np.array([float(value)]))
    >>> bool(score[0] > 5)
    True
    """

    name: Final = "cusum"
    parameters: Final[Mapping[str, Parameter]] = {
        "slack": Parameter(1.0, "standard deviations", 0.0, 10.0),
        "step_max": Parameter(3.0, "standard deviations", 0.1, 100.0),
        "top": Parameter(10.0, "standard deviations", 1.0, 1000.0),
        "span": Parameter(1000.0, "readings", 2.0, 1e6),
        "noise_min": Parameter(0.1, "the quantity's", 1e-9, 1e9),
        "grace": Parameter(30.0, "readings", 1.0, 1e5),
    }

    def unit(self, quantity_unit: str) -> str:  # noqa: ARG002 - counted in standard deviations, whatever is measured
        """Standard deviations."""
        return "σ"

    def memory_s(self, parameters: Mapping[str, float]) -> float:  # noqa: ARG002 - it counts readings, not seconds
        """A day: how often a point reports is not known here."""
        return 86_400.0

    def begin(self, count: int) -> Columns:
        """The two sums, and the moments."""
        return {"high": np.zeros(count), "low": np.zeros(count), **moments.begin(count)}

    def score(self, state: Columns, parameters: Columns, at_us: NDArray[np.int64], value: Float64) -> Float64:  # noqa: ARG002
        """The larger of the sums."""
        learnt = state["count"] >= parameters["grace"]
        times = moments.learn(state, value, parameters["span"], parameters["noise_min"])
        step_max, top, slack = parameters["step_max"], parameters["top"], parameters["slack"]
        for name, side in (("high", times), ("low", -times)):
            total = np.clip(state[name] + np.minimum(side - slack, step_max), 0.0, top)
            state[name] = np.where(learnt, total, 0.0)
        score: Float64 = np.maximum(state["high"], state["low"])
        return score
