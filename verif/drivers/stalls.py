"""Stalls: when the streams of a simulation pause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

PERIOD = 1 << 16
"""Cycles after which a pattern of stalls repeats."""


@dataclass(frozen=True)
class Stalls:
    """Random pauses on every stream, the same in every backend.

    A stalled input does not start to offer a word; a word on offer stays. A stalled output is not ready. Each stream
    has its own random numbers.

    Parameters
    ----------
    seed : int
        Seed of the random numbers.
    input_probability, output_probability : float
        Chance that a stream of that side stalls in a cycle, 0 <= p < 1.
    burst_probability : float
        Chance that a long stall starts in a cycle, 0 <= p < 1.
    burst_cycles : int
        Length of a long stall.
    ready_after_valid : bool
        Whether an output is ready only in a cycle after one with `valid`. An engine whose `valid` waits for `ready`
        then hangs.

    Examples
    --------
    >>> Stalls(seed=1).input_pattern(0)[:8]
    array([0, 0, 1, 0, 0, 0, 0, 0], dtype=uint8)
    """

    seed: int = 0
    input_probability: float = 0.3
    output_probability: float = 0.3
    burst_probability: float = 0.005
    burst_cycles: int = 40
    ready_after_valid: bool = False

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name in ("input_probability", "output_probability", "burst_probability"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {getattr(self, name)}")
        if self.burst_cycles < 1:
            raise ValueError(f"burst_cycles must be at least 1, not {self.burst_cycles}")

    def input_pattern(self, index: int) -> np.ndarray:
        """Return whether input `index` stalls in each cycle: PERIOD values of 0 or 1, uint8."""
        return _pattern(self, 0, index, self.input_probability)

    def output_pattern(self, index: int) -> np.ndarray:
        """Return whether output `index` stalls in each cycle: PERIOD values of 0 or 1, uint8."""
        return _pattern(self, 1, index, self.output_probability)


NO_STALLS = Stalls(input_probability=0, output_probability=0, burst_probability=0)

STALLS: dict[str, Stalls] = {
    "free": NO_STALLS,
    "stalled": Stalls(seed=1),
    "input-starved": Stalls(seed=2, input_probability=0.8, output_probability=0),
    "output-blocked": Stalls(seed=3, input_probability=0, output_probability=0.8),
    "ready-after-valid": Stalls(seed=4, ready_after_valid=True),
}
"""What every engine must get through: pauses nowhere, everywhere, on one side, and an output that waits for `valid`."""


@lru_cache(maxsize=64)
def _pattern(stalls: Stalls, side: int, index: int, probability: float) -> np.ndarray:
    random = np.random.Generator(np.random.PCG64([stalls.seed, side, index]))
    stalled = random.random(PERIOD) < probability
    for start in np.flatnonzero(random.random(PERIOD) < stalls.burst_probability):
        stalled[start : start + stalls.burst_cycles] = True
    pattern = stalled.astype(np.uint8)
    pattern.flags.writeable = False
    return pattern
