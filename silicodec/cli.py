"""The command `silicodec`."""

from __future__ import annotations

import click

from silicodec.commands import accelerate as accelerate_commands
from silicodec.commands import accuracy as accuracy_commands
from silicodec.commands import asic as asic_commands
from silicodec.commands import cache as cache_commands
from silicodec.commands import codecs as codec_commands
from silicodec.commands import engines as engine_commands
from silicodec.commands import firmware as firmware_commands
from silicodec.commands import fpga as fpga_commands
from silicodec.commands import networks as network_commands
from silicodec.program import Program


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--debug", is_flag=True, help="Show a traceback when something goes wrong.")
@click.version_option(package_name="silicodec", message="%(prog)s %(version)s")
def main(debug: bool) -> None:
    """Hardware compression engines for neural-network tensors.

    Compress arrays with the reference codecs, evaluate codecs on real networks, turn engines into Verilog, prove them
    by simulation, and measure what they cost in silicon.
    """


main.add_section("Codecs and arrays", (*codec_commands.COMMANDS, *firmware_commands.COMMANDS))
main.add_section("Networks", (*network_commands.COMMANDS, *accuracy_commands.COMMANDS, *accelerate_commands.COMMANDS))
main.add_section("Engines", engine_commands.COMMANDS)
main.add_section("Silicon and boards", (*asic_commands.COMMANDS, *fpga_commands.COMMANDS))
main.add_section("This program", cache_commands.COMMANDS)
