"""Neutralisation makes the empty sky grey and touches nothing else."""

import numpy as np
import pytest

from sidera.correction.neutralise import neutralise
from sidera.errors import ShapeError
from sidera.model.finishing import NeutraliseSettings
from skies import SIGMA, sky


def coloured(**more):
    """Three skies of one level but for offsets, with a red nebula."""
    planes = [sky(rise=0.0, nebula=0.4 if band == 0 else 0.0, seed=band, **more).image for band in range(3)]
    return np.stack(planes) + np.array([0, 40, -70], np.float32)[:, None, None]


def test_the_sky_becomes_neutral_to_a_twentieth_of_sigma():
    image, found = neutralise(coloured())
    offsets = np.array(found.added) + np.array([0, 40, -70])  # what each channel differs by now, of the truth
    assert np.ptp(offsets) < 0.05 * SIGMA
    assert np.ptp(neutralise(image)[1].before) < 0.05 * SIGMA


def test_only_a_number_is_added_to_each_channel():
    before = coloured()
    image, found = neutralise(before)
    np.testing.assert_allclose(
        image - before, np.broadcast_to(np.array(found.added)[:, None, None], image.shape), atol=1e-3
    )
    assert sum(found.added) == pytest.approx(0, abs=1e-6)


def test_green_stays_where_green_is_the_target():
    image = coloured()
    levelled, found = neutralise(image, NeutraliseSettings(target="green"))
    np.testing.assert_array_equal(levelled[1], image[1])
    assert found.level == pytest.approx(found.before[1])


def test_mono_and_missing_channels_come_through():
    mono = sky().image
    np.testing.assert_array_equal(neutralise(mono)[0], mono)
    image = coloured()
    image[2] = np.nan
    levelled, found = neutralise(image)
    assert np.isnan(levelled[2]).all()
    assert found.before[0] + found.added[0] == pytest.approx(found.before[1] + found.added[1])
    with pytest.raises(ShapeError):
        neutralise(np.zeros((2, 9, 9), np.float32))
