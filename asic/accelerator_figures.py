"""What an accelerator costs in silicon: area of its parts with memories, clock, and the energy of its memories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from silicodec.asic.accelerator_power import LogicPower
from silicodec.asic.blocks import BUFFERS, BlockMeasurement
from silicodec.asic.memory_activity import MemoryEnergy
from silicodec.asic.scaling import AREA_FROM_130_NM, TYPICAL_VOLTS, energy_factor
from silicodec.asic.timing import Timing

PARTS = {
    "array and sums": ("mac_array", "peaks"),
    "requantisation": ("requantiser", "word_parts", "choose_result"),
    "codecs": ("decode_slot", "encode_slot", "ebpc_decode_slot", "ebpc_encode_slot", "tile_codec", "packet_faults"),
    "buffers' logic": (
        *("memory_pool", "weight_buffer", "weight_slot", "output_buffer", "row_buffer", "row_address"),
        *("residual_writer", "memory"),
    ),
    "windows and strips": ("window", "window_row", "strip_writer", "map_reader", "packet_source", "packet_sink"),
    "control": ("sequencer", "program_control", "layer_check", "other"),
    "buffers between blocks": (BUFFERS,),
}
"""Part of the accelerator -> its blocks."""
OTHERS = "other blocks"
MACROS, MEMORY_CELLS = "memories' macros", "memories' cells"
CODECS = "codecs"
OPERATIONS = 2
"""Of a multiply-accumulate."""
PAPER = {"gops": 403.0, "nanometres": 28, "clock_mhz": 700.0}
"""Peak of arXiv 2110.06155."""
SCALED_NM = 32
"""The technology nearest to 28 nm that there is an area factor for."""
SCALED_VOLTS = 0.9
"""Supply of 28 nm."""


def sum_by_part(of_blocks: Mapping[str, float]) -> dict[str, float]:
    """Sum what blocks take by part."""
    part_of = {block: part for part, blocks in PARTS.items() for block in blocks}
    sums = dict.fromkeys(PARTS, 0.0)
    for name, amount in of_blocks.items():
        part = part_of.get(name, OTHERS)
        sums[part] = sums.get(part, 0.0) + amount
    return sums


def areas_by_part(measurement: BlockMeasurement) -> dict[str, float]:
    """Sum the area of each part, and of the memories, in square micrometres."""
    areas = sum_by_part({name: block.area_um2 for name, block in measurement.blocks.items()})
    areas[MACROS] = sum(one.macro_area_um2 * len(one.names) for one in measurement.memories)
    areas[MEMORY_CELLS] = sum(one.cell_area_um2 * len(one.names) for one in measurement.memories)
    return {part: round(area, 1) for part, area in areas.items()}


def accelerator_record(
    measurement: BlockMeasurement,
    energies: Sequence[MemoryEnergy],
    work: Mapping[str, Any],
    logic: LogicPower | None = None,
) -> dict[str, Any]:
    """Put together what the accelerator costs, as JSON.

    Parameters
    ----------
    measurement : BlockMeasurement
        Its blocks and memories.
    energies : sequence of MemoryEnergy
        Of an image.
    work : dict
        What was simulated: `cycles` and `macs` of an image, `peak_macs` of a cycle, and what else is to be known.
    logic : LogicPower, optional
        Power of the logic; that of other Verilog does not count.
    """
    areas = areas_by_part(measurement)
    total, memories = sum(areas.values()), areas[MACROS] + areas[MEMORY_CELLS]
    path = longest_path(measurement)
    seconds = work["cycles"] * path * 1e-9
    clocked, gated = (sum(getattr(one, field) or 0.0 for one in energies) for field in ("clocked_uj", "gated_uj"))
    return {
        "areas_um2": areas,
        "total_um2": round(total, 1),
        "codec_share_of_logic": areas[CODECS] / (total - memories),
        "codec_share": areas[CODECS] / total,
        **clock_record(path, work),
        "access_times_count": measurement.paths_with_access is not None,
        "images_per_second": round(1 / seconds, 1),
        "corners": {corner: corner_record(timing, work) for corner, timing in measurement.corners.items()},
        "memory_uj": {"clocked": round(clocked, 3), "gated": round(gated, 3)},
        "memory_pj_per_mac": {
            "clocked": round(clocked * 1e6 / work["macs"], 3),
            "gated": round(gated * 1e6 / work["macs"], 3),
        },
        "logic": (at_work := logic_record(logic, measurement, work)),
        "energy": at_work and energy_record(at_work["uj"] + gated, work, seconds),
        f"total_um2_at_{SCALED_NM}_nm": round(total * AREA_FROM_130_NM[SCALED_NM], 1),
        "paper": PAPER,
        "work": dict(work),
        "memories": [asdict(one) for one in energies],
        "verilog_sha256": measurement.verilog_sha256,
    }


def corner_record(timing: Timing, work: Mapping[str, Any]) -> dict[str, Any]:
    """Tell the clock of the logic at a corner, and what it computes at it; the macros' access time does not count.

    Both are told as paths between registers leave them, and as all paths do with a part of the period outside at ports.
    """
    periods = {"registers": timing.paths.register_to_register_ns, "with_ports": timing.shortest_period_ns}
    clocks = {name: clock_record(period, work) for name, period in periods.items() if period is not None}
    return {**clocks, "limit_violations": timing.limits and timing.limits.violations}


def clock_record(period_ns: float, work: Mapping[str, Any]) -> dict[str, float]:
    """Tell what the accelerator computes at a clock: at its peak, and in an image."""
    return {
        "clock_ns": period_ns,
        "peak_gops": round(OPERATIONS * work["peak_macs"] / period_ns, 1),
        "gops": round(OPERATIONS * work["macs"] / work["cycles"] / period_ns, 1),
    }


def logic_record(
    logic: LogicPower | None, measurement: BlockMeasurement, work: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Tell the power of the logic, and the energy of an image if all its cycles are as those that were simulated."""
    if logic is None or logic.verilog_sha256 != measurement.verilog_sha256:
        return None
    uj = logic.pj_per_cycle * work["cycles"] / 1e6
    parts = sum_by_part({name: block.total_mw for name, block in logic.blocks.items()})
    return {
        "mw": round(logic.total_mw, 2),
        "mw_by_part": {part: round(mw, 3) for part, mw in parts.items()},
        "uj": round(uj, 3),
        "pj_per_mac": round(uj * 1e6 / work["macs"], 3),
        **{field: getattr(logic, field) for field in ("period_ns", "first_cycle", "cycles", "work", "opensta")},
    }


def energy_record(uj: float, work: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Tell the energy of an image, of a multiply-accumulate and of operations, here and scaled."""
    factor = energy_factor(SCALED_NM, SCALED_VOLTS) / energy_factor(130, TYPICAL_VOLTS)
    gops_per_watt = OPERATIONS * work["macs"] / uj / 1e3
    pj_per_mac = uj * 1e6 / work["macs"]
    return {
        "uj": round(uj, 3),
        "mw": round(uj / seconds / 1e3, 2),
        "pj_per_mac": round(pj_per_mac, 3),
        "gops_per_watt": round(gops_per_watt, 1),
        "scaled": {
            "nanometres": SCALED_NM,
            "volts": SCALED_VOLTS,
            "pj_per_mac": round(pj_per_mac * factor, 4),
            "gops_per_watt": round(gops_per_watt / factor, 1),
        },
    }


def longest_path(measurement: BlockMeasurement) -> float:
    """Shortest clock period in nanoseconds, with the access times of macros where they were timed."""
    paths = measurement.paths_with_access or measurement.paths
    periods = [paths.register_to_register_ns, *(one.least_period_ns for one in measurement.memories)]
    return max(period for period in periods if period is not None)
