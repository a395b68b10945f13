"""Arrays in the files that users have, compressed, restored and told about."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from silicodec.arrays import read_array
from silicodec.cli import main
from silicodec.models.container import Encoded
from silicodec.models.quantise import quantise
from silicodec.program import BadInput

SILICODEC = [sys.executable, "-c", "from silicodec.cli import main; main(prog_name='silicodec')"]
RANDOM = np.random.default_rng(0)
MAPS = np.maximum(RANDOM.integers(-60, 20, (3, 8, 8)), 0).astype(np.int8)
VALUES = RANDOM.normal(size=(4, 50)).astype(np.float32)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command line in a folder of its own; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        return result.exit_code, result.stdout, result.stderr

    return invoke


def test_members_of_an_archive(tmp_path):
    np.savez(tmp_path / "maps.npz", **{"conv1": MAPS, "layer1/conv:2": MAPS[:1]})
    np.savez_compressed(tmp_path / "one.npz", MAPS)
    np.testing.assert_array_equal(read_array(tmp_path / "maps.npz:conv1"), MAPS, strict=True)
    np.testing.assert_array_equal(read_array(tmp_path / "maps.npz:layer1/conv:2"), MAPS[:1], strict=True)
    np.testing.assert_array_equal(read_array(tmp_path / "one.npz"), MAPS, strict=True)
    with pytest.raises(BadInput, match=r"holds 2 arrays: name one of them, FILE:NAME, of conv1, layer1/conv:2"):
        read_array(tmp_path / "maps.npz")
    with pytest.raises(BadInput, match="unknown array 'conv': did you mean conv1"):
        read_array(tmp_path / "maps.npz:conv")


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_of_pytorch(tmp_path, zipped):
    torch = pytest.importorskip("torch")
    tensor = torch.nn.Parameter(torch.from_numpy(VALUES))
    state = {"state_dict": {"conv.weight": tensor, "count": 3, "maps": torch.from_numpy(MAPS).transpose(0, 2)}}
    torch.save(state, tmp_path / "net.pt", _use_new_zipfile_serialization=zipped)
    torch.save(tensor, tmp_path / "one.pt", _use_new_zipfile_serialization=zipped)
    np.testing.assert_array_equal(read_array(tmp_path / "net.pt:conv.weight"), VALUES, strict=True)
    np.testing.assert_array_equal(read_array(tmp_path / "net.pt:maps"), MAPS.transpose(2, 1, 0), strict=True)
    np.testing.assert_array_equal(read_array(tmp_path / "one.pt"), VALUES, strict=True)
    with pytest.raises(BadInput, match="holds 2 arrays"):
        read_array(tmp_path / "net.pt")


def test_bfloat16_comes_as_its_bits(tmp_path):
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([0.0, 1.0, -2.0, 3.140625]).bfloat16()
    bits = np.array([0, 0x3F80, 0xC000, 0x4049], np.uint16)
    torch.save(tensor, tmp_path / "values.pt")
    np.testing.assert_array_equal(read_array(tmp_path / "values.pt"), bits, strict=True)
    np.save(tmp_path / "values.npy", bits.view("V2"))
    np.testing.assert_array_equal(read_array(tmp_path / "values.npy"), bits, strict=True)


def test_array_stays_in_its_file(tmp_path):
    np.save(tmp_path / "a.npy", MAPS)
    array = read_array(tmp_path / "a.npy")
    assert isinstance(array.base, np.memmap)
    assert type(array) is np.ndarray
    np.save(tmp_path / "empty.npy", MAPS[:0])
    assert read_array(tmp_path / "empty.npy").shape == (0, 8, 8)


@pytest.mark.parametrize("content", [b"PK\x03\x04 no archive", b"\x80\x02 no pickle", b"\x93NUMPY\x01", b"text", b""])
def test_file_that_holds_no_array(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(BadInput, match=r"not a \.npy, \.npz or \.pt file of numbers"):
        read_array(tmp_path / "file")


def test_code_in_a_file_of_tensors_is_not_run(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(Path, tmp_path / "code.pt")
    with pytest.raises(BadInput, match=r"not a \.npy, \.npz or \.pt file"):
        read_array(tmp_path / "code.pt")


@pytest.mark.parametrize(
    ("options", "number_format", "scale"),
    [
        (["--quantise", "fixed8"], "fixed8", None),
        (["--quantise", "fixed4"], "fixed4", None),
        (["--quantise", "fixed12"], "fixed12", None),
        (["--quantise", "float16"], "float16", None),
        (["--scale", "20"], "fixed8", 20.0),
        (["--scale", "20", "--quantise", "fixed16"], "fixed16", 20.0),
    ],
)
def test_floating_point_values_become_words(run, options, number_format, scale):
    np.save("values.npy", VALUES)
    code, output, _ = run("compress", "values.npy", "values.slc", *options)
    words = quantise(VALUES, number_format, scale=scale)
    assert code == 0
    assert output.startswith(f"{number_format} words of the values times {words.scale!r}\n")
    assert Encoded.from_bytes(Path("values.slc").read_bytes()).codec["word_bits"] == words.number_format.word_bits
    assert run("decompress", "values.slc", "words.npy")[0] == 0
    np.testing.assert_array_equal(np.load("words.npy"), words.values, strict=True)
    assert run("decompress", "values.slc", "restored.npy", "--scale", repr(words.scale))[0] == 0
    np.testing.assert_array_equal(np.load("restored.npy"), (words.values / np.float32(words.scale)).astype(np.float32))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "float32 values: turn them into words by --quantise fixed8 or --scale"),
        (["--quantise", "fixed9"], "did you mean fixed8"),
        (["--scale", "0"], "scale must be positive"),
        (["--scale", "nan"], "scale must be positive"),
    ],
)
def test_values_that_cannot_become_words(run, options, message):
    np.save("values.npy", VALUES)
    code, _, error = run("compress", "values.npy", "values.slc", *options)
    assert code == 2
    assert message in error
    assert not Path("values.slc").exists()


def test_info(run):
    np.save("maps.npy", MAPS.astype(">i2"))
    run("compress", "maps.npy", "maps.slc", "--set", "word_bits=9")
    encoded = Encoded.from_bytes(Path("maps.slc").read_bytes())
    code, output, _ = run("info", "maps.slc")
    assert code == 0
    assert output.splitlines() == [
        f"maps.slc: int16 array of shape (3, 8, 8), ratio {encoded.ratio:.3f}",
        "codec ebpc: word_bits=9, block_size=8, max_zero_run=16",
        f"192 values of 9 bits in {encoded.nbits:,} bits: "
        f"znz {encoded.streams['znz'].nbits}, bpc {encoded.streams['bpc'].nbits:,}",
    ]
    assert run("info", "maps.slc", "--json", "info.json")[:2] == (0, "")
    record = json.loads(Path("info.json").read_text())
    assert (record["dtype"], record["shape"], record["bits"]) == (">i2", [3, 8, 8], encoded.nbits)
    code, _, error = run("info", "maps.npy")
    assert (code, error) == (2, "silicodec: maps.npy: not a silicodec container\n")


@pytest.mark.parametrize("save", [np.save, np.savez])
def test_standard_input_and_output(save, tmp_path):
    source = io.BytesIO()
    save(source, MAPS)
    compressed = subprocess.run([*SILICODEC, "compress", "-", "-"], input=source.getvalue(), capture_output=True)
    assert b"192 values of 8 bits" in compressed.stderr
    assert Encoded.from_bytes(compressed.stdout).shape == MAPS.shape
    with (tmp_path / "out.npy").open("wb") as target:
        command = [*SILICODEC, "decompress", "-", "-"]
        subprocess.run(command, input=compressed.stdout, stdout=target, stderr=subprocess.PIPE, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), MAPS, strict=True)


def test_file_that_standard_output_goes_to_is_not_replaced(tmp_path):
    np.save(tmp_path / "maps.npy", MAPS)
    shell = 'echo first; "$@"; echo last'
    command = ["sh", "-c", shell, "-", *SILICODEC, "compress", "maps.npy", "/dev/stdout"]
    with (tmp_path / "all").open("wb") as target:
        subprocess.run(command, cwd=tmp_path, stdout=target, stderr=subprocess.PIPE, check=True)
    content = (tmp_path / "all").read_bytes()
    assert content.startswith(b"first\n")
    assert content.endswith(b"last\n")
    assert Encoded.from_bytes(content[6:-5]).shape == MAPS.shape
