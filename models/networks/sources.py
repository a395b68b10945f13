"""Images and labels of a user: a folder, folders of classes, an array file, or CIFAR-10 as it is published."""

import zipfile
from pathlib import Path

import numpy as np

from silicodec.models.networks.pictures import image_files, read_image
from silicodec.models.storage import data_file

ARRAYS = (".npy", ".npz")
CIFAR10_TEST = "test_batch.bin"
CIFAR10_SHAPE = (3, 32, 32)

Labelled = tuple[np.ndarray, np.ndarray | None]


def read_images(path: Path, shape: tuple[int, int, int], count: int | None = None) -> Labelled:
    """Read images, and their classes where they are told.

    Parameters
    ----------
    path : Path
        One of:

        * a folder of image files, whose classes are unknown;
        * a folder of folders of image files, one a class. Classes count in the order of the folders' names, or, where
          all of these are WordNet's, in ImageNet's (``imagenet_wnids.txt`` in ``SILICODEC_DATA``);
        * an ``.npz`` file with ``images``, and ``labels`` where known, or an ``.npy`` file of images: uint8, or
          floating point in 0 .. 1, (N, H, W, C), (N, C, H, W) or (N, H, W), of the size that the network takes;
        * CIFAR-10 in its published binary form: a ``.bin`` file, or the folder that holds ``test_batch.bin``.
    shape : tuple of int
        Channels, height and width that the network takes; image files are cut and resized to these.
    count : int, optional
        The first so many, of folders of classes spread evenly over these; all by default.

    Returns
    -------
    pixels : np.ndarray
        float32, (N, channels, height, width), in 0 .. 1.
    labels : np.ndarray or None
        int64, (N,).

    Raises
    ------
    OSError
        When there is none, or when a file cannot be read or is not as described.
    """
    if path.suffix in ARRAYS:
        return _read_arrays(path, shape, count)
    if path.suffix == ".bin" or (path / CIFAR10_TEST).is_file():
        return _read_cifar10(path if path.suffix == ".bin" else path / CIFAR10_TEST, shape, count)
    folders = sorted(entry for entry in path.iterdir() if entry.is_dir()) if path.is_dir() else []
    if folders:
        return _read_classes(folders, shape, count)
    return np.stack([read_image(file, shape) for file in image_files(path)[:count]]), None


def _read_classes(folders: list[Path], shape: tuple[int, int, int], count: int | None) -> Labelled:
    names = [folder.name for folder in folders]
    numbers = dict(zip(names, range(len(names)), strict=True))
    try:
        wordnet = {line: number for number, line in enumerate(data_file("imagenet_wnids.txt").read_text().split())}
        if all(name in wordnet for name in names):
            numbers = wordnet
    except FileNotFoundError:
        pass
    files = [(place, file) for folder in folders for place, file in enumerate(image_files(folder))]
    chosen = [file for _, file in sorted(files, key=lambda entry: (entry[0], entry[1].parent))][:count]
    labels = np.array([numbers[file.parent.name] for file in chosen], np.int64)
    return np.stack([read_image(file, shape) for file in chosen]), labels


def _read_arrays(path: Path, shape: tuple[int, int, int], count: int | None) -> Labelled:
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = {"images": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise OSError(f"{path} is not a file of arrays: {error}") from error
    if "images" not in arrays:
        raise OSError(f"{path} holds {', '.join(arrays) or 'nothing'}, but no `images`")
    pixels, labels = arrays["images"], arrays.get("labels")
    if labels is not None and labels.shape != pixels.shape[:1]:
        raise OSError(f"{path} holds {len(pixels)} images, and labels of shape {labels.shape}")
    if pixels.ndim == 3:
        pixels = pixels[:, np.newaxis]
    if pixels.ndim == 4 and pixels.shape[1:] != shape:
        pixels = pixels.transpose(0, 3, 1, 2)
    if pixels.shape[1:] != shape:
        raise OSError(f"{path} holds images of shape {arrays['images'].shape[1:]}, but the network takes {shape}")
    pixels = pixels[:count].astype(np.float32) / np.float32(255 if pixels.dtype == np.uint8 else 1)
    if not np.isfinite(pixels).all() or pixels.min(initial=0) < 0 or pixels.max(initial=0) > 1:
        raise OSError(f"{path} holds images that are neither uint8 nor in 0 .. 1")
    return pixels, None if labels is None else labels[:count].astype(np.int64)


def _read_cifar10(path: Path, shape: tuple[int, int, int], count: int | None) -> Labelled:
    """Read records of a class in one byte and an image in 3,072, channel-major."""
    record = 1 + int(np.prod(CIFAR10_SHAPE))
    contents = np.fromfile(path, np.uint8)
    if shape != CIFAR10_SHAPE:
        raise OSError(f"{path} holds CIFAR-10's images of 32 x 32, but the network takes {shape}")
    if contents.size == 0 or contents.size % record:
        raise OSError(f"{path} is not CIFAR-10 in its binary form: {contents.size} bytes are no records of {record}")
    records = contents.reshape(-1, record)[:count]
    pixels = records[:, 1:].reshape(-1, *CIFAR10_SHAPE).astype(np.float32) / np.float32(255)
    return pixels, records[:, 0].astype(np.int64)
