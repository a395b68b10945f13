"""PyTorch networks turned into networks in 8-bit integers, without training: post-training quantisation."""

from silicodec.models.networks.quantised.build import quantise_network
from silicodec.models.networks.quantised.ranges import METHODS, Calibration

__all__ = ["METHODS", "Calibration", "quantise_network"]
