"""Families of engines: one block in many sizes, of which some have names."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from silicodec.rtl.engine import Engine
from silicodec.rtl.interface import EngineParameters, with_interface


@dataclass(frozen=True)
class Family:
    """Engines that differ in their parameters alone.

    Parameters
    ----------
    build : callable
        Describes the engine of a size, but for its name.
    presets : mapping of str to EngineParameters
        The sizes that have names, all of one class; the family has the name of the first.
    """

    build: Callable[[Any], Engine]
    presets: Mapping[str, EngineParameters]
    _described: dict[EngineParameters, Engine] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Name of the family, and of its first preset."""
        return next(iter(self.presets))

    def engine(self, parameters: EngineParameters) -> Engine:
        """Describe the engine of a size; it has the name of the preset, or one that `find` knows."""
        # The same engine for the same parameters, since its Verilog is kept with it.
        if parameters not in self._described:
            engine = with_interface(self.build(parameters), parameters)
            self._described[parameters] = dataclasses.replace(engine, name=self.size_name(parameters))
        return self._described[parameters]

    def engines(self) -> tuple[Engine, ...]:
        """Describe the engines that have names."""
        return tuple(map(self.engine, self.presets.values()))

    def size_name(self, parameters: EngineParameters) -> str:
        """Return the name of a size: that of the nearest preset, and every parameter in which it differs."""
        sizes = {name: _differences(preset, parameters) for name, preset in self.presets.items()}
        nearest = min(sizes, key=lambda name: len(sizes[name]))
        return "-".join([nearest, *(_spelled(name, value) for name, value in sizes[nearest].items())])

    def find(self, name: str) -> EngineParameters | None:
        """Return the parameters that a size's name tells; None if it tells none of this family.

        Raises
        ------
        ValueError
            If it names a value out of range.
        """
        for preset in sorted(self.presets, key=len, reverse=True):
            if name == preset or name.startswith(f"{preset}-"):
                settings = _read(name[len(preset) :], self.presets[preset])
                if settings is not None:
                    return dataclasses.replace(self.presets[preset], **settings)
        return None


def _differences(preset: EngineParameters, parameters: EngineParameters) -> dict[str, Any]:
    """Return the parameters in which a size differs from a preset."""
    return {name: value for name, value in vars(parameters).items() if value != getattr(preset, name)}


def _spelled(name: str, value: Any) -> str:
    """Spell a parameter as a part of an engine's name."""
    hyphenated = name.replace("_", "-")
    if isinstance(value, bool):
        return hyphenated if value else f"no-{hyphenated}"
    return f"{hyphenated}-{value}"


def _read(text: str, parameters: EngineParameters) -> dict[str, Any] | None:
    """Read spelled parameters, each after a hyphen; None if there is anything else."""
    settings: dict[str, Any] = {}
    while text:
        for name, value in vars(parameters).items():
            if isinstance(value, bool):
                match = re.match(rf"-(no-)?{name.replace('_', '-')}(?=-|$)", text)
                found: Any = match and not match[1]
            else:
                values = "[a-z]+" if isinstance(value, str) else r"\d+"
                match = re.match(rf"-{name.replace('_', '-')}-({values})(?=-|$)", text)
                found = match and type(value)(match[1])
            if match:
                settings[name] = found
                text = text[match.end() :]
                break
        else:
            return None
    return settings
