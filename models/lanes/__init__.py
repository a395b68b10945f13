"""Huffman code in lanes, for weights: several weights a cycle, each lane with runs of zeros of its own."""

from silicodec.models.lanes.codec import Lanes

__all__ = ["Lanes"]
