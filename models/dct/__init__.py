"""DCT compression of feature maps: lossy, by 8 x 8 tiles (arXiv 2110.06155)."""

from silicodec.models.dct.codec import DCT

__all__ = ["DCT"]
