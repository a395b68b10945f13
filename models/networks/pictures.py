"""Image files as arrays."""

from pathlib import Path

import numpy as np

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


def read_image(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Read an image file, cut to the centre and resized.

    Parameters
    ----------
    path : Path
        File in any format that Pillow reads.
    shape : tuple of int
        Channels (1: grey, 3: red, green, blue), height, width.

    Returns
    -------
    np.ndarray
        float32 of that shape, pixels in 0 .. 1.

    Raises
    ------
    OSError
        When the file is not an image or is damaged.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    channels, height, width = shape
    try:
        with Image.open(path) as image:
            picture = image.convert("L" if channels == 1 else "RGB")
    except UnidentifiedImageError as error:
        raise OSError(f"{path} is not an image that can be read") from error
    except (OSError, SyntaxError) as error:  # Pillow reports some broken PNG files as SyntaxError
        raise OSError(f"{path} cannot be read: {error}") from error
    picture = ImageOps.fit(picture, (width, height), method=Image.Resampling.BILINEAR, bleed=BORDER)
    pixels = np.asarray(picture, np.float32).reshape(height, width, channels) / np.float32(255)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


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
