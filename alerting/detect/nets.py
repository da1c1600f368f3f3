"""A few small neural nets of one hidden layer, learnt elsewhere and kept as a table of numbers.

    z = asinh((x − middle) / spread),  p = mean over nets of 1 / (1 + exp(−(c + v·tanh(b + W z))))

Inputs are measured from the middle and by the spread of what the nets learnt from; asinh keeps far ones from drowning
the others. The mean of nets that began at different places is steadier than any of them (Hansen & Salamon, "Neural
network ensembles", 1990). Evaluated in numpy for many rows at once, so that the service needs nothing of what taught
them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from alerting.errors import ModelUnreadable

Float64 = NDArray[np.float64]

INPUTS_MAX: Final = 1_000
UNITS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Nets:
    """middle, spread float64[f]; the hidden units of all nets side by side: weight float64[f, u], bias float64[u]; what
    each unit adds to which net: out float64[u, k], out_bias float64[k].

    >>> nets = Nets.of({"middle": [1.0], "spread": [1.0], "nets": [
    ...     {"weight": [[2.0]], "bias": [0.0], "out": [3.0], "out_bias": 0.0}]})
    >>> nets.score(np.array([[-9.0], [1.0], [11.0]], np.float32)).round(3)
    array([0.047, 0.5  , 0.953])
    """

    middle: Float64
    spread: Float64
    weight: Float64
    bias: Float64
    out: Float64
    out_bias: Float64

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """Of a parsed data file: `middle`, `spread`, and `nets` of weight (a row an input), bias, out and out_bias
        each. Raises ModelUnreadable."""
        try:
            middle, spread = np.array(table["middle"], np.float64), np.array(table["spread"], np.float64)
            weights = [np.array(net["weight"], np.float64) for net in table["nets"]]
            biases = [np.array(net["bias"], np.float64) for net in table["nets"]]
            outs = [np.array(net["out"], np.float64) for net in table["nets"]]
            out_bias = np.array([net["out_bias"] for net in table["nets"]], np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelUnreadable(f"middle, spread and nets are wanted: {error!r}") from error
        fits = weights and all(
            each.shape == (len(middle), len(bias)) and out.shape == bias.shape
            for each, bias, out in zip(weights, biases, outs, strict=True)
        )
        if not fits or spread.shape != middle.shape or out_bias.shape != (len(weights),):
            raise ModelUnreadable("the nets' tables do not fit together")
        out = np.zeros((sum(map(len, outs)), len(outs)))
        first = 0
        for number, each in enumerate(outs):
            out[first : first + len(each), number] = each
            first += len(each)
        nets = cls(middle, spread, np.concatenate(weights, axis=1), np.concatenate(biases), out, out_bias)
        if len(middle) > INPUTS_MAX or len(nets.bias) > UNITS_MAX:
            raise ModelUnreadable("the nets are larger than their bounds allow")
        if not all(np.isfinite(getattr(nets, name)).all() for name in cls.__slots__) or not (spread > 0).all():
            raise ModelUnreadable("a number of the nets is not finite, or a spread not positive")
        return nets

    def score(self, rows: NDArray[np.float32]) -> Float64:
        """Between 0 and 1, one a row of `rows`, float32[n, f]."""
        hidden = np.tanh(inputs(rows, self.middle, self.spread) @ self.weight + self.bias)
        score: Float64 = (1 / (1 + np.exp(-(hidden @ self.out + self.out_bias)))).mean(axis=1)
        return score


def inputs(rows: NDArray[np.float32], middle: Float64, spread: Float64) -> Float64:
    """What the nets see of `rows`, float32[n, f]."""
    scaled: Float64 = np.arcsinh((rows.astype(np.float64) - middle) / spread)
    return scaled
