"""Steps of SiliconCompiler's place and route as the flow `layout` has them, where they differ from its own."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

from siliconcompiler.tools.klayout.export import ExportTask
from siliconcompiler.tools.openroad.init_floorplan import InitFloorplanTask
from siliconcompiler.tools.openroad.synth_cleanup import CleanupSynthTask

from silicodec.asic.gds import draw_cells, name_ports
from silicodec.asic.pdk import MeasurementError
from silicodec.asic.ports import SIDES, crowded_sides
from silicodec.asic.program_task import ProgramTask
from silicodec.asic.recipe import PROGRAMS
from silicodec.asic.target import drawn_cells


class ShuffleTask(ProgramTask):
    """Another order of a netlist's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("netlist", "file", "netlist that an earlier run made")
        self.add_parameter("seed", "int", "what the order depends on")

    def tool(self) -> str:
        """Name of the tool, which is this Python."""
        return "python"

    def task(self) -> str:
        """Name of the task."""
        return "shuffle"

    def setup(self) -> None:
        """Declare the netlists and parameters."""
        super().setup()
        self.set_exe(sys.executable)
        self.set_threads(1)
        self.add_output_file(ext="vg")
        for name in ("netlist", "seed"):
            self.add_required_key("var", name)

    def runtime_options(self) -> list[str]:
        """Arguments of the program."""
        netlist, target = self.find_files("var", "netlist"), f"outputs/{self.design_topmodule}.vg"
        return ["-m", PROGRAMS[self.task()], str(netlist), str(self.get("var", "seed")), target]


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


class DrawnExportTask(ProgramTask, ExportTask):
    """SiliconCompiler's step that writes the layout, with the cells' drawn shapes and the names of all ports."""

    program = "silicodec.asic.gds"

    def setup(self) -> None:
        """Declare the cells' layout."""
        super().setup()
        self.add_required_key(*drawn_cells(self.project))

    def post_process(self) -> None:
        """Draw the cells, and name the ports."""
        super().post_process()
        library, *key = drawn_cells(self.project)
        layout = Path(f"outputs/{self.design_topmodule}.gds.gz")
        draw_cells(layout, Path(library.find_files(*key)[0]))
        name_ports(layout, Path(f"inputs/{self.design_topmodule}.def.gz"))
