"""Every engine of the library, by name."""

from __future__ import annotations

from .dct_engines import DCT_ENGINES
from .ebpc_engines import EBPC_ENGINES
from .engine import Engine
from .transform_engines import TRANSFORM_ENGINES
from .weight_engines import WEIGHT_ENGINES

ENGINES: dict[str, Engine] = {
    engine.name: engine for engine in (*EBPC_ENGINES, *TRANSFORM_ENGINES, *DCT_ENGINES, *WEIGHT_ENGINES)
}
"""Name -> engine."""
