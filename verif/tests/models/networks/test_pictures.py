"""Image files of every depth and orientation."""

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from silicodec.models.networks.pictures import read_image  # noqa: E402

RAMP = np.linspace(0, 65535, 4096).reshape(64, 64).astype(np.uint16)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_16_bits_keeps_its_values(tmp_path, suffix, channels):
    Image.fromarray(RAMP).save(tmp_path / f"ramp.{suffix}")
    pixels = read_image(tmp_path / f"ramp.{suffix}", (channels, 8, 8))
    assert pixels.shape == (channels, 8, 8)
    assert pixels.mean() == pytest.approx(0.5, abs=1e-4)
    assert (np.diff(pixels.mean(axis=(0, 2))) > 0.05).all()


def test_grey_beyond_16_bits_is_refused(tmp_path):
    Image.fromarray(RAMP.astype(np.int32) * 2).save(tmp_path / "ramp.tif")
    with pytest.raises(OSError, match=r"ramp\.tif cannot be read: grey values from 0 to 131070"):
        read_image(tmp_path / "ramp.tif", (1, 8, 8))


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_turned_photograph_is_read_upright(tmp_path, orientation, turns):
    upright = np.zeros((64, 64, 3), np.uint8)
    upright[:32] = 200
    stored = Image.fromarray(np.rot90(upright, -turns).copy())
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "photo.png", exif=exif)
    pixels = read_image(tmp_path / "photo.png", (3, 8, 8))
    assert pixels[:, :3].min() > 0.7
    assert pixels[:, 5:].max() < 0.1


def test_a_missing_file_is_named_once(tmp_path):
    with pytest.raises(OSError, match=r"^\S+absent\.png cannot be read: No such file or directory$"):
        read_image(tmp_path / "absent.png", (3, 8, 8))
