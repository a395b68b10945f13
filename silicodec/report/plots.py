"""Plots and pictures: figures, and for the demo page strings for an HTML `src` attribute."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imsave

EMPHASIS = "#0b5fa5"
OTHERS = ("#d55e00", "#009e73", "#cc79a7", "#7a6a00", "#6f6f6f", "#56b4e9")
"""Colours that stay apart for colour-blind readers (after Okabe and Ito)."""
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "grid.color": "#e4e4e4",
    "svg.hashsalt": "silicodec",
}


def ratio_plot(layers: Sequence[str], ratios: Mapping[str, Sequence[float]]) -> str:
    """Draw the compression ratio of every layer, one line a codec; the first codec stands out.

    Parameters
    ----------
    layers : sequence of str
        Names of the layers, in order.
    ratios : mapping of str to sequence of float
        By codec: bits before over bits after, a layer each.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 4.2), layout="constrained")
        axes = figure.subplots()
        for index, (codec, values) in enumerate(ratios.items()):
            look: dict[str, Any] = {"color": EMPHASIS, "linewidth": 2.5, "markersize": 6, "zorder": 3}
            if index:
                look = {"color": OTHERS[(index - 1) % len(OTHERS)], "linewidth": 1.2, "markersize": 4}
            axes.plot(range(len(layers)), values, marker="o", label=codec, **look)
        axes.axhline(1, color="#888888", linewidth=0.8, linestyle=":")
        axes.set_xticks(range(len(layers)), layers, rotation=45, ha="right")
        axes.set_ylabel("compression ratio\n(bits before / bits after)")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
        return as_svg(figure)


def area_plot(areas: Sequence[tuple[str, float, float | None]]) -> str:
    """Draw bars of area: engine, measured um2, and the um2 that it is compared with."""
    with mpl.rc_context(STYLE | {"axes.grid.axis": "x"}):
        figure = Figure(figsize=(9, 0.9 + 0.55 * len(areas)), layout="constrained")
        axes = figure.subplots()
        positions = np.arange(len(areas))
        axes.barh(positions - 0.2, [area for _, area, _ in areas], 0.38, color=EMPHASIS, label="silicodec")
        compared = [(position, other) for position, (_, _, other) in zip(positions, areas, strict=True) if other]
        if compared:
            where, others = zip(*compared, strict=True)
            axes.barh(np.array(where) + 0.2, others, 0.38, color="#b9b9b9", label="public EBPC RTL")
        axes.set_yticks(positions, [name for name, _, _ in areas])
        axes.invert_yaxis()
        axes.set_xlabel("cell area on SkyWater 130 HD, µm²")
        axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        return as_svg(figure)


def rate_figure(curves: Mapping[str, Sequence[tuple[float, float]]], before: float, label: str) -> Figure:
    """Draw what compression with loss leaves of a network's accuracy, one curve a scheme; the first stands out.

    Parameters
    ----------
    curves : mapping of str to sequence of (float, float)
        By scheme: bits for each value, and accuracy as a fraction.
    before : float
        Accuracy without compression.
    label : str
        What kind of accuracy it is.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        for index, (scheme, points) in enumerate(curves.items()):
            colour = OTHERS[(index - 1) % len(OTHERS)] if index else EMPHASIS
            bits, accuracies = zip(*sorted(points), strict=True)
            axes.plot(bits, np.multiply(accuracies, 100), marker="o", markersize=4, color=colour, label=scheme)
        axes.axhline(100 * before, color="#888888", linewidth=0.8, linestyle=":")
        axes.set_xlabel("bits a value")
        axes.set_ylabel(f"{label}, %")
        axes.legend(frameon=False)
        return figure


def feature_map_picture(maps: np.ndarray, channels: int = 16, columns: int = 8) -> str:
    """Tile the first channels of a feature map (channels, height, width); dark is zero."""
    maps = np.abs(maps[:channels].astype(float))
    columns = min(columns, len(maps))
    maps = maps[: len(maps) - len(maps) % columns]
    framed = np.pad(maps, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    rows, height, width = len(maps) // columns, *framed.shape[1:]
    mosaic = framed.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    return as_png(np.ma.masked_invalid(mosaic[:-1, :-1]), "magma")


def image_picture(image: np.ndarray) -> str:
    """Show an image (channels, height, width) of any range."""
    low, high = image.min(), image.max()
    pixels = np.moveaxis((image - low) / max(high - low, 1e-9), 0, -1)
    return as_png(pixels if pixels.shape[-1] == 3 else pixels[..., 0], "gray")


def as_png(pixels: np.ndarray, colours: str) -> str:
    """Encode pixels as a `data:` address of a PNG picture."""
    palette = mpl.colormaps[colours].with_extremes(bad="white")
    file = io.BytesIO()
    imsave(file, pixels, cmap=palette, format="png")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def as_svg(figure: Figure) -> str:
    """Encode a figure as a `data:` address of an SVG picture."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode()
