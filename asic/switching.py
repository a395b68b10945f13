"""How often each pin of a netlist switched in a simulation, as OpenSTA reads it (SAIF)."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from silicodec.asic.gate_simulation import Switching
from silicodec.asic.gates import CONSTANTS, GateNetlist
from silicodec.asic.power import SCOPE


def write_saif(netlist: GateNetlist, switching: Switching, period_ns: float, target: Path) -> None:
    """Write what was counted as a SAIF file (gzip), of an instance `SCOPE`.

    Parameters
    ----------
    netlist : GateNetlist
        The netlist.
    switching : Switching
        Counts of its nets.
    period_ns : float
        Clock period in nanoseconds.
    target : Path
        File to write.
    """
    with gzip.open(target, "wt", compresslevel=1) as output:
        output.write('(SAIFILE (SAIFVERSION "2.0") (DIRECTION "backward") (DIVIDER / ) (TIMESCALE 1 fs)\n')
        output.write(f"(DURATION {_femtoseconds(switching.cycles, period_ns)})\n(INSTANCE {SCOPE}\n")
        output.writelines(_lines(netlist, switching, period_ns))
        output.write("))\n")


def _femtoseconds(cycles: float, period_ns: float) -> int:
    return round(cycles * period_ns * 1e6)


def _lines(netlist: GateNetlist, switching: Switching, period_ns: float) -> Iterator[str]:
    whole = _femtoseconds(switching.cycles, period_ns)

    def activity(net: int) -> str:
        if net in netlist.clocks:
            # Of what is behind a clock gate, the gate's enable was counted.
            enable = netlist.clocks[net]
            rises = enable * switching.cycles if enable < CONSTANTS else int(switching.ones[enable])
            high, changes = rises / 2, 2 * rises
        elif net < CONSTANTS:
            high, changes = net * switching.cycles, 0
        else:
            high, changes = int(switching.ones[net]), int(switching.toggles[net])
        at_1 = _femtoseconds(high, period_ns)
        return f"(T0 {whole - at_1}) (T1 {at_1}) (TC {changes})"

    yield f"(NET{''.join(f' ({port} {activity(net)})' for port, net in netlist.ports.items())})\n"
    for cell, pins in netlist.pins.items():
        yield f"(INSTANCE {cell} (NET{''.join(f' ({pin} {activity(net)})' for pin, net in pins.items())}))\n"
