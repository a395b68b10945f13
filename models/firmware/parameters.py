"""The generated C sources of codecs: headers with their parameters, and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from silicodec.models.baselines import ZVC, ZeroRLE
from silicodec.models.dct import DCT
from silicodec.models.dictionary.codec import Dictionary
from silicodec.models.ebpc import BPC, EBPC, ParallelEBPC
from silicodec.models.ebpc.codec import port_bits
from silicodec.models.ebpc.parallel_loops import count_bits
from silicodec.models.ebpc.tables import field_bits
from silicodec.models.errors import CodecError
from silicodec.models.lanes import Lanes
from silicodec.models.transform.codec import TransformCodec
from silicodec.models.transform.huffman import MAX_LENGTH, HuffmanCode

_NONE: Mapping[str, np.ndarray] = MappingProxyType({})
_LICENCE = "/* SPDX-License-Identifier: Apache-2.0\n *\n"


def header(
    module: str, about: str, values: Mapping[str, int], *, word_bits: int = 0, tables: Mapping[str, np.ndarray] = _NONE
) -> dict[str, str]:
    """Return the header `MODULE_config.h`, and `MODULE_tables.c` if there are tables, by their names.

    Parameters
    ----------
    module : str
        Name of the module that includes it.
    about : str
        What the header holds.
    values : mapping of str to int
        Values to define, by their names without the module's.
    word_bits : int
        Bits of the words for which to define a type; 0 for none.
    tables : mapping of str to numpy.ndarray
        Integers in one or two dimensions, by their names without the module's.
    """
    prefix = module.upper()
    defines = "".join(f"#define {prefix}_{name} {value}U\n" for name, value in values.items())
    parts = [defines]
    if word_bits:
        parts.append(f"/* A word, in the low {word_bits} bits. */\ntypedef uint{_round(word_bits)}_t {module}_word;\n")
    declarations = {name: _declaration(f"{module}_{name}", table) for name, table in tables.items()}
    if tables:
        parts.append("".join(f"extern {declaration};\n" for declaration in declarations.values()))
    body = "\n".join(parts)
    guard = f"{prefix}_CONFIG_H"
    sources = {
        f"{module}_config.h": f"{_LICENCE} * {about}\n */\n#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n"
        f"{body}\n#endif\n"
    }
    if tables:
        definitions = "\n".join(f"{declarations[name]} = {_rows(table)};\n" for name, table in tables.items())
        about = f"{_LICENCE} * Tables; see {module}_config.h.\n */\n"
        sources[f"{module}_tables.c"] = f'{about}#include "{module}_config.h"\n\n{definitions}'
    return sources


def _round(bits: int) -> int:
    """Round up to the bits of an integer type of C."""
    return 8 if bits <= 8 else 16


def _declaration(name: str, table: np.ndarray) -> str:
    size = "".join(f"[{length}]" for length in table.shape)
    return f"const {table.dtype.name}_t {name}{size}"


def _rows(table: np.ndarray) -> str:
    """Return an initialiser, in lines of up to 16 numbers."""
    if table.ndim > 1:
        return "{\n" + "".join(f"    {{{_numbers(row, '     ')}}},\n" for row in table) + "}"
    return f"{{\n    {_numbers(table, '    ')}\n}}"


def _numbers(row: np.ndarray, indent: str) -> str:
    suffix = "U" if row.dtype.kind == "u" else ""
    numbers = [f"{number}{suffix}" if number != -(1 << 31) else "(-2147483647 - 1)" for number in row.tolist()]
    return f",\n{indent}".join(", ".join(numbers[start : start + 16]) for start in range(0, len(numbers), 16))


def _bpc(codec: BPC) -> dict[str, str]:
    values = {
        "WORD_BITS": codec.word_bits,
        "BLOCK_SIZE": codec.block_size,
        "PLANE_RUN_FIELD": field_bits(codec.word_bits),
        "POSITION_FIELD": field_bits(codec.block_size),
    }
    return header(
        "bpc", "Sizes of a BPC codec, and bits of the fields of its codes.", values, word_bits=codec.word_bits
    )


def _ebpc(codec: EBPC) -> dict[str, str]:
    values = {
        "MAX_ZERO_RUN": codec.max_zero_run,
        "ZERO_RUN_FIELD": field_bits(codec.max_zero_run),
        "PORT_BITS": port_bits(codec.word_bits),
    }
    about = (
        "The longest run of zero words of an EBPC codec, bits of its field, and of the words that streams are cut into."
    )
    return _bpc(codec) | header("ebpc", about, values)


def _ebpc_parallel(codec: ParallelEBPC) -> dict[str, str]:
    if codec.parts > 1:
        raise CodecError("C code takes ebpc-parallel of one part: call it for each part")
    values = {"WORD_BITS": codec.word_bits, "COUNT_BITS": count_bits(codec.word_bits)}
    about = "Bits of words, and of a block's number of planes."
    return header("ebpc_parallel", about, values, word_bits=codec.word_bits)


def _zero_rle(codec: ZeroRLE) -> dict[str, str]:
    values = {"WORD_BITS": codec.word_bits, "RUN_BITS": codec.run_bits}
    return header("zero_rle", "Bits of words and of run lengths.", values, word_bits=codec.word_bits)


def _zvc(codec: ZVC) -> dict[str, str]:
    return header("zvc", "Bits of words.", {"WORD_BITS": codec.word_bits}, word_bits=codec.word_bits)


def _dictionary(codec: Dictionary) -> dict[str, str]:
    values = {
        "WORD_BITS": codec.word_bits,
        "ENTRY_SIZE": codec.entry_size,
        "CODE_BITS": codec.code_bits,
        "SLOT_BITS": codec.slot_bits,
    }
    about = "Bits of words, words of an entry, most bits of a code and of a slot's number."
    return header("dictionary", about, values, word_bits=codec.word_bits)


def _lanes(codec: Lanes) -> dict[str, str]:
    values = {"WORD_BITS": codec.word_bits, "LANES": codec.lanes, "SYMBOLS": codec.symbols}
    return header("lanes", "Bits of words, lanes, and most symbols of a table.", values, word_bits=codec.word_bits)


def _dct(codec: DCT) -> dict[str, str]:
    values = {"STEP_BITS": codec.step.bit_length() - 1, "SIGNED": codec.signed}
    tables = {"forward": _cosines(256), "inverse": _cosines(2048).T}
    return header("dct", "Bits of the quantisation step, sign, and matrices of the transforms.", values, tables=tables)


def _cosines(one: int) -> np.ndarray:
    """Return the matrix of a DCT of eight numbers, a frequency a row; `one` is what the first row consists of."""
    frequencies, places = np.arange(8)[:, np.newaxis], np.arange(8)
    matrix = one * math.sqrt(2) * np.cos((2 * places + 1) * frequencies * math.pi / 16)
    matrix[0] = one
    return np.round(matrix).astype(np.int16)


def _transform(codec: TransformCodec) -> dict[str, str]:
    forward, inverse = codec.transforms
    rows, columns = forward.matrix.shape
    values = {
        "MATRIX": int(bool(codec.matrix)),
        "BLOCK": codec.block,
        "SIGNED": codec.signed,
        "ROWS": rows,
        "COLUMNS": columns,
        "SHIFT": forward.shift,
        "INVERSE_SHIFT": inverse.shift,
    }
    tables = {
        "matrix": forward.matrix,
        "bias": forward.bias,
        "inverse_matrix": inverse.matrix,
        "inverse_bias": inverse.bias,
    }
    about = "Whether there is a matrix for all channels, side of a block, sign, and the transforms."
    return _huffman(codec.code, codec.lanes) | header("transform", about, values, tables=tables)


def _huffman(code: HuffmanCode, lanes: int) -> dict[str, str]:
    counts = np.bincount(code.lengths, minlength=MAX_LENGTH + 1).astype(np.uint16)
    tables = {
        "codes": code.codes,
        "lengths": code.lengths,
        "counts": counts,
        "symbols": np.argsort(code.lengths, kind="stable").astype(np.uint16),
    }
    values = {"SYMBOL_BITS": code.symbol_bits, "LANES": lanes, "MOST_LENGTH": MAX_LENGTH}
    about = "Bits of symbols, lanes, and a code: its words and their lengths by symbol, and their order."
    return header("huffman", about, values, tables=tables)


GENERATED: dict[str, Callable[[Any], dict[str, str]]] = {
    "ebpc": _ebpc,
    "ebpc-parallel": _ebpc_parallel,
    "bpc": _bpc,
    "zero-rle": _zero_rle,
    "zvc": _zvc,
    "dct": _dct,
    "transform": _transform,
    "dictionary": _dictionary,
    "lanes": _lanes,
}
"""Functions from a codec to its generated files, name to text, by the codec's id."""
