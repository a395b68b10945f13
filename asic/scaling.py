"""Area from one technology to another, by Stillmaker and Baas, Integration 58 (2017), pages 74 to 81.

Their table of area factors has two significant digits, so a factor is good to some 3 % as a number; a design is further
off than that, since cell libraries of one technology differ by more. Their polynomials for delay and energy are not
used: of those for 130 nm there was no second source to check the coefficients against.
"""

from __future__ import annotations

SOURCE = "Stillmaker and Baas, Integration 58 (2017)"
AREA_FROM_130_NM = {90: 0.44, 65: 0.23, 45: 0.16, 32: 0.072}
"""Technology in nanometres -> area there of what has the area 1 at 130 nm."""


def scaled_area(area_um2: float, nanometres: int) -> float:
    """Scale an area on SkyWater 130 to another technology.

    Parameters
    ----------
    area_um2 : float
        Area at 130 nm, in square micrometres.
    nanometres : int
        The other technology.

    Raises
    ------
    ValueError
        If there is no factor for it.
    """
    if nanometres not in AREA_FROM_130_NM:
        raise ValueError(f"no factor for {nanometres} nm: known are {', '.join(map(str, AREA_FROM_130_NM))}")
    return area_um2 * AREA_FROM_130_NM[nanometres]
