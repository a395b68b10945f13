"""`silicodec compress`, `decompress` and `codecs`, with good and bad input."""

import numpy as np
import pytest
from click.testing import CliRunner

from silicodec.cli import main


@pytest.fixture
def run():
    """Run the command line in this process; returns exit code, standard output and standard error."""

    def invoke(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def feature_map(tmp_path):
    """A file with an int8 feature map, half of it zeros."""
    random = np.random.default_rng(0)
    values = random.integers(-9, 10, (4, 8, 8)) * random.integers(0, 2, (4, 8, 8))
    np.save(tmp_path / "map.npy", values.astype(np.int8))
    return tmp_path / "map.npy"


@pytest.mark.parametrize("codec", ["ebpc", "bpc", "zvc", "zero-rle", "deflate"])
def test_array_comes_back_with_its_shape_and_dtype(run, feature_map, tmp_path, codec):
    compressed, restored = tmp_path / "compressed", tmp_path / "restored.npy"
    code, output, _ = run("compress", feature_map, compressed, "--codec", codec)
    assert code == 0
    assert "ratio" in output
    assert run("decompress", compressed, restored)[0] == 0
    np.testing.assert_array_equal(np.load(restored), np.load(feature_map), strict=True)


def test_parameters_reach_the_codec_and_narrow_words_count(run, feature_map, tmp_path):
    compressed, restored = tmp_path / "compressed", tmp_path / "restored.npy"
    code, output, _ = run("compress", feature_map, compressed, "-p", "word_bits=5", "-p", "block-size=4")
    assert code == 0
    assert "256 values of 5 bits" in output
    assert run("decompress", compressed, restored)[0] == 0
    np.testing.assert_array_equal(np.load(restored), np.load(feature_map), strict=True)


def test_wide_words_are_the_default_for_wide_arrays(run, tmp_path):
    values = np.array([0, 300, -300, 0], np.int16)
    np.save(tmp_path / "wide.npy", values)
    assert run("compress", tmp_path / "wide.npy", tmp_path / "compressed")[0] == 0
    assert run("decompress", tmp_path / "compressed", tmp_path / "restored.npy")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "restored.npy"), values, strict=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--codec", "nothing"], "ebpc"),
        (["-p", "block_size=9"], "block_size"),
        (["-p", "speed=9"], "speed"),
        (["--set", "word_bits"], "NAME=VALUE"),
        (["--codec", "ebcp"], "did you mean ebpc"),
        (["--set", "word_bitz=8"], "did you mean word_bits"),
        (["-p", "word_bits=4"], "does not fit in 4"),
        (["--codec", "entropy"], "bound"),
    ],
)
def test_bad_option_gives_one_line_and_no_file(run, feature_map, tmp_path, arguments, message):
    code, _, error = run("compress", feature_map, tmp_path / "compressed", *arguments)
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == [feature_map]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"no array", "not a .npy, .npz or .pt file"),
        (b"", "not a .npy, .npz or .pt file"),
        (np.zeros(4, np.float32), "float32"),
        (np.array([{}], object), "not a .npy, .npz or .pt file"),
    ],
)
def test_bad_array_file_gives_one_line_and_no_file(run, tmp_path, content, message):
    source = tmp_path / "source.npy"
    if isinstance(content, np.ndarray):
        np.save(source, content)
    elif content is not None:
        source.write_bytes(content)
    code, _, error = run("compress", source, tmp_path / "compressed")
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "compressed").exists()


@pytest.mark.parametrize("damage", ["foreign", "truncated", "flipped bit", "empty"])
def test_damaged_container_gives_one_line_and_no_file(run, feature_map, tmp_path, damage):
    compressed, restored = tmp_path / "compressed", tmp_path / "restored.npy"
    run("compress", feature_map, compressed)
    good = compressed.read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 4
    bad = {"foreign": b"something else", "truncated": good[:-9], "flipped bit": bytes(flipped), "empty": b""}
    compressed.write_bytes(bad[damage])
    code, _, error = run("decompress", compressed, restored)
    assert code == 2
    assert str(compressed) in error
    assert len(error.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == [compressed, feature_map]


def test_output_folder_that_cannot_be_made_is_named(run, feature_map):
    code, _, error = run("compress", feature_map, feature_map / "under-a-file")
    assert code == 2
    assert str(feature_map) in error


def test_codecs_are_listed_with_their_parameters(run):
    code, output, _ = run("codecs")
    assert code == 0
    assert "zvc" in output
    assert "max_zero_run=16" in output
