"""Image files as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}

BORDER = 1 / 16
"""Part cut off at each side: the centre 224 of 256 pixels, as networks are evaluated on ImageNet."""


def image_files(folder: Path) -> list[Path]:
    """List the image files of a folder, sorted by name.

    Raises
    ------
    FileNotFoundError
        When there is no such folder, or no image file in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise FileNotFoundError(f"there is no image file in {folder} (known: {' '.join(sorted(SUFFIXES))})")
    return files


def read_image(path: Path, shape: tuple[int, int, int], *, exact: bool = False) -> np.ndarray:
    """Read an image file upright, cut to the centre and resized.

    Parameters
    ----------
    path : Path
        File in any format that Pillow reads.
    shape : tuple of int
        Channels (1: grey, 3: red, green, blue), height, width.
    exact : bool
        Whether an image of another size is refused instead.

    Returns
    -------
    np.ndarray
        float32 of that shape, pixels in 0 .. 1.

    Raises
    ------
    OSError
        When the file is not an image or is damaged.
    ValueError
        When it has another size, and must not.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    channels, height, width = shape
    try:
        with Image.open(path) as image:
            picture = _eight_bits(ImageOps.exif_transpose(image), "L" if channels == 1 else "RGB")
    except UnidentifiedImageError as error:
        raise OSError(f"{path} is not an image that can be read") from error
    except (OSError, SyntaxError) as error:  # Pillow reports some broken PNG files as SyntaxError
        raise OSError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if exact and picture.size != (width, height):
        raise ValueError(f"{path} has {picture.width} x {picture.height} pixels, and {width} x {height} are wanted")
    picture = ImageOps.fit(picture, (width, height), method=Image.Resampling.BILINEAR, bleed=BORDER)
    pixels = np.asarray(picture, np.float32).reshape(height, width, -1) / np.float32(255)
    pixels = np.broadcast_to(pixels, (height, width, channels))
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _eight_bits(image: Image.Image, mode: str) -> Image.Image:
    """Convert to a mode of 8 bits a channel, or grey of more bits to numbers of 0 .. 255 that keep them all.

    Pillow's own conversion cuts grey values of 16 bits off at 255.
    """
    from PIL import Image

    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image.convert(mode)
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise OSError(f"grey values from {values.min()} to {values.max()} are none of 16 bits")
    return Image.fromarray(values.astype(np.float32) * np.float32(255 / 65535))


def read_folder(folder: Path, shape: tuple[int, int, int], count: int | None = None) -> np.ndarray:
    """Read the first `count` image files of a folder (all by default), sorted by name.

    Returns
    -------
    np.ndarray
        float32, (N, channels, height, width), pixels in 0 .. 1.

    Raises
    ------
    OSError
        When the folder is missing or holds no image file, and when a file cannot be read.
    """
    return np.stack([read_image(path, shape) for path in image_files(folder)[:count]])
