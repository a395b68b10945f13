"""An engine's simulated output against the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from silicodec.asic import netlist  # noqa: F401 (adds its backend)
from silicodec.models.codec import CorruptDataError, to_words
from silicodec.models.container import DTYPES
from silicodec.rtl.engine import Engine, Port
from silicodec.verif.compare import first_difference
from silicodec.verif.drivers.stalls import Stalls
from silicodec.verif.simulate import simulate
from silicodec.verif.simulation import Simulation


@dataclass(frozen=True)
class StreamCount:
    """Words that passed on one stream, and per cycle of the whole simulation; direction is `in` or `out`."""

    name: str
    direction: str
    words: int
    words_per_cycle: float


@dataclass(frozen=True)
class Comparison:
    """Result of a simulation.

    Parameters
    ----------
    engine, backend : str
        Names of the engine and of the simulator.
    seed : int or None
        Seed of the stalls; None without stalls.
    match : bool
        Whether every packet of every output equals the reference's, and every error flag says the right thing.
    difference : str or None
        The first difference, if any.
    malformed : bool
        Whether the reference refuses the input as malformed; then only the error flag is compared.
    cycles : int
        Clock edges from the first transfer on an input to the last one on an output.
    streams : tuple of StreamCount
        What passed on each stream.
    """

    engine: str
    backend: str
    seed: int | None
    match: bool
    difference: str | None
    malformed: bool
    cycles: int
    streams: tuple[StreamCount, ...]


def compare(
    engine: Engine,
    packets: Mapping[str, Sequence[np.ndarray]],
    *,
    backend: str = "verilator",
    seed: int | None = None,
    waveform: Path | None = None,
) -> Comparison:
    """Simulate an engine and compare what comes out with its reference.

    Parameters
    ----------
    engine : Engine
        The engine.
    packets : mapping of str to sequence of ndarray
        Packets for every input stream.
    backend : str
        Simulator.
    seed : int, optional
        Seed of random stalls on every stream; none by default.
    waveform : Path, optional
        Where to write a waveform, as `simulate` does.
    """
    stalls = None if seed is None else Stalls(seed=seed)
    simulation = simulate(engine, packets, backend=backend, stalls=stalls, waveform=waveform)
    expected: Mapping[str, Sequence[np.ndarray]] | None
    try:
        expected = engine.reference(packets)
    except CorruptDataError:
        expected = None
    difference = find_difference(engine, simulation, expected)
    streams = [
        StreamCount(port.name, direction, simulation.words[port.name], simulation.words_per_cycle(port.name))
        for direction, ports in (("in", engine.inputs), ("out", engine.outputs))
        for port in ports
    ]
    return Comparison(
        engine=engine.name,
        backend=backend,
        seed=seed,
        match=difference is None,
        difference=difference,
        malformed=expected is None,
        cycles=simulation.cycles,
        streams=tuple(streams),
    )


def find_difference(
    engine: Engine, simulation: Simulation, expected: Mapping[str, Sequence[np.ndarray]] | None
) -> str | None:
    """Describe the first difference from the reference's packets, or from an error flag if the input is malformed."""
    malformed = expected is None
    for stream, flags in simulation.errors.items():
        if any(flag != malformed for flag in flags):
            return f"the error flag of stream {stream} is {'clear' if malformed else 'set'}"
    mismatch = None if expected is None else first_difference(expected, simulation.streams)
    return None if mismatch is None else str(mismatch)


def packets_for(engine: Engine, arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Turn arrays into one packet for every input stream.

    Parameters
    ----------
    engine : Engine
        The engine.
    arrays : mapping of str to ndarray
        By stream; or under the empty name the tensor itself, which a decoder gets encoded.

    Raises
    ------
    ValueError
        If an array does not fit its stream.
    """
    if set(arrays) == {""}:
        return engine.stimulus([arrays[""]])
    ports = {port.name: port for port in engine.inputs}
    if set(arrays) != set(ports):
        named = ", ".join(sorted(arrays, key=str) or ["none"])
        raise ValueError(f"{engine.name} has the inputs {', '.join(ports)}; given were {named}")
    return {name: [as_packet(ports[name], array)] for name, array in arrays.items()}


def as_packet(port: Port, array: np.ndarray) -> np.ndarray:
    """Flatten an array to the unsigned words of a stream."""
    if array.dtype.name in DTYPES:
        return to_words(array, port.bits)
    if array.dtype.kind not in "iu" or (array < 0).any():
        raise ValueError(f"stream {port.name} takes unsigned integers of {port.bits} bits, not {array.dtype}")
    return array.reshape(-1).astype(np.uint64)
