"""Put the pictures of all layouts in a folder into one, docs/_static/layouts.png by default, on one scale.

Run `silicodec asic ENGINE... --flow layout` first, then `python scripts/layout_gallery.py`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "_static" / "layouts.png"
PIXELS_PER_UM = 0.6
WIDTH = 1200
GAP = 14
TEXT = 12
COLOURS = 48
SIZE = re.compile(r"^\s*SIZE ([\d.]+) BY ([\d.]+)", re.M)


def die_size(folder: Path) -> tuple[float, float]:
    """Return width and height in micrometres that the LEF file in a folder gives."""
    (lef,) = folder.glob("*.lef")
    if not (found := SIZE.search(lef.read_text())):
        raise SystemExit(f"{lef} has no SIZE")
    return float(found[1]), float(found[2])


def scaled(picture: Path) -> Image.Image:
    """Return a layout's picture at the common scale."""
    width, height = die_size(picture.with_suffix(""))
    size = round(width * PIXELS_PER_UM), round(height * PIXELS_PER_UM)
    return Image.open(picture).convert("RGB").resize(size, Image.Resampling.LANCZOS)


def gallery(pictures: dict[str, Image.Image]) -> Image.Image:
    """Arrange pictures in rows, the largest first, each above its name."""
    font = ImageFont.load_default(TEXT)
    placed, x, y, row = [], GAP, GAP, 0
    for name, picture in sorted(pictures.items(), key=lambda item: -item[1].height):
        room = max(picture.width, round(font.getlength(name)))
        if x + room + GAP > WIDTH:
            x, y, row = GAP, y + row + TEXT + 2 * GAP, 0
        placed.append((name, picture, x, y))
        x, row = x + room + GAP, max(row, picture.height)
    whole = Image.new("RGB", (WIDTH, y + row + TEXT + 2 * GAP), "white")
    draw = ImageDraw.Draw(whole)
    for name, picture, x, y in placed:
        whole.paste(picture, (x, y))
        draw.text((x, y + picture.height + 2), name, "black", font)
    return whole


def main() -> None:
    """Read the pictures, and write one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/asic/flows"), help="Folder of records.")
    parser.add_argument("--out", type=Path, default=TARGET, help="The picture.")
    given = parser.parse_args()
    folder = given.folder
    pictures = {path.name.removesuffix(".layout.png"): scaled(path) for path in folder.glob("*.layout.png")}
    if not pictures:
        raise SystemExit(f"{folder} holds no layouts")
    gallery(pictures).quantize(COLOURS).save(given.out, optimize=True)


if __name__ == "__main__":
    main()
