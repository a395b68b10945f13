"""Every engine of the library, by name, and the families that make others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from silicodec.models.errors import unknown_name
from silicodec.rtl.accelerator.engines import ACCELERATOR_FAMILIES
from silicodec.rtl.blocks.engines import BLOCK_FAMILIES
from silicodec.rtl.dct.engines import DCT_FAMILIES
from silicodec.rtl.dictionary.engines import DICTIONARY_FAMILIES
from silicodec.rtl.ebpc.engines import EBPC_FAMILIES
from silicodec.rtl.ebpc.lanes_engines import EBPC_LANES_FAMILIES
from silicodec.rtl.engine import Engine
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters
from silicodec.rtl.lanes.engines import LANES_FAMILIES
from silicodec.rtl.mlw.engines import MLW_FAMILIES
from silicodec.rtl.systolic.engines import SYSTOLIC_FAMILIES
from silicodec.rtl.transform.engines import TRANSFORM_FAMILIES

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        *(*EBPC_FAMILIES, *EBPC_LANES_FAMILIES, *TRANSFORM_FAMILIES, *DCT_FAMILIES),
        *(*DICTIONARY_FAMILIES, *LANES_FAMILIES, *MLW_FAMILIES, *SYSTOLIC_FAMILIES),
        *(*BLOCK_FAMILIES, *ACCELERATOR_FAMILIES),
    )
}
"""Name -> family."""

ENGINES: dict[str, Engine] = {engine.name: engine for family in FAMILIES.values() for engine in family.engines()}
"""Name -> engine, for the sizes that have names."""


def find_family(name: str) -> tuple[Family, EngineParameters]:
    """Find the family and the parameters of an engine by its name, as `find_engine` does."""
    for family in FAMILIES.values():
        if parameters := family.find(name):
            return family, parameters
    if name in ENGINES:
        raise ValueError(f"{name} has no parameters")
    raise ValueError(unknown_name("engine", name, ENGINES))


def relatives(name: str, parameter: str) -> Iterator[str]:
    """Yield the families that do what an engine does and have a parameter that it lacks.

    Examples
    --------
    >>> list(relatives("ebpc-encoder", "lanes"))
    ['ebpc-encoder-l8']
    """
    family = find_family(name)[0].name
    for other, (shape, *_) in ((one.name, list(one.presets.values())) for one in FAMILIES.values()):
        if other.startswith(f"{family}-") and parameter in vars(shape):
            yield other


def find_engine(name: str, settings: Mapping[str, Any] = MappingProxyType({})) -> Engine:
    """Find an engine by its name: one of `ENGINES`, or a size of one of them, as `Family.size_name` names it.

    Parameters
    ----------
    name : str
        The name.
    settings : mapping, optional
        Parameters to change.

    Raises
    ------
    ValueError
        If there is no such engine, or a parameter is out of range.

    Examples
    --------
    >>> engine = find_engine("systolic-array", {"rows": 16})
    >>> engine.name, engine.parameters
    ('systolic-array-rows-16', {'rows': 16, 'columns': 8})
    >>> find_engine("systolic-array-rows-16").parameters
    {'rows': 16, 'columns': 8}
    """
    if name in ENGINES and not settings:
        return ENGINES[name]
    family, parameters = find_family(name)
    return family.engine(dataclasses.replace(parameters, **settings))
