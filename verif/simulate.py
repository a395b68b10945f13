"""One call that drives any engine on any simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from silicodec.models.errors import unknown_name
from silicodec.rtl.engine import Engine, Packets, Port
from silicodec.verif.backends import BACKENDS
from silicodec.verif.drivers.stalls import NO_STALLS, Stalls
from silicodec.verif.drivers.stimulus import ERROR, LAST, Recording, Source, Stimulus
from silicodec.verif.errors import SimulationError, StreamRuleError
from silicodec.verif.simulation import Simulation


def simulate(
    engine: Engine,
    inputs: Mapping[str, Packets | np.ndarray],
    *,
    backend: str = "verilator",
    stalls: Stalls | None = None,
    verilog: str | None = None,
    idle_cycles: int | None = None,
    max_cycles: int | None = None,
    reset_after: int = 0,
    waveform: Path | None = None,
) -> Simulation:
    """Send packets through an engine, back to back, and collect what comes out.

    Every input has its own source and every output its own sink; they run independently of each other. Every output
    is watched for the rules of streams: what is offered may not change before it is taken, not even when `ready`
    changes within a cycle. An input without a word shows junk, on Icarus X, and offers junk in reset, which must not be
    taken. A simulation gives the same cycles on every backend.

    Parameters
    ----------
    engine : Engine
        An entry of `silicodec.rtl.catalog.ENGINES`, or any other engine.
    inputs : mapping of str to sequence of ndarray
        Packets for every input stream: one-dimensional arrays of unsigned integers, not empty. A single array stands
        for a single packet.
    backend : str
        `myhdl`, `icarus`, `verilator` or `netlist`.
    stalls : Stalls, optional
        Random pauses; none by default.
    verilog : str, optional
        Verilog to simulate in place of the engine's own, with the same module name and ports. Backend `netlist`
        synthesises it.
    idle_cycles : int
        The simulation ends after so many cycles without a transfer, not counting cycles in which a stream stalls; by
        default as many as the engine says.
    max_cycles : int, optional
        The simulation is given up after so many cycles. By default it is as long as any engine can reasonably take.
    reset_after : int
        If not 0, the engine is reset after so many cycles, in the middle of what it does; then everything begins anew,
        and only this counts.
    waveform : Path, optional
        Where to write what every signal does, as a VCD file, or on `verilator` an FST file. The backend `myhdl` gives
        each block a scope; Verilog is one module, and beside its waveform a file `.gtkw` groups signals for GTKWave.

    Returns
    -------
    Simulation
        Packets, error flags and cycles.

    Raises
    ------
    StreamRuleError
        If a stream breaks a rule.
    SimulationError
        If words are left that the engine does not take, if an output ends without `last`, if the simulation does not
        end, or if the backend's program is missing.
    ValueError
        If the inputs or the backend's name are wrong.
    """
    if backend not in BACKENDS:
        raise ValueError(unknown_name("backend", backend, BACKENDS))
    stalls = stalls or NO_STALLS
    packets = _checked_packets(engine, inputs)
    stimulus = Stimulus(
        sources={
            port.name: _source(port, packets[port.name], stalls.input_pattern(index))
            for index, port in enumerate(engine.inputs)
        },
        sinks={port.name: stalls.output_pattern(index) for index, port in enumerate(engine.outputs)},
        ready_after_valid=stalls.ready_after_valid,
        idle_cycles=idle_cycles or engine.idle_cycles,
        max_cycles=max_cycles or 100_000 + 1_000 * sum(packet.size for stream in packets.values() for packet in stream),
        reset_after=reset_after,
        waveform=waveform,
    )
    recording = BACKENDS[backend](engine, stimulus, verilog)
    simulation = _simulation(engine, backend, recording)
    _check(engine, stimulus, recording, simulation)
    return simulation


def _checked_packets(engine: Engine, inputs: Mapping[str, Packets | np.ndarray]) -> dict[str, list[np.ndarray]]:
    names = [port.name for port in engine.inputs]
    if sorted(inputs) != sorted(names):
        raise ValueError(f"{engine.name} has the inputs {', '.join(names)}, not {', '.join(inputs) or 'none'}")
    return {port.name: _packets(port, inputs[port.name]) for port in engine.inputs}


def _packets(port: Port, given: Packets | np.ndarray) -> list[np.ndarray]:
    """Check the packets of one stream; a single array is a single packet."""
    packets = [given] if isinstance(given, np.ndarray) and given.ndim == 1 else list(given)
    for number, packet in enumerate(packets):
        where = f"packet {number} of stream {port.name}"
        if packet.ndim != 1 or packet.size == 0:
            raise ValueError(f"{where} must be a one-dimensional array of at least one word, not shape {packet.shape}")
        if packet.dtype.kind != "u" and packet.dtype != port.dtype:
            raise ValueError(f"{where} must hold unsigned integers, not {packet.dtype}")
        if int(packet.max()) >> port.bits:
            raise ValueError(f"{where} has the word {packet.max()}, which does not fit in {port.bits} bits")
    return packets


def _source(port: Port, packets: Sequence[np.ndarray], stall: np.ndarray) -> Source:
    words = np.concatenate([np.empty(0, port.dtype), *packets], dtype=port.dtype, casting="unsafe")
    flags = np.zeros(words.size, np.uint8)
    flags[np.cumsum([packet.size for packet in packets], dtype=int) - 1] = LAST
    return Source(words, flags, stall)


def _simulation(engine: Engine, backend: str, recording: Recording) -> Simulation:
    streams, errors = {}, {}
    for port in engine.outputs:
        words, flags = recording.words[port.name], recording.flags[port.name]
        ends = np.flatnonzero(flags & LAST) + 1
        packets = np.split(words, ends)
        streams[port.name] = packets if packets[-1].size else packets[:-1]
        if port.error:
            errors[port.name] = (flags[ends - 1] & ERROR).astype(bool).tolist()
    cycles = 0
    if recording.first_input is not None and recording.last_output is not None:
        cycles = recording.last_output - recording.first_input + 1
    latency = None
    if recording.first_input is not None and recording.first_output is not None:
        latency = recording.first_output - recording.first_input
    transferred = {name: words.size for name, words in recording.words.items()}
    return Simulation(backend, streams, errors, cycles, {**recording.taken, **transferred}, latency)


def _check(engine: Engine, stimulus: Stimulus, recording: Recording, simulation: Simulation) -> None:
    """Raise an error if the simulation did not end as it should."""
    if recording.violation:
        stream, what = recording.violation
        raise StreamRuleError(
            f"{engine.name}: stream {stream}, cycle {max(recording.cycles - 1, 0)}: {what}", simulation
        )
    for name, source in stimulus.sources.items():
        if left := source.words.size - recording.taken[name]:
            raise SimulationError(
                f"{engine.name}: {left} of {source.words.size} words of stream {name} were not taken "
                f"by cycle {recording.cycles}",
                simulation,
            )
    if recording.cycles >= stimulus.max_cycles:
        raise SimulationError(f"{engine.name}: still running after {recording.cycles} cycles", simulation)
    for name, flags in recording.flags.items():
        if flags.size and not flags[-1] & LAST:
            raise SimulationError(f"{engine.name}: stream {name} ended without last", simulation)
