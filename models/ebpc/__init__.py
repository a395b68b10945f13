"""Extended bit-plane compression: lossless, for feature maps (arXiv 1908.11645)."""

from silicodec.models.ebpc.bpc import BPC
from silicodec.models.ebpc.codec import EBPC

__all__ = ["BPC", "EBPC"]
