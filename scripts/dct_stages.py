"""Print what each stage of the DCT engines takes, synthesised by itself: the table in docs/engines/dct.md."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from myhdl import ConcatSignal, Signal, block, intbv

from silicodec.asic.measure import synthesize
from silicodec.asic.pdk import GATE_EQUIVALENT_UM2, PERIOD_NS
from silicodec.rtl.blocks.adder_network import drive, signed, take
from silicodec.rtl.blocks.transposer import transposer
from silicodec.rtl.dct.codec import COLUMN_CUT, ROW_CUT
from silicodec.rtl.dct.columns import COLUMN_BITS, MOST_PAIRS, WORD_PAIRS, column_coder
from silicodec.rtl.dct.parser import HEADER_PAIRS, PAYLOAD_BITS, column_parser, expander
from silicodec.rtl.dct.quantiser import MODE_BITS, dequantiser, quantiser
from silicodec.rtl.dct.transform import forward_pass, inverse_pass
from silicodec.rtl.elaboration import elaboration
from silicodec.rtl.source import Source

Widths = tuple[int, ...]
"""Widths of signals; signed ones are written as negative numbers."""


@dataclass(frozen=True)
class Stage:
    """A block, the widths of what enters and leaves it, and its arguments made from clock, enable, inputs, outputs."""

    name: str
    block: Callable[..., Any]
    inputs: Widths
    outputs: Widths
    arguments: Callable[[Any, Any, list[Any], list[Any]], tuple[Any, ...]]
    options: dict[str, int | bool] = field(default_factory=dict)


def eight(bits: int) -> Widths:
    """Return the widths of eight signed numbers."""
    return (-bits,) * 8


def _pass(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return clk, go, x, y


def _transposer(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return clk, go, x[0], x[1:], y


def _quantiser(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return x[:8], x[8], x[9], y


BYTES = (8,) * 8
PAIRS_BITS = MOST_PAIRS.bit_length()
PARSED = (PAYLOAD_BITS, 8, HEADER_PAIRS.bit_length(), WORD_PAIRS.bit_length(), 1)

STAGES: list[Stage] = [
    Stage("encoder, pass of rows", forward_pass, eight(8), eight(11), _pass, {"half": 128, "shift": 8}),
    Stage("encoder, transposer", transposer, (1, *eight(11)), eight(11), _transposer),
    Stage("encoder, pass of columns", forward_pass, eight(11), eight(12), _pass, {"half": 0, "shift": 10}),
    Stage("encoder, quantiser", quantiser, (*eight(12), 3, MODE_BITS), BYTES, _quantiser),
    Stage("encoder, column coder", column_coder, BYTES, (COLUMN_BITS, PAIRS_BITS), lambda clk, go, x, y: (x, *y)),
    Stage("decoder, column parser", column_parser, (COLUMN_BITS, 1), PARSED, lambda clk, go, x, y: (*x, *y)),
    Stage("decoder, expander", expander, (PAYLOAD_BITS, 8), BYTES, lambda clk, go, x, y: (*x, y)),
    Stage("decoder, dequantiser", dequantiser, (*BYTES, 3, MODE_BITS), eight(11), _quantiser),
    Stage(
        "decoder, pass of columns",
        inverse_pass,
        eight(11),
        eight(14),
        _pass,
        {"cut": COLUMN_CUT, "early": True, "shift": 9},
    ),
    Stage("decoder, transposer", transposer, (1, *eight(14)), eight(14), _transposer),
    Stage(
        "decoder, pass of rows",
        inverse_pass,
        eight(14),
        eight(12),
        _pass,
        {"cut": ROW_CUT, "early": False, "shift": 16},
    ),
]


def number(width: int) -> Any:
    """Make a signal, signed where the width is negative."""
    if width == 1:
        return Signal(bool(0))
    return signed(-width) if width < 0 else Signal(intbv(0)[width:])


@block
def harness(clk: Any, go: Any, word: Any, result: Any, stage: Stage) -> Any:
    """Give a stage ports that are words, as a top module wants them."""
    x, y = [number(width) for width in stage.inputs], [number(width) for width in stage.outputs]
    places = [sum(map(abs, stage.inputs[:i])) for i in range(len(x))]
    splits = [
        drive(word(places[i]), x[i]) if stage.inputs[i] == 1 else take(word, places[i], x[i]) for i in range(len(x))
    ]
    built = stage.block(*stage.arguments(clk, go, x, y), **stage.options)
    joined = ConcatSignal(*y)
    join = drive(joined, result)
    return splits, built, join


def measure(stage: Stage) -> tuple[float, int]:
    """Synthesise a stage; return its area in kGE and its flip-flops."""
    with tempfile.TemporaryDirectory() as directory, elaboration():
        clk, go = Signal(bool(0)), Signal(bool(0))
        word, result = (Signal(intbv(0)[sum(map(abs, widths)) :]) for widths in (stage.inputs, stage.outputs))
        ports = harness(clk, go, word, result, stage)
        ports.convert(hdl="Verilog", path=directory, name="stage", testbench=False)
        folder = Path(directory)
        Source("stage", (folder / "stage.v",)).stage(folder)
        statistics = synthesize("stage", folder, ["clk"], PERIOD_NS)
    return statistics.area_um2 / GATE_EQUIVALENT_UM2 / 1000, statistics.flip_flops


if __name__ == "__main__":
    print("| stage | kGE | flip-flops |\n|---|--:|--:|")
    for stage in STAGES:
        kilo, flip_flops = measure(stage)
        print(f"| {stage.name} | {kilo:.1f} | {flip_flops:,} |", flush=True)
