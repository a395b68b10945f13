"""The size of weights in the code that Arm's Ethos-U has in hardware."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np

from silicodec.models.baselines.bounds import Bound
from silicodec.models.codec import from_words, to_words
from silicodec.models.errors import CodecError


@dataclass(frozen=True)
class Mlw(Bound):
    """Arm's `mlw_codec`, of the package ethos-u-vela, the compiler of the Ethos-U.

    A size only: its decoder ends the whole program where a stream is damaged. `silicodec.models.baselines.mlw_stream`
    reads its streams and refuses such ones.

    Parameters
    ----------
    word_bits : int
        Bits of a word, 4 to 8.
    """

    name = "mlw"

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.word_bits > 8:
            raise CodecError(f"mlw takes words of up to 8 bits, not {self.word_bits}")

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits of an array of integers, which are whole bytes.

        Raises
        ------
        CodecError
            If the package is not installed.
        """
        codec = _mlw_codec()
        return 8 * len(self._stream(codec, array)) if np.size(array) else 0

    def encode(self, array: np.ndarray) -> bytes:
        """Return the stream of an array of integers that is not empty.

        Raises
        ------
        CodecError
            If the package is not installed.
        """
        return self._stream(_mlw_codec(), array)

    def _stream(self, codec: ModuleType, array: np.ndarray) -> bytes:
        words = to_words(np.asarray(array), self.word_bits)
        return bytes(codec.encode(from_words(words, self.word_bits, np.dtype(np.int8)).tolist()))


def _mlw_codec() -> ModuleType:
    try:
        from ethosu import mlw_codec
    except ImportError:
        raise CodecError("'mlw' needs the package ethos-u-vela: pip install 'silicodec[mlw]'") from None
    return mlw_codec
