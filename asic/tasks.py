"""Our steps as SiliconCompiler tasks: synthesis and formal check by pyosys, timing and power by OpenSTA."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path
from typing import Any

from siliconcompiler import Task

from silicodec.asic.constraints import of_flow
from silicodec.asic.limits import clock_cells, limits_script
from silicodec.asic.macros import read_macros
from silicodec.asic.memory_verilog import macro_boxes
from silicodec.asic.pdk import BOXES
from silicodec.asic.power import power_script, read_power
from silicodec.asic.program_task import ProgramTask
from silicodec.asic.recipe import PROGRAMS
from silicodec.asic.statistics import FLIP_FLOP, read_statistics
from silicodec.asic.target import EXTRACTION
from silicodec.asic.timing import read_timing, timing_script, whole_script

PYOSYS_VERSION = "from importlib.metadata import version; print(version('pyosys'))"
VERILATOR_VERSION = (
    "import subprocess; print(subprocess.check_output(['verilator', '--version'], text=True).split()[1])"
)
OPENSTA_OLDEST = "2.0.17"
OPENSTA_WITH_POWER = "2.6"
LIMITS_CORNER = "typical"
"""Corner at which a cell may drive least."""
PLAIN, GATED = "0", "1"
"""Index of the steps without and with clock gating."""


class CornerTask(ProgramTask):
    """A task that reads the cells' liberty file of one corner."""

    def _corner(self) -> str:
        raise NotImplementedError

    def _liberty_keys(self, *corners: str) -> list[tuple[Any, tuple[str, ...]]]:
        """Library and key of the liberty files of some corners, by default the task's."""
        library = self.project.get_library(self.project.get("asic", "mainlib"))
        filesets = [library.get("asic", "libcornerfileset", corner, "nldm") for corner in corners or [self._corner()]]
        return [(library, ("fileset", fileset, "file", "liberty")) for found in filesets for fileset in found]

    def setup(self) -> None:
        """Declare the liberty file, so that a change of it makes the step run again."""
        super().setup()
        self.set_threads(1)
        for library, key in self._liberty_keys():
            self.add_required_key(library, *key)

    def _liberty(self, *corner: str) -> str:
        """Path of the liberty file of a corner, by default the task's."""
        ((library, key),) = self._liberty_keys(*corner)
        return str(library.find_files(*key)[0])

    def _netlist(self) -> str:
        """Name of the netlist; of a layout's two the one without cells that do nothing."""
        logic = f"{self.design_topmodule}.lec.vg"
        return logic if logic in self.get_files_from_input_nodes() else f"{self.design_topmodule}.vg"

    def _write_liberty(self) -> None:
        """Write the liberty file as the text `cells.lib`."""
        Path("cells.lib").write_bytes(gzip.decompress(Path(self._liberty()).read_bytes()))

    def _parameter(self, name: str) -> str:
        """Value of a parameter, as an argument."""
        return str(self.get("var", name))


class PyosysTask(CornerTask):
    """A program of this package that runs Yosys in a process of its own, in the folder of the staged Verilog."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("source", "str", "folder of the staged Verilog, whose name tells its content")

    def tool(self) -> str:
        """Name of the tool."""
        return "pyosys"

    def parse_version(self, stdout: str) -> str:
        """Version of pyosys."""
        return stdout.split()[-1]

    def setup(self) -> None:
        """Run this Python."""
        super().setup()
        self.set_exe(sys.executable, vswitch=["-c", PYOSYS_VERSION])
        self.add_version(">=0.60")
        self.add_required_key("var", "source")
        self.set_environmentalvariable("TMPDIR", ".")  # Yosys takes no spaces in the path of its temporary files

    def pre_process(self) -> None:
        """Lay out the Verilog."""
        super().pre_process()
        shutil.copytree(self._parameter("source"), ".", dirs_exist_ok=True)


def required_adders(task: Task) -> tuple[str, ...]:
    """Name the parameter that a step depends on which makes adders of full adder cells, so that no other runs again."""
    return ("full_adders",) if task.get("var", "full_adders") else ()


class SynthesisTask(PyosysTask):
    """Verilog to a netlist of standard cells; index `GATED` gates clocks."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("clock_ports", "[str]", "clock inputs of the design")
        self.add_parameter("period_ns", "float", "clock period to aim for", unit="ns")
        self.add_parameter("corner", "str", "corner whose cells are mapped to")
        self.add_parameter("full_adders", "int", "bits of each adder made of full adder cells", defvalue=0)
        self.add_parameter("routable", "bool", "whether to leave out cells that no layout has", defvalue=False)

    def task(self) -> str:
        """Name of the task."""
        return "synthesis"

    def _corner(self) -> str:
        return self._parameter("corner")

    def setup(self) -> None:
        """Declare files and parameters."""
        super().setup()
        self.add_output_file(ext="vg")
        for library, key in self._liberty_keys(LIMITS_CORNER):
            self.add_required_key(library, *key)
        routable = ["routable"] if self.get("var", "routable") else []
        for name in ("clock_ports", "period_ns", "corner", *required_adders(self), *routable):
            self.add_required_key("var", name)

    def runtime_options(self) -> list[str]:
        """Arguments of the program."""
        options = [
            "-m",
            PROGRAMS[self.task()],
            "--liberty",
            self._liberty(),
            "--limits",
            self._liberty(LIMITS_CORNER),
            "--period-ns",
            self._parameter("period_ns"),
            "--full-adders",
            self._parameter("full_adders"),
        ]
        if self.index == GATED:
            options.append("--clock-gating")
        if self.get("var", "routable"):
            options.append("--routable")
        return [*options, *(f"--clock-port={port}" for port in self.get("var", "clock_ports"))]

    def post_process(self) -> None:
        """Hand on the netlist, and record what it is made of."""
        super().post_process()
        shutil.copy("netlist.v", f"outputs/{self.design_topmodule}.vg")
        statistics = read_statistics(Path("statistics.json"))
        self.record_metric("cellarea", statistics.area_um2, source_file="statistics.json", source_unit="um^2")
        self.record_metric("cells", statistics.cells, source_file="statistics.json")
        self.record_metric("registers", statistics.flip_flops, source_file="statistics.json")


class OpenstaTask(CornerTask):
    """An OpenSTA script on a netlist, or on a layout with its parasitics."""

    oldest = OPENSTA_OLDEST

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("clock_ports", "[str]", "clock inputs of the design")
        self.add_parameter("period_ns", "float", "clock period", unit="ns")

    def tool(self) -> str:
        """Name of the tool."""
        return "opensta"

    def parse_version(self, stdout: str) -> str:
        """Version of OpenSTA."""
        return stdout.split()[-1]

    def setup(self) -> None:
        """Declare files and parameters."""
        super().setup()
        self.set_exe("sta", vswitch="-version")
        self.add_version(f">={self.oldest}")
        self.add_input_file(self._netlist())
        if self._parasitics() in self.get_files_from_input_nodes():
            self.add_input_file(self._parasitics())
        for name in ("clock_ports", "period_ns"):
            self.add_required_key("var", name)

    def _parasitics(self) -> str:
        """Name of the file that a layout has."""
        return f"{self.design_topmodule}.{EXTRACTION[self._corner()]}.spef"

    def _layout(self) -> bool:
        return self._parasitics() in self.get("input")

    def _script(self, design: dict[str, Any]) -> str:
        """Return the script; `design` has the arguments that every script takes."""
        raise NotImplementedError

    def pre_process(self) -> None:
        """Write the script, and the liberty file as text, which is what older versions of OpenSTA read."""
        super().pre_process()
        self._write_liberty()
        netlist = f"inputs/{self._netlist()}"
        design = {
            "liberty": "cells.lib",
            "netlist": netlist,
            "top": self.design_topmodule,
            "clock_ports": self.get("var", "clock_ports") if FLIP_FLOP.search(Path(netlist).read_text()) else (),
            "period_ns": self.get("var", "period_ns"),
            "parasitics": f"inputs/{self._parasitics()}" if self._layout() else None,
        }
        Path("script.tcl").write_text(self._script(design))

    def runtime_options(self) -> list[str]:
        """Arguments of `sta`."""
        return ["-no_init", "-exit", "script.tcl"]


class TimingTask(OpenstaTask):
    """Setup and hold of the netlist at the corner that the step's name ends with."""

    def task(self) -> str:
        """Name of the task; `timing` is SiliconCompiler's own."""
        return "corner_timing"

    def _corner(self) -> str:
        return self.step.rpartition(".")[2]

    def _script(self, design: dict[str, Any]) -> str:
        flow = "layout" if self._layout() else "synthesis"
        ideal = () if self._layout() else clock_cells(Path(design["netlist"]).read_text())
        timing = timing_script(**design, constraints=of_flow(flow))
        return whole_script(timing, limits_script(layout=self._layout(), ideal=ideal))

    def post_process(self) -> None:
        """Record the slacks."""
        super().post_process()
        log = self.get_logpath("exe")
        timing = read_timing(Path(log).read_text(), self.get("var", "period_ns"))
        slack = timing.worst_slack_ns(self.get("var", "period_ns"))
        if slack is not None:
            self.record_metric("setupslack", slack, source_file=log, source_unit="ns")
        if timing.hold_slack_ns is not None:
            self.record_metric("holdslack", timing.hold_slack_ns, source_file=log, source_unit="ns")


class ActivityTask(CornerTask):
    """Simulation of an engine's netlist on a tensor, for its switching activity."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("engine", "str", "name in the catalog")
        self.add_parameter("stimulus", "file", "tensor (.npy) that the engine works on")
        self.add_parameter("period_ns", "float", "clock period", unit="ns")

    def tool(self) -> str:
        """Name of the tool."""
        return "verilator"

    def task(self) -> str:
        """Name of the task."""
        return "activity"

    def _corner(self) -> str:
        return "typical"

    def parse_version(self, stdout: str) -> str:
        """Version of Verilator."""
        return stdout.strip()

    def setup(self) -> None:
        """Declare files and parameters."""
        super().setup()
        self.set_exe(sys.executable, vswitch=["-c", VERILATOR_VERSION])
        self.add_version(">=5")
        self.add_input_file(self._netlist())
        self.add_output_file(ext="saif.gz")
        for name in ("engine", "stimulus", "period_ns"):
            self.add_required_key("var", name)

    def pre_process(self) -> None:
        """Write the liberty file as text."""
        super().pre_process()
        self._write_liberty()

    def runtime_options(self) -> list[str]:
        """Arguments of the program."""
        top = self.design_topmodule
        engine = [self._parameter("engine"), self.find_files("var", "stimulus")]
        files = [f"inputs/{self._netlist()}", "cells.lib", self._parameter("period_ns"), f"outputs/{top}.saif.gz"]
        return ["-m", PROGRAMS[self.task()], *engine, *files]


class PowerTask(OpenstaTask):
    """Power of the netlist at the typical corner, as it switched in the simulation."""

    oldest = OPENSTA_WITH_POWER

    def task(self) -> str:
        """Name of the task."""
        return "power"

    def _corner(self) -> str:
        return "typical"

    def setup(self) -> None:
        """Declare the activity."""
        super().setup()
        self.add_input_file(ext="saif.gz")

    def _script(self, design: dict[str, Any]) -> str:
        return power_script(**design, activity=f"inputs/{self.design_topmodule}.saif.gz")

    def post_process(self) -> None:
        """Record the power."""
        super().post_process()
        log = self.get_logpath("exe")
        power = read_power(Path(log).read_text())
        self.record_metric("averagepower", power.total_mw, source_file=log, source_unit="mW")
        self.record_metric("leakagepower", power.leakage_mw, source_file=log, source_unit="mW")


class EquivalenceTask(PyosysTask):
    """Formal check of the netlist against the Verilog."""

    def __init__(self) -> None:
        super().__init__()
        self.add_parameter("reset_port", "str", "reset input of the design, after ! if it is active low", defvalue="")
        self.add_parameter("full_adders", "bool", "whether adders are made of full adder cells", defvalue=False)
        self.add_parameter("gates", "bool", "whether the Verilog is a netlist of cells", defvalue=False)
        self.add_parameter("macros", "[str]", "memories in it, which are black boxes to the check", defvalue=[])

    def task(self) -> str:
        """Name of the task."""
        return "equivalence"

    def _corner(self) -> str:
        return "typical"

    def setup(self) -> None:
        """Declare files."""
        super().setup()
        self.add_input_file(self._netlist())
        macros = ("macros",) if self.get("var", "macros") else ()
        for name in ("reset_port", *required_adders(self), *macros):
            self.add_required_key("var", name)

    def pre_process(self) -> None:
        """Lay out the files as the program wants them."""
        super().pre_process()
        shutil.copy(f"inputs/{self._netlist()}", "netlist.v")
        self._write_liberty()
        if names := self.get("var", "macros"):
            macros = read_macros()
            Path(BOXES).write_text(macro_boxes(macros[name] for name in names))

    def runtime_options(self) -> list[str]:
        """Arguments of the program."""
        reset = self._parameter("reset_port")
        flags = [f"--{name.replace('_', '-')}" for name in ("full_adders", "gates") if self.get("var", name)]
        return ["-m", PROGRAMS[self.task()], *([reset] if reset else []), *flags]
