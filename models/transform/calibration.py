"""Codecs `transform` for a layer, found on calibration maps: mean, basis, range and code.

B. Chmiel and others, "Feature Map Transform Coding for Energy-Efficient CNN Inference", arXiv 1905.10830: the
basis is that of the principal component analysis (PCA) of the channels.
"""

from __future__ import annotations

import numpy as np

from silicodec.models.samples import to_samples
from silicodec.models.transform.codec import LinearTransform, TransformCodec, to_vectors
from silicodec.models.transform.huffman import HuffmanCode

LARGEST_COMPONENT = 128
"""Largest magnitude of a component."""
LARGEST_ELEMENT = 127
"""Largest magnitude of a matrix element."""
LARGEST_RATIO = 64
"""How much larger than in another row the largest element of a row may be: all are rounded to the same precision."""


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
        self._block = block
        self._signed = int(maps.dtype == np.uint8 or bool(maps.min() < 0))
        samples = to_vectors(to_samples(maps), block)
        self._maps = len(samples)
        self._vectors = samples.reshape(-1, samples.shape[-1])
        mean, basis, variances = _principal_components(samples)
        self.deviation = float(np.sqrt(max(variances.mean(), 1e-9)))
        if not decorrelate:
            mean, basis, variances = np.zeros(len(mean)), np.eye(len(mean)), np.full(len(mean), np.inf)
        self._mean, self._basis, self._variances = mean, basis, variances
        self._largest = np.abs((self._vectors - mean) @ basis.T).max(axis=0)
        # Few vectors have no variance in most directions: what a component is worth shows in other vectors.
        self._worth = _held_out_variances(samples) if decorrelate and len(samples) > 1 else variances

    def codec(self, step: float, energy: float | None = None) -> TransformCodec:
        """Make a codec.

        Parameters
        ----------
        step : float
            Quantisation step of a component, in units of a sample. A component that would need more than 8 bits gets a
            larger one, and so do others beside which its row of the matrix would be rounded to nothing.
        energy : float, optional
            Share of the energy, which is the sum of the variances, that components must hold together to be kept. By
            default components are dropped whose variance, in maps that were held out, is less than that of rounding.
            Without PCA all are kept.
        """
        if energy is None or np.isinf(self._variances[0]):
            kept = max(1, int((self._worth > step**2 / 12).sum()))
        else:
            kept = 1 + int((np.cumsum(self._variances)[:-1] < energy * self._variances.sum()).sum())
        steps = np.maximum(step, self._largest[:kept] / LARGEST_COMPONENT)
        elements = np.abs(self._basis[:kept]).max(axis=1) / steps
        steps *= np.maximum(1, elements / (LARGEST_RATIO * elements.min()))
        matrix, shift = _to_integers(self._basis[:kept] / steps[:, np.newaxis])
        bias = _rounding(shift) - np.rint(matrix @ self._mean).astype(np.int32)
        components = LinearTransform(matrix, bias, shift).apply(self._vectors)
        symbol_bits = max(2, 1 + int(max(components.max(), -1 - components.min())).bit_length())
        forward = LinearTransform(matrix, bias, shift, symbol_bits)
        counts = np.bincount(
            components.reshape(-1).view(np.uint8) & ((1 << symbol_bits) - 1), minlength=1 << symbol_bits
        )
        code = HuffmanCode.from_histogram(np.append(counts, self._maps), symbol_bits)

        # The inverse is that of the rounded matrix, or the closest to one where components are dropped, or rounded off.
        matrix, shift = _to_integers(np.linalg.pinv(matrix / 2.0**shift))
        bias = _rounding(shift) + np.rint(2**shift * self._mean).astype(np.int32)
        inverse = LinearTransform(matrix, bias, shift)
        return TransformCodec.from_tables(forward, inverse, code, block=self._block, signed=self._signed)


def _principal_components(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, components in rows, and their variances from the largest on, of samples (maps, vectors, columns)."""
    vectors = samples.reshape(-1, samples.shape[-1]).astype(np.float64)
    mean = vectors.mean(axis=0)
    variances, basis = np.linalg.eigh(vectors.T @ vectors / len(vectors) - np.outer(mean, mean))
    return mean, basis.T[::-1], variances[::-1].clip(0)


def _held_out_variances(samples: np.ndarray) -> np.ndarray:
    """Return what every other map has of the variance along the principal components of the maps between."""
    mean, basis, _ = _principal_components(samples[::2])
    others = samples[1::2].reshape(-1, len(mean))
    return np.square((others - mean) @ basis.T).mean(axis=0)


def _to_integers(matrix: np.ndarray) -> tuple[np.ndarray, int]:
    """Round a matrix times a power of two, the largest one that its elements allow; returns the exponent too."""
    shift = int(np.clip(np.floor(np.log2(LARGEST_ELEMENT / np.abs(matrix).max())), 0, 31))
    return np.rint(matrix * 2.0**shift).clip(-LARGEST_ELEMENT, LARGEST_ELEMENT).astype(np.int8), shift


def _rounding(shift: int) -> np.int32:
    return np.int32((1 << shift) >> 1)
