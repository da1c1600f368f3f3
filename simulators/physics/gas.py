"""Natural gas from a burner left open: build-up and airing in a well-mixed part of the kitchen (mixing.py)."""

from dataclasses import dataclass
from typing import Final

from numpy.typing import ArrayLike

from simulators.physics.day import Floats
from simulators.physics.mixing import well_mixed

METHANE_LEL_FRACTION: Final = 0.05
"""Lower explosive limit of methane: 5 % by volume (GB/T 50493 uses the same figure)."""


@dataclass(frozen=True, slots=True)
class GasLeak:
    """A leak until somebody shuts it and opens the window. An unlit hob burner passes about 0.3 m³/h, a pulled hose 3.

    >>> round(float(GasLeak(leak_m3_s=0.0015, around_m3=15, shut_s=300).lel_percent(300)))  # 0.45 m³ in 15 m³
    59
    """

    leak_m3_s: float = 0.0008
    around_m3: float = 15.0
    """Volume the gas mixes into first: the part of the kitchen under the ceiling, where the detector hangs."""
    shut_s: float = 300.0
    closed_per_s: float = 0.5 / 3_600
    open_per_s: float = 25 / 3_600

    def lel_percent(self, elapsed_s: ArrayLike) -> Floats:
        """Well-mixed build-up, then airing out; 1 %LEL of methane is 0.05 % by volume."""
        source = 100 * self.leak_m3_s / self.around_m3 / METHANE_LEL_FRACTION
        return well_mixed(elapsed_s, source, self.closed_per_s, self.shut_s, self.open_per_s)
