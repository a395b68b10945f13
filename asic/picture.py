"""Picture of a layout, drawn by KLayout's Python module."""

from __future__ import annotations

from pathlib import Path

from klayout import db, lay

from silicodec.models.storage import written_whole

SHOWN = {(65, 20), (65, 44), *((layer, 20) for layer in range(66, 73))}
"""GDS layers and datatypes of SkyWater 130 that are shown: diffusion, taps, polysilicon, local wires and five metals.

Wells, implants and what marks the cells' areas would cover these."""
OVERSAMPLING = 2
"""Wires are narrower than a pixel; so many pixels each way are drawn for one."""


def draw_layout(layout: Path, layers: Path, target: Path, pixels: int = 1200) -> None:
    """Draw the transistors and wires of a layout as a PNG.

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
    show_wires(view)
    view.max_hier()
    view.zoom_fit()
    box = view.active_cellview().cell.dbbox()
    width, height = (
        max(1, round(pixels * side / max(box.width(), box.height()))) for side in (box.width(), box.height())
    )
    with written_whole(target) as temporary:
        view.save_image_with_options(str(temporary), width, height, 1, OVERSAMPLING, 0, db.DBox(), False)


def show_wires(view: lay.LayoutView) -> None:
    """Hide all layers but `SHOWN`, and fill these."""
    layers = view.begin_layers()
    while not layers.at_end():
        layer = layers.current()
        if not layer.has_children():
            layer.visible = (layer.source_layer, layer.source_datatype) in SHOWN
            layer.dither_pattern = 0
        layers.next()
