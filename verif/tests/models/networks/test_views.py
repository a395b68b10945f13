"""Views of images: mirrored, shifted by a fourteenth, with reflected borders."""

import numpy as np
import pytest

from silicodec.models.networks import Images, NetworkError
from silicodec.models.networks.views import MOST_VIEWS, views

BATCH = np.random.default_rng(0).normal(size=(2, 3, 28, 28)).astype(np.float32)


def test_views_follow_their_image_with_its_label():
    batch, labels = views(Images(BATCH, np.array([4, 7])), 3)
    np.testing.assert_array_equal(labels, [4, 4, 4, 7, 7, 7])
    np.testing.assert_array_equal(batch[[0, 3]], BATCH)
    np.testing.assert_array_equal(batch[[1, 4]], BATCH[..., ::-1])
    np.testing.assert_array_equal(batch[[2, 5], :, :, :-2], BATCH[..., 2:])
    np.testing.assert_array_equal(batch[[2, 5], :, :, -2:], BATCH[..., [-2, -3]])


def test_all_views_differ():
    batch, labels = views(Images(BATCH[:1], None), MOST_VIEWS)
    assert len(np.unique(batch.reshape(MOST_VIEWS, -1), axis=0)) == MOST_VIEWS
    assert labels is None


@pytest.mark.parametrize("count", [0, MOST_VIEWS + 1])
def test_number_of_views_out_of_range(count):
    with pytest.raises(NetworkError, match="number of views must be 1 to 18"):
        views(Images(BATCH, None), count)
