"""Write the table of engines in README.md anew, from the shipped records of measurements."""

from __future__ import annotations

import re
from pathlib import Path

from silicodec.asic.records import SHIPPED, read_records
from silicodec.figures import measured_figures, published_figures
from silicodec.rtl.catalog import ENGINES

README = Path(__file__).parents[1] / "README.md"
TABLE = re.compile(r"(?<=<!-- engines -->\n).*?(?=<!-- end -->)", re.DOTALL)
HEAD = """\
| engine | area, um2 | public RTL | longest path, ns | public RTL | kGE | flip-flops |
|---|--:|--:|--:|--:|--:|--:|
"""


def table() -> str:
    """Make the table, in Markdown."""
    records = read_records(SHIPPED)
    lines = []
    for engine in ENGINES.values():
        area, kilo, path, flip_flops = measured_figures(records.get(engine.name))
        other_area, _, other_path = published_figures(engine)
        lines.append(f"| `{engine.name}` | {area} | {other_area} | {path} | {other_path} | {kilo} | {flip_flops} |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    README.write_text(TABLE.sub(table(), README.read_text()))
