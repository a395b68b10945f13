"""Commands about engines: engines, verilog, fusesoc, simulate."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from silicodec.accelerator_options import shape_of
from silicodec.arrays import read_array
from silicodec.files import FOLDER, LIST_AS_JSON, OUTPUT
from silicodec.names import BACKEND, ENGINE, NETWORK
from silicodec.output import Columns, print_table, say, write_json
from silicodec.program import FailedRun
from silicodec.report.figures import (
    CLOCK_HEADING,
    IO_NOTE,
    PATH_HEADINGS,
    measured_figures,
    published_figures,
    sources,
)
from silicodec.settings import set_option, typed_settings

if TYPE_CHECKING:
    from silicodec.asic.measure import Measurement
    from silicodec.rtl.engine import Engine

ACCELERATOR = "accelerator"
"""The engine whose input is a network."""


def find_engine(name: str, settings: Mapping[str, str] = MappingProxyType({})) -> Engine:
    """Find an engine by its name, and change the parameters that `--set` named."""
    from silicodec.rtl import catalog
    from silicodec.rtl.accelerator.engines import AcceleratorParameters

    try:
        if name == ACCELERATOR and settings:
            return catalog.FAMILIES[name].engine(shape_of(settings, AcceleratorParameters))
        parameters = vars(catalog.find_family(name)[1]) if settings else {}
        for setting in settings.keys() - parameters.keys():
            if relative := next(catalog.relatives(name, setting), None):
                raise click.UsageError(f"--set: {name} has no parameter {setting!r}, but {relative} has")
        return catalog.find_engine(name, typed_settings(settings, parameters, name))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


SET = set_option(help="Change a parameter of the engine; may be repeated. `silicodec engines ENGINE` lists them.")


@click.command()
@click.argument("engine_name", metavar="[ENGINE]", type=ENGINE, required=False)
@LIST_AS_JSON
def engines(engine_name: str | None, json_file: Path | None) -> None:
    """List the engines, with what they cost on SkyWater 130 and the published figures to compare with.

    With ENGINE, list its streams and parameters, and what its named sizes cost.
    """
    from silicodec.asic.pdk import CORNER
    from silicodec.asic.records import engine_records
    from silicodec.rtl.catalog import ENGINES

    records = engine_records()
    if engine_name:
        engine = find_engine(engine_name)
        if json_file:
            write_json(json_file, engine_record(engine, records.get(engine.name)))
        else:
            print_engine(engine, records)
        return
    if json_file:
        write_json(json_file, [engine_record(engine, records.get(engine.name)) for engine in ENGINES.values()])
        return
    rows = []
    for engine in ENGINES.values():
        area, kilo, memories, path, *_, clocks, flip_flops = measured_figures(records.get(engine.name))
        other_area, other_kilo, other_path = published_figures(engine)
        areas = (area, other_area, kilo, memories, other_kilo)
        rows.append((engine.name, engine.summary, *areas, path, other_path, clocks, flip_flops))
    areas = ("area um2", "published", "kGE", "with memories", "published")
    headings = (*areas, "critical path ns", "published", CLOCK_HEADING, "flip-flops")
    columns: Columns = [("engine", "left"), ("what it is", "left"), *((heading, "right") for heading in headings)]
    print_table(f"Engines, measured on {CORNER}", columns, rows)
    say(f"  critical path: between registers, typical corner; {IO_NOTE}")
    say(f"  {ACCELERATOR}: measured block by block, `silicodec asic {ACCELERATOR}` shows what it costs")
    for source in sources(ENGINES.values()):
        say(f"  published {source}")


def print_engine(engine: Engine, records: Mapping[str, Measurement]) -> None:
    """Print an engine's streams and parameters, and the sizes of it that have names, with their records."""
    from silicodec.models.parameters import describe
    from silicodec.rtl.catalog import find_family

    say(f"{engine.name}: {engine.summary}; module {engine.top}")
    streams = [(port, "in") for port in engine.inputs] + [(port, "out") for port in engine.outputs]
    rows: list[tuple[str, ...]] = [
        (port.name, way, str(port.bits), "yes" if port.error else "") for port, way in streams
    ]
    print_table("Streams", [("stream", "left"), ("", "left"), ("bits", "right"), ("error flag", "left")], rows)
    try:
        family, parameters = find_family(engine.name)
    except ValueError:  # an engine that is in the catalog without a family
        return
    rows = [
        (name, str(getattr(parameters, name)), values, meaning)
        for name, _, values, meaning in describe(type(parameters))
    ]
    if rows:
        headings: Columns = [("parameter", "left"), ("here", "right"), ("values", "left"), ("meaning", "left")]
        print_table("Parameters, for --set", headings, rows)
    print_sizes(list(family.presets), records)


def print_sizes(names: Sequence[str], records: Mapping[str, Measurement]) -> None:
    """Print what the named sizes of a family cost, their latency, and the cycles of a word in the flow `synthesis`."""
    from silicodec.asic.pdk import CORNER
    from silicodec.asic.results import SHIPPED, read_results
    from silicodec.verif.latency import NETWORK, read_latencies

    latencies = read_latencies()
    work = {result.name: result.workload for result in read_results(SHIPPED) if result.flow == "synthesis"}
    rows, timing = [], []
    for name in names:
        area, kilo, memories, *paths, clocks, flip_flops = measured_figures(records.get(name))
        done = work.get(name)
        cycles = f"{done.cycles / done.words:.3f}" if done else ""
        rows.append((name, area, kilo, memories, flip_flops, cycles, str(latencies.get(name, ""))))
        timing.append((name, *paths, clocks, records[name].limit_violations if name in records else ""))
    headings = ("area um2", "kGE", "with memories", "flip-flops", "cycles a word", "latency")
    print_table(f"Sizes with names, measured on {CORNER}", [("size", "left"), *right(headings)], rows)
    kinds = (*PATH_HEADINGS, CLOCK_HEADING, "violations")
    print_table("Critical paths in ns", [("size", "left"), *right(kinds)], timing)
    say(f"  paths: typical corner; {IO_NOTE}; violations: slews and loads beyond their limits, at all corners")
    for origin in sorted({done.origin for name in names if (done := work.get(name))}):
        say(f"  cycles a word: {origin}")
    if "accelerator" in names:
        say(f"  latency: cycles of an image of {NETWORK} with raw maps, from its program to its last score, as planned")
    elif latencies.keys() & set(names):
        say("  latency: cycles from the first word in, of tables where an engine loads some, to the first word out")


def right(headings: Sequence[str]) -> Columns:
    """Return columns of figures."""
    return [(heading, "right") for heading in headings]


def engine_record(engine: Engine, measurement: Measurement | None) -> dict[str, Any]:
    """Describe an engine as JSON."""
    from silicodec.verif.latency import read_latencies

    return {
        "engine": engine.name,
        "summary": engine.summary,
        "module": engine.top,
        "parameters": {
            name: dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]
            for name, value in engine.parameters.items()
        },
        "inputs": [dataclasses.asdict(port) for port in engine.inputs],
        "outputs": [dataclasses.asdict(port) for port in engine.outputs],
        "axi": engine.axi,
        "period_ns": engine.period_ns,
        "latency_cycles": read_latencies().get(engine.name),
        "measured": measurement and dataclasses.asdict(measurement),
        "published": [dataclasses.asdict(figure) for figure in engine.published],
    }


@click.command()
@click.argument("engine_name", metavar="ENGINE", type=ENGINE)
@SET
@click.option("--out", "folder", type=FOLDER, default=Path(), help="Folder for the files.  [default: this one]")
@click.option("--bench", is_flag=True, help="Write a cocotb test bench as well; `make` in the folder runs it.")
@click.option("--fusesoc", is_flag=True, help="Write the test bench and a FuseSoC core as well.")
def verilog(engine_name: str, settings: dict[str, str], folder: Path, bench: bool, fusesoc: bool) -> None:
    """Convert ENGINE to one Verilog file."""
    engine = find_engine(engine_name, settings)
    from silicodec.rtl.convert import to_verilog

    say(to_verilog(engine, folder))
    if bench or fusesoc:
        from silicodec.verif.drivers.vectors import write_bench

        for path in write_bench(engine, folder):
            say(path)
    if fusesoc:
        from silicodec.fpga.fusesoc import write_core

        say(write_core(engine, folder))


@click.command()
@click.option("--out", "folder", type=FOLDER, default=Path(), help="Folder for the files.  [default: this one]")
def fusesoc(folder: Path) -> None:
    """Write a FuseSoC generator, which makes any engine that a project asks for."""
    from silicodec.fpga.fusesoc import write_generator

    for path in write_generator(folder):
        say(path)


@click.command()
@click.argument("engine_name", metavar="ENGINE", type=ENGINE)
@click.option(
    "--input",
    "inputs",
    metavar="[STREAM=]FILE.npy",
    multiple=True,
    required=True,
    help="One packet: the tensor, which a decoder gets encoded by the reference; or with a stream's name, its words.",
)
@click.option("--network", type=NETWORK, help="For the accelerator: a network in integers; the input is its image.")
@click.option(
    "--backend",
    type=BACKEND,
    help="myhdl, icarus, verilator or netlist.  [default: verilator]",
)
@SET
@click.option(
    "--wave",
    "waveform",
    type=OUTPUT,
    metavar="FILE.vcd|.fst",
    help="Write there what every signal does, and by which block to show it: FILE.gtkw, for GTKWave.",
)
@click.option("--stalls", "seed", type=int, metavar="SEED", help="Let every stream pause at random.")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write the result there as well.")
def simulate(
    engine_name: str,
    inputs: tuple[str, ...],
    network: str | None,
    settings: dict[str, str],
    backend: str | None,
    waveform: Path | None,
    seed: int | None,
    json_file: Path | None,
) -> None:
    """Simulate ENGINE and compare every output word with the reference.

    Ends with exit code 1 if they differ.

    Example:

        silicodec simulate ebpc-encoder --input map.npy

        silicodec simulate accelerator --input image.npy --network resnet8 --backend icarus
    """
    engine = find_engine(engine_name, settings)
    from silicodec.report.comparison import compare, packets_for

    arrays = read_inputs(inputs)
    if network:
        engine, packets = network_on(engine, network, arrays)
    else:
        packets = packets_for(engine, arrays)
    backend = backend or "verilator"
    if waveform and waveform.suffix not in (".vcd", ".fst"):
        raise click.UsageError(f"--wave: the name of {waveform} must end in .vcd or, for verilator, .fst")
    if waveform:  # written as the simulation goes, so that one that fails leaves what led to it
        waveform.parent.mkdir(parents=True, exist_ok=True)
    result = compare(engine, packets, backend=backend, seed=seed, waveform=waveform)
    columns: Columns = [("stream", "left"), ("", "left"), ("words", "right"), ("words per cycle", "right")]
    rows = [(s.name, s.direction, f"{s.words:,}", f"{s.words_per_cycle:.3f}") for s in result.streams]
    print_table(f"{engine.name}, {result.backend}: {result.cycles:,} cycles", columns, rows)
    if json_file:
        write_json(json_file, dataclasses.asdict(result))
    if not result.match:
        raise FailedRun(f"mismatch: {result.difference}")
    if result.malformed:
        say("match: the reference refuses this input as malformed, and the engine ended the packet in order")
    else:
        say("match: every output word equals the reference")


def network_on(engine: Engine, name: str, arrays: dict[str, Any]) -> tuple[Engine, dict[str, Any]]:
    """Return the accelerator as patient as a network needs it, and packets for an image through the network."""
    if "shape" not in engine.parameters or set(arrays) != {""}:
        raise click.UsageError(f"--network goes with the engine {ACCELERATOR}, and with one --input, the image")
    from silicodec.models.accelerator.inference import prepare
    from silicodec.models.networks import get_network

    inference = prepare(get_network(name), engine.parameters["shape"], arrays[""])
    return dataclasses.replace(engine, idle_cycles=2 * inference.longest_layer), inference.inputs


def read_inputs(inputs: tuple[str, ...]) -> dict[str, Any]:
    """Read `[STREAM=]FILE` options; the key of a file without a stream's name is empty."""
    arrays = {}
    for text in inputs:
        name, equals, file = text.partition("=")
        name, file = (name, file) if equals else ("", text)
        if name in arrays:
            raise click.UsageError("--input names a stream twice" if name else "--input: name the stream of each file")
        arrays[name] = read_array(Path(file))
    return arrays


COMMANDS: tuple[Any, ...] = (engines, verilog, fusesoc, simulate)
