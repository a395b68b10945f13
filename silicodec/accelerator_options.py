"""How large an accelerator is, as options of commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from silicodec.settings import typed_settings

if TYPE_CHECKING:
    from silicodec.models.accelerator.shape import AcceleratorShape

SET_HELP = "A parameter of the accelerator: groups, memory_kib, banks, bank_depth, weight_words and others."


def shape_of(settings: Mapping[str, str]) -> AcceleratorShape:
    """Make the shape that `--set` describes."""
    from silicodec.models.accelerator.shape import AcceleratorShape

    typed = typed_settings(settings, vars(AcceleratorShape()) | {"memory_kib": 0.0}, "accelerator")
    memory = typed.pop("memory_kib", None)
    if memory is None:
        return AcceleratorShape(**typed)
    if "banks" in typed:
        raise click.UsageError("--set: give memory_kib or banks, not both")
    return AcceleratorShape.with_memory(memory, **typed)
