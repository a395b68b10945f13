"""A network that costs no training."""

from dataclasses import dataclass

import pytest

from silicodec.models.networks import Network, digits
from silicodec.models.networks.reproducible import reproducible


@dataclass(frozen=True)
class Untrained(Network):
    """The digits network without training, which is enough to test figures."""

    def _load(self):
        with reproducible(seed=1):
            return digits.build().eval()

    def _data_set_images(self, count):
        return digits.split("test")


@pytest.fixture(scope="session")
def network():
    return Untrained("untrained", "", "", "digits", (1, 8, 8), (0.0,), (1.0,))
