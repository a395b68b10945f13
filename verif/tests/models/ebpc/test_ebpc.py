"""EBPC and BPC against the public hardware's streams, and against the format restated in strings of bits."""

import os
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.models.codec import CorruptDataError, EncodedStream
from silicodec.models.ebpc import EBPC
from silicodec.models.ebpc.bpc import BPC
from silicodec.models.ebpc.codec import port_bits


def golden_cases():
    folder = os.environ.get("SILICODEC_DATA")
    if folder is None:
        return [pytest.param(None, None, None, None, marks=pytest.mark.skip(reason="SILICODEC_DATA is not set"))]
    cases = []
    for word_bits in (8, 16):
        with np.load(Path(folder) / "golden" / "ebpc" / f"rtl_vectors_w{word_bits}.npz") as vectors:
            for name in sorted({key.split("/")[0] for key in vectors}):
                arrays = (vectors[f"{name}/{part}"] for part in ("words", "znz", "bpc"))
                cases.append(pytest.param(word_bits, *arrays, id=f"w{word_bits}-{name}"))
    return cases


@pytest.mark.parametrize(("word_bits", "words", "znz", "bpc"), golden_cases())
def test_gives_and_takes_the_streams_of_the_public_hardware(word_bits, words, znz, bpc):
    codec = EBPC(word_bits=word_bits, block_size=word_bits)
    streams = codec.encode_words(words)
    np.testing.assert_array_equal(streams["znz"], znz)
    np.testing.assert_array_equal(streams["bpc"], bpc)
    np.testing.assert_array_equal(codec.decode_words(znz, bpc, words.size), words)


# The format, restated from its description without a thought for speed.


def binary(value, width):
    return f"{value:0{width}b}" if width else ""


def field_width(values):
    return (values - 1).bit_length()


def signed(word, word_bits):
    return word - (word >> (word_bits - 1) << word_bits)


def xor(plane, other):
    return binary(int(plane, 2) ^ int(other, 2), len(plane))


def restated_znz(words, max_zero_run):
    stream, zeros = "", 0
    for word in [*words, None]:
        if word == 0:
            zeros += 1
            continue
        while zeros:
            run = min(zeros, max_zero_run)
            stream += "0" + binary(run - 1, field_width(max_zero_run))
            zeros -= run
        stream += "1" if word is not None else ""
    return stream


def restated_bpc(words, word_bits, block_size):
    stream = ""
    for start in range(0, len(words), block_size):
        block = words[start : start + block_size]
        block += [0] * (block_size - len(block))
        stream += binary(block[0], word_bits)
        values = [signed(word, word_bits) for word in block]
        differences = [binary((b - a) % 2 ** (word_bits + 1), word_bits + 1) for a, b in pairwise(values)]
        dbp = ["".join(difference[word_bits - k] for difference in differences) for k in range(word_bits + 1)]
        dbx = [xor(plane, before) for before, plane in pairwise(["0" * (block_size - 1), *dbp])]
        zero_planes = 0
        for k, plane in enumerate([*dbx, None]):
            if plane is not None and "1" not in plane:
                zero_planes += 1
                continue
            if zero_planes == 1:
                stream += "01"
            elif zero_planes:
                stream += "001" + binary(zero_planes - 2, field_width(word_bits))
            zero_planes = 0
            if plane is not None:
                stream += restated_plane(plane, dbp[k], field_width(block_size))
    return stream


def restated_plane(dbx, dbp, position_width):
    if "0" not in dbx:
        return "00000"
    if "1" not in dbp:
        return "00001"
    if dbx.count("1") == 2 and "11" in dbx:
        return "00010" + binary(dbx.index("11"), position_width)
    if dbx.count("1") == 1:
        return "00011" + binary(dbx.index("1"), position_width)
    return "1" + dbx


class Malformed(Exception):
    pass


class Reader:
    def __init__(self, words, word_bits):
        self.stream = "".join(binary(int(word), word_bits) for word in words)
        self.word_bits = word_bits
        self.position = 0

    def read(self, width):
        start, self.position = self.position, self.position + width
        if self.position > len(self.stream):
            raise Malformed("too short")
        return self.stream[start : self.position]

    def number(self, width):
        return int(self.read(width) or "0", 2)

    def finish(self):
        rest = self.stream[self.position :]
        if len(rest) >= self.word_bits or "1" in rest:
            raise Malformed("something is left")


def restated_decode(codec, znz, bpc, count):
    zeros = Reader(znz, port_bits(codec.word_bits))
    flags = []
    while len(flags) < count:
        if zeros.read(1) == "1":
            flags.append(1)
        else:
            flags += [0] * (zeros.number(field_width(codec.max_zero_run)) + 1)
    if len(flags) > count:
        raise Malformed("run of zeros beyond the packet")
    zeros.finish()
    planes = Reader(bpc, port_bits(codec.word_bits))
    nonzero = []
    while len(nonzero) < sum(flags):
        nonzero += restated_decode_block(planes, codec.word_bits, codec.block_size)
    planes.finish()
    queue = iter(nonzero)
    return [next(queue) if flag else 0 for flag in flags]


def restated_decode_block(reader, word_bits, block_size):
    word = reader.number(word_bits)
    width = block_size - 1
    planes = []
    while len(planes) <= word_bits:
        planes += restated_decode_code(reader, word_bits, block_size, planes[-1] if planes else "0" * width)
    if len(planes) > word_bits + 1:
        raise Malformed("run of zero planes beyond the block")
    words, value = [word], signed(word, word_bits)
    for i in range(width):
        difference = int("".join(plane[i] for plane in reversed(planes)), 2)
        value += signed(difference, word_bits + 1)
        if not -(2 ** (word_bits - 1)) <= value < 2 ** (word_bits - 1):
            raise Malformed("sign plane contradicts the differences")
        words.append(value % 2**word_bits)
    return words


def restated_decode_code(reader, word_bits, block_size, before):
    width = block_size - 1

    def after(dbx):
        return [xor(dbx, before)]

    if reader.read(1) == "1":
        return after(reader.read(width))
    if reader.read(1) == "1":
        return [before]
    if reader.read(1) == "1":
        return [before] * (reader.number(field_width(word_bits)) + 2)
    kind = reader.read(2)
    if kind == "00":
        return after("1" * width)
    if kind == "01":
        return ["0" * width]
    ones = "11" if kind == "10" else "1"
    position = reader.number(field_width(block_size))
    if position + len(ones) > width:
        raise Malformed("position beyond the plane")
    return after(("0" * position + ones).ljust(width, "0"))


@st.composite
def codecs(draw):
    word_bits = draw(st.integers(4, 16))
    block_size = draw(st.sampled_from([2, 3, min(8, word_bits), word_bits]))
    return EBPC(word_bits, block_size, draw(st.sampled_from([1, 2, 16, 64])))


@st.composite
def packets(draw, codec):
    """Words with zero runs, small steps and noise, in parts of each."""
    largest = 2**codec.word_bits - 1
    parts = st.one_of(
        st.integers(1, 40).map(lambda length: [0] * length),
        st.lists(st.integers(0, largest), max_size=20),
        st.tuples(st.integers(0, largest), st.lists(st.integers(-2, 2), max_size=30)).map(
            lambda walk: [int(word) & largest for word in walk[0] + np.cumsum(walk[1])]
        ),
    )
    words = [word for part in draw(st.lists(parts, max_size=6)) for word in part]
    return np.array(words, np.uint8 if codec.word_bits <= 8 else np.uint16)


def words_of(stream, word_bits, dtype):
    padded = stream + "0" * (-len(stream) % word_bits)
    return np.array([int(padded[i : i + word_bits], 2) for i in range(0, len(padded), word_bits)], dtype)


@given(st.data())
def test_encodes_as_the_format_says(data):
    codec = data.draw(codecs())
    words = data.draw(packets(codec))
    znz = restated_znz(words.tolist(), codec.max_zero_run)
    bpc = restated_bpc([word for word in words.tolist() if word], codec.word_bits, codec.block_size)
    streams = codec.encode_words(words)
    np.testing.assert_array_equal(streams["znz"], words_of(znz, port_bits(codec.word_bits), words.dtype))
    np.testing.assert_array_equal(streams["bpc"], words_of(bpc, port_bits(codec.word_bits), words.dtype))
    assert {name: stream.nbits for name, stream in codec.encode(words).streams.items()} == {
        "znz": len(znz),
        "bpc": len(bpc),
    }
    assert codec.nbits(words) == len(znz) + len(bpc)
    np.testing.assert_array_equal(codec.decode_words(streams["znz"], streams["bpc"], words.size), words)


@given(st.data())
def test_bpc_alone_encodes_as_the_format_says(data):
    zero_aware = data.draw(codecs())
    words = data.draw(packets(zero_aware))
    codec = BPC(zero_aware.word_bits, zero_aware.block_size)
    encoded = codec.encode(words)
    stream = restated_bpc(words.tolist(), codec.word_bits, codec.block_size)
    assert encoded.streams["bpc"].data == words_of(stream, 8, np.uint8).tobytes()
    assert encoded.nbits == codec.nbits(words) == len(stream)
    np.testing.assert_array_equal(codec.decode(encoded), words)


def outcome(decode, error):
    try:
        return [int(word) for word in decode()]
    except error:
        return "malformed"


@given(st.data())
def test_rejects_exactly_what_the_format_says(data):
    codec = data.draw(codecs())
    words = data.draw(packets(codec))
    streams = codec.encode_words(words)
    znz, bpc = ([int(word) for word in streams[name]] for name in ("znz", "bpc"))
    count = max(0, len(words) + data.draw(st.sampled_from([0, 0, 0, -1, 1, 16])))
    for stream in (znz, bpc):
        for _ in range(data.draw(st.integers(0, 2))):
            change_one_word(data, stream, port_bits(codec.word_bits))
    znz, bpc = np.array(znz, words.dtype), np.array(bpc, words.dtype)
    expected = outcome(lambda: restated_decode(codec, znz, bpc, count), Malformed)
    assert outcome(lambda: codec.decode_words(znz, bpc, count), CorruptDataError) == expected


def change_one_word(data, stream, word_bits):
    word = data.draw(st.integers(0, 2**word_bits - 1))
    index = data.draw(st.integers(0, len(stream)))
    kind = data.draw(st.sampled_from(["insert", "remove", "replace", "flip a bit", "truncate"]))
    if kind == "insert":
        stream.insert(index, word)
    elif kind == "truncate":
        del stream[index:]
    elif index < len(stream):
        if kind == "remove":
            del stream[index]
        elif kind == "replace":
            stream[index] = word
        else:
            stream[index] ^= 1 << (word % word_bits)


@given(st.data())
def test_takes_any_two_streams_for_what_the_format_says(data):
    codec = data.draw(codecs())
    dtype = np.uint8 if codec.word_bits <= 8 else np.uint16
    streams = st.lists(st.integers(0, 2 ** port_bits(codec.word_bits) - 1), max_size=30)
    znz, bpc = (np.array(data.draw(streams), dtype) for _ in range(2))
    count = data.draw(st.integers(0, 200))
    expected = outcome(lambda: restated_decode(codec, znz, bpc, count), Malformed)
    assert outcome(lambda: codec.decode_words(znz, bpc, count), CorruptDataError) == expected


def freely_coded_block(words, random):
    """Code eight bytes, with any code that is true of a plane rather than the first one."""
    values = [signed(int(word), 8) for word in words]
    differences = [binary((after - before) % 512, 9) for before, after in pairwise(values)]
    dbp = ["".join(difference[8 - k] for difference in differences) for k in range(9)]
    dbx = [xor(plane, before) for before, plane in pairwise(["0" * 7, *dbp])]
    stream, k = binary(int(words[0]), 8), 0
    while k < 9:
        codes = [("1" + dbx[k], 1), (restated_plane(dbx[k], dbp[k], 3), 1)]
        codes += [("00001", 1)] * ("1" not in dbp[k])
        zeros = next((i for i, plane in enumerate(dbx[k:]) if "1" in plane), 9 - k)
        codes = codes[: 1 if zeros else 3] + [("01", 1)] * (zeros > 0)
        codes += [("001" + binary(run - 2, 3), run) for run in range(2, zeros + 1)]
        code, planes = codes[random.integers(len(codes))]
        stream, k = stream + code, k + planes
    return stream


@pytest.mark.parametrize("deviation", [0, 1, 4, 60])
def test_decodes_blocks_of_bytes_with_any_codes(deviation):
    """Blocks of the shape that has a decoder of its own, as they are and with bits inverted."""
    random = np.random.default_rng(deviation)
    for blocks in [*range(1, 30), 129, 300]:
        words = random.normal(0, deviation, (blocks, 8)).cumsum(1).astype(np.int64).astype(np.uint8)
        bits = "".join(freely_coded_block(block, random) for block in words)
        np.testing.assert_array_equal(decode_bpc(bits, words.size), words.reshape(-1))
        place = random.integers(len(bits))
        bits = bits[:place] + "10"[int(bits[place])] + bits[place + 1 :]
        expected = outcome(partial(restated_blocks, bits, blocks), Malformed)
        assert outcome(partial(decode_bpc, bits, words.size), CorruptDataError) == expected


@pytest.mark.parametrize("zeros", [0, 0.5, 0.98])
@pytest.mark.parametrize("deviation", [0.3, 3, 50])
def test_encodes_many_bytes_as_the_format_says(zeros, deviation):
    """More than are gathered at a time, and as many as fill no last eight."""
    random = np.random.default_rng(1)
    words = random.normal(0, deviation, (1252, 8)).cumsum(1).astype(np.int64).astype(np.uint8).reshape(-1)[:10_011]
    words[random.random(words.size) < zeros] = 0
    streams = EBPC().encode(words).streams
    texts = restated_znz(words.tolist(), 16), restated_bpc(words[words > 0].tolist(), 8, 8)
    for stream, text in zip(streams.values(), texts, strict=True):
        assert (stream.nbits, stream.data) == (len(text), words_of(text, 8, np.uint8).tobytes())


def decode_bpc(bits, count):
    stream = EncodedStream(words_of(bits, 8, np.uint8).tobytes(), len(bits))
    return BPC()._decode({"bpc": stream}, count)


def restated_blocks(bits, count):
    reader = Reader(words_of(bits, 8, np.uint8), 8)
    words = [word for _ in range(count) for word in restated_decode_block(reader, 8, 8)]
    if reader.position != len(bits):
        raise Malformed("another end")
    return words
