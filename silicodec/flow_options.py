"""What a flow is asked for, as options of the command `asic`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

CHECKS = ("equivalence", "setup", "hold", "slew", "load", "drc", "lvs")
SIDES = ("north", "east", "south", "west")
FULL_ADDERS = click.option(
    "--full-adders",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Make the lowest N bits of adders of full adder cells: smaller, and slower.",
)


def parse_pins(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Split `PORT=SIDE` texts, for an option's callback."""
    pins: dict[str, str] = {}
    for text in texts:
        port, _, side = text.rpartition("=")
        if not port or side not in SIDES:
            raise click.BadParameter(f"{text!r} is not PORT=SIDE, the side one of {', '.join(SIDES)}", context, option)
        pins[port] = side
    return pins


def flow_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `options`, what a `Job` is made of besides its design, from options of the command line."""

    @wraps(command)
    def with_options(
        flow: str,
        period_ns: float | None,
        corner: str | None,
        clock_gating: bool,
        full_adders: int,
        density: float | None,
        aspect: float | None,
        pins: dict[str, str],
        seeds: int | None,
        fastest: bool,
        **others: Any,
    ) -> None:
        from silicodec.asic.job import Floorplan

        given: dict[str, Any] = {"density": density, "aspect": aspect, "pins": pins or None}
        wanted = {name: value for name, value in given.items() if value is not None}
        of_layout = [*wanted, *["seeds"] * (seeds is not None)]
        if of_layout and flow != "layout":
            raise click.UsageError(f"--{of_layout[0]} goes with --flow layout")
        if seeds and fastest:
            raise click.UsageError("--seeds does not go with --fastest")
        corner = corner or ("slow" if flow == "layout" else "typical")
        options: dict[str, Any] = {"flow": flow, "period_ns": period_ns, "corner": corner, "clock_gating": clock_gating}
        options |= {"full_adders": full_adders, "floorplan": Floorplan(**wanted), "seeds": seeds or 1}
        command(options=options, fastest=fastest, **others)

    for option in reversed(OPTIONS):
        with_options = option(with_options)
    return with_options


OPTIONS = (
    click.option("--flow", type=click.Choice(["synthesis", "layout"]), default="synthesis", show_default=True),
    click.option(
        "--clock-ns",
        "--period-ns",
        "period_ns",
        type=click.FloatRange(0, 1000, min_open=True, max_open=True),
        metavar="NS",
        help="Clock period to meet.  [default: one that a netlist meets, ports included; 30 % more for a layout]",
    ),
    click.option(
        "--corner",
        type=click.Choice(["slow", "typical", "fast"]),
        help="Corner at which the clock is to be met.  [default: typical; slow for a layout]",
    ),
    click.option("--clock-gating", is_flag=True, help="Synthesise a netlist with gated clocks as well, or lay it out."),
    FULL_ADDERS,
    click.option("--density", type=float, metavar="PERCENT", help="Cell area in a layout's core.  [default: 40]"),
    click.option("--aspect", type=float, metavar="RATIO", help="Height over width of a layout's core.  [default: 1]"),
    click.option(
        "--pins",
        multiple=True,
        callback=parse_pins,
        metavar="PORT=SIDE",
        help="Side of a layout for a port, or for a pattern such as 's_*'; may be repeated.",
    ),
    click.option(
        "--seeds",
        type=click.IntRange(1),
        metavar="N",
        help="Lay the netlist out N times, to tell how far figures spread.  [default: 1]",
    ),
    click.option("--fastest", is_flag=True, help="Search the shortest period that is met, in at most 8 runs."),
)
