"""SystemVerilog to plain Verilog, for a Yosys that is older than the language, run as a program of its own.

Usage, in the folder of a staged source: `python -m silicodec.fpga.elaborate`. It writes `elaborated.v`.
"""

from __future__ import annotations

from pathlib import Path

from pyosys import libyosys as yosys

from silicodec.rtl.source import read_staged

if __name__ == "__main__":
    design = yosys.Design()
    for command in (*read_staged(Path()).yosys_commands(), "proc", "write_verilog -noattr elaborated.v"):
        yosys.run_pass(command, design)
