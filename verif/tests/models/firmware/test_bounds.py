"""The C sources under GCC's sanitizers, on memory of exactly the size that they may use."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from silicodec.models.baselines import ZVC, ZeroRLE
from silicodec.models.dct import DCT
from silicodec.models.dictionary.codec import Dictionary
from silicodec.models.ebpc import BPC, EBPC
from silicodec.models.firmware import SOURCES, write_c
from silicodec.models.lanes import Lanes
from silicodec.models.transform import TransformCodec

WEIGHTS = np.random.default_rng(2).choice(np.array([0, 0, 0, 3, -9, 70], np.int8), 400)
LAYOUT = bytes(Dictionary().encode(WEIGHTS).streams["layout"].data)
MAP = "&(const {maps}){{words, 1U, 5U, (count) / 5U, false}}"
CASES = [
    (EBPC(word_bits=12, block_size=5), "bpc_word", ("words, count",) * 2),
    (BPC(word_bits=11, block_size=6), "bpc_word", ("words, count",) * 2),
    (ZeroRLE(word_bits=8), "zero_rle_word", ("words, count",) * 2),
    (ZVC(word_bits=10), "zvc_word", ("words, count",) * 2),
    (DCT(step=1), "uint8_t", (MAP.format(maps="dct_maps"),) * 2),
    (TransformCodec(symbol_bits=5, block=2), "uint8_t", (MAP.format(maps="transform_map"),) * 2),
    (TransformCodec(symbol_bits=5, block=2, lanes=4), "uint8_t", (MAP.format(maps="transform_map"),) * 2),
    (Dictionary(), "dictionary_word", (None, "words, count")),
    (Lanes(word_bits=12, lanes=4, symbols=6), "lanes_word", ("words, count",) * 2),
]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize(("codec", "word", "arguments"), CASES, ids=lambda value: getattr(value, "codec_id", ""))
def test_keeps_to_its_memory(codec, word, arguments, tmp_path):
    *_, module = SOURCES[codec.codec_id]
    inputs = [f"(in)[{i}]" for i in range(len(codec.stream_names))]
    outputs = ", ".join(f"&(out)[{i}]" for i in range(len(inputs)))
    encode = f"{module}_encode({arguments[0]}, {outputs})"
    if arguments[0] is None:  # a decoder alone: it reads noise, after a layout that is right
        encode, inputs[0] = "false", "(bits_input){layout, 32U}"
    write_c(codec, tmp_path)
    (tmp_path / "names.h").write_text(
        f'#include "{module}.h"\n'
        f"static const uint8_t layout[4] = {{{', '.join(map(str, LAYOUT))}}};\n"
        f"#define STREAMS {len(inputs)}U\n"
        f"#define WORD {word}\n"
        f"#define ENCODE(words, count, out) {encode}\n"
        f"#define DECODE(in, words, count) {module}_decode({', '.join(inputs)}, {arguments[1]})\n"
    )
    sources = [str(Path(__file__).with_name("bounds.c")), *(path.name for path in tmp_path.glob("*.c"))]
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover"]
    command = ["gcc", "-std=c99", "-O1", *sanitize, "-I.", '-DHEADER="names.h"', "-o", "bounds", *sources, "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "bounds"], check=True)
