"""How large an accelerator is, as options of commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

import click

from silicodec.settings import typed_settings

if TYPE_CHECKING:
    from silicodec.models.accelerator.shape import AcceleratorShape

Shape = TypeVar("Shape", bound="AcceleratorShape")
SET_HELP = "A parameter of the accelerator: groups, memory_kib, banks, bank_depth, weight_words and others."


def shape_of(settings: Mapping[str, str], kind: type[Shape]) -> Shape:
    """Make the shape, of a kind, that `--set` describes."""
    typed = typed_settings(settings, vars(kind()) | {"memory_kib": 0.0}, "accelerator")
    memory = typed.pop("memory_kib", None)
    if memory is None:
        return kind(**typed)
    if "banks" in typed:
        raise click.UsageError("--set: give memory_kib or banks, not both")
    return kind.with_memory(memory, **typed)
