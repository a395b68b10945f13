"""What the stream of the codec `dct` is made of; the format is described in `docs/formats/dct.md`."""

from __future__ import annotations

EMPTY, SHORT, FULL = range(3)
"""Levels of columns: all zero; Rice parameter 0 and the last four coefficients zero; from here on level - FULL is the
Rice parameter."""
MOST_RICE = 9
LAST_LEVEL = FULL + MOST_RICE
FIRST_REFERENCE = FULL + 3
"""What the first level of a stream is coded relative to."""

QUOTIENTS = 15
"""Largest sum of a column's quotients."""
LOW_PLANES = 4
"""Planes of low bits that follow the quotients; higher ones come before them."""
MEAN_BITS = 2
"""Low bits of a tile's mean that its column's Rice parameter does not count."""
VALUE_BITS = 11
"""Bits of a coefficient."""

MOST_TILE_BITS = 8 * (7 + 8 + QUOTIENTS + 8 * MOST_RICE) + MEAN_BITS
"""No tile takes more: levels, quotients, planes, and low bits of the mean."""
