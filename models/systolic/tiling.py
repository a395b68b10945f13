"""Products of matrices in tiles, as an array of `rows` x `columns` multipliers with stationary weights takes them.

The product of activations (M x K) and weights (K x N) is a sum over tiles of `rows` x `columns` weights. A tile sees
M vectors of `rows` activations and gives M x `columns` partial sums, which fit in 32 bits up to K = 131,071. Tiles go
down the rows first, so that the sums that are being added to never take more than M x `columns` words.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def weight_tiles(weights: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Cut a matrix of weights into tiles.

    Parameters
    ----------
    weights : numpy.ndarray
        (K, N).
    rows, columns : int
        Size of a tile.

    Returns
    -------
    numpy.ndarray
        (tiles, rows, columns): for each `columns` columns of the matrix the tiles from top to bottom, filled up with
        zeros.

    Examples
    --------
    >>> import numpy as np
    >>> weight_tiles(np.ones((3, 2), np.int8), 2, 2)[:, :, 0]
    array([[1, 1],
           [1, 0]], dtype=int8)
    """
    padded = pad_to_multiple(weights, rows, columns)
    blocks = padded.reshape(padded.shape[0] // rows, rows, padded.shape[1] // columns, columns)
    return blocks.transpose(2, 0, 1, 3).reshape(-1, rows, columns)


def vector_tiles(activations: np.ndarray, rows: int, outputs: int, columns: int) -> np.ndarray:
    """Cut a matrix of activations into the vectors for each tile of weights.

    Parameters
    ----------
    activations : numpy.ndarray
        (M, K).
    rows, columns : int
        Size of a tile.
    outputs : int
        N, the columns of the matrix of weights.

    Returns
    -------
    numpy.ndarray
        (tiles, M, rows), in the order of `weight_tiles`.
    """
    padded = pad_to_multiple(activations, 1, rows)
    vectors = padded.reshape(padded.shape[0], -1, rows).transpose(1, 0, 2)
    return np.tile(vectors, (-(-outputs // columns), 1, 1))


def add_tiles(sums: np.ndarray, outputs: int) -> np.ndarray:
    """Add up the sums of tiles.

    Parameters
    ----------
    sums : numpy.ndarray
        int32, (tiles, M, columns): the products of `vector_tiles` and `weight_tiles`.
    outputs : int
        N.

    Returns
    -------
    numpy.ndarray
        int32, (M, N).
    """
    _, vectors, columns = sums.shape
    totals = sums.reshape(-(-outputs // columns), -1, vectors, columns).sum(axis=1, dtype=np.int32)
    return totals.transpose(1, 0, 2).reshape(vectors, -1)[:, :outputs]


def image_patches(images: np.ndarray, size: int, stride: int = 1, padding: int = 0) -> np.ndarray:
    """Turn images into the activations that make a convolution a product of matrices (im2col).

    Parameters
    ----------
    images : numpy.ndarray
        (N, C, H, W).
    size, stride, padding : int
        Of the convolution, the same in both directions.

    Returns
    -------
    numpy.ndarray
        (N * height * width of the output, C * size * size); the weights (out, in, size, size) become a matrix by
        `weights.reshape(out, -1).T`.
    """
    margin = (padding, padding)
    padded = np.pad(images, ((0, 0), (0, 0), margin, margin))
    patches = sliding_window_view(padded, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return patches.transpose(0, 2, 3, 1, 4, 5).reshape(-1, images.shape[1] * size * size)


def pad_to_multiple(matrix: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Fill a matrix up with zeros to multiples of `rows` and `columns`."""
    return np.pad(matrix, ((0, -matrix.shape[0] % rows), (0, -matrix.shape[1] % columns)))
