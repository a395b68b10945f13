"""The C sources of a codec as a library: compiled once, called with bits as arrays of zeros and ones."""

import ctypes
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest

from silicodec.models.firmware import SOURCES, write_c

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
UNDEFINED = ["-fsanitize=undefined", "-fno-sanitize-recover"]  # ends the tests where one finds anything


class Output(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("bits", ctypes.c_size_t))


class Input(ctypes.Structure):
    _fields_ = (("data", ctypes.c_char_p), ("bits", ctypes.c_size_t))


class Firmware:
    def __init__(self):
        self._libraries = {}

    def library(self, codec):
        key = codec.codec_id, str(codec)
        if key not in self._libraries:
            folder = Path(mkdtemp())
            try:
                write_c(codec, folder)
                command = ["gcc", *STRICT, *UNDEFINED, "-O1", "-shared", "-fPIC", "-o", "codec.so"]
                subprocess.run([*command, *(path.name for path in folder.glob("*.c")), "-lm"], cwd=folder, check=True)
                self._libraries[key] = ctypes.CDLL(str(folder / "codec.so"))
            finally:
                shutil.rmtree(folder)
        return self._libraries[key]

    def function(self, codec, name):
        found = getattr(self.library(codec), name)
        found.restype = ctypes.c_bool
        return found

    def write(self, codec, *arguments, room=1 << 16, by=None):
        """Encode; returns whether there was room, and the bits of each stream."""
        buffers = [np.full(room, 0xAA, np.uint8) for _ in codec.stream_names]
        outputs = [Output(buffer.ctypes.data, room, 0) for buffer in buffers]
        encode = self.function(codec, by or f"{SOURCES[codec.codec_id][-1]}_encode")
        fits = encode(*arguments, *map(ctypes.byref, outputs))
        return fits, [np.unpackbits(b, count=o.bits) for b, o in zip(buffers, outputs, strict=True)]

    def read(self, codec, streams, *arguments, by=None):
        """Decode bits of each stream; returns whether they are right."""
        decode = self.function(codec, by or f"{SOURCES[codec.codec_id][-1]}_decode")
        return decode(*(Input(np.packbits(bits).tobytes(), bits.size) for bits in streams), *arguments)

    def encode(self, codec, words, **room):
        return self.write(codec, *_array(words), **room)

    def decode(self, codec, streams, count):
        words = np.zeros(count, np.uint8 if codec.word_bits <= 8 else np.uint16)
        return words if self.read(codec, streams, *_array(words)) else None


def _array(words):
    return ctypes.c_void_p(words.ctypes.data), ctypes.c_size_t(words.size)


@pytest.fixture(scope="session")
def firmware():
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    return Firmware()
