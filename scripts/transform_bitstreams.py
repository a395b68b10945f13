"""Build linear transforms of 64 channels, with as many multipliers as fit, and write their records to fpga/records.

    python scripts/transform_bitstreams.py --boards ulx3s

builds that of one board.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from silicodec.fpga.boards import BOARDS, Board
from silicodec.fpga.build import Design, bare_design, board_design, build
from silicodec.fpga.records import SHIPPED, write_record
from silicodec.rtl.transform.engines import pca_encoder_engine
from silicodec.rtl.transform.matrix_tables import MatrixShape

CHANNELS = 64
MULTIPLIERS = {"icebreaker": 8, "ulx3s": 64}
"""By board: the most that divide the channels."""


def design_for(board: Board) -> Design:
    """Return the transform alone; behind a UART where the device has too few pins for its streams."""
    multipliers = MULTIPLIERS[board.name]
    engine = pca_encoder_engine(MatrixShape(CHANNELS, CHANNELS, multipliers))
    engine = replace(engine, name=f"pca-encoder-{CHANNELS}-channels-{multipliers}-multipliers")
    return board_design(engine, board) if board.family == "ice40" else bare_design(engine)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boards", nargs="+", default=list(MULTIPLIERS), choices=MULTIPLIERS)
    for name in parser.parse_args().boards:
        record = build(design_for(BOARDS[name]), BOARDS[name], Path("build/fpga"))
        print(write_record(record, SHIPPED))
