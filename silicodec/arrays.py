"""Arrays as users have them in files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO

from silicodec.models.errors import unknown_name
from silicodec.program import BadInput

if TYPE_CHECKING:
    import numpy as np

NPY, ZIP, PICKLE = b"\x93NUMPY", b"PK\x03\x04", b"\x80"
"""How files begin: NumPy's arrays; archives, NumPy's and PyTorch's; PyTorch's of old."""


def read_array(path: Path) -> np.ndarray:
    """Read an array from a `.npy` file, a `.npz` archive or a `.pt` file.

    Parameters
    ----------
    path : Path
        The file, which is recognised by its content and may be a pipe; for one of several arrays in it `FILE:NAME`.

    Returns
    -------
    numpy.ndarray
        Left in the file (memory-mapped) where that can be. Values of bfloat16, which NumPy does not have, come as
        their bits, uint16.

    Raises
    ------
    BadInput
        If there is no array in it, or none of that name.
    OSError
        If it cannot be read.
    """
    path, member = _split(path)
    with path.open("rb") as file:
        start = file.peek(8)
        try:
            if start.startswith(NPY):
                return _numbers(_pick({"": _read_npy(path, file)}, member, path))
            if start.startswith((ZIP, PICKLE)):
                source = file if file.seekable() else io.BytesIO(file.read())
                return _numbers(_pick(_read_several(source, start[: len(ZIP)]), member, path))
        except (ValueError, TypeError, EOFError, zipfile.BadZipFile):
            pass  # what they say is about the file's inside
    raise BadInput(f"{path} is not a .npy, .npz or .pt file of numbers, as NumPy and PyTorch write them")


def _split(path: Path) -> tuple[Path, str]:
    """Part `FILE:NAME` at the first colon before which there is a file."""
    parts = str(path).split(":")
    if not path.exists():
        for count in range(1, len(parts)):
            if (file := Path(":".join(parts[:count]))).is_file():
                return file, ":".join(parts[count:])
    return path, ""


def _read_npy(path: Path, file: BinaryIO) -> np.ndarray:
    import numpy as np

    if not path.is_file():
        pipe = SimpleNamespace(read=file.read)  # NumPy seeks in what it knows to be a file
        return np.lib.format.read_array(pipe, allow_pickle=False)
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError:  # as for an empty array, which cannot be mapped
        return np.asarray(np.load(path, allow_pickle=False))


def _read_several(file: BinaryIO, start: bytes) -> Mapping[str, Any]:
    """Read an archive of arrays, each when it is asked for, or a file of tensors."""
    import numpy as np

    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
        file.seek(0)
        if not any(name.endswith("/data.pkl") for name in names):
            return np.load(file, allow_pickle=False)
    elif start == ZIP:
        raise ValueError("the archive is damaged")
    return _read_tensors(file)


def _read_tensors(file: BinaryIO) -> Mapping[str, Any]:
    import pickle

    import torch

    file.seek(0)
    try:
        found = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ValueError(str(error)) from None
    if isinstance(found, torch.Tensor):
        return {"": found}
    while isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    return {str(name): tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def _pick(arrays: Mapping[str, Any], member: str, path: Path) -> Any:
    """Take the array of a name, or the only one there is."""
    names = list(arrays)
    if member in arrays:
        return arrays[member]
    if member:
        raise BadInput(f"{path}: {unknown_name('array', member, names)}")
    if len(names) != 1:
        raise BadInput(f"{path} holds {len(names)} arrays: name one of them, FILE:NAME, of {', '.join(names)}")
    return arrays[names[0]]


def _numbers(values: Any) -> np.ndarray:
    """Make an array of a tensor, and words of bfloat16 values."""
    import numpy as np

    if not isinstance(values, np.ndarray):
        import torch

        tensor = values.detach()
        if tensor.dtype == torch.bfloat16:
            return tensor.contiguous().view(torch.int16).numpy().view(np.uint16)
        return tensor.numpy()
    if values.dtype.name == "bfloat16" or values.dtype.str[1:] == "V2":  # as ml_dtypes has it, and as it is saved
        return values.view(np.uint16)
    return values
