"""What is kept of a layout beside its record: the layout itself, a picture, and its views as a macro."""

from __future__ import annotations

import shutil
from pathlib import Path

from silicodec.asic.flows import PLAIN
from silicodec.asic.picture import draw_layout
from silicodec.models.storage import written_whole

VIEWS = (".lef", ".lib", ".sdf", ".spef")
"""Endings of the files that a layout is used as a macro by."""


def keep_layout(steps: Path, top: str, beside: Path) -> None:
    """Keep what a layout's flow made.

    The macro is a folder: outline and pins (LEF), timing of its ports (liberty), delays (SDF) and wires (SPEF) at every
    corner, and the netlist that these are of, with its supplies, taps and fill.

    Parameters
    ----------
    steps : Path
        Folder of the job's steps in SiliconCompiler's build folder.
    top : str
        The top module.
    beside : Path
        The macro's folder; layout and picture are beside it, by the same name with their endings.
    """
    outputs = steps / "write.gds" / PLAIN / "outputs"
    (layout,) = outputs.glob(f"{top}.gds*")
    views = steps / "write.views" / PLAIN / "outputs"
    beside.mkdir(parents=True, exist_ok=True)
    for file in sorted(views.iterdir()):
        if file.suffix in VIEWS:
            shutil.copy(file, beside)
    shutil.copy(views / f"{top}.vg", beside / f"{top}.v")
    with written_whole(beside.with_name(beside.name + "".join(layout.suffixes))) as temporary:
        shutil.copy(layout, temporary)
    draw_layout(layout, outputs / f"{top}.lyp", beside.with_name(f"{beside.name}.png"))
