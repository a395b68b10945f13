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
from silicodec.models.dct.modes import MODE_BITS
from silicodec.models.dct.tiles import MEAN_BITS, VALUE_BITS
from silicodec.rtl.blocks.adder_network import drive, signed, take
from silicodec.rtl.blocks.transposer import transposer
from silicodec.rtl.dct import decoder, encoder
from silicodec.rtl.dct.columns import (
    HEAD_BITS,
    HIGH_BITS,
    LEVEL_BITS,
    LOW_BITS,
    UNARY_BITS,
    column_coder,
    column_survey,
    head_joiner,
)
from silicodec.rtl.dct.parser import PLACE_BITS, column_decoder, head_parser
from silicodec.rtl.dct.quantiser import dequantiser, quantiser
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
    return clk, x[0], x[1], x[2:], y


def _quantiser(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return x[:8], x[8], x[9], y[:8], y[8]


def _dequantiser(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return x[:8], x[8], x[9], y


def _survey(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return x[:8], x[8], y[0]


def _coder(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return x[:8], x[8], x[9], *y


def _parser(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return (*x, y[:8], *y[8:])


def _decoder(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return (x[:8], *x[8:], y)


def _plain(clk: Any, go: Any, x: list[Any], y: list[Any]) -> tuple[Any, ...]:
    return (*x, *y)


VALUES = (VALUE_BITS,) * 8
CODED = (UNARY_BITS, UNARY_BITS.bit_length(), LOW_BITS, HIGH_BITS)
HEAD_LENGTH = HEAD_BITS.bit_length()
PLACES = (PLACE_BITS,) * 8
PARSED = (*PLACES, HEAD_LENGTH, LEVEL_BITS, 1, 1)

STAGES: list[Stage] = [
    Stage(
        "encoder, pass of rows",
        forward_pass,
        eight(8),
        eight(11),
        _pass,
        {"cut": encoder.ROW_CUT, "shift": 8, "nearest": True, "late": True},
    ),
    Stage("encoder, transposer", transposer, (1, 3, *eight(11)), eight(11), _transposer),
    Stage(
        "encoder, pass of columns",
        forward_pass,
        eight(11),
        eight(12),
        _pass,
        {"cut": encoder.COLUMN_CUT, "shift": 10, "nearest": False, "late": False},
    ),
    Stage("encoder, quantiser", quantiser, (*eight(12), 1, MODE_BITS), (*VALUES, MEAN_BITS), _quantiser),
    Stage("encoder, column survey", column_survey, (*VALUES, MEAN_BITS), (LEVEL_BITS,), _survey),
    Stage("encoder, column coder", column_coder, (*VALUES, LEVEL_BITS, MEAN_BITS), CODED, _coder),
    Stage("encoder, head joiner", head_joiner, (*CODED[:2], LEVEL_BITS, 2, 1), (HEAD_BITS, HEAD_LENGTH), _plain),
    Stage("decoder, head parser", head_parser, (HEAD_BITS, 1, 1, LEVEL_BITS), PARSED, _parser, {"checked": True}),
    Stage("decoder, column decoder", column_decoder, (*PLACES, LOW_BITS, HIGH_BITS, LEVEL_BITS, 1), VALUES, _decoder),
    Stage("decoder, dequantiser", dequantiser, (*VALUES, 1, MODE_BITS), eight(11), _dequantiser),
    Stage(
        "decoder, pass of columns",
        inverse_pass,
        eight(11),
        eight(14),
        _pass,
        {"cut": decoder.COLUMN_CUT, "shift": 9},
    ),
    Stage("decoder, transposer", transposer, (1, 3, *eight(14)), eight(14), _transposer),
    Stage(
        "decoder, pass of rows",
        inverse_pass,
        eight(14),
        eight(12),
        _pass,
        {"cut": decoder.ROW_CUT, "shift": 16},
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
    joined = ConcatSignal(*y) if len(y) > 1 else y[0]
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
        statistics = synthesize("stage", folder, ["clk"], PERIOD_NS, "--clock-gating")
    return statistics.area_um2 / GATE_EQUIVALENT_UM2 / 1000, statistics.flip_flops


if __name__ == "__main__":
    print("| stage | kGE | flip-flops |\n|---|--:|--:|")
    for stage in STAGES:
        kilo, flip_flops = measure(stage)
        print(f"| {stage.name} | {kilo:.1f} | {flip_flops:,} |", flush=True)
