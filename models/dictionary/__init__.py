"""Trimming and dictionary code for weights, after HardCompress (ISQED 2021)."""

from silicodec.models.dictionary.codec import DENSE, SPARSE, Dictionary
from silicodec.models.dictionary.trimming import Trimming

__all__ = ["DENSE", "SPARSE", "Dictionary", "Trimming"]
