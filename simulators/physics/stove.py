"""Carbon monoxide from a stove that burns without enough air: an approach to the level at which its output and the
draught balance (mixing.py)."""

from dataclasses import dataclass

from numpy.typing import ArrayLike

from simulators.physics.day import Floats
from simulators.physics.mixing import well_mixed


@dataclass(frozen=True, slots=True)
class StoveCo:
    """A stove that fills its room towards *level_ppm*.

    >>> float(StoveCo(level_ppm=250.0, until_s=1e5).co_ppm(4_000).round(1))
    250.0
    """

    level_ppm: float = 250.0
    until_s: float = 1_500.0
    closed_per_s: float = 1 / 400
    open_per_s: float = 20 / 3_600

    def co_ppm(self, elapsed_s: ArrayLike) -> Floats:
        """In the room."""
        return well_mixed(
            elapsed_s, self.level_ppm * self.closed_per_s, self.closed_per_s, self.until_s, self.open_per_s
        )
