"""Records of measurements: one JSON file a design, and the table of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from silicodec.asic.constraints import Constraints
from silicodec.asic.measure import Measurement
from silicodec.asic.memory_build import BuiltMemory
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.timing import Timing
from silicodec.models.storage import written_whole
from silicodec.rtl.catalog import ENGINES
from silicodec.rtl.convert import verilog
from silicodec.rtl.engine import Engine
from silicodec.rtl.source import Source

SHIPPED = Path(__file__).parent / "records"
"""Records of the catalog's engines, as shipped."""
LOCAL = Path("build/asic")
"""Where a measurement puts its record by default."""


def write_record(measurement: Measurement, folder: Path) -> Path:
    """Write one measurement as `folder/NAME.json`, at once and whole, and return the path."""
    path = folder / f"{measurement.name}.json"
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(measurement), indent=2) + "\n")
    return path


def read_records(folder: Path) -> dict[str, Measurement]:
    """Read the records of a folder, by name; a folder that does not exist has none.

    Raises
    ------
    MeasurementError
        If a file is not a record.
    """
    records = {}
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            fields = json.loads(path.read_text())
            fields["memories"] = [BuiltMemory(**memory) for memory in fields["memories"]]
            fields["corners"] = {corner: Timing.from_fields(timing) for corner, timing in fields["corners"].items()}
            record = Measurement(**{**fields, "constraints": Constraints(**fields["constraints"])})
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise MeasurementError(f"{path} is not a measurement record: {error}; remove it") from None
        records[record.name] = record
    return records


def latest_records(shipped: Path = SHIPPED, local: Path = LOCAL) -> dict[str, Measurement]:
    """Read all records, by name: local ones, and shipped ones where there is none, outdated or not."""
    return {**read_records(shipped), **read_records(local)}


def engine_records(shipped: Path = SHIPPED, local: Path = LOCAL) -> dict[str, Measurement]:
    """Read the records of the catalog's engines, by name.

    A record of the folder `local` counts if it is of the engine's present Verilog; otherwise the shipped one does,
    under the same condition. Where there is no local record the shipped one is not questioned: a test does that.
    """
    of_shipped, of_local = read_records(shipped), read_records(local)
    records = {name: record for name, record in of_shipped.items() if name in ENGINES and name not in of_local}
    for name in of_local.keys() & ENGINES.keys():
        present = verilog_hash(ENGINES[name])
        for record in (of_local[name], of_shipped.get(name)):
            if record and record.verilog_sha256 == present:
                records.setdefault(name, record)
    return records


def verilog_hash(engine: Engine) -> str:
    """Hash of an engine's Verilog, as `Measurement.verilog_sha256` has it."""
    return Source(engine.top, text=verilog(engine)).sha256
