"""From an engine to one Verilog file."""

from __future__ import annotations

import hashlib
import re
import tempfile
import textwrap
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import myhdl
from myhdl import ResetSignal, Signal, ToVerilogWarning

from silicodec.models.storage import written_whole
from silicodec.rtl.elaboration import elaboration
from silicodec.rtl.engine import Engine, Port

SIGNALS = {"data": "data", "valid": "valid", "ready": "ready", "last": "last", "error": "error", "keep": "keep"}
AXI_SIGNALS = {
    "data": "tdata",
    "valid": "tvalid",
    "ready": "tready",
    "last": "tlast",
    "error": "tuser",
    "keep": "tkeep",
}

WAIVERS = {
    "WIDTH": "MyHDL's expressions are of integers, which Verilog extends and cuts as the assignment says",
    "UNSIGNED": "the first round of a loop may compare 0 with what is never below it",
    "UNUSEDSIGNAL": "several blocks share a word, of which each uses what it needs",
}
"""What `verilator -Wall` says of converted Verilog, and why it is no fault."""

_texts: dict[int, tuple[Engine, str]] = {}
"""Verilog by the engine's id; keeping the engine keeps its id from being used again."""

_PORT = re.compile(r"^(input|output) (?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)
_TIMESCALE = re.compile(r"^`timescale .*\n+", re.MULTILINE)
_SENSITIVITY = re.compile(r"(?<=^always @\()(?!posedge|negedge)[][\w, :-]+(?=\))", re.MULTILINE)
_RESETS = re.compile(r"(?:(?<=rst == 1\) begin\n)|(?<=flush == 1\) begin\n))(?: +\S+ <= [^;]+;\n)+")


class ConversionError(Exception):
    """An engine that does not convert to the Verilog it describes."""


@dataclass(frozen=True)
class Pin:
    """One port of the Verilog module: its direction (`input` or `output`) and width."""

    direction: str
    bits: int


def signal_names(engine: Engine, port: Port) -> dict[str, str]:
    """Return the name of the stream's signal for each role: data, valid, ready, last; error and keep if it has them."""
    names = dict(AXI_SIGNALS if engine.axi else SIGNALS)
    for role in ("error", "keep"):
        if not getattr(port, role):
            del names[role]
    return names


def pins(engine: Engine) -> dict[str, Pin]:
    """Return the ports of the engine's Verilog module, by name."""
    result = {"clk": Pin("input", 1), "rst": Pin("input", 1)}
    for port in (*engine.inputs, *engine.outputs):
        forward, backward = ("input", "output") if port in engine.inputs else ("output", "input")
        for role, attribute in signal_names(engine, port).items():
            bits = {"data": port.bits, "keep": port.bits // 8}.get(role, 1)
            result[f"{port.name}_{attribute}"] = Pin(backward if role == "ready" else forward, bits)
    return result


def verilog(engine: Engine) -> str:
    """Convert an engine to Verilog; the same engine gives the same text every time.

    Raises
    ------
    ConversionError
        If MyHDL cannot convert the block, if a signal is driven but not read or read but not driven, or if the ports
        are not those that the engine declares.

    Examples
    --------
    >>> from silicodec.rtl.catalog import ENGINES
    >>> verilog(ENGINES["weight-trimmer"]).splitlines()[0]
    'module weight_trimmer ('
    """
    if id(engine) not in _texts:
        _texts[id(engine)] = (engine, _convert(engine))
    return _texts[id(engine)][1]


def _convert(engine: Engine) -> str:
    with elaboration(), tempfile.TemporaryDirectory() as directory, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ToVerilogWarning)
        clk, rst = Signal(bool(0)), ResetSignal(0, active=1, isasync=False)
        instance = engine.instantiate(clk, rst, engine.streams())
        try:
            instance.convert(hdl="Verilog", path=directory, name=engine.top, testbench=False, no_myhdl_header=True)
        except myhdl.ConversionError as error:
            raise ConversionError(f"{engine.name}: {' '.join(str(error).split())}") from error
        text = Path(directory, f"{engine.top}.v").read_text()
    text = normalised(text)
    _check_signals(engine, [str(warning.message) for warning in caught])
    _check_pins(engine, text)
    return text


def block_names(engine: Engine) -> list[str]:
    """Return the names of the blocks within an engine, with which names of their signals begin in its Verilog.

    Examples
    --------
    >>> from silicodec.rtl.catalog import ENGINES
    >>> block_names(ENGINES["stream-fifo"])
    ['memory0']
    """
    with elaboration():
        instance = engine.instantiate(Signal(bool(0)), ResetSignal(0, active=1, isasync=False), engine.streams())
        return _names_below(instance, "")


def _names_below(instance: Any, prefix: str) -> list[str]:
    names = []
    for part in instance.subs:
        if hasattr(part, "subs"):  # a block, not a process
            names += [prefix + part.name, *_names_below(part, f"{prefix}{part.name}_")]
    return names


def to_verilog(engine: Engine, directory: Path) -> Path:
    """Convert an engine to the Verilog file `directory/TOP.v`, with a header, and return its path.

    Raises
    ------
    ConversionError
        As `verilog` does.
    """
    text = verilog(engine)
    path = Path(directory) / f"{engine.top}.v"
    with written_whole(path) as temporary:
        temporary.write_text(f"{header(engine, text)}\n{text}")
    return path


def header(engine: Engine, text: str) -> str:
    """Return comments that tell what some Verilog is: licence, version, parameters, streams and a hash."""
    streams = [f"{port.name} in ({port.bits} bits)" for port in engine.inputs]
    streams += [f"{port.name} out ({port.bits} bits)" for port in engine.outputs]
    settings = [f"{name} = {value}" for name, value in engine.parameters.items()]
    lines = [
        "SPDX-License-Identifier: Apache-2.0",
        f"silicodec {version('silicodec')}, {engine.name}: {engine.summary}",
        f"Parameters: {', '.join(settings) or 'none'}",
        f"Streams: {', '.join(streams)}",
        f"SHA-256 from `module` on: {hashlib.sha256(text.encode()).hexdigest()}",
    ]
    for warning, reason in WAIVERS.items():
        lines += [f"No fault, because {reason}:", f"verilator lint_off {warning}"]
    return "".join(textwrap.fill(line, 116, initial_indent="// ", subsequent_indent="//   ") + "\n" for line in lines)


def normalised(text: str) -> str:
    """Remove the time scale, which no cycle depends on, and sort what MyHDL takes from sets."""
    text = _TIMESCALE.sub("", text).lstrip()
    text = _SENSITIVITY.sub(lambda match: ", ".join(sorted(match[0].split(", "))), text)
    return _RESETS.sub(lambda match: "".join(sorted(match[0].splitlines(keepends=True))), text)


def _check_signals(engine: Engine, messages: list[str]) -> None:
    """Refuse signals without a driver or without a reader; an input that the block ignores is its own affair."""
    faults = sorted({message for message in messages if not message.startswith("Port is not used")})
    if faults:
        raise ConversionError(f"{engine.name}: {'; '.join(faults)}")


def _check_pins(engine: Engine, text: str) -> None:
    found = {name: Pin(direction, int(msb or 0) + 1) for direction, msb, name in _PORT.findall(text)}
    expected = pins(engine)
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            raise ConversionError(
                f"{engine.name}: port {name} should be {_describe(expected.get(name))}, "
                f"but the Verilog has {_describe(found.get(name))} (an output that nothing drives becomes an input)"
            )


def _describe(pin: Pin | None) -> str:
    return "absent" if pin is None else f"{pin.direction} of {pin.bits} bits"
