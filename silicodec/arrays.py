"""Arrays as users have them in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from silicodec.program import BadInput

if TYPE_CHECKING:
    import numpy as np


def read_array(path: Path) -> np.ndarray:
    """Read a `.npy` file."""
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError):
        array = None
    if not isinstance(array, np.ndarray):
        raise BadInput(f"{path} is not a .npy file of numbers, as numpy.save writes it")
    return array
