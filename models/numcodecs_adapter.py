"""The catalog's codecs as numcodecs codecs, for Zarr and whatever else takes these.

>>> from silicodec.models.numcodecs_adapter import register
>>> register()
>>> numcodecs.get_codec({"id": "silicodec-ebpc", "word_bits": 8})
EBPCAdapter(EBPC(word_bits=8, block_size=8, max_zero_run=16))

An encoded buffer is a container (`docs/formats/container.md`).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numcodecs
import numpy as np
from numcodecs.compat import ensure_bytes, ensure_contiguous_ndarray, ndarray_copy

from silicodec.models.catalog import CODECS
from silicodec.models.codec import Codec
from silicodec.models.container import Encoded

PREFIX = "silicodec-"


class NumcodecsAdapter(numcodecs.abc.Codec):
    """A codec of the catalog behind numcodecs' interface.

    Parameters
    ----------
    **parameters
        Parameters of the codec.

    Raises
    ------
    CodecError
        If a parameter is unknown or out of range.
    """

    codec_class: ClassVar[type[Codec]]

    def __init__(self, **parameters: Any) -> None:
        self._codec = self.codec_class.from_config({"id": self.codec_class.codec_id, **parameters})

    def encode(self, buf: Any) -> bytes:
        """Encode an array in memory order, or a buffer as bytes; raises CodecError where `Codec.encode` does.

        An array that is not contiguous is taken in C order.
        """
        if isinstance(buf, np.ndarray) and not buf.flags.forc:
            buf = np.ascontiguousarray(buf)
        return self._codec.encode(ensure_contiguous_ndarray(buf)).to_bytes()

    def decode(self, buf: Any, out: Any = None) -> np.ndarray:
        """Decode what `encode` returned, into `out` if given; raises CodecError where `Codec.decode` does."""
        return ndarray_copy(self._codec.decode(Encoded.from_bytes(ensure_bytes(buf))), out)

    def get_config(self) -> dict[str, Any]:
        """Return the id that numcodecs knows the codec by, and its parameters."""
        return {**self._codec.get_config(), "id": self.codec_id}

    def __repr__(self) -> str:
        """Show the codec and its parameters."""
        return f"{type(self).__name__}({self._codec!r})"


ADAPTERS: dict[str, type[NumcodecsAdapter]] = {
    PREFIX + name: type(
        f"{codec_class.__name__}Adapter",
        (NumcodecsAdapter,),
        {"codec_id": PREFIX + name, "codec_class": codec_class, "__module__": __name__},
    )
    for name, codec_class in CODECS.items()
    if codec_class.lossless
}
"""Adapters by numcodecs id, of every lossless codec that can encode; numcodecs gives no maps to the others."""
globals().update({adapter.__name__: adapter for adapter in ADAPTERS.values()})  # for entry points, and for pickle


def register() -> None:
    """Make the codecs known to numcodecs."""
    for adapter in ADAPTERS.values():
        numcodecs.register_codec(adapter)
