"""Instructions of processors that Numba has no names for, for compiled loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite.ir import Constant, IntType
from numba import types
from numba.extending import intrinsic


@intrinsic
def _leading_zeros(context: Any, bits: Any) -> Any:
    """Count the zeros before the first one of 64 bits; 64 if there is none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], Constant(IntType(1), 0))

    return types.int64(types.uint64), generate


@intrinsic
def _count_ones(context: Any, bits: Any) -> Any:
    """Count the ones of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


# Numba gives them their context.
leading_zeros = cast("Callable[[np.uint64], int]", _leading_zeros)
count_ones = cast("Callable[[np.uint64], int]", _count_ones)
