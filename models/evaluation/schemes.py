"""Lossy schemes: the codecs that a layer of a network can have.

A scheme makes codecs for one layer from its calibration maps, each with another rate; `accuracy`
chooses one of them for each layer. To add a scheme, write a `Scheme` and give it an entry in `SCHEMES`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from silicodec.models.codec import Codec
from silicodec.models.dct.codec import DCT
from silicodec.models.ebpc import EBPC
from silicodec.models.errors import unknown_name
from silicodec.models.transform.calibration import Calibration
from silicodec.models.transform.codec import TransformCodec


class LayerCodec(Protocol):
    """A lossy codec with its parameters for one layer. It is called with the maps of several images, (N, C, H, W)."""

    def get_config(self) -> dict[str, Any]:
        """Return the codec's id and parameters, as plain JSON."""

    def nbits(self, array: np.ndarray) -> int:
        """Count the bits that maps encode to."""

    def restore(self, array: np.ndarray) -> np.ndarray:
        """Return what decoding gives for the encoded maps, in their shape and dtype."""

    def quantised(self, array: np.ndarray) -> np.ndarray:
        """Return what the codec encodes without loss, in its order: integers of 8 bits, or int16 of 12 bits."""


class Scheme(Protocol):
    """A way to compress feature maps with loss."""

    def candidates(self, maps: np.ndarray) -> Sequence[LayerCodec]:
        """Make the codecs to choose from for a layer.

        Parameters
        ----------
        maps : np.ndarray
            (N, C, H, W), from calibration images: int8, or the network's own words, uint8, which are never negative.
            H = W = 1 after linear layers.

        Returns
        -------
        sequence of LayerCodec
            From the finest to the coarsest.
        """


class DCTScheme:
    """The codec `dct` with each of its steps, from fine to coarse."""

    STEPS = (1, 2, 4, 8, 16, 32)

    def candidates(self, maps: np.ndarray) -> list[DCT]:
        """Make a codec for each step; `signed` is 0 where no value is negative."""
        signed = int(maps.dtype == np.uint8 or maps.min() < 0)
        return [DCT(step=step, signed=signed) for step in self.STEPS]


class Lossless:
    """A lossless codec as one of a layer."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.get_config = codec.get_config
        self.nbits = codec.nbits

    def restore(self, array: np.ndarray) -> np.ndarray:
        """Return the maps themselves."""
        return array

    def quantised(self, array: np.ndarray) -> np.ndarray:
        """Return the maps themselves."""
        return array


class DCTOrEBPCScheme:
    """EBPC, or a codec of `DCTScheme` where that takes fewer bits."""

    def candidates(self, maps: np.ndarray) -> list[LayerCodec]:
        """Make EBPC, and for each codec of `DCTScheme` that one, or EBPC again where that is no larger."""
        lossless = Lossless(EBPC())
        bits = lossless.nbits(maps)
        codecs = DCTScheme().candidates(maps)
        return [lossless, *(codec if codec.nbits(maps) < bits else lossless for codec in codecs)]


class TransformScheme:
    """The codec `transform`, calibrated with quantisation steps in proportion to the deviation of a layer's samples.

    Parameters
    ----------
    block : int
        Side of the square of pixels that is transformed together, where they have no more samples than the vectors of
        hardware; otherwise pixels are transformed alone.
    decorrelate : bool
        Whether to transform by PCA; otherwise samples are only quantised.
    """

    MAX_VECTOR = 256
    STEPS = tuple(2 ** (exponent / 2) for exponent in range(-6, 2))
    """Quantisation steps, in units of the deviation."""

    def __init__(self, block: int = 1, decorrelate: bool = True) -> None:
        self.block = block
        self.decorrelate = decorrelate

    def candidates(self, maps: np.ndarray) -> list[TransformCodec]:
        """Make a codec for each step; none is finer than the samples are."""
        _, channels, height, width = maps.shape
        fits = channels * self.block**2 <= self.MAX_VECTOR and min(height, width) >= self.block
        calibration = Calibration(maps, block=self.block if fits else 1, decorrelate=self.decorrelate)
        return [calibration.codec(max(1.0, step * calibration.deviation)) for step in self.STEPS]


SCHEMES: dict[str, Scheme] = {
    "dct": DCTScheme(),
    "dct-or-ebpc": DCTOrEBPCScheme(),
    "transform": TransformScheme(),
    "transform-2x2": TransformScheme(block=2),
    "quantise": TransformScheme(decorrelate=False),
}
"""The lossy schemes by name."""


def get_scheme(name: str) -> Scheme:
    """Find a scheme by its name.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.
    """
    try:
        return SCHEMES[name]
    except KeyError:
        raise ValueError(unknown_name("scheme", name, SCHEMES)) from None
