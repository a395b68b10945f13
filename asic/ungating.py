"""Clock gates taken out of a netlist, for the formal check: each register gets its gate's enable in their place.

A gate hands on a clock pulse where its enable is 1 as the clock rises; a register with that enable does the same.
"""

from __future__ import annotations

import re

from pyosys import libyosys as yosys

from silicodec.asic.structure import bits, sources

CLOCK_GATE = re.compile(r"\\sky130_fd_sc_hd__dlclkp_\d+")
BUFFER = re.compile(r"\\sky130_fd_sc_hd__((clk)?(dly)?buf|clkdly|dly)\w*_\d+")
REGISTER = re.compile(r"\$_DFF_P([NP][01])?_")


def take_out_clock_gates(module: yosys.Module) -> None:
    """Replace the clock gates of a flat netlist by enables of the registers that they clock.

    Parameters
    ----------
    module : Module
        Cells of the library, but for registers, which are Yosys' `$_DFF_P_` or `$_DFF_P??_`. Between a gate and a
        register are buffers at most.
    """
    aliases = sources(module)
    drivers: dict[str, yosys.Cell] = {}
    for cell in module.selected_cells():
        kind = cell.type.str()
        output = "\\GCLK" if CLOCK_GATE.fullmatch(kind) else "\\X" if BUFFER.fullmatch(kind) else None
        # A layout's clock tree has buffers that drive nothing, as a load.
        if output and cell.hasPort(yosys.IdString(output)):
            drivers[_net(cell, output, aliases)] = cell
    for cell in module.selected_cells():
        register = REGISTER.fullmatch(cell.type.str())
        gate = _gate_behind(cell, drivers, aliases) if register else None
        if register and gate:
            cell.setPort(yosys.IdString("\\E"), gate.getPort(yosys.IdString("\\GATE")))
            cell.setPort(yosys.IdString("\\C"), gate.getPort(yosys.IdString("\\CLK")))
            cell.type = yosys.IdString(f"$_DFFE_P{register[1] or ''}P_")


def _gate_behind(register: yosys.Cell, drivers: dict[str, yosys.Cell], aliases: dict[str, str]) -> yosys.Cell | None:
    """Return the gate of a register's clock, if it has one."""
    driver = drivers.get(_net(register, "\\C", aliases))
    while driver and not CLOCK_GATE.fullmatch(driver.type.str()):
        driver = drivers.get(_net(driver, "\\A", aliases))
    return driver


def _net(cell: yosys.Cell, pin: str, aliases: dict[str, str]) -> str:
    """Return the net at a pin, under the name of what drives it."""
    (net,) = bits(cell.getPort(yosys.IdString(pin)))
    while net in aliases:
        net = aliases[net]
    return net
