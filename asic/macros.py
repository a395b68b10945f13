"""SRAM macros of SkyWater 130 (SRAM22) and what their liberty and LEF files say of them.

All have one port: at a rising edge of `clk` with `ce` high they write `din` where `we` is high, a part of a word for
each bit of `wmask`, and read into `dout` otherwise, which keeps its word until the next read. `rstb` is low in reset.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from silicodec.asic.pdk import OUTPUT_LOAD_FF, MeasurementError

FOLDER = "sram22"
"""Where the macros are in the folder of `SILICODEC_PDK`."""
CORNERS = {"slow": "ss_100C_1v60", "typical": "tt_025C_1v80", "fast": "ff_n40C_1v95"}
"""Corner of the cells -> the macros' next to it. At typical alone do supply and temperature agree."""
MATCHING = ("typical",)
"""Corners at which the macros' supply and temperature are those of the cells."""
POWER_RAIL = "vdd"
"""Rail whose energy counts: the ground rail repeats the same charge, so that a sum over both would count it twice."""
_GROUP = re.compile(r"(\w+) \(([^)]*)\) \{$")
_ATTRIBUTE = re.compile(r"(\w+) ?(?::|\() ?\"?([^\";]*?)\"?\)? ?;$")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_SIZE = re.compile(r"^\s*SIZE ([\d.]+) BY ([\d.]+)", re.MULTILINE)


@dataclass
class Group:
    """A group of a liberty file: attributes by name, of which values of tables are texts, and groups within it."""

    kind: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def find(self, kind: str, name: str | None = None, **attributes: str) -> Iterator[Group]:
        """Yield the groups of a kind that are right within this one."""
        for group in self.groups:
            same = all(group.attributes.get(key) == value for key, value in attributes.items())
            if group.kind == kind and name in (None, group.name) and same:
                yield group

    def numbers(self, attribute: str) -> list[float]:
        """Return the numbers of an attribute."""
        return [float(number) for number in _NUMBER.findall(self.attributes.get(attribute, ""))]


@dataclass(frozen=True)
class Macro:
    """A macro at the typical corner.

    Parameters
    ----------
    name : str
        Its cell.
    words, bits, masks : int
        Words, bits of a word, and bits of the write mask, each for `bits // masks` bits.
    area_um2, width_um, height_um : float
        Area in square micrometres, and the sides of its outline.
    access_ns, setup_ns, period_ns : float
        From the clock to data at a load of 33 fF, longest setup time, shortest clock period: the worst of all slews.
    read_pj, write_pj, idle_pj : float or None
        Energy that a clock cycle with a read, with a write, and without either takes from the supply, in picojoules.
        None where the library has 0 for the rising edge, as it has for some: the access was not characterised.
    leakage_nw : float
        Leakage in nanowatts.
    clock_pf : float
        Capacitance of the clock pin in picofarads.
    has_layout : bool
        Whether there is a layout (GDS) of it.
    """

    name: str
    words: int
    bits: int
    masks: int = 1
    area_um2: float = 0.0
    width_um: float = 0.0
    height_um: float = 0.0
    access_ns: float = 0.0
    setup_ns: float = 0.0
    period_ns: float = 0.0
    read_pj: float | None = None
    write_pj: float | None = None
    idle_pj: float | None = None
    leakage_nw: float = 0.0
    clock_pf: float = 0.0
    has_layout: bool = False

    @property
    def address_bits(self) -> int:
        """Width of an address."""
        return (self.words - 1).bit_length()


def parse_liberty(text: str) -> Group:
    """Parse a liberty file that has one attribute or the head of one group a line.

    Raises
    ------
    MeasurementError
        If it has not.
    """
    waiting = [Group("", "")]
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if found := _GROUP.match(line):
            waiting.append(Group(found[1], found[2].strip('" ')))
            waiting[-2].groups.append(waiting[-1])
        elif line == "}" and len(waiting) > 1:
            waiting.pop()
        elif found := _ATTRIBUTE.match(line):
            waiting[-1].attributes[found[1]] = found[2].strip('" ')
        elif values := re.match(r"(\w+) ?\((.*)\);$", line):
            waiting[-1].attributes[values[1]] = values[2]
    if len(waiting) != 1 or not waiting[0].groups:
        raise MeasurementError("a liberty file of a macro is not whole")
    return waiting[0].groups[0]


def read_macro(liberty: str, lef: str, *, has_layout: bool = False) -> Macro:
    """Take a macro's facts out of the text of its liberty and LEF files."""
    library = parse_liberty(liberty)
    (cell,) = library.find("cell")
    (memory,) = cell.find("memory")
    pins = {group.name: group for kind in ("pin", "bus") for group in cell.find(kind)}
    width, height = _SIZE.findall(lef)[0]
    words, clock = 1 << int(memory.attributes["address_width"]), pins["clk"]
    masks = len(list(pins["wmask"].find("pin"))) if "wmask" in pins else 1
    inputs = [pin for name, pin in pins.items() if name not in ("clk", "dout")]
    energies = {when: _energy(clock, when) for when in ("!we&ce", "we&ce", "!we&!ce")}
    return Macro(
        name=cell.name,
        words=words,
        bits=int(memory.attributes["word_width"]),
        masks=masks,
        area_um2=float(cell.attributes["area"]),
        width_um=float(width),
        height_um=float(height),
        access_ns=max(_delay(table) for timing in pins["dout"].find("timing") for table in timing.groups),
        setup_ns=max(_largest(pin, "setup_rising") for pin in inputs),
        period_ns=_largest(clock, "minimum_period"),
        read_pj=energies["!we&ce"],
        write_pj=energies["we&ce"],
        idle_pj=energies["!we&!ce"],
        leakage_nw=float(cell.attributes["cell_leakage_power"]),
        clock_pf=float(clock.attributes["capacitance"]),
        has_layout=has_layout,
    )


def _energy(clock: Group, when: str) -> float | None:
    """Energy of a clock cycle in picojoules, which is that of both edges."""
    (power,) = clock.find("internal_power", when=when, related_pg_pin=POWER_RAIL)
    rise, fall = (max(table.numbers("values")) for name in ("rise_power", "fall_power") for table in power.find(name))
    return round(rise + fall, 4) if rise else None


def _delay(table: Group) -> float:
    """Largest delay in a table of clock to data at the usual load; 0 for other tables."""
    if table.kind not in ("cell_rise", "cell_fall"):
        return 0.0
    loads, values = table.numbers("index_2"), table.numbers("values")
    column = next(number for number, load in enumerate(loads) if load >= OUTPUT_LOAD_FF / 1000)
    return max(values[column :: len(loads)])


def _largest(pin: Group, kind: str) -> float:
    """Largest number in the tables of a kind of constraint."""
    timings = pin.find("timing", timing_type=kind)
    return max(max(table.numbers("values")) for timing in timings for table in timing.groups)


def macro_folder() -> Path | None:
    """Folder of the macros, if `SILICODEC_PDK` has it."""
    root = os.environ.get("SILICODEC_PDK")
    folder = Path(root) / FOLDER if root else None
    return folder if folder and folder.is_dir() else None


def macro_liberty(folder: Path, name: str, corner: str = "typical") -> Path:
    """Path of a macro's liberty file (gzip)."""
    return folder / name / f"{name}_{CORNERS[corner]}.lib.gz"


def read_macros(folder: Path | None = None) -> dict[str, Macro]:
    """Read all macros of a folder, by name; none where there is no folder.

    Parameters
    ----------
    folder : Path, optional
        By default that of `SILICODEC_PDK`.
    """
    folder = folder or macro_folder()
    return dict(_read_macros(folder)) if folder else {}


@cache
def _read_macros(folder: Path) -> Mapping[str, Macro]:
    macros = {}
    for place in sorted(folder.glob("sram22_*")):
        liberty, lef = macro_liberty(folder, place.name), place / f"{place.name}.lef.gz"
        texts = [gzip.decompress(file.read_bytes()).decode() for file in (liberty, lef) if file.is_file()]
        if len(texts) == 2:
            has_layout = (place / f"{place.name}.gds.gz").is_file()
            macros[place.name] = read_macro(*texts, has_layout=has_layout)
    return macros
