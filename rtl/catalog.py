"""Every engine of the library, by name."""

from __future__ import annotations

from silicodec.rtl.accelerator.engines import ACCELERATOR_ENGINES
from silicodec.rtl.dct.engines import DCT_ENGINES
from silicodec.rtl.dictionary.engines import DICTIONARY_ENGINES
from silicodec.rtl.ebpc.engines import EBPC_ENGINES
from silicodec.rtl.engine import Engine
from silicodec.rtl.systolic.engines import SYSTOLIC_ENGINES
from silicodec.rtl.transform.engines import TRANSFORM_ENGINES

ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        *(*EBPC_ENGINES, *TRANSFORM_ENGINES, *DCT_ENGINES),
        *(*DICTIONARY_ENGINES, *SYSTOLIC_ENGINES, *ACCELERATOR_ENGINES),
    )
}
"""Name -> engine."""
