"""Write the tables of engines and of bitstreams in the documents anew, from the shipped records."""

from __future__ import annotations

import re
from pathlib import Path

from silicodec.asic.block_proofs import found_in_words, read_proofs
from silicodec.asic.blocks import SHIPPED as BLOCKS
from silicodec.asic.blocks import read_blocks
from silicodec.asic.drawn import Signoff
from silicodec.asic.pdk import CORNERS
from silicodec.asic.progress import read_all_progress
from silicodec.asic.records import SHIPPED, read_records
from silicodec.asic.results import SHIPPED as FLOWS
from silicodec.asic.results import Result, read_result, read_results
from silicodec.fpga.boards import ACCELERATOR, BOARDS
from silicodec.fpga.records import SHIPPED as BITSTREAMS
from silicodec.fpga.records import read_record
from silicodec.report.figures import (
    CORNER_HEADINGS,
    clock_figures,
    corner_figures,
    figure,
    measured_figures,
    published_figures,
    spread,
)
from silicodec.report.silicon import outdated
from silicodec.rtl.catalog import ENGINES

ROOT = Path(__file__).parents[1]
SMALL_SHARE = 0.005
"""Blocks of a smaller share of the area are one line of the table of blocks."""


def engine_table() -> str:
    """Make the table of what engines cost on SkyWater 130, in Markdown."""
    records = read_records(SHIPPED)
    lines = [
        "| engine | area, um2 | public RTL | kGE | with memories | register to register, ns | public RTL "
        "| input to register | register to output | input to output | MHz slow / typical / fast | flip-flops |\n",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    ]
    for engine in ENGINES.values():
        area, kilo, memories, path, *others = measured_figures(records.get(engine.name))
        other_area, _, other_path = published_figures(engine)
        cells = (area, other_area, kilo, memories, path, other_path, *others)
        gated = ", gated clocks" if engine.name in records and records[engine.name].clock_gating else ""
        lines.append(f"| `{engine.name}`{gated} | {' | '.join(cells)} |\n")
    return "".join(lines)


def flow_table() -> str:
    """Make the table of what the flow `synthesis` recorded of each engine, in Markdown."""
    lines = [
        "| engine | kGE | flip-flops | clock ns | MHz slow / typical / fast corner | mW | cycles a word | pJ a word "
        "|\n",
        "|---|--:|--:|--:|--:|--:|--:|--:|\n",
    ]
    old = outdated(read_results(FLOWS), read_records(SHIPPED))
    for engine in ENGINES:
        path = FLOWS / f"{engine}.synthesis.json"
        if not path.exists():
            continue
        result = read_result(path)
        netlist, work = result.netlist, result.workload
        clocks = clock_figures(netlist.corners)
        cells = [f"{netlist.gate_equivalents / 1000:.2f}", f"{netlist.flip_flops:,}", f"{result.period_ns:g}", clocks]
        cells += [f"{sum(netlist.power.parts_mw):.2f}", f"{work.cycles / work.words:.3f}"] if work else ["", ""]
        cells += [f"{netlist.power.energy_pj_per_word:.1f}" if work else ""]
        star = " \\*" if result.key in old else ""
        lines.append(f"| `{engine}`{star} | {' | '.join(cells)} |\n")
    return "".join(lines)


def layout_table() -> str:
    """Make the table of layouts beside the netlists that went into them, in Markdown."""
    lines = [
        "| engine | | clock ns | area, um2 | MHz slow / typical / fast corner | mW | pJ a word "
        "| core filled, % | wire, mm | clock skew, ns | supply drop, mV "
        "| violations, OpenROAD / Magic / in library cells | antennas | differences, Netgen / of ports | clean |\n",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
    ]
    results = [result for result in read_results(FLOWS) if result.flow == "layout"]
    old = outdated(results, read_records(SHIPPED))
    for result in sorted(results, key=lambda one: (list(ENGINES).index(one.name), one.clock_gating)):
        name = f"`{result.name}`" + (", gated clocks" if result.clock_gating else "")
        title = name + (" \\*" if result.key in old else "")
        clean = {True: "yes", False: "no", None: "not known"}[result.clean]
        figures = [f"{result.utilisation_percent:.0f}", f"{result.wire_length_um / 1000:.1f}", *signoff_figures(result)]
        rows = [("layout", result.netlist, [*figures, clean])]
        if result.before_layout:
            rows.insert(0, ("netlist", result.before_layout, [""] * (len(figures) + 1)))
        for kind, netlist, others in rows:
            cells = [title, kind, f"{result.period_ns:g}", f"{netlist.area_um2:,.0f}"]
            cells += [clock_figures(netlist.corners), f"{sum(netlist.power.parts_mw):.3g}"]
            cells += [f"{netlist.power.energy_pj_per_word or 0:.1f}", *others]
            lines.append(f"| {' | '.join(cells)} |\n")
            title = ""
        if result.seeds:
            lines.append(f"| {' | '.join(seed_figures(result))} |\n")
    return "".join(lines)


def seed_figures(result: Result) -> list[str]:
    """Format how far the layouts of one netlist are apart, for the columns of `layout_table`."""
    layouts = result.seeds
    clocks = " / ".join(spread((one.clock_mhz(corner) for one in layouts), 0) for corner in CORNERS)
    area = spread((one.area_um2 for one in layouts), 0)
    power = spread((one.power_mw for one in layouts), 3)
    energy = spread((one.energy_pj_per_word for one in layouts), 1)
    wire = spread((one.wire_length_um / 1000 for one in layouts), 1)
    violations = spread((one.drc_violations for one in layouts), 0)
    named = ["", f"{len(layouts)} layouts", f"{result.period_ns:g}"]
    return [*named, area, clocks, power, energy, "", wire, "", "", violations, "", "", ""]


def reached_table() -> str:
    """Make the table of layouts that were stopped, or have macros, in Markdown."""
    lines = [
        "| layout | clock ns | cells | mm2 of cells | macros | mm2 of macros | die, mm2 | minutes | reached "
        "| slack, ns | wire, mm | violations, OpenROAD / Magic / in library cells | differences, Netgen / of ports "
        "| equal to its netlist |\n",
        "|---|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|---|\n",
    ]
    for one in read_all_progress():
        wire = one.wire_um or one.planned_wire_um
        cells = [f"`{one.name}`", f"{one.period_ns:g}", f"{one.cells:,}", f"{one.cell_um2 / 1e6:.3f}"]
        cells += [f"{one.macros}", f"{one.macro_um2 / 1e6:.2f}", f"{one.die_um2 / 1e6:.2f}", f"{one.minutes:.0f}"]
        cells += [f"`{one.reached}`" if one.reached else "the end", figure(one.setup_slack_ns, 2)]
        cells += [
            "" if wire is None else f"{wire / 1000:,.0f}",
            "" if one.violations is None else " / ".join([f"{one.violations:,}", *by_magic(one.signoff)]),
            by_netgen(one.signoff),
            found_in_words(one.equivalence["proven"], one.equivalence["cycles"]) if one.equivalence else "",
        ]
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def signoff_figures(result: Result) -> list[str]:
    """Format skew, supply drop, violations, antennas and differences of a layout; what is not known is empty."""
    drawn, signoff = result.drawn, result.signoff
    known = [f"{drawn.setup_skew_ns:.2f}", f"{drawn.ir_drop_mv:.2f}"] if drawn else ["", ""]
    violations = " / ".join([str(result.drc_violations), *by_magic(signoff)])
    antennas = str(drawn.antenna_violations) if drawn else ""
    return [*known, violations, antennas, by_netgen(signoff)]


def by_magic(signoff: Signoff | None) -> list[str]:
    """Format violations by Magic, and those in cells of the library; none without sign-off."""
    return [str(sum(signoff.rules.values())), str(signoff.in_library)] if signoff else []


def by_netgen(signoff: Signoff | None) -> str:
    """Format differences of cells and nets by Netgen, and those of ports; empty without sign-off."""
    return f"{signoff.mismatches} / {signoff.pin_mismatches}" if signoff else ""


def bitstream_table() -> str:
    """Make the table of the engines' bitstreams on each board, in Markdown."""
    lines = [
        "| board | engine | LUTs | flip-flops | block RAMs | DSPs | device | clock MHz (needed) | bitstream bytes |\n",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    ]
    for board in BOARDS.values():
        for engine in (*ENGINES, ACCELERATOR):
            if (path := BITSTREAMS / f"{engine}-{board.name}.json").exists():
                record = read_record(path)
                cells = [f"{record.resources[kind].used:,}" for kind in ("LUTs", "flip-flops", "block RAMs", "DSPs")]
                clocks = [f"{clock.achieved_mhz:.1f} ({clock.required_mhz:g})" for clock in record.clocks.values()]
                cells += [f"{record.share:.1%}", " ".join(clocks), f"{record.bitstream_bytes:,}"]
                lines.append(f"| {board.summary} | `{engine}` | {' | '.join(cells)} |\n")
    return "".join(lines)


def block_table(name: str) -> str:
    """Make the table of an engine's blocks, in Markdown: areas, and the critical paths that end in each."""
    record = read_blocks(BLOCKS / f"{name}.json")
    total = record.gate_equivalents
    lines = ["| block | kGE | share, % | flip-flops | critical path, ns |\n", "|---|--:|--:|--:|--:|\n"]
    large = {block: one for block, one in record.blocks.items() if one.gate_equivalents >= SMALL_SHARE * total}
    others = [one for block, one in record.blocks.items() if block not in large]
    rows = [(block.replace("_", " "), [one]) for block, one in large.items()]
    for title, some in (*rows, (f"{len(others)} others", others), ("sum", list(record.blocks.values()))):
        area = sum(one.gate_equivalents for one in some)
        paths = [one.path_ns for one in some if one.path_ns is not None]
        cells = [f"{area / 1000:.1f}", f"{100 * area / total:.1f}", f"{sum(one.flip_flops for one in some):,}"]
        lines.append(f"| {title} | {' | '.join(cells)} | {f'{max(paths):.2f}' if paths else ''} |\n")
    return "".join(lines)


def corner_table(name: str) -> str:
    """Make the table of an engine's timing at each corner, in Markdown."""
    lines = [f"| corner | {' | '.join(CORNER_HEADINGS)} |\n", f"|---{'|--:' * len(CORNER_HEADINGS)}|\n"]
    for corner, timing in read_blocks(BLOCKS / f"{name}.json").corners.items():
        lines.append(f"| {corner}, {CORNERS[corner]} | {' | '.join(corner_figures(timing))} |\n")
    return "".join(lines)


def proof_table(name: str) -> str:
    """Make the table of what is proven of an engine's blocks, in Markdown."""
    lines = ["| module | alike | netlist equals Verilog | processor time, s |\n", "|---|--:|---|--:|\n"]
    for one in read_proofs(BLOCKS / f"{name}-proofs.json").modules:
        module = one.module.removeprefix(f"{name}_").replace("_", " ")
        lines.append(f"| {module} | {one.alike} | {one.finding} | {one.cpu_seconds:.0f} |\n")
    return "".join(lines)


def replace(text: str, name: str, table: str) -> str:
    """Put a table between the comments that mark its place."""
    return re.sub(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", lambda _: table, text, flags=re.DOTALL)


if __name__ == "__main__":
    tables = {"engines": engine_table(), "bitstreams": bitstream_table(), "flows": flow_table()}
    tables |= {"layouts": layout_table(), "reached": reached_table()}
    tables["accelerator blocks"] = block_table("accelerator-booth")
    tables["accelerator corners"] = corner_table("accelerator-booth")
    tables["accelerator proofs"] = proof_table("accelerator")
    pages = ("engines/index.md", "fpga.md", "silicon.md", "layouts.md", "results/accelerator.md")
    for page in (ROOT / "docs" / name for name in pages):
        text = page.read_text()
        for name, table in tables.items():
            text = replace(text, name, table)
        page.write_text(text)
