"""Steps of SiliconCompiler's place and route as the flow `layout` has them, where they differ from its own."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

from siliconcompiler.tools.klayout.export import ExportTask
from siliconcompiler.tools.openroad.init_floorplan import InitFloorplanTask
from siliconcompiler.tools.openroad.synth_cleanup import CleanupSynthTask

from silicodec.asic.gds import draw_cells
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.ports import SIDES, crowded_sides
from silicodec.asic.target import drawn_cells


class CleanupTask(CleanupSynthTask):
    """SiliconCompiler's step that takes synthesis' buffers out again."""

    def record_metric(self, metric: str, value: Any, *args: Any, **options: Any) -> None:
        """Record a metric, but for the utilisation: without a floorplan OpenROAD 26Q1 says -100 %."""
        if metric != "utilization":
            super().record_metric(metric, value, *args, **options)


class FloorplanTask(InitFloorplanTask):
    """SiliconCompiler's step that makes the core and places pins on the sides that were asked for."""

    def post_process(self) -> None:
        """Refuse more pins than fit on a side: OpenROAD puts them beside the die."""
        super().post_process()
        layout = gzip.decompress(Path(f"outputs/{self.design_topmodule}.def.gz").read_bytes()).decode()
        constraints = self.project.constraint.pin.get_pinconstraint()
        clockwise = (SIDES[-1], *SIDES)  # SiliconCompiler counts sides from the west
        sides = {name: clockwise[one.get_side() - 1] for name, one in constraints.items()}
        if faults := crowded_sides(layout, sides):
            said = "; ".join(faults)
            self.logger.error(f"error: {said}")
            raise MeasurementError(said)


class DrawnExportTask(ExportTask):
    """SiliconCompiler's step that writes the layout, with the cells' drawn shapes."""

    def setup(self) -> None:
        """Declare the cells' layout."""
        super().setup()
        self.add_required_key(*drawn_cells(self.project))

    def post_process(self) -> None:
        """Draw the cells."""
        super().post_process()
        library, *key = drawn_cells(self.project)
        draw_cells(Path(f"outputs/{self.design_topmodule}.gds.gz"), Path(library.find_files(*key)[0]))
