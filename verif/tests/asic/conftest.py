"""What tests of flows share."""

import pytest


@pytest.fixture
def layout_tools():
    """Skip where no layout can be made, and say why."""
    from silicodec.asic.pdk import MeasurementError
    from silicodec.asic.target import check_data
    from silicodec.asic.tools import check_tools

    try:
        check_tools("layout")
        check_data("layout")
    except MeasurementError as error:
        pytest.skip(str(error))
