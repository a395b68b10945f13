"""What is known of a layout as it is drawn, for its record."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Signoff:
    """What Magic and Netgen say of a layout.

    Parameters
    ----------
    rules : dict of str to int
        Design rule to violations of it, by Magic; rules that are kept are not there, nor what is the library's.
    cells, nets : int
        Of the drawn circuit.
    mismatches : int
        Cells, nets and properties in which the drawn circuit differs from the netlist, by Netgen.
    pin_mismatches : int
        Ports that differ.
    library_rules : dict of str to dict
        Cell of the library to rule to violations that the cell shows by itself, of which nothing is the layout's.
    """

    rules: dict[str, int]
    cells: int
    nets: int
    mismatches: int
    pin_mismatches: int
    library_rules: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def in_library(self) -> int:
        """Number of violations that are the library's."""
        return sum(sum(rules.values()) for rules in self.library_rules.values())


@dataclass(frozen=True)
class SeedLayout:
    """What one of several layouts of a netlist came to.

    Parameters
    ----------
    seed : int
        Which layout it is: 0 is the one that the record is of.
    area_um2, wire_length_um : float
        Cell area, and length of all wires.
    drc_violations : int
        Violations by OpenROAD.
    periods_ns : dict of str to float or None
        Shortest clock period by corner, ports included; None without a path.
    worst_slack_ns : float or None
        Worst of the setup slack at the job's corner and the hold slack at every corner; None without a path.
    power_mw, energy_pj_per_word : float or None
        At the typical corner; None if they are not known.
    """

    seed: int
    area_um2: float
    wire_length_um: float
    drc_violations: int
    periods_ns: dict[str, float | None]
    worst_slack_ns: float | None
    power_mw: float | None
    energy_pj_per_word: float | None

    def clock_mhz(self, corner: str) -> float | None:
        """Return the fastest clock at a corner, ports included; None without a path."""
        period_ns = self.periods_ns[corner]
        return 1000 / period_ns if period_ns else None


@dataclass(frozen=True)
class Drawn:
    """What SiliconCompiler's own steps say of a layout when it is finished.

    Parameters
    ----------
    die_um2 : float or None
        Area of the die in square micrometres.
    ir_drop_mv : float or None
        Largest drop of a supply in millivolts, at the typical corner, with its default activity.
    setup_skew_ns, hold_skew_ns : float or None
        Largest skew of the clock between registers with a path, in nanoseconds.
    setup_total_ns, hold_total_ns : float or None
        Total negative slack in nanoseconds: 0 where every path is met.
    vias : int or None
        Number of vias.
    antenna_violations : int or None
        Nets that break an antenna rule.
    cells_by_drive : dict of str to int
        Number of cells of the netlist by how strong they drive, the last part of their names.
    """

    die_um2: float | None
    ir_drop_mv: float | None
    setup_skew_ns: float | None
    hold_skew_ns: float | None
    setup_total_ns: float | None
    hold_total_ns: float | None
    vias: int | None
    antenna_violations: int | None
    cells_by_drive: dict[str, int]
