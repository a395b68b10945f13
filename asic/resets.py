"""Which input of a design is its reset."""

from __future__ import annotations

from collections import Counter

from pyosys import libyosys as yosys

from silicodec.asic.structure import pins


def find_reset(module: yosys.Module) -> str | None:
    """Find the input that resets most registers: its name, with `!` before it where 0 resets; None if there is none.

    Registers have their resets already (`opt`); between these and the input there may be inverters.
    """
    inverted: dict[str, str] = {}
    resets: Counter[str] = Counter()
    inputs = {wire.name.str().removeprefix("\\") for wire in module.selected_wires() if wire.port_input}
    for cell in module.selected_cells():
        nets = pins(cell)
        if cell.type.str() in ("$not", "$logic_not") and len(nets["A"]) == 1:
            inverted[nets["Y"][0]] = nets["A"][0]
    for cell in module.selected_cells():
        for pin in {"ARST", "SRST"} & pins(cell).keys():
            (net,) = pins(cell)[pin]
            high = cell.getParam(yosys.IdString(f"\\{pin}_POLARITY")).as_bool()
            while net in inverted:
                net, high = inverted[net], not high
            if net in inputs:
                resets[net if high else f"!{net}"] += cell.getParam(yosys.IdString("\\WIDTH")).as_int()
    return resets.most_common(1)[0][0] if resets else None
