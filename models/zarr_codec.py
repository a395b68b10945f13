"""The catalog's codecs as one codec of Zarr 3, which Zarr finds by the package's entry points.

>>> import zarr
>>> array = zarr.create_array(
...     {}, shape=(64, 64), chunks=(16, 64), dtype="int8", serializer=ZarrCodec("ebpc"), compressors=None
... )
>>> array[:] = 3
>>> int(array[5, 5])
3

Each chunk is encoded to a container (`docs/formats/container.md`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from zarr.abc.codec import ArrayBytesCodec
from zarr.core.common import parse_named_configuration

from silicodec.models.catalog import find_codec
from silicodec.models.codec import Codec
from silicodec.models.container import Encoded
from silicodec.models.errors import CodecError, CorruptDataError

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer

NAME = "silicodec"
"""Name of the codec in an array's metadata."""


@dataclass(frozen=True, init=False)
class ZarrCodec(ArrayBytesCodec):
    """A codec of the catalog as serializer of a Zarr 3 array: it turns chunks into bytes.

    Its configuration in the array's metadata is that of the codec.

    Parameters
    ----------
    name : str
        Key of `CODECS`, lossless or lossy.
    **parameters
        Parameters of the codec; `word_bits` is by default that of the array's dtype.

    Raises
    ------
    CodecError
        If there is no such codec, it cannot encode, or a parameter is unknown or out of range; later, if the array's
        dtype or a value is none that it takes.
    """

    config: dict[str, Any]

    is_fixed_size = False

    def __init__(self, name: str = "ebpc", **parameters: Any) -> None:
        if not find_codec(name).stream_names:
            raise CodecError(f"codec {name!r} is a bound: it has a size, and cannot encode")
        config = {"id": name, **parameters}
        object.__setattr__(self, "config", config)
        self._codec()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Make the codec from its entry in an array's metadata."""
        _, configuration = parse_named_configuration(data, NAME)
        parameters: dict[str, Any] = dict(configuration)
        return cls(parameters.pop("id", ""), **parameters)

    def to_dict(self) -> dict[str, Any]:
        """Return the codec's entry in an array's metadata."""
        return {"name": NAME, "configuration": self.config}

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        """Take the width of a word from the array where it was not given, and complete the configuration."""
        bits = 8 * array_spec.dtype.to_native_dtype().itemsize
        parameters = {"word_bits": min(bits, 16), **self.config}
        name = parameters.pop("id")
        complete = type(self)(name, **parameters)._codec().get_config()
        return type(self)(complete.pop("id"), **complete)

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Refuse an array of a dtype or shape that the codec does not take, when the array is made or opened."""
        self._codec().encode(np.zeros((*chunk_grid.chunk_shape[:-1], 0), dtype.to_native_dtype()))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Raise NotImplementedError: the size depends on the values."""
        raise NotImplementedError

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        array = chunk_array.as_numpy_array()
        container = await asyncio.to_thread(lambda: self._codec().encode(array).to_bytes())
        return chunk_spec.prototype.buffer.from_bytes(container)

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        container = chunk_bytes.to_bytes()
        array = await asyncio.to_thread(lambda: self._codec().decode(Encoded.from_bytes(container)))
        dtype = chunk_spec.dtype.to_native_dtype()
        if array.shape != chunk_spec.shape or array.dtype.name != dtype.name:
            raise CorruptDataError(
                f"chunk holds {array.dtype} of shape {array.shape}, not {dtype} of shape {chunk_spec.shape}"
            )
        return chunk_spec.prototype.nd_buffer.from_numpy_array(array.astype(dtype, copy=False))

    def _codec(self) -> Codec:
        return find_codec(self.config["id"]).from_config(self.config)
