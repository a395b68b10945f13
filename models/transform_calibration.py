"""Codecs `transform` for a layer, found on calibration maps: mean, basis, range and code.

B. Chmiel and others, "Feature Map Transform Coding for Energy-Efficient CNN Inference", arXiv 1905.10830: the
basis is that of the principal component analysis (PCA) of the channels.
"""

from __future__ import annotations

import numpy as np

from .dct import to_samples
from .huffman import HuffmanCode
from .transform import LinearTransform, TransformCodec, to_vectors

LARGEST_ELEMENT = 127
"""Largest magnitude of a matrix element."""


class Calibration:
    """What calibration maps tell about a layer.

    Parameters
    ----------
    maps : numpy.ndarray
        int8 or uint8, (N, C, H, W): a layer's maps of several images.
    block : int
        Side of the square of pixels that is transformed together.
    decorrelate : bool
        Whether to transform by PCA; otherwise samples are only quantised.

    Attributes
    ----------
    deviation : float
        Root of the mean variance of the components.
    """

    def __init__(self, maps: np.ndarray, *, block: int = 1, decorrelate: bool = True) -> None:
        self._block, self._decorrelate = block, decorrelate
        self._signed = int(maps.dtype == np.uint8 or bool(maps.min() < 0))
        samples = to_vectors(to_samples(maps), block)
        self._maps = len(samples)
        self._vectors = samples.reshape(-1, samples.shape[-1])
        vectors = self._vectors.astype(np.float64)
        mean = vectors.mean(axis=0)
        covariance = vectors.T @ vectors / len(vectors) - np.outer(mean, mean)
        self.deviation = float(np.sqrt(max(covariance.trace() / len(mean), 1e-9)))
        if decorrelate:
            variances, basis = np.linalg.eigh(covariance)
            self._mean, self._basis, self._energies = mean, basis.T[::-1], variances[::-1].clip(0)
        else:
            self._mean, self._basis, self._energies = np.zeros(len(mean)), np.eye(len(mean)), covariance.diagonal()

    def codec(self, step: float, energy: float | None = None) -> TransformCodec:
        """Make a codec.

        Parameters
        ----------
        step : float
            Quantisation step of a component, in units of a sample.
        energy : float, optional
            Share of the energy, which is the sum of the variances, that components must hold together to be kept. By
            default components are dropped whose variance is less than that of the rounding error.
        """
        if energy is None:
            kept = max(1, int((self._energies > step**2 / 12).sum())) if self._decorrelate else len(self._energies)
        else:
            kept = 1 + int((np.cumsum(self._energies) < energy * self._energies.sum()).sum())
        matrix, shift = _to_integers(self._basis[:kept] / step)
        bias = _rounding(shift) - np.rint(matrix @ self._mean).astype(np.int32)
        components = LinearTransform(matrix, bias, shift).apply(self._vectors)
        symbol_bits = max(2, 1 + int(max(components.max(), -1 - components.min())).bit_length())
        forward = LinearTransform(matrix, bias, shift, symbol_bits)
        counts = np.bincount(
            components.reshape(-1).view(np.uint8) & ((1 << symbol_bits) - 1), minlength=1 << symbol_bits
        )
        code = HuffmanCode.from_histogram(np.append(counts, self._maps), symbol_bits)

        # The inverse is that of the rounded matrix, or the closest to one where components are dropped.
        rounded = matrix / 2.0**shift
        matrix, shift = _to_integers(np.linalg.solve(rounded @ rounded.T, rounded).T)
        bias = _rounding(shift) + np.rint(2**shift * self._mean).astype(np.int32)
        inverse = LinearTransform(matrix, bias, shift)
        return TransformCodec.from_tables(forward, inverse, code, block=self._block, signed=self._signed)


def _to_integers(matrix: np.ndarray) -> tuple[np.ndarray, int]:
    """Round a matrix times a power of two, the largest one that its elements allow; returns the exponent too."""
    shift = int(np.clip(np.floor(np.log2(LARGEST_ELEMENT / np.abs(matrix).max())), 0, 31))
    return np.rint(matrix * 2.0**shift).clip(-LARGEST_ELEMENT, LARGEST_ELEMENT).astype(np.int8), shift


def _rounding(shift: int) -> np.int32:
    return np.int32((1 << shift) >> 1)
