"""Number formats that hardware streams tensors in, and the conversion to them.

Fixed-point words are signed two's complement. A layer has one scale, taken from the largest absolute value of the whole
set of images, so that no value saturates unless a smaller calibration value is given.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from silicodec.models.errors import unknown_name

SCALE_RULES = {"headroom": 0.75, "full-range": 1.0}
"""Fraction of full range that a layer's largest absolute value is mapped to, by the rule's name.

``headroom`` is the EBPC paper's rule (Cavigelli et al., arXiv 1908.11645): a quarter of the range stays free for
images with larger values than those that the scale was taken from.
"""


class NumberFormatError(ValueError):
    """An unknown number format or scale rule, or values that a number format cannot hold."""


@dataclass(frozen=True)
class NumberFormat:
    """A number format.

    Attributes
    ----------
    name : str
        ``fixed4``, ``fixed8``, ``fixed12``, ``fixed16``, ``float16``, ``native`` or ``native16``.
    kind : str
        ``fixed``: signed two's complement; ``float``: IEEE 754 half precision; ``native``: integers as they come
        from a network that computes in them.
    word_bits : int
        Bits of a word.
    """

    name: str
    kind: Literal["fixed", "float", "native"]
    word_bits: int

    @property
    def full_scale(self) -> float:
        """Magnitude that counts as full range: the largest fixed-point word, or 1.0 in floating point."""
        return 2 ** (self.word_bits - 1) - 1 if self.kind == "fixed" else 1.0

    @property
    def dtype(self) -> type[np.generic]:
        """Element type of arrays of words, other than native ones."""
        if self.kind == "float":
            return np.float16
        return np.int8 if self.word_bits <= 8 else np.int16


NUMBER_FORMATS = {f"fixed{bits}": NumberFormat(f"fixed{bits}", "fixed", bits) for bits in (4, 8, 12, 16)} | {
    "float16": NumberFormat("float16", "float", 16),
    "native": NumberFormat("native", "native", 8),
    "native16": NumberFormat("native16", "native", 16),
}


@dataclass(frozen=True, eq=False)
class Quantised:
    """Values in a number format.

    Attributes
    ----------
    values : np.ndarray
        Words in the shape of the input: int8 (up to 8 bits), int16 (above) or float16; integers of a native format
        keep their type.
    scale : float
        What the input was multiplied by before rounding.
    number_format : NumberFormat
        The format of `values`.
    """

    values: np.ndarray
    scale: float
    number_format: NumberFormat


def parse_number_format(name: str) -> NumberFormat:
    """Find a number format by its name.

    Raises
    ------
    NumberFormatError
        For an unknown name; the message lists the known ones.
    """
    try:
        return NUMBER_FORMATS[name]
    except KeyError:
        raise NumberFormatError(unknown_name("number format", name, NUMBER_FORMATS)) from None


def quantise(
    values: np.ndarray,
    number_format: str = "fixed8",
    *,
    scale_rule: str = "headroom",
    largest: float | None = None,
    scale: float | None = None,
    truncate: bool = False,
) -> Quantised:
    """Convert a tensor to a number format.

    Parameters
    ----------
    values : np.ndarray
        Floating-point values of any shape; integers for a native format.
    number_format : str
        Name of the number format.
    scale_rule : str
        Name of a rule in `SCALE_RULES`. It holds for float16 too, with 1.0 as full range: gradients are small enough
        to vanish in half precision otherwise.
    largest : float, optional
        Absolute value to take the scale from; that of `values` by default. Fixed-point words saturate beyond it.
    scale : float, optional
        The scale itself, instead of one by a rule.
    truncate : bool
        Cut fixed-point words towards zero as a cast does; beyond full range they wrap.

    Returns
    -------
    Quantised
        Rounded to nearest, ties to even, unless truncated. Negative zero becomes zero, so that every zero
        is the word 0.

    Raises
    ------
    NumberFormatError
        For an unknown format or rule, for values that are not finite, and for floating-point values in a native
        format or integers in another one.

    Examples
    --------
    >>> import numpy as np
    >>> quantised = quantise(np.array([0.0, 0.5, -1.0]), "fixed8")
    >>> quantised.values
    array([  0,  48, -95], dtype=int8)
    """
    target = parse_number_format(number_format)
    if scale_rule not in SCALE_RULES:
        raise NumberFormatError(unknown_name("scale rule", scale_rule, SCALE_RULES))
    is_integer = np.issubdtype(values.dtype, np.integer)
    if target.kind == "native":
        if not is_integer:
            raise NumberFormatError(f"number format {number_format} takes integers, not {values.dtype}: use fixed8")
        if values.dtype.itemsize * 8 != target.word_bits:
            raise NumberFormatError(
                f"number format {number_format} takes {target.word_bits}-bit integers, not {values.dtype}"
            )
        return Quantised(values, 1.0, target)
    if is_integer:
        native = "native16" if values.dtype.itemsize == 2 else "native"
        raise NumberFormatError(f"the values are {values.dtype} words already: use the number format {native}")
    lowest, highest = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        raise NumberFormatError("the values hold infinities or NaN, which no number format here can scale")

    if scale is None:
        largest = max(highest, -lowest) if largest is None else largest
        scale = SCALE_RULES[scale_rule] * target.full_scale / largest if largest > 0 else 1.0
    elif not (math.isfinite(scale) and scale > 0):
        raise NumberFormatError(f"scale must be positive and finite, not {scale}")
    words = np.empty(values.shape, target.dtype)
    flat_values, flat_words = values.reshape(-1), words.reshape(-1)
    for start in range(0, values.size, _SLAB):
        scaled = flat_values[start : start + _SLAB].astype(np.float64) * scale
        if target.kind == "float":
            flat_words[start : start + _SLAB] = scaled.astype(np.float16) + np.float16(0)
        elif truncate:
            flat_words[start : start + _SLAB] = _wrapped(scaled.astype(np.int64), target.word_bits)
        else:
            flat_words[start : start + _SLAB] = np.clip(np.rint(scaled), -target.full_scale - 1, target.full_scale)
    return Quantised(words, scale, target)


_SLAB = 1 << 20
"""Values that are converted at a time, so that only so many are there in double precision."""


def _wrapped(numbers: np.ndarray, word_bits: int) -> np.ndarray:
    """Take numbers to those of two's complement that have the same low bits."""
    half = 1 << (word_bits - 1)
    return ((numbers + half) & (2 * half - 1)) - half
