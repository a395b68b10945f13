"""Dictionary coding: the document's example, the words that hardware takes, the choice of codes, malformed packets."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from silicodec.models.baselines.bounds import Entropy
from silicodec.models.codec import CodecError, CorruptDataError, Encoded, EncodedStream, to_words
from silicodec.models.dictionary.code import CodeClass, Kind, Layout
from silicodec.models.dictionary.codec import Dictionary
from silicodec.models.dictionary.trimming import Trimming

DOCUMENT = (Path(__file__).parents[4] / "docs" / "formats" / "dictionary.md").read_text()
EXAMPLE = DOCUMENT.split("## Example\n")[1].split("\n## ")[0]
CONFIGURATIONS = [(8, 8, 8), (8, 1, 8, 3), (8, 2, 11), (8, 4, 5), (4, 8, 16, 9), (12, 4, 8), (16, 2, 9, 2), (8, 1, 16)]
"""Bits of a word, words in an entry, bits of a code, bits of a slot's number."""


@st.composite
def packets(draw):
    """A codec, and a packet with what weights have: zeros, few distinct values, some rare ones, low bits that are 0."""
    codec = Dictionary(*draw(st.sampled_from(CONFIGURATIONS)))
    low_bits = draw(st.integers(0, codec.word_bits - 1))
    rare = st.integers(0, (1 << codec.word_bits - low_bits) - 1)
    common = st.sampled_from([0, 0, 0, draw(rare), draw(rare)])
    repeats = st.tuples(common | rare, st.integers(1, 40))
    words = [word << low_bits for word, count in draw(st.lists(repeats, min_size=1, max_size=40)) for _ in range(count)]
    return codec, np.array(words, np.uint8 if codec.word_bits <= 8 else np.uint16)


@given(case=packets())
def test_hardware_words_come_back_in_whole_entries(case):
    codec, words = case
    decoded = codec.decode_words(**codec.encode_words(words))
    assert decoded.dtype == words.dtype
    assert decoded.size == -(-words.size // codec.entry_size) * codec.entry_size
    np.testing.assert_array_equal(decoded[: words.size], words)
    assert not decoded[words.size :].any()


@given(case=packets())
def test_hardware_words_hold_the_streams(case):
    codec, words = case
    hardware = codec.encode_words(words)
    widths = {"layout": 32, "codes": codec.code_bits, "literals": codec.entry_size * codec.word_bits}
    for name, stream in codec.encode(words).streams.items():
        text = "".join(f"{word:0{widths[name]}b}" for word in hardware[name].tolist())
        bits = "".join(f"{byte:08b}" for byte in stream.data)[: stream.nbits]
        assert text[: stream.nbits] == bits
        assert set(text[stream.nbits :]) <= {"0"}
        assert len(text) - stream.nbits < widths[name]


@given(case=packets())
def test_size_is_counted_without_encoding(case):
    codec, words = case
    assert codec.nbits(words) == codec.encode(words).nbits


@given(case=packets(), data=st.data())
def test_damaged_hardware_words_are_decoded_or_rejected(case, data):
    codec, words = case
    streams = codec.encode_words(words)
    name = data.draw(st.sampled_from(sorted(name for name in streams if streams[name].size)))
    width = {"layout": 32, "codes": codec.code_bits, "literals": codec.entry_size * codec.word_bits}[name]
    index = data.draw(st.integers(0, streams[name].size - 1))
    damaged = streams[name].copy()
    damaged[index] ^= damaged.dtype.type(1 << data.draw(st.integers(0, width - 1)))
    try:
        decoded = codec.decode_words(**{**streams, name: damaged})
    except CorruptDataError:
        return
    assert decoded.size % codec.entry_size == 0


def test_example_of_the_document():
    words = to_words(np.array(re.search(r"the packet ([-0-9,\s]+)\.", EXAMPLE)[1].split(","), np.int8), 8)
    codec = Dictionary(entry_size=2)
    streams = codec.encode(words).streams
    sizes = {name: stream.nbits for name, stream in streams.items()}
    rows = [line.split("|")[1:3] for line in EXAMPLE.splitlines() if line.startswith("| `")]
    codes = "".join(re.findall("[01]+", "".join(row[0] for row in rows)))
    literals = "".join(re.findall("[01]+", "".join(row[1] for row in rows)))
    for name, text in (("codes", codes), ("literals", literals)):
        assert "".join(f"{byte:08b}" for byte in streams[name].data)[: sizes[name]] == text
    hardware = codec.encode_words(words)
    for name, digits in (("layout", 8), ("codes", 2), ("literals", 4)):
        shown = " ".join(f"{word:0{digits}x}" for word in hardware[name].tolist())
        assert f"{name} `{shown}`" in " ".join(EXAMPLE.split())
    before, after = map(int, re.search(r"(\d+) bits became (\d+)", EXAMPLE).groups())
    assert (before, after) == (8 * words.size, sum(sizes.values()))


CODEC = Dictionary(entry_size=2)
LAYOUT = Layout((CodeClass(Kind.ZEROS, 2), CodeClass(Kind.SLOT, 1), CodeClass(Kind.LITERAL, 1)), 6, 4, 1, True)
CODES = "100" + "00000100" + "0101" + "00110" + "00000001" + "101"
"""Two entries of zeros, one stored in slot 2, one of zeros, the stored one, a literal of one plane, six of zeros."""
LITERALS = "1011" + "10"


def layout(*, first=LAYOUT.classes[0], **changes):
    return replace(LAYOUT, classes=(first, *LAYOUT.classes[1:]), **changes)


def decode(layout=LAYOUT, codes=CODES, literals=LITERALS, spare_codes="", spare_literals=""):
    word = layout if isinstance(layout, int) else layout.word
    cut = []
    for text, spare, width in ((codes, spare_codes, 8), (literals, spare_literals, 16)):
        padded = text + spare
        padded += "0" * (-len(padded) % width)
        cut.append([int(padded[start : start + width], 2) for start in range(0, len(padded), width)])
    return CODEC.decode_words(np.array([word], np.uint32), np.array(cut[0], np.uint8), np.array(cut[1], np.uint64))


def test_codes_written_by_hand():
    stored, zeros = [-64, -128], [0, 0]
    assert decode().view(np.int8).tolist() == 2 * zeros + stored + zeros + stored + [-64, 0] + 6 * zeros


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layout": LAYOUT.word | 1}, "last bit is one"),
        ({"layout": layout(dropped_planes=15)}, "drops 15 planes of 8"),
        ({"layout": layout(slot_bits=6)}, "slots of 6 bits, for a decoder of 5"),
        ({"layout": layout(slot_bits=5, run_bits=1)}, "slots and runs of 5 and 1 bits"),
        ({"layout": layout(has_literals=False)}, "wrong about whether there are literals"),
        ({"layout": layout(first=CodeClass(Kind.UNUSED, 1))}, "unused codes with fields of 1"),
        ({"layout": layout(first=CodeClass(Kind.ZEROS, 7))}, "zeros codes with fields of 7"),
        ({"layout": layout(first=CodeClass(Kind.SLOT, 5))}, "slot codes with fields of 5"),
        ({"layout": layout(first=CodeClass(Kind.LITERAL, 3))}, "literal codes with fields of 3"),
        ({"layout": layout(first=CodeClass(Kind.UNUSED, 0))}, "does not know"),
        ({"layout": layout(dropped_planes=7)}, "does not know"),
        ({"codes": "0110" + CODES}, "empty slot"),
        ({"codes": CODES + "1"}, "too short"),
        ({"spare_codes": "0" * 16}, "code stream has words after its end"),
        ({"literals": ""}, "wrong about whether"),
        ({"codes": CODES + "00000110" * 6}, "literal stream is too short"),
        ({"spare_literals": "1"}, "padded with bits that are not zero"),
        ({"spare_literals": "0" * 16}, "literal stream has words after its end"),
        ({"layout": layout(has_literals=False), "codes": "0", "literals": ""}, "words after its end"),
        ({"layout": layout(has_literals=False), "codes": "", "literals": ""}, "no entry"),
    ],
)
def test_malformed_packets_are_rejected(arguments, message):
    with pytest.raises(CorruptDataError, match=message):
        decode(**arguments)


def test_container_streams_must_be_exact():
    words = np.arange(64, dtype=np.uint8)
    encoded = CODEC.encode(words)

    def rejects(message, shape=(64,), **streams):
        with pytest.raises(CorruptDataError, match=message):
            CODEC.decode(Encoded(encoded.codec, encoded.streams | streams, shape, encoded.dtype))

    rejects("for 70 words", shape=(70,))
    rejects("must be empty", shape=(0,))
    rejects("layout must have 32 bits", layout=EncodedStream(b"", 0))
    odd = encoded.streams["literals"].nbits - 1
    data = bytearray(encoded.streams["literals"].data)
    data[-1] &= 0xFF << (-odd % 8) & 0xFF
    rejects("whole planes of 2 bits", literals=EncodedStream(bytes(data[: (odd + 7) // 8]), odd))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"entry_size": 3}, "entry_size must be a power of two from 1 to 8"),
        ({"entry_size": 8, "word_bits": 9}, "entry_size must be an integer from 1 to 4"),
        ({"code_bits": 4}, "code_bits must be an integer from 5 to 16"),
        ({"code_bits": 17}, "code_bits must be an integer from 5 to 16"),
        ({"slot_bits": 6}, "slot_bits must be an integer from 2 to 5"),
        ({"slot_bits": 1}, "slot_bits must be an integer from 2 to 5"),
    ],
)
def test_parameters_out_of_range(parameters, message):
    with pytest.raises(CodecError, match=message):
        Dictionary(**parameters)


@pytest.mark.parametrize("words", [np.zeros(0, np.uint8), np.zeros(4, np.int8), np.zeros((2, 2), np.uint8), [1, 2]])
def test_other_packets_are_refused(words):
    with pytest.raises(CodecError, match="one-dimensional array of uint8 with at least one element"):
        CODEC.encode_words(words)


def laplacian_weights(scale, size=100_000):
    return np.clip(np.rint(np.random.default_rng(1).laplace(0, scale, size)), -128, 127).astype(np.int8)


@pytest.mark.parametrize(("low_bits", "scale"), [(0, 12), (3, 20), (4, 20), (5, 24)])
def test_size_is_near_the_entropy_of_independent_weights(low_bits, scale):
    weights = Trimming(low_bits).apply(laplacian_weights(scale))
    bound = Entropy().nbits(weights)
    codecs = [Dictionary(entry_size=size, code_bits=bits) for size in (1, 2, 4, 8) for bits in (8, 11)]
    assert min(codec.nbits(weights) for codec in codecs) < 1.15 * bound


def test_a_dictionary_of_few_entries_takes_less_than_the_entropy_of_single_words():
    random = np.random.default_rng(2)
    entries = random.integers(-100, 100, (16, 8)).astype(np.int8)
    weights = entries[random.integers(0, 16, 5000)]
    codec = Dictionary(entry_size=8)
    assert codec.nbits(weights) < 0.15 * Entropy().nbits(weights)
    assert codec.nbits(weights) == pytest.approx(5 * 5000, rel=0.06)  # a prefix of one bit and four bits of index


def sparse_weights():
    """Three rare values in succession, then eight frequent ones, between short and long runs of zeros."""
    random = np.random.default_rng(3)
    gaps = random.integers(1, np.where(random.random(1000) < 0.7, 9, 500))
    weights = np.zeros(gaps.sum() + 3, np.int8)
    weights[:3] = 88, 96, 104
    weights[np.cumsum(gaps) + 2] = random.choice([-32, -24, -16, -8, 8, 16, 24, 32], 1000)
    return weights


def codes_of(codec, weights):
    """Encode weights; return the layout, and kind and slot of each code."""
    words = codec.encode_words(weights.view(np.uint8))
    word = int(words["layout"][0])
    layout = Layout.from_word(word, word_bits=8, slot_bits=codec.slot_bits, code_bits=codec.code_bits)
    table = layout.table(codec.code_bits, 8)
    text = "".join(f"{word:0{codec.code_bits}b}" for word in words["codes"].tolist()) + "0" * codec.code_bits
    position, codes = 0, []
    while table.kind[ahead := int(text[position : position + codec.code_bits], 2)] != Kind.END:
        codes.append((Kind(table.kind[ahead]), int(table.slot[ahead])))
        position += int(table.length[ahead])
    return layout, codes


def test_runs_are_coded_with_the_entry_behind_them():
    layout, codes = codes_of(Dictionary(entry_size=1, code_bits=16), sparse_weights())
    assert layout.run_bits > 0
    entries = sum(kind != Kind.ZEROS for kind, _ in codes)
    assert entries == np.count_nonzero(sparse_weights())
    assert len(codes) < 1.5 * entries


@pytest.mark.parametrize("trailing", range(9))
def test_trailing_zeros_are_of_any_number(trailing):
    codec, weights = Dictionary(entry_size=1, code_bits=16), np.append(sparse_weights(), np.zeros(trailing, np.int8))
    assert codes_of(codec, weights)[0].run_bits == 3
    assert np.array_equal(codec.decode(codec.encode(weights)), weights)


def test_entries_without_a_code_are_stored_in_two_slots_in_turn():
    _, codes = codes_of(Dictionary(entry_size=1, code_bits=16), sparse_weights())
    (first, slot), (second, other), third = codes[:3]
    assert first == second == Kind.STORE
    assert slot != other
    assert third == (Kind.STORE, slot)
