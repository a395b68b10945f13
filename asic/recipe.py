"""What of this project's own source each step of the flows depends on."""

from __future__ import annotations

import ast
import hashlib
import re
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

PROGRAMS = {
    "synthesis": "silicodec.asic.synthesis",
    "equivalence": "silicodec.asic.equivalence",
    "corner_timing": "silicodec.asic.timing",
    "activity": "silicodec.asic.activity",
    "power": "silicodec.asic.power",
    "shuffle": "silicodec.asic.shuffle",
}
"""Task -> the module that does its work."""
FOLLOWED = ("silicodec.asic.", "silicodec.verif", "silicodec.rtl.source")
"""What the modules may begin with whose imports count; engines are known by their Verilog."""
_NAME = re.compile(r"\w+(\.\w+)+")


def recipe(*tasks: str) -> str:
    """Hash of this package's own part in some tasks or modules, so that a change of it makes them run again."""
    digest = hashlib.sha256()
    for file in sorted({file for task in tasks for file in source_files(PROGRAMS.get(task, task))}):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def source_files(module: str) -> frozenset[Path]:
    """Find the source of a module and of all that it imports, runs or reads, as far as `FOLLOWED` says."""
    found: set[Path] = set()
    seen, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name in seen or not name.startswith(FOLLOWED):
            continue
        seen.add(name)
        if spec := find_module(name):
            source = Path(str(spec.origin))
            names = named_modules(source.read_text())
            waiting += names
            found |= {source, *(file for name in names if (file := source.parent / name).is_file())}
    return frozenset(found)


def find_module(name: str) -> ModuleSpec | None:
    """Find a module, if there is one: a name that is imported from a package may be anything."""
    try:
        return find_spec(name)
    except ModuleNotFoundError:
        return None


def named_modules(text: str) -> set[str]:
    """Return what may be modules or files in Python source: whatever it imports, and what it has as texts."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
            names.add(node.value)
    return names
