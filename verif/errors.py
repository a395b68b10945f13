"""What can go wrong in a simulation."""

from __future__ import annotations

from silicodec.verif.simulation import Simulation


class SimulationError(Exception):
    """A simulation that cannot run or did not end as it should.

    Attributes
    ----------
    simulation : Simulation or None
        What was transferred until then.
    """

    def __init__(self, message: str, simulation: Simulation | None = None) -> None:
        super().__init__(message)
        self.simulation = simulation


class StreamRuleError(SimulationError):
    """An output stream broke a rule of streams."""
