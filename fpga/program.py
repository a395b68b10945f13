"""Bitstreams onto boards, by openFPGALoader."""

from __future__ import annotations

import subprocess
from pathlib import Path

from silicodec.fpga.boards import Board
from silicodec.fpga.build import Design
from silicodec.fpga.errors import BuildError
from silicodec.fpga.records import BuildRecord, read_record
from silicodec.fpga.tools import find_program


def present_record(design: Design, board: Board, folder: Path) -> BuildRecord | None:
    """Return the record of a bitstream that is there and of the present Verilog, if there is one."""
    path = folder / f"{design.name}-{board.name}.json"
    if not path.exists():
        return None
    record = read_record(path)
    if record.verilog_sha256 != design.sha256 or not (folder / record.bitstream).exists():
        return None
    return record


def load(bitstream: Path, board: Board) -> None:
    """Program a board.

    Raises
    ------
    BuildError
        If openFPGALoader is missing or fails.
    """
    command = [find_program("openFPGALoader"), "-b", board.programmer, str(bitstream)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise BuildError(f"openFPGALoader failed: {said[-1] if said else f'exit code {done.returncode}'}")
