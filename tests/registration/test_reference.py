"""The reference is sharp, dark-skied, rich in stars and amid the others."""

import pytest

from sidera.errors import NothingToStackError, ShapeError
from sidera.model.frame import Figures
from sidera.registration.reference import choose_reference


def frame(stars=100, fwhm=3.0, sky=500.0):
    return Figures(stars=stars, sky=(sky,), noise=(5.0,), fwhm=fwhm, hfr=fwhm / 2, eccentricity=0.3, snr=50.0)


def test_of_equals_the_first():
    assert choose_reference([frame(), frame(), frame()]) == 0


def test_the_sharper_wins():
    assert choose_reference([frame(fwhm=3.2), frame(fwhm=2.8), frame(fwhm=3.0)]) == 1


def test_the_darker_sky_wins():
    assert choose_reference([frame(sky=900), frame(sky=700), frame(sky=500)]) == 2


def test_a_sharp_frame_through_cloud_is_no_reference():
    assert choose_reference([frame(fwhm=3.0), frame(stars=49, fwhm=2.0, sky=100)]) == 0
    assert choose_reference([frame(fwhm=3.0), frame(stars=50, fwhm=2.0, sky=100)]) == 1


def test_an_unknown_sharpness_is_the_worst():
    assert choose_reference([frame(fwhm=float("nan")), frame(fwhm=9.0)]) == 1


def test_the_middle_of_the_pointings_wins():
    assert choose_reference([frame()] * 3, [(10.0, 20.0), (10.5, 20.0), (10.2, 20.0)]) == 2


def test_a_target_at_the_equinox_is_not_torn_apart():
    assert choose_reference([frame()] * 3, [(359.8, 0.0), (0.2, 0.0), (0.0, 0.0)]) == 2


def test_pointings_count_only_if_all_are_known():
    assert choose_reference([frame()] * 3, [(10.0, 20.0), None, (10.2, 20.0)]) == 0


def test_no_stars_no_reference():
    with pytest.raises(NothingToStackError, match="none of 2 frames"):
        choose_reference([frame(stars=0), frame(stars=0)])


def test_no_frames_no_reference():
    with pytest.raises(NothingToStackError, match="0 frames"):
        choose_reference([])


def test_pointings_are_one_a_frame():
    with pytest.raises(ShapeError, match="2 pointings for 1 frames"):
        choose_reference([frame()], [(0.0, 0.0), (1.0, 1.0)])
