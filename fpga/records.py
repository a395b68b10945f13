"""Records of bitstreams: one JSON file each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from silicodec.fpga.errors import BuildError
from silicodec.models.storage import written_whole

SHIPPED = Path(__file__).parent / "records"
"""Records of the catalog's engines, as shipped."""


@dataclass(frozen=True)
class Resource:
    """How many cells of a kind a design uses, and how many the device has."""

    used: int
    available: int


@dataclass(frozen=True)
class Clock:
    """The highest frequency of a clock domain, and the board's, in MHz."""

    achieved_mhz: float
    required_mhz: float


@dataclass(frozen=True)
class BuildRecord:
    """Figures of one bitstream.

    Parameters
    ----------
    design, board : str
        What was built, and for which board.
    resources : dict of str to Resource
        LUTs, flip-flops, block RAMs and DSPs; for iCE40 also logic cells, each of a LUT and a flip-flop.
    clocks : dict of str to Clock
        By clock domain.
    bitstream : str
        Name of the file.
    bitstream_bytes : int
        Its size.
    seconds : float
        Run time.
    tools : dict of str to str
        Tool name to version.
    verilog_sha256 : str
        Hash of the Verilog.
    """

    design: str
    board: str
    resources: dict[str, Resource]
    clocks: dict[str, Clock]
    bitstream: str
    bitstream_bytes: int
    seconds: float
    tools: dict[str, str]
    verilog_sha256: str

    @property
    def share(self) -> float:
        """Share of the device's logic that the design uses."""
        logic = self.resources.get("logic cells", self.resources["LUTs"])
        return logic.used / logic.available


def write_record(record: BuildRecord, folder: Path) -> Path:
    """Write a record as `folder/DESIGN-BOARD.json`, at once and whole, and return the path."""
    path = folder / f"{record.design}-{record.board}.json"
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(record), indent=2) + "\n")
    return path


def read_record(path: Path) -> BuildRecord:
    """Read a record.

    Raises
    ------
    BuildError
        If the file is not one.
    """
    try:
        fields = json.loads(path.read_text())
        fields["resources"] = {name: Resource(**figures) for name, figures in fields["resources"].items()}
        fields["clocks"] = {domain: Clock(**figures) for domain, figures in fields["clocks"].items()}
        return BuildRecord(**fields)
    except (ValueError, TypeError, KeyError) as error:
        raise BuildError(f"{path} is not a record of a bitstream: {error}; remove it") from None
