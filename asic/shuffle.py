"""The cells of a netlist in another order, for further layouts of it.

OpenROAD takes no seed for placement, but where cells come to lie depends on their order. It has them in that of their
names, wherever they stand in the file: so it is names that change places. A program that runs on its own. Usage:

    python -m silicodec.asic.shuffle NETLIST SEED TARGET
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import Random

_CELL = re.compile(r"^( *sky130_fd_sc_hd__\w+ )(\S+)(?= *\()", re.MULTILINE)


def shuffle_cells(netlist: str, seed: int) -> str:
    r"""Deal the names of a netlist's cells out among them anew, as a seed says; all else stays.

    Parameters
    ----------
    netlist : str
        Verilog of one module of cells, as Yosys writes it.
    seed : int
        Any number; the same one gives the same netlist.

    Examples
    --------
    >>> cells = "  sky130_fd_sc_hd__inv_1 _0_ (.A(a), .Y(b));\n  sky130_fd_sc_hd__inv_1 _1_ (.A(b), .Y(c));\n"
    >>> print(shuffle_cells(cells, 3), end="")
      sky130_fd_sc_hd__inv_1 _1_ (.A(a), .Y(b));
      sky130_fd_sc_hd__inv_1 _0_ (.A(b), .Y(c));
    """
    names = [name for _, name in _CELL.findall(netlist)]
    Random(seed).shuffle(names)
    dealt = iter(names)
    return _CELL.sub(lambda cell: cell[1] + next(dealt), netlist)


def main() -> None:
    """Read the arguments and shuffle."""
    netlist, seed, target = sys.argv[1:]
    Path(target).write_text(shuffle_cells(Path(netlist).read_text(), int(seed)))


if __name__ == "__main__":
    main()
