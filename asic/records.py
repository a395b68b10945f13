"""Records of measurements: one JSON file a design, and the table of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from silicodec.models.storage import written_whole

from .measure import Measurement
from .pdk import MeasurementError

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


def read_records(folders: Iterable[Path] = (SHIPPED, LOCAL)) -> dict[str, Measurement]:
    """Measurements by name; where two folders hold one of the same name, the later folder's.

    Raises
    ------
    MeasurementError
        If a file is not a record.
    """
    records = {}
    for folder in folders:
        for path in sorted(folder.glob("[!.]*.json")):
            try:
                record = Measurement(**json.loads(path.read_text()))
            except (OSError, ValueError, TypeError) as error:
                raise MeasurementError(f"{path} is not a measurement record: {error}; remove it") from None
            records[record.name] = record
    return records
