"""Instructions of processors that Numba has no names for, for compiled loops."""

from __future__ import annotations

import sys
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


@intrinsic
def _swap_bytes(context: Any, bits: Any) -> Any:
    """Reverse the order of the bytes of 64 bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bswap(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def _load_bytes(context: Any, data: Any, index: Any) -> Any:
    """Load eight bytes from any index of a contiguous uint8 array on, the first one as the most significant."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), IntType(64).as_pointer())
        eight = builder.load(place, align=1)
        return builder.bswap(eight) if sys.byteorder == "little" else eight

    return types.uint64(data, types.uint64), generate


@intrinsic
def _store_bytes(context: Any, data: Any, index: Any, eight: Any) -> Any:
    """Store eight bytes from any index of a contiguous uint8 array on, the most significant one as the first."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.bitcast(builder.gep(array.data, [arguments[1]]), IntType(64).as_pointer())
        builder.store(builder.bswap(arguments[2]) if sys.byteorder == "little" else arguments[2], place, align=1)
        return context.get_dummy_value()

    return types.void(data, types.uint64, types.uint64), generate


# Numba gives them their context.
leading_zeros = cast("Callable[[np.uint64], int]", _leading_zeros)
count_ones = cast("Callable[[np.uint64], int]", _count_ones)
swap_bytes = cast("Callable[[np.uint64], np.uint64]", _swap_bytes)
load_bytes = cast("Callable[[np.ndarray, np.uint64], np.uint64]", _load_bytes)
store_bytes = cast("Callable[[np.ndarray, np.uint64, np.uint64], None]", _store_bytes)
