"""Boards, as data: adding one takes an entry in `BOARDS`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ACCELERATOR = "accelerator-groups-1-banks-2-bank-depth-1024-packets-1024-no-dct-products-serial-rows"
"""The accelerator that `silicodec fpga accelerate` expects: one for the ULX3S, in which ResNet-8 spills nothing."""


@dataclass(frozen=True)
class Board:
    """A board with an iCE40 or ECP5 FPGA.

    Parameters
    ----------
    name, summary : str
        Name on the command line, and one line for tables.
    family : str
        `ice40` or `ecp5`.
    device, package : str
        As nextpnr calls them, such as `up5k` and `sg48`.
    clock_mhz : float
        Frequency of the oscillator on pin `clk`.
    pins : mapping of str to str
        Package pins of `clk`, and of the UART's `rx` and `tx`, named as the FPGA sees them.
    programmer : str
        The board's name in openFPGALoader.
    baud : int
        Speed of the UART.
    """

    name: str
    summary: str
    family: str
    device: str
    package: str
    clock_mhz: float
    pins: Mapping[str, str]
    programmer: str
    baud: int = 1_000_000

    @property
    def divider(self) -> int:
        """Clock cycles per bit of the UART."""
        return round(self.clock_mhz * 1e6 / self.baud)

    def constraints(self) -> str:
        """Return the pin constraints as the family's nextpnr reads them: PCF or LPF."""
        if self.family == "ice40":
            return "".join(f"set_io {name} {pin}\n" for name, pin in self.pins.items())
        return "".join(
            f'LOCATE COMP "{name}" SITE "{pin}";\nIOBUF PORT "{name}" IO_TYPE=LVCMOS33;\n'
            for name, pin in self.pins.items()
        )


BOARDS: dict[str, Board] = {
    board.name: board
    for board in (
        Board(
            name="icebreaker",
            summary="iCEBreaker, iCE40 UP5K",
            family="ice40",
            device="up5k",
            package="sg48",
            clock_mhz=12,
            pins={"clk": "35", "rx": "6", "tx": "9"},
            programmer="ice40_generic",
        ),
        Board(
            name="hx8k",
            summary="iCE40-HX8K breakout board",
            family="ice40",
            device="hx8k",
            package="ct256",
            clock_mhz=12,
            pins={"clk": "J3", "rx": "B10", "tx": "B12"},
            programmer="ice40_generic",
        ),
        Board(
            name="ulx3s",
            summary="ULX3S, ECP5 85F",
            family="ecp5",
            device="85k",
            package="CABGA381",
            clock_mhz=25,
            pins={"clk": "G2", "rx": "M1", "tx": "L4"},
            programmer="ulx3s",
        ),
    )
}
"""Name -> board."""
