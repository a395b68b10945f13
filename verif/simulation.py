"""What came out of a simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Simulation:
    """What came out of an engine.

    Parameters
    ----------
    backend : str
        Name of the backend.
    streams : dict of str to list of ndarray
        Packets of every output stream, each one-dimensional, of the smallest unsigned type that holds a word.
    errors : dict of str to list of bool
        For each output stream with an error flag, the flag of every packet.
    cycles : int
        Clock edges from the first transfer on an input to the last one on an output, both counted.
    words : dict of str to int
        Number of words transferred on every stream, inputs and outputs.
    latency : int or None
        Cycles from the first transfer on an input to the first one on an output; the backend `verilator` does not tell.
    """

    backend: str
    streams: dict[str, list[np.ndarray]]
    errors: dict[str, list[bool]]
    cycles: int
    words: dict[str, int]
    latency: int | None = None

    def words_per_cycle(self, stream: str) -> float:
        """Return the mean throughput of a stream, input or output."""
        return self.words[stream] / self.cycles if self.cycles else 0.0
