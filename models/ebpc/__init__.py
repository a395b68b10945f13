"""Extended bit-plane compression: lossless, for feature maps (arXiv 1908.11645)."""

from silicodec.models.ebpc.bpc import BPC
from silicodec.models.ebpc.codec import EBPC
from silicodec.models.ebpc.parallel import ParallelEBPC

__all__ = ["BPC", "EBPC", "ParallelEBPC"]
