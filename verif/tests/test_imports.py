"""Imports run one way, between packages and without circles, those inside strings and functions included."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BELOW = {
    "models": set(),
    "rtl": {"models"},
    "verif": {"models", "rtl"},
    "asic": {"models", "rtl", "verif"},
    "fpga": {"models", "rtl", "verif"},
    "silicodec": {"models", "rtl", "verif", "asic", "fpga"},
}
"""Packages that each folder may import; `silicodec` is the top."""
MODULE_NAME = re.compile(r"silicodec(\.\w+)+")


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "silicodec" else ("silicodec", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for folder in BELOW
    for path in sorted((ROOT / folder).rglob("*.py"))
    if not {"tests", "fuzz", "benchmarks"} & set(path.relative_to(ROOT).parts)
}


def imported(tree):
    """Every module that a module names: imports at any depth, and strings such as those for `python -m`."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=module, names=names):
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.Constant(value=str(value)) if MODULE_NAME.fullmatch(value):
                yield value


def known_module(name):
    """The module that holds an imported name, or None if it is not of this project."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name or None


def dependencies():
    result = {}
    for name, path in MODULES.items():
        names = {known_module(target) for target in imported(ast.parse(path.read_text()))}
        result[name] = {target for target in names if target not in (None, "silicodec", name)}
    return result


DEPENDENCIES = dependencies()


def folder_of(module):
    part = module.split(".")[1]
    return part if part in BELOW else "silicodec"


def test_the_rule_knows_every_module_and_sees_strings():
    assert len(MODULES) > 150
    tree = ast.parse("def f():\n    from silicodec.rtl import convert\nprogram = ('-m', 'silicodec.asic.synthesis')\n")
    assert {"silicodec.rtl.convert", "silicodec.asic.synthesis"} <= set(imported(tree))


@pytest.mark.parametrize("folder", BELOW)
def test_no_module_imports_against_the_direction(folder):
    against = {
        f"{module} imports {target}"
        for module, targets in DEPENDENCIES.items()
        if module != "silicodec" and folder_of(module) == folder
        for target in targets
        if folder_of(target) not in {folder, *BELOW[folder]}
    }
    assert not against


def test_no_modules_import_each_other_in_a_circle():
    left = dict(DEPENDENCIES)
    while True:
        wanted = set().union(*left.values())
        outside = [name for name, targets in left.items() if name not in wanted or not targets & left.keys()]
        if not outside:
            break
        for name in outside:
            del left[name]
    assert not {name: sorted(targets & left.keys()) for name, targets in left.items()}
