"""Waveforms of Verilog, which is one module: what groups their signals by block in GTKWave."""

from __future__ import annotations

import re
from pathlib import Path

from silicodec.rtl.convert import block_names
from silicodec.rtl.engine import Engine

_DECLARATION = re.compile(r"^(?:input|output|wire|reg)(?: signed)?(?: (\[\d+:0\]))? (\w+);", re.MULTILINE)
_OF_YOSYS = re.compile(r"_\d+_")
_HEXADECIMAL, _BINARY, _OPEN, _CLOSED, _END = "@22", "@28", "@800200", "@c00200", "@1000200"


def check_ending(waveform: Path, *endings: str) -> None:
    """Raise ValueError if a waveform's name does not end as one that the backend writes."""
    if waveform.suffix not in endings:
        raise ValueError(f"the name of a waveform must end in {' or '.join(endings)}, not {waveform.name}")


def write_groups(engine: Engine, waveform: Path, verilog: str, scope: str) -> None:
    """Write what GTKWave opens a waveform with, `FILE.gtkw` beside it: signals in a group for each block.

    Parameters
    ----------
    engine : Engine
        The engine.
    waveform : Path
        The waveform.
    verilog : str
        The Verilog of the engine.
    scope : str
        The engine's place in the waveform.
    """
    signals = {name: bits for bits, name in _DECLARATION.findall(verilog) if not _OF_YOSYS.fullmatch(name)}
    groups: dict[str, list[str]] = {name: [] for name in ("", *block_names(engine))}
    for name in signals:
        groups[max((block for block in groups if not block or name.startswith(f"{block}_")), key=len)].append(name)
    lines = [f'[dumpfile] "{waveform.absolute()}"']
    for block, names in groups.items():
        if block and names:
            lines += [_CLOSED, f"-{block}"]
        for name in names:
            lines += [_HEXADECIMAL if signals[name] else _BINARY, f"{scope}.{name}{signals[name]}"]
        if block and names:
            lines += [_END, f"-{block}"]
    waveform.with_suffix(".gtkw").write_text("\n".join([*lines, ""]))
