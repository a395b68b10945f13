"""Hardware compression engines for neural-network tensors."""

from importlib.metadata import version

__version__ = version("silicodec")
