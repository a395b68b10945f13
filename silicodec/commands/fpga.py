"""Commands about FPGAs: fpga build, boards, program, talk, accelerate."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.arrays import read_array
from silicodec.commands.engines import find_engine
from silicodec.commands.network_options import network_options
from silicodec.design_options import Designs, design_options
from silicodec.files import FOLDER, INPUT, OUTPUT
from silicodec.models.errors import unknown_name
from silicodec.names import BOARD, ENGINE
from silicodec.output import Columns, print_table, progress_bar, say, write_json
from silicodec.program import DefaultGroup, FailedRun

if TYPE_CHECKING:
    import numpy as np

    from silicodec.fpga.boards import Board
    from silicodec.fpga.records import BuildRecord
    from silicodec.models.networks import Network

BAUD = click.option("--baud", default=1_000_000, show_default=True, help="Speed of the board's UART.")
SIMULATED_TIMEOUT = 60.0
"""Seconds that a simulated board may take for an answer."""
OUT = click.option("--out", "folder", type=FOLDER, default=Path("build/fpga"), show_default=True, help="Folder.")


def find_board(name: str) -> Board:
    """Find a board by its name."""
    from silicodec.fpga.boards import BOARDS

    if name not in BOARDS:
        raise click.UsageError(unknown_name("board", name, BOARDS))
    return BOARDS[name]


@click.group(cls=DefaultGroup, default="build")
def fpga() -> None:
    """Bitstreams for boards, and engines on boards.

    `silicodec fpga ENGINE --board BOARD` stands for `silicodec fpga build ENGINE --board BOARD`.
    """


@fpga.command()
@design_options
@click.option(
    "--board", "board_names", type=BOARD, multiple=True, help="One of `silicodec fpga boards`; all of them by default."
)
@click.option("--bare", is_flag=True, help="Build the engine alone, on any pins, to measure it.")
@OUT
@click.option("--records", type=FOLDER, metavar="FOLDER", help="Folder of records.  [default: that of --out]")
@click.option("--json", "json_file", type=OUTPUT, metavar="FILE", help="Write all records to this file as well.")
def build(
    designs: Designs,
    board_names: tuple[str, ...],
    bare: bool,
    folder: Path,
    records: Path | None,
    json_file: Path | None,
) -> None:
    """Build a bitstream of each ENGINE for each board.

    The engine stands behind a UART that `silicodec fpga talk` talks to. Fails, and names the path, where the board's
    clock is not met. Anybody's Verilog is measured by the same flow, on any pins:

        silicodec fpga build fifo.sv memory.sv -I include --top fifo --set DEPTH=16 --board hx8k

    There every clock is found, and --clock-port and --reset-port change nothing.
    """
    from silicodec.fpga.boards import BOARDS
    from silicodec.fpga.build import Design, bare_design, board_design
    from silicodec.fpga.build import build as build_design
    from silicodec.fpga.records import write_record

    boards = [find_board(name) for name in board_names or BOARDS]
    built = []
    for board in boards:
        for engine in designs.engines or (None,):
            if engine is None:
                assert designs.source
                design = Design(designs.source.top, designs.source, on_pins=False)
            else:
                design = bare_design(engine) if bare else board_design(engine, board)
            click.echo(f"building {design.name} for {board.name}", err=True)
            built.append(build_design(design, board, folder))
            write_record(built[-1], records or folder)
    print_records(built)
    if json_file:
        write_json(json_file, [dataclasses.asdict(record) for record in built])


def print_records(records: Iterable[BuildRecord]) -> None:
    """Print the table of records."""
    headings = ("LUTs", "flip-flops", "block RAMs", "DSPs", "share", "clock MHz", "needed", "bitstream bytes")
    columns: Columns = [("design", "left"), ("board", "left"), *((heading, "right") for heading in headings)]
    rows = [
        (
            record.design,
            record.board,
            *(f"{record.resources[kind].used:,}" for kind in headings[:4]),
            f"{record.share:.1%}",
            " ".join(f"{clock.achieved_mhz:.1f}" for clock in record.clocks.values()),
            " ".join(f"{clock.required_mhz:g}" for clock in record.clocks.values()),
            f"{record.bitstream_bytes:,}",
        )
        for record in records
    ]
    print_table("Bitstreams", columns, rows)


@fpga.command()
def boards() -> None:
    """List the boards."""
    from silicodec.fpga.boards import BOARDS

    headings = ("board", "what it is", "device", "package", "clock MHz", "pins", "UART baud")
    columns: Columns = [(heading, "left") for heading in headings]
    rows = [
        (
            board.name,
            board.summary,
            board.device,
            board.package,
            f"{board.clock_mhz:g}",
            " ".join(f"{name}={pin}" for name, pin in board.pins.items()),
            f"{board.baud:,}",
        )
        for board in BOARDS.values()
    ]
    print_table("Boards", columns, rows)


@fpga.command()
@click.argument("engine_name", metavar="ENGINE", type=ENGINE)
@click.option("--board", "board_name", type=BOARD, required=True, help="One of `silicodec fpga boards`.")
@OUT
def program(engine_name: str, board_name: str, folder: Path) -> None:
    """Program a board with ENGINE through openFPGALoader; the bitstream is built unless it is there."""
    engine, board = find_engine(engine_name), find_board(board_name)
    from silicodec.fpga.build import board_design
    from silicodec.fpga.build import build as build_design
    from silicodec.fpga.program import load, present_record
    from silicodec.fpga.records import write_record

    design = board_design(engine, board)
    record = present_record(design, board, folder)
    if record is None:
        click.echo(f"building {design.name} for {board.name}", err=True)
        record = build_design(design, board, folder)
        write_record(record, folder)
    load(folder / record.bitstream, board)
    say(f"{board.name} holds {engine.name}: silicodec fpga talk --port PORT {engine.name} IN.npy OUT")


@fpga.command()
@click.option("--port", required=True, help="Serial port of the board, such as /dev/ttyUSB0.")
@BAUD
@click.option("--timeout", default=0.5, show_default=True, metavar="SECONDS", help="How long to wait for an answer.")
@click.argument("engine_name", metavar="ENGINE", type=ENGINE)
@click.argument("source", metavar="IN.npy", type=INPUT)
@click.argument("target", metavar="OUT", type=OUTPUT)
def talk(port: str, baud: int, timeout: float, engine_name: str, source: Path, target: Path) -> None:
    """Send the tensor in IN.npy through ENGINE on a board, and check what comes back against the reference.

    A decoder gets the tensor encoded. OUT, a .npz file, takes the words of every output stream.
    """
    import numpy as np

    from silicodec.fpga.link import Link, run
    from silicodec.models.storage import written_whole
    from silicodec.report.comparison import packets_for
    from silicodec.verif.compare import first_difference

    engine = find_engine(engine_name)
    inputs = packets_for(engine, {"": read_array(source)})
    expected = engine.reference(inputs)
    counts = {port.name: len(expected[port.name]) for port in engine.outputs}
    with Link(port, baud=baud, timeout=timeout) as link, progress_bar(engine.name) as progress:
        outcome = run(link, engine, inputs, counts, progress)
    with written_whole(target) as temporary, temporary.open("wb") as file:
        streams = {name: np.concatenate(packets) for name, packets in outcome.streams.items() if packets}
        bits = {port.name: port.bits for port in engine.outputs}
        np.savez(file, allow_pickle=False, **{name: without_objects(streams[name], bits[name]) for name in streams})
    words = sum(packet.size for packets in inputs.values() for packet in packets)
    back = sum(packet.size for packets in outcome.streams.values() for packet in packets)
    say(
        f"{target}: {words:,} words sent, {back:,} received in {outcome.seconds:.2f} s, "
        f"{words / outcome.seconds:,.0f} words/s; {link.repeats} requests repeated"
    )
    if difference := first_difference(expected, outcome.streams):
        raise FailedRun(f"mismatch: {difference}")
    if any(flag for flags in outcome.errors.values() for flag in flags):
        raise FailedRun("the board reports a malformed stream")
    say("match: every word equals the reference")


@fpga.command()
@click.option("--port", help="Serial port of the board, such as /dev/ttyUSB0.")
@click.option("--simulate", "simulated", is_flag=True, help="Simulate a board instead, which takes minutes.")
@BAUD
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait for an answer.  [default: 0.5]")
@click.option("--engine", "engine_name", type=ENGINE, help="The accelerator on the board.  [default: the ULX3S's]")
@network_options("digits-int8")
@click.argument("source", metavar="IMAGE", type=INPUT)
def accelerate(
    port: str | None,
    simulated: bool,
    baud: int,
    timeout: float | None,
    engine_name: str | None,
    network: Network,
    source: Path,
) -> None:
    """Classify IMAGE by a network in integers on a board's accelerator, and check every word against the reference.

    IMAGE is a picture of just the size that the network takes, or a .npy file of its pixels, uint8.

        silicodec fpga accelerate --port /dev/ttyUSB0 --network resnet8 image.png
    """
    from silicodec.fpga.boards import ACCELERATOR
    from silicodec.fpga.inference import classify, simulated_board
    from silicodec.fpga.link import Link
    from silicodec.models.accelerator.inference import prepare
    from silicodec.models.accelerator.study import integer_graph

    if bool(port) == simulated:
        raise click.UsageError("give --port, or --simulate")
    engine = find_engine(engine_name or ACCELERATOR)
    if "shape" not in engine.parameters:
        raise click.UsageError(f"--engine: {engine.name} is no accelerator")
    integer_graph(network)
    pixels = read_pixels(source, network)
    timeout = timeout or (SIMULATED_TIMEOUT if simulated else 0.5)
    with (
        contextlib.nullcontext(port) if port else simulated_board(engine) as place,
        Link(place, baud=baud, timeout=timeout) as link,
        progress_bar(network.name) as progress,
    ):
        inference = prepare(network, engine.parameters["shape"], pixels)
        found = classify(link, engine, inference, progress)
    say(f"{source}: class {found.label}, score {found.score}")
    say(
        f"  {found.seconds:.2f} s; {link.bytes_sent:,} bytes sent, {link.bytes_received:,} received; "
        f"{link.repeats} requests repeated"
    )
    say(f"  accelerator: {found.cycles:,} cycles, of which its array waited {found.weight_cycles:,} for weights")
    if found.difference:
        raise FailedRun(f"mismatch: {found.difference}")
    say("  match: every word equals the reference")


def read_pixels(path: Path, network: Network) -> np.ndarray:
    """Read a picture, or an array, of the size that a network takes."""
    import numpy as np

    from silicodec.models.networks.pictures import SUFFIXES, read_image

    if path.suffix.lower() not in SUFFIXES:
        return read_array(path)
    return (read_image(path, network.input_shape, exact=True) * 255).round().astype(np.uint8)


def without_objects(words: np.ndarray, bits: int) -> np.ndarray:
    """Return words of more than 64 bits as rows of words of 64, the low one first, and others as they are."""
    import numpy as np

    from silicodec.rtl.engine import word_bytes

    parts = -(-bits // 64)
    return words if parts == 1 else np.frombuffer(word_bytes(words, 8 * parts), "<u8").reshape(-1, parts)


COMMANDS: tuple[Any, ...] = (fpga,)
