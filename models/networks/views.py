"""More images from a few: each one mirrored and shifted."""

from itertools import islice, product

import numpy as np

from silicodec.models.networks.network import Images, NetworkError

SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))
SHIFT = 1 / 14
"""Distance of a shift as a fraction of the image: 16 of 224 pixels."""
MOST_VIEWS = 2 * len(SHIFTS)


def views(images: Images, count: int) -> Images:
    """Make views of images: with each shift as it is and mirrored, the borders filled by reflection.

    Parameters
    ----------
    images : Images
        N images.
    count : int
        Views of each, 1 (the image itself) to `MOST_VIEWS`.

    Returns
    -------
    Images
        N * count images, all views of the first one first. Labels stay.

    Raises
    ------
    NetworkError
        When `count` is out of range.
    """
    if not 1 <= count <= MOST_VIEWS:
        raise NetworkError(f"the number of views must be 1 to {MOST_VIEWS}, not {count}")
    height, width = images.batch.shape[2:]
    down, right = round(height * SHIFT), round(width * SHIFT)
    padded = np.pad(images.batch, ((0, 0), (0, 0), (down, down), (right, right)), mode="reflect")
    made = []
    for (row, column), step in islice(product(SHIFTS, (1, -1)), count):
        top, left = down * (1 + row), right * (1 + column)
        made.append(padded[:, :, top : top + height, left : left + width][..., ::step])
    batch = np.stack(made, axis=1).reshape(-1, *images.batch.shape[1:])
    return Images(batch, None if images.labels is None else images.labels.repeat(count))
