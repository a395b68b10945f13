"""Samples of 8 bits, signed, as lossy codecs compute with them."""

from __future__ import annotations

from typing import Any

import numpy as np

SAMPLE_DTYPES = ("int8", "uint8")
"""Types of arrays that hold samples."""


def to_samples(array: np.ndarray) -> np.ndarray:
    """Take the offset of 128 off unsigned values.

    Examples
    --------
    >>> import numpy as np
    >>> to_samples(np.array([0, 128, 255], np.uint8))
    array([-128,    0,  127], dtype=int8)
    """
    return array if array.dtype == np.int8 else (array ^ np.uint8(128)).view(np.int8)


def from_samples(samples: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """Undo `to_samples` for an array of a dtype."""
    return samples if dtype == np.int8 else samples.view(np.uint8) ^ np.uint8(128)
