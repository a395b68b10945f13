"""Measure the latencies of the catalog's engines anew, for `silicodec engines ENGINE`; needs `SILICODEC_DATA`."""

from __future__ import annotations

import json
from pathlib import Path

from silicodec.rtl.catalog import ENGINES
from silicodec.verif.latency import RECORD, measure_latency

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write the record."""
    latencies = {}
    for name, engine in ENGINES.items():
        latencies[name] = measure_latency(engine)
        print(name, latencies[name], flush=True)
    (ROOT / "verif" / RECORD).write_text(json.dumps(latencies, indent=2) + "\n")


if __name__ == "__main__":
    main()
