"""The test bench of the MyHDL simulator: a source on every input stream, a sink and a monitor on every output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import cycle as repeat
from typing import Any

import numpy as np
from myhdl import ResetSignal, Signal, Simulation, StopSimulation, delay, instance

from silicodec.rtl.convert import signal_names
from silicodec.rtl.elaboration import elaboration
from silicodec.rtl.engine import Engine, Port
from silicodec.verif.drivers.stimulus import ERROR, LAST, RESET_CYCLES, Recording, Source, Stimulus, junk

Device = Callable[[Any, Any, Mapping[str, Any], Mapping[str, Any]], Any]
"""Makes what MyHDL simulates from `clk`, `rst`, the streams and, by stream, the signal that says `unknown`."""


class Driver:
    """Offers words on an input stream, and junk where there is none, so that an engine cannot rely on it."""

    def __init__(self, signals: dict[str, Any], unknown: Any, source: Source) -> None:
        self._data, self._valid, self._ready, self._last = (signals[r] for r in ("data", "valid", "ready", "last"))
        self._unknown = unknown
        self._words = list(zip(source.words.tolist(), source.flags.tolist(), strict=True))
        self._stall = repeat(source.stall.tolist())
        self._bits = len(self._data)
        self._offering = False
        self.taken = 0
        self.violation: str | None = None

    def drive(self, cycle: int) -> None:
        """Set the stream's signals for the next cycle."""
        stalled = next(self._stall)
        if self.left and not stalled:
            self._offering = True
        if self._offering:
            word, flags = self._words[self.taken]
            self._set(word, bool(flags & LAST))
        else:
            self._set(junk(cycle, self._bits), bool(junk(cycle, 1)))
        self._valid.next = self._offering

    def reset(self, cycle: int) -> None:
        """Offer junk, which must not be taken."""
        self._set(junk(cycle, self._bits), bool(junk(cycle, 1)))
        self._valid.next = True

    def _set(self, word: int, last: bool) -> None:
        self._data.next = word
        self._last.next = last

    def sample_reset(self) -> None:
        """Watch the rule of streams in reset."""
        if self._ready:
            self.violation = "ready in reset"

    def sample(self) -> bool:
        """Return whether a word is transferred at the coming clock edge."""
        if self._unknown:
            self.violation = "ready is unknown (X)"
        transfer = bool(self._offering and self._ready)
        if transfer:
            self.taken += 1
            self._offering = False
        return transfer

    @property
    def left(self) -> bool:
        """Whether there are words that were not taken."""
        return self.taken < len(self._words)

    @property
    def stalled(self) -> bool:
        """Whether there is a word that is not on offer."""
        return self.left and not self._offering


class Monitor:
    """Takes the words of an output stream and watches the rules of streams."""

    def __init__(self, signals: dict[str, Any], unknown: Any, stall: np.ndarray, ready_after_valid: bool) -> None:
        self._data, self._valid, self._ready, self._last = (signals[r] for r in ("data", "valid", "ready", "last"))
        self._error = signals.get("error", False)
        self._unknown = unknown
        self._stall = repeat(stall.tolist())
        self._ready_after_valid = ready_after_valid
        self._will_take = False
        self._probed: tuple[int, int] | None = None
        self._held: tuple[int, int] | None = None
        self.words: list[int] = []
        self.flags: list[int] = []
        self.violation: str | None = None

    def drive(self) -> None:
        """Decide on `ready` for the next cycle, but first give the opposite."""
        stalled = next(self._stall)
        self._will_take = not stalled and (self._held is not None or not self._ready_after_valid)
        self._ready.next = not self._will_take

    def probe(self) -> None:
        """See what is offered, and set `ready` as it counts."""
        self._probed = self._offer()
        self._ready.next = self._will_take

    def reset(self) -> None:
        """Be ready for what must not come."""
        self._ready.next = True

    def sample_reset(self) -> None:
        """Watch the rule of streams in reset."""
        if self._valid:
            self.violation = "valid in reset"

    def sample(self) -> bool:
        """Return whether a word is transferred at the coming clock edge."""
        offer = self._offer()
        self.violation = self._broken_rule(offer)
        if offer is None or not self._ready:
            self._held = offer
            return False
        self.words.append(offer[0])
        self.flags.append(offer[1])
        self._held = None
        return True

    def _offer(self) -> tuple[int, int] | None:
        last = bool(self._last)
        return (int(self._data), LAST * last + ERROR * (last and bool(self._error))) if self._valid else None

    def _broken_rule(self, offer: tuple[int, int] | None) -> str | None:
        if self._unknown:
            return "valid, data, last or error is unknown (X)"
        if offer != self._probed:
            return "what is offered depends on ready"
        if self._held is None or offer == self._held:
            return None
        if offer is None:
            return "valid fell before the transfer"
        if offer[0] != self._held[0]:
            return "data changed before the transfer"
        return "last or error changed before the transfer"

    @property
    def stalled(self) -> bool:
        """Whether there is a word on offer that was not taken."""
        return self._held is not None


class Bench:
    """All drivers and monitors of an engine."""

    def __init__(self, engine: Engine, stimulus: Stimulus, streams: Mapping[str, Any], unknown: Mapping[str, Any]):
        def signals(port: Port) -> dict[str, Any]:
            stream = streams[port.name]
            return {role: getattr(stream, attribute) for role, attribute in signal_names(engine, port).items()}

        self._engine = engine
        self._stimulus = stimulus
        self._drivers = {
            port.name: Driver(signals(port), unknown[port.name], stimulus.sources[port.name]) for port in engine.inputs
        }
        self._monitors = {
            port.name: Monitor(signals(port), unknown[port.name], stimulus.sinks[port.name], stimulus.ready_after_valid)
            for port in engine.outputs
        }
        self._ends: dict[str, Driver | Monitor] = {**self._drivers, **self._monitors}
        self._edges = 0
        self._cycles = 0
        self._idle = 0
        self._first_input: int | None = None
        self._first_output: int | None = None
        self._last_output: int | None = None

    @property
    def broken(self) -> bool:
        """Whether a stream broke a rule."""
        return any(end.violation for end in self._ends.values())

    @property
    def finished(self) -> bool:
        """Whether the simulation is over."""
        return self.broken or self._idle >= self._stimulus.idle_cycles or self._cycles >= self._stimulus.max_cycles

    def drive(self) -> None:
        """Set every signal that the bench drives, for the next cycle."""
        self._edges += 1
        for driver in self._drivers.values():
            driver.drive(self._edges)
        for monitor in self._monitors.values():
            monitor.drive()

    def probe(self) -> None:
        """Set every `ready` as it counts."""
        for monitor in self._monitors.values():
            monitor.probe()

    def reset(self) -> None:
        """Set every signal that the bench drives, for the next cycle of a reset."""
        self._edges += 1
        for driver in self._drivers.values():
            driver.reset(self._edges)
        for monitor in self._monitors.values():
            monitor.reset()

    def sample_reset(self, edges: int) -> None:
        """Watch a cycle of a reset; an output may be valid until the first clock edge of it."""
        for driver in self._drivers.values():
            driver.sample_reset()
        if edges:
            for monitor in self._monitors.values():
                monitor.sample_reset()

    def sample(self) -> None:
        """Take what is transferred at the coming clock edge."""
        inputs = [driver.sample() for driver in self._drivers.values()]
        outputs = [monitor.sample() for monitor in self._monitors.values()]
        if any(inputs) and self._first_input is None:
            self._first_input = self._cycles
        if any(outputs):
            self._last_output = self._cycles
            if self._first_output is None:
                self._first_output = self._cycles
        if any(inputs) or any(outputs):
            self._idle = 0
        elif not any(end.stalled for end in self._ends.values()):
            self._idle += 1
        self._cycles += 1

    def recording(self) -> Recording:
        """Return what was transferred."""
        violations = [(name, end.violation) for name, end in self._ends.items() if end.violation]
        return Recording(
            cycles=self._cycles,
            first_input=self._first_input,
            last_output=self._last_output,
            taken={name: driver.taken for name, driver in self._drivers.items()},
            words={p.name: np.array(self._monitors[p.name].words, p.dtype) for p in self._engine.outputs},
            flags={name: np.array(monitor.flags, np.uint8) for name, monitor in self._monitors.items()},
            violation=violations[0] if violations else None,
            first_output=self._first_output,
        )


def run(engine: Engine, stimulus: Stimulus, device: Device) -> Recording:
    """Simulate a device that has the engine's streams."""
    with elaboration():
        clk, rst = Signal(bool(0)), ResetSignal(1, active=1, isasync=False)
        streams = engine.streams()
        unknown = {port.name: Signal(bool(0)) for port in (*engine.inputs, *engine.outputs)}
        runs = [replace(stimulus, max_cycles=stimulus.reset_after), stimulus] if stimulus.reset_after else [stimulus]
        benches = [Bench(engine, run, streams, unknown) for run in runs]

        @instance
        def drive_and_sample() -> Any:
            for bench in benches:
                rst.next = 1
                for edges in range(RESET_CYCLES):
                    bench.reset()
                    yield delay(2)  # as long as any other cycle
                    bench.sample_reset(edges)
                    clk.next = 1
                    yield delay(1)
                    clk.next = 0
                rst.next = 0
                while not bench.finished:
                    bench.drive()
                    yield delay(1)
                    bench.probe()
                    yield delay(1)
                    bench.sample()
                    clk.next = 1
                    yield delay(1)
                    clk.next = 0
                if bench.broken:
                    break
            raise StopSimulation

        simulation = Simulation(device(clk, rst, streams, unknown), drive_and_sample)
        try:
            simulation.run(quiet=1)
        finally:
            if not simulation._finished:
                simulation.quit()
        return next((bench for bench in benches if bench.broken), benches[-1]).recording()
