"""EBPC in parallel blocks: the document's example, the format restated in strings of bits, malformed packets."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream
from silicodec.models.ebpc import ParallelEBPC

DOCUMENT = (Path(__file__).parents[4] / "docs" / "formats" / "ebpc-parallel.md").read_text()
EXAMPLE = DOCUMENT.split("## Example\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("name", ["znz", "bpc"])
def test_example_of_the_document(name):
    words = np.array(re.search(r"the packet ([-0-9, ]+)\.", EXAMPLE)[1].split(", "), np.int8)
    heading = rf"Its {name.upper()} stream, (\d+) bits, in bytes `([0-9a-f ]+)`"
    nbits, data, table = re.search(heading + r":\n\n(.*?)(?:\n\n|$)", EXAMPLE, re.DOTALL).groups()
    stream = ParallelEBPC().encode(words).streams[name]
    assert (int(nbits), data) == (stream.nbits, stream.data.hex(" "))
    code_column = 2 if name == "znz" else 4
    cells = [line.split("|")[code_column] for line in table.strip().splitlines()[2:]]
    assert "".join(re.findall("[01]+", " ".join(re.findall("`[01]+`", " ".join(cells))))) == as_text(stream)


def as_text(stream):
    return "".join(f"{byte:08b}" for byte in stream.data)[: stream.nbits]


def restated(words, word_bits):
    words = [*words, *[0] * (-len(words) % 8)]
    znz, bpc, width = "", "", (word_bits + 2).bit_length()
    for start in range(0, len(words), 8):
        flags = "".join(str(int(word != 0)) for word in words[start : start + 8])
        znz += {"0" * 8: "0", "1" * 8: "10"}.get(flags, "11" + flags)
    nonzero = [word for word in words if word]
    nonzero += [0] * (-len(nonzero) % 8)
    for start in range(0, len(nonzero), 8):
        bpc += restated_block(nonzero[start : start + 8], word_bits, width)
    return znz, bpc + f"{2**width - 2:0{width}b}"


def restated_block(words, word_bits, width):
    differences = [f"{(after - before) % 2**word_bits:0{word_bits}b}" for before, after in pairwise(words)]
    planes = ["".join(bits) for bits in zip(*differences, strict=True)][::-1]
    fields = []
    for before, plane in zip(["0" * 7, *planes], planes, strict=False):
        dbx = f"{int(plane, 2) ^ int(before, 2):07b}"
        fields.append((dbx, plane))
    whole = "".join(dbx for dbx, _ in fields)
    while fields and fields[-1][0] == "0" * 7:
        fields.pop()
    coded = [restated_plane(dbx, dbp) for dbx, dbp in fields]
    extras = "".join(code[5:] for code in coded)
    body = "".join(code[:5] for code in coded) + extras
    base = f"{words[0]:0{word_bits}b}"
    if len(body) >= 7 * word_bits:
        return "1" * width + base + whole
    return f"{len(coded):0{width}b}" + base + body


def restated_plane(dbx, dbp):
    if dbx.strip("0") == "1":
        return f"0{dbx.index('1'):04b}"
    if dbx.strip("0") == "11":
        return f"01{dbx.index('1'):03b}"
    special = {"0" * 7: "00111", "1" * 7: "01110"}
    return special.get(dbx, "01111" if dbp == "0" * 7 else "1" + dbx)


@given(data=st.data())
def test_streams_are_those_of_the_format(data):
    word_bits = data.draw(st.integers(4, 16))
    top = 2**word_bits - 1
    near = st.builds(lambda base, steps: [(base + step) & top for step in steps], st.integers(0, top), steps)
    parts = data.draw(st.lists(near | st.lists(st.just(0) | st.integers(0, top), max_size=20), max_size=5))
    words = [word for part in parts for word in part]
    array = np.array(words, np.uint8 if word_bits <= 8 else np.uint16)
    encoded = ParallelEBPC(word_bits).encode(array)
    assert tuple(as_text(stream) for stream in encoded.streams.values()) == restated(words, word_bits)
    np.testing.assert_array_equal(ParallelEBPC(word_bits).decode(encoded), array)


steps = st.lists(st.sampled_from([0, 0, 1, -1, 2, 16, -16, 128, 255]), min_size=1, max_size=30)
WORDS = np.array([0, 0, 5, 6, 7, 9, 200, 3, 0, 90, 1, 0, 0, 0, 0, 0], np.uint8)


def test_hardware_words_are_filled_up():
    streams = ParallelEBPC().encode_words(WORDS)
    assert (streams["znz"].dtype, streams["bpc"].dtype) == (np.uint16, np.uint64)
    np.testing.assert_array_equal(ParallelEBPC().decode_words(streams["znz"], streams["bpc"], 2), WORDS)
    with pytest.raises(CodecError, match="rows must be at least 1"):
        ParallelEBPC().decode_words(streams["znz"], streams["bpc"], 0)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("znz", lambda words: words[:1], "ZNZ stream is too short"),
        ("znz", lambda words: [*words, 0], "ZNZ stream has words after its end"),
        ("znz", lambda words: [*words[:-1], words[-1] | 1], "ZNZ stream is padded with bits that are not zero"),
        ("bpc", lambda words: words[:1], "BPC stream is too short|no mark"),
        ("bpc", lambda words: words[:0], "BPC stream is too short"),
        ("bpc", lambda words: [*words, 0], "BPC stream has words after its end"),
        ("bpc", lambda words: [*words[:-1], words[-1] | 1], "BPC stream is padded with bits that are not zero"),
        ("bpc", lambda words: [0x9 << 60, *words[1:]], "too many planes"),
        ("bpc", lambda words: [0xE << 60, 0], "ends before its last block"),
        ("bpc", lambda words: [0, 0], "no mark of its end"),
    ],
)
def test_malformed_hardware_words_are_rejected(name, change, message):
    streams = ParallelEBPC().encode_words(WORDS)
    streams[name] = np.array(change(streams[name].tolist()), streams[name].dtype)
    with pytest.raises(CorruptDataError, match=message):
        ParallelEBPC().decode_words(streams["znz"], streams["bpc"], 2)


def test_words_beyond_the_array_are_rejected():
    encoded = ParallelEBPC().encode(WORDS[:8])
    with pytest.raises(CorruptDataError, match="nonzero word beyond the packet"):
        ParallelEBPC().decode(Encoded(encoded.codec, encoded.streams, (7,), encoded.dtype))


@given(st.binary(max_size=12), st.binary(max_size=40), st.integers(0, 99), st.integers(4, 16))
def test_any_streams_are_decoded_or_rejected(znz, bpc, count, word_bits):
    streams = {"znz": EncodedStream(znz, 8 * len(znz)), "bpc": EncodedStream(bpc, 8 * len(bpc))}
    codec = ParallelEBPC(word_bits)
    try:
        decoded = codec.decode(Encoded(codec.get_config(), streams, (count,), np.dtype(np.uint16)))
    except CorruptDataError:
        return
    assert decoded.size == count


@given(data=st.data())
def test_two_parts_are_every_other_row_coded_apart(data):
    words = np.array(data.draw(st.lists(st.integers(0, 3), max_size=60)), np.uint8)
    rows = np.concatenate([words, np.zeros(-words.size % 16, np.uint8)]).reshape(-1, 16)
    codec, each = ParallelEBPC(parts=2), ParallelEBPC()
    parts = [each.encode_words(rows[:, start : start + 8].reshape(-1)) for start in (0, 8)]
    streams = codec.encode_words(words)
    for name, stream in streams.items():
        assert np.array_equal(stream, np.concatenate([part[name] for part in parts]))
    encoded = codec.encode(words)
    assert np.array_equal(codec.decode(encoded), words)
    assert np.array_equal(ParallelEBPC.from_config(encoded.codec).decode(encoded), words)
    if words.size:
        assert np.array_equal(codec.decode_words(*streams.values(), 2 * len(rows)), rows.reshape(-1))


def test_nothing_stands_between_two_parts():
    codec = ParallelEBPC(parts=2)
    encoded = codec.encode(np.arange(1, 33, dtype=np.uint8))
    streams = dict(encoded.streams)
    data = bytearray(streams["znz"].data)
    data[1] |= 1
    streams["znz"] = EncodedStream(bytes(data), streams["znz"].nbits)
    with pytest.raises(CorruptDataError, match="not filled up"):
        codec.decode(Encoded(encoded.codec, streams, encoded.shape, encoded.dtype))


def test_one_part_is_configured_as_before():
    assert ParallelEBPC().get_config() == {"id": "ebpc-parallel", "word_bits": 8}


@pytest.mark.parametrize("parts", [1, 2])
def test_long_words_have_words_of_128_bits(parts):
    random = np.random.default_rng(5)
    words = (random.integers(0, 2**16, 320) * (random.random(320) < 0.7)).astype(np.uint16)
    codec = ParallelEBPC(word_bits=16, parts=parts)
    znz, bpc = codec.encode_words(words).values()
    stream = codec.encode(words).streams["bpc"]
    assert b"".join(word.to_bytes(16, "big") for word in bpc.tolist()).startswith(bytes(stream.data))
    assert np.array_equal(codec.decode_words(znz, bpc, 40), words)
    bpc[-1] |= 1
    with pytest.raises(CorruptDataError):
        codec.decode_words(znz, bpc, 40)
