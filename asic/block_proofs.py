"""Proof that the netlist of a large engine does what its Verilog says, block by block."""

from __future__ import annotations

import json
import resource
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from silicodec.asic.blocks import Module, cut, synthesised
from silicodec.asic.measure import ABC_KILLED, failure, tool_versions
from silicodec.asic.pdk import PERIOD_NS, MeasurementError, liberty_file
from silicodec.models.processes import run_group
from silicodec.models.storage import written_whole
from silicodec.rtl.source import Source

CPU_SECONDS = 600
"""Processor time that the proof of a module may take."""


@dataclass(frozen=True)
class ModuleProof:
    """What was found of a module of a block.

    Parameters
    ----------
    block, module : str
        Their names.
    alike : int
        How many modules of the block differ from it in names alone, itself among them: one was compared.
    proven : bool or None
        Whether netlist and Verilog do the same; None if that was not found out in the time.
    cycles : int or None
        For how many clock cycles after a reset; None stands for ever, from every state.
    reset : str or None
        What was held for a cycle before; None if nothing was.
    cpu_seconds : float
        Processor time.
    """

    block: str
    module: str
    alike: int
    proven: bool | None
    cycles: int | None
    reset: str | None
    cpu_seconds: float

    @property
    def finding(self) -> str:
        """What was found, in words."""
        return found_in_words(self.proven, self.cycles)


def found_in_words(proven: bool | None, cycles: int | None) -> str:
    """Say what a formal check found.

    Examples
    --------
    >>> found_in_words(True, 8)
    'for 8 cycles'
    """
    if not proven:
        return "no result" if proven is None else "differs"
    return "for every state" if cycles is None else f"for {cycles} cycles"


@dataclass(frozen=True)
class BlockProofs:
    """What was found of an engine's blocks, each by itself.

    That blocks are connected as the Verilog says, and what `assembly` adds, is not looked at; memories are outside.

    Parameters
    ----------
    name : str
        The engine's.
    modules : list of ModuleProof
        By block, then by module.
    cpu_seconds : int
        Processor time that each module had at most.
    period_ns, clock_gating, booth, tools, verilog_sha256, full_adders
        As of `BlockMeasurement`.
    """

    name: str
    modules: list[ModuleProof]
    cpu_seconds: int
    period_ns: float
    clock_gating: bool
    booth: bool
    tools: dict[str, str]
    verilog_sha256: str
    full_adders: int = 0

    def beside(self, older: BlockProofs) -> BlockProofs:
        """Return these proofs and those of an older record of the same netlist that are not here, or without result."""
        both = {(one.block, one.module): one for one in older.modules}
        for one in self.modules:
            known = both.get((one.block, one.module))
            if known is None or known.proven is None or one.proven is not None:
                both[one.block, one.module] = one
        cpu_seconds = max(self.cpu_seconds, older.cpu_seconds)
        return replace(self, cpu_seconds=cpu_seconds, modules=[both[name] for name in sorted(both)])

    def same_netlist(self, other: BlockProofs) -> bool:
        """Whether another record is of the same Verilog, synthesised alike."""
        fields = ("verilog_sha256", "period_ns", "clock_gating", "booth", "full_adders", "tools")
        return all(getattr(self, field) == getattr(other, field) for field in fields)


def prove_blocks(
    source: Source,
    *,
    name: str,
    period_ns: float = PERIOD_NS,
    clock_gating: bool = False,
    booth: bool = False,
    full_adders: int = 0,
    blocks: Sequence[str] = (),
    cpu_seconds: int = CPU_SECONDS,
    progress: Callable[[BlockProofs], None] = lambda proof: None,
) -> BlockProofs:
    """Synthesise the blocks of an engine as `measure_blocks` does, and compare each module's netlist with its Verilog.

    Parameters
    ----------
    source, name, period_ns, clock_gating, booth, full_adders
        As of `measure_blocks`.
    blocks : sequence of str
        Which blocks, in this order; all of them by default.
    cpu_seconds : int
        Processor time that the proof of a module may take.
    progress : callable
        Told each result, as proofs of one module.

    Raises
    ------
    MeasurementError
        As of `measure_blocks`, and if there is no such block.
    """
    liberty_file()  # if it is missing, say so before any work
    adders = [*["--booth"] * booth, *["--full-adders"] * bool(full_adders)]
    options = ["--clock-gating"] * clock_gating + ["--booth"] * booth + [f"--full-adders={full_adders}"]
    proofs = BlockProofs(
        name=name,
        modules=[],
        cpu_seconds=cpu_seconds,
        period_ns=period_ns,
        clock_gating=clock_gating,
        booth=booth,
        tools={"pyosys": tool_versions()["pyosys"]},
        verilog_sha256=source.sha256,
        full_adders=full_adders,
    )
    with tempfile.TemporaryDirectory(prefix="silicodec-") as temporary:
        folder = Path(temporary)
        modules = cut(source, folder, name)["modules"]
        if unknown := set(blocks) - modules.keys():
            raise MeasurementError(f"{name} has no block {min(unknown)}: it has {', '.join(sorted(modules))}")
        for block in blocks or sorted(modules):
            alike: dict[str, list[Module]] = {}
            for module in (Module(one, (folder / f"{one}.v").read_text()) for one in modules[block]):
                alike.setdefault(module.alike, []).append(module)
            for first, *others in alike.values():
                synthesised(first, folder, ("clk",), period_ns, options)
                found = prove_netlist(folder / "blocks" / first.name, adders, cpu_seconds)
                one = replace(proofs, modules=[ModuleProof(block, first.name, 1 + len(others), **found)])
                proofs = one.beside(proofs)
                progress(one)
    return proofs


def prove_netlist(folder: Path, adders: Sequence[str], cpu_seconds: int) -> dict[str, Any]:
    """Compare the netlist in the folder of a staged source with it: the last fields of `ModuleProof`.

    `adders` are the options of `silicodec.asic.equivalence` that say how adders and multipliers are made.
    """
    before = _time_of_programs()
    options = [f"--cpu-seconds={cpu_seconds}", *adders]
    done = run_group([sys.executable, "-m", "silicodec.asic.equivalence", *options], folder)
    took = round(_time_of_programs() - before, 1)
    log = folder / "log"  # of the last pass, where Yosys says what became of ABC
    said = done.stderr + (log.read_text(errors="replace") if log.exists() else "")
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL) or (done.returncode and ABC_KILLED.search(said)):
        return {"proven": None, "cycles": None, "reset": None, "cpu_seconds": took}
    if done.returncode:
        raise MeasurementError(f"the proof of {folder.name} failed: {failure(done.returncode, said)}")
    return {**json.loads((folder / "equivalence.json").read_text()), "cpu_seconds": took}


def _time_of_programs() -> float:
    """Processor time of all programs that this one has run, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def write_proofs(proofs: BlockProofs, folder: Path) -> Path:
    """Write proofs as `folder/NAME-proofs.json`, with those there of the same netlist."""
    path = folder / f"{proofs.name}-proofs.json"
    if path.exists() and proofs.same_netlist(older := read_proofs(path)):
        proofs = proofs.beside(older)
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(asdict(proofs), indent=2) + "\n")
    return path


def read_proofs(path: Path) -> BlockProofs:
    """Read what `write_proofs` wrote."""
    fields = json.loads(path.read_text())
    return BlockProofs(modules=[ModuleProof(**one) for one in fields.pop("modules")], **fields)
