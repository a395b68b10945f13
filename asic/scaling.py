"""From SkyWater 130 to another technology, by Stillmaker and Baas, Integration 58 (2017), pages 74 to 81.

The paper gives area factors of two digits, and polynomials in the supply voltage for delay and energy, which follow
circuit simulations with predictive transistor models (coefficient of determination above 0.95). SkyWater's 1.8 V is
more than a 130 nm process usually gets, and cell libraries of one technology differ among each other: scaled delays
and energies are not to be trusted beyond a factor of two.
"""

from __future__ import annotations

import numpy as np

SOURCE = "Stillmaker and Baas, Integration 58 (2017)"
AREA_FROM_130_NM = {90: 0.44, 65: 0.23, 45: 0.16, 32: 0.072}
"""Technology in nanometres -> area there of what has the area 1 at 130 nm."""
DELAY = {130: (-76.65, 334.9, -493.4, 275.8), 65: (-53.3, 230.4, -333.9, 178.6)}
"""Technology in nanometres -> coefficients of a delay factor, of the voltage's third power first."""
ENERGY = {130: (7.171, -6.709, 2.904), 65: (3.755, -4.398, 1.975), 32: (0.8367, -0.4341, 0.1701)}
"""The same for an energy factor; 32 nm is the high-performance variant."""
TYPICAL_VOLTS = 1.8
NOMINAL_VOLTS = 1.2
"""Supply of SkyWater's typical corner, and of 65 nm."""


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

    Examples
    --------
    >>> scaled_area(1000.0, 65)
    230.0
    """
    if nanometres not in AREA_FROM_130_NM:
        raise ValueError(f"no factor for {nanometres} nm: known are {', '.join(map(str, AREA_FROM_130_NM))}")
    return area_um2 * AREA_FROM_130_NM[nanometres]


def delay_factor(nanometres: int, volts: float) -> float:
    """Delay of a gate in a technology of `DELAY`, relative to the same at other technologies and voltages."""
    return float(np.polyval(DELAY[nanometres], volts))


def energy_factor(nanometres: int, volts: float) -> float:
    """Energy of an operation in a technology of `ENERGY`, relative to the same at other technologies and voltages."""
    return float(np.polyval(ENERGY[nanometres], volts))


def delay_at_65_nm(delay: float) -> float:
    """Scale a delay at SkyWater's typical corner to 65 nm at 1.2 V."""
    return delay * delay_factor(65, NOMINAL_VOLTS) / delay_factor(130, TYPICAL_VOLTS)


def energy_at_65_nm(energy: float) -> float:
    """Scale an energy at SkyWater's typical corner to 65 nm at 1.2 V."""
    return energy * energy_factor(65, NOMINAL_VOLTS) / energy_factor(130, TYPICAL_VOLTS)
