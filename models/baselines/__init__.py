"""What a scheme has to beat: simple lossless codecs, general-purpose compressors, and entropy."""

from silicodec.models.baselines.bounds import Bound, Entropy, Huffman
from silicodec.models.baselines.software import Deflate, Zstandard
from silicodec.models.baselines.zero_rle import ZeroRLE
from silicodec.models.baselines.zvc import ZVC

__all__ = ["ZVC", "Bound", "Deflate", "Entropy", "Huffman", "ZeroRLE", "Zstandard"]
