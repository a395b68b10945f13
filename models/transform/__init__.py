"""Transform coding of feature maps: PCA of channels, quantisation, Huffman code (arXiv 1905.10830)."""

from silicodec.models.transform.codec import LinearTransform, TransformCodec
from silicodec.models.transform.huffman import HuffmanCode

__all__ = ["HuffmanCode", "LinearTransform", "TransformCodec"]
