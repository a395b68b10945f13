"""Picture of a layout, drawn by KLayout's Python module."""

from __future__ import annotations

from pathlib import Path

from klayout import lay

from silicodec.models.storage import written_whole


def draw_layout(layout: Path, layers: Path, target: Path, pixels: int = 1200) -> None:
    """Draw a layout as a PNG.

    Parameters
    ----------
    layout : Path
        GDS, perhaps compressed.
    layers : Path
        KLayout's layer properties: the colours.
    target : Path
        File to write.
    pixels : int
        Length of the picture's longer side.
    """
    view = lay.LayoutView()
    view.set_config("grid-visible", "false")
    view.set_config("text-visible", "false")
    view.set_config("background-color", "#ffffff")
    view.load_layout(str(layout))
    view.load_layer_props(str(layers))
    view.max_hier()
    view.zoom_fit()
    box = view.active_cellview().cell.dbbox()
    width, height = (
        max(1, round(pixels * side / max(box.width(), box.height()))) for side in (box.width(), box.height())
    )
    with written_whole(target) as temporary:
        view.save_image(str(temporary), width, height)
