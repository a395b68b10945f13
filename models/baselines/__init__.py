"""What a scheme has to beat: simple lossless codecs, general-purpose compressors, and entropy."""

from silicodec.models.baselines.software import Deflate, Entropy, Huffman, Zstandard
from silicodec.models.baselines.zero_rle import ZeroRLE
from silicodec.models.baselines.zvc import ZVC

__all__ = ["ZVC", "Deflate", "Entropy", "Huffman", "ZeroRLE", "Zstandard"]
