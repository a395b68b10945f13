"""The accelerator's catalog entry, with its reference from `silicodec.models.accelerator`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache

import numpy as np

from silicodec.models.accelerator.reference import Accelerator
from silicodec.models.accelerator.sample import sample_inputs
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.accelerator import accelerator
from silicodec.rtl.engine import Engine, Packets, Port, PublishedFigure
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters

_PUBLISHED = PublishedFigure(
    source="interlayer compression (arXiv 2110.06155), 28 nm",
    conditions="403 GOPS at 700 MHz: 288 multipliers",
)


@dataclass(frozen=True)
class AcceleratorParameters(AcceleratorShape, EngineParameters):
    """Parameters of an accelerator, and of what can be around it."""


@cache
def accelerator_engine(parameters: AcceleratorShape) -> Engine:
    """Describe the accelerator of a shape."""
    shape = AcceleratorShape(**{field.name: getattr(parameters, field.name) for field in fields(AcceleratorShape)})

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        machine = Accelerator(shape)
        outputs: dict[str, list[np.ndarray]] = {"scores": [], "spill": [], "report": []}
        for program, weights, pixels in zip(inputs["program"], inputs["weights"], inputs["pixels"], strict=True):
            run = machine.run(program, weights, pixels)
            outputs["report"].append(np.array(run.report, np.uint64))
            outputs["spill"] += run.spilled
            if run.scores is not None:
                outputs["scores"].append(run.scores)
        return outputs

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        return sample_inputs(tensors, shape)

    return Engine(
        name="accelerator",
        summary=f"CNN accelerator, {shape.multipliers} multipliers, {shape.memory_bytes // 1024} KiB",
        block=accelerator,
        parameters={"shape": shape},
        inputs=(Port("program", 64), Port("weights", 64), Port("pixels", 64), Port("refill", 64)),
        outputs=(Port("scores", 64), Port("spill", 64), Port("report", 64), Port("timing", 32)),
        reference=reference,
        stimulus=stimulus,
        tensor="pixels",
        period_ns=9.0,
        idle_cycles=200_000,
        published=(_PUBLISHED,),
    )


ACCELERATOR_FAMILIES: tuple[Family, ...] = (Family(accelerator_engine, {"accelerator": AcceleratorParameters()}),)
