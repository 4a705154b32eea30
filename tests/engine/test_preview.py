"""An image at once, for people."""

import numpy as np
import pytest

from sidera.engine import preview
from sidera.engine.failures import RequestError
from sidera.engine.images import Images
from sidera.engine.pyramid import LevelCache
from sidera.engine.values import OldStretch
from sidera.model.frame import Frame
from sidera.model.header import Card, Header


def held(image, tmp_path, **header):
    rows, columns = image.shape[-2:]
    made = Header(width=columns, height=rows, planes=image.shape[0] if image.ndim == 3 else 1, **header)
    return Images(1 << 28, LevelCache(tmp_path)).add_frame(Frame(image.astype(np.float32), made), "a", None)


def sky(shape=(60, 80), level=1000.0):
    return np.random.default_rng(2).normal(level, 10, shape)


def test_a_preview_is_opaque_and_grey_for_mono(tmp_path):
    picture = preview.rgba(held(sky(), tmp_path), None)
    assert picture.shape == (60, 80, 4)
    assert (picture[..., 3] == 255).all()
    assert (picture[..., 0] == picture[..., 2]).all()
    assert 20 < np.median(picture[..., 0]) < 90  # the sky is dark, and not black


def test_a_file_stored_upside_down_is_shown_upright(tmp_path):
    image = sky()
    image[0] = 50_000  # stored first
    upright = preview.rgba(held(image, tmp_path), None)
    turned = preview.rgba(held(image, tmp_path, bottom_up=True), None)
    assert upright[0, :, 0].min() > 200
    np.testing.assert_array_equal(turned, upright[::-1])


def test_the_automatic_stretch_told_is_the_one_that_is_applied(tmp_path):
    colour = held(np.stack([sky(level=700), sky(level=1000), sky(level=400)]), tmp_path)
    told = preview.automatic(colour)
    np.testing.assert_array_equal(preview.rgba(colour, told), preview.rgba(colour, None))


def test_the_automatic_stretch_depends_on_the_image(tmp_path):
    faint = sky()
    bright = faint.copy()
    bright[10:50, 10:70] += np.linspace(0, 20_000, 60)
    first, second = (preview.automatic(held(image, tmp_path)) for image in (faint, bright))
    assert abs(first.midtones - second.midtones) > 0.02


@pytest.mark.parametrize(
    "wanted",
    [
        OldStretch(0.5, 0.25, 0.5),
        OldStretch(0.9, 0.25, 0.1),
        OldStretch(0, 1.5, 1),
        OldStretch(0, 0.2, float("inf")),
    ],
)
def test_a_stretch_without_range_is_refused(tmp_path, wanted):
    with pytest.raises(RequestError) as caught:
        preview.rgba(held(sky(), tmp_path), wanted)
    assert caught.value.place.startswith("$.stretch.")


def test_a_histogram_counts_every_known_pixel_once(tmp_path):
    image = np.array([[0, 1, 2, 3], [3, 3, np.nan, np.inf]], np.float32)
    told = preview.histogram(image, 0, 4)
    assert (told.bins, told.min, told.max) == ((1, 1, 1, 3), 0.0, 3.0)


def test_a_histogram_agrees_with_numpy():
    image = sky((300, 400)).astype(np.float32)
    counts, _ = np.histogram(image.astype(np.float64), 64, (float(image.min()), float(image.max())))
    assert preview.histogram(image, 0, 64).bins == tuple(counts.tolist())


@pytest.mark.parametrize("value", [5.0, float("nan")])
def test_a_histogram_of_one_value_or_of_none(value):
    told = preview.histogram(np.full((4, 4), value, np.float32), 0, 8)
    assert sum(told.bins) == (0 if np.isnan(value) else 16)


def test_stars_are_told_where_they_are_seen(tmp_path):
    rows, columns = np.mgrid[:120, :160]
    image = sky((120, 160)) + 5000 * np.exp(-((rows - 30) ** 2 + (columns - 50) ** 2) / 4.5)
    upright = preview.star_list(held(image, tmp_path), 10)
    turned = preview.star_list(held(image, tmp_path, bottom_up=True), 10)
    assert (upright.x[0], upright.y[0]) == (pytest.approx(50, abs=0.1), pytest.approx(30, abs=0.1))
    assert (turned.x[0], turned.y[0]) == (pytest.approx(50, abs=0.1), pytest.approx(89, abs=0.1))


def test_a_solved_image_tells_its_place_in_the_sky(tmp_path):
    cards = {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 270.92, "CRVAL2": -24.38, "CRPIX1": 41.0,
        "CRPIX2": 31.0, "CDELT1": -0.001, "CDELT2": 0.001, "CUNIT1": "deg", "CUNIT2": "deg",
    }  # fmt: skip
    solved = held(sky(), tmp_path, cards=tuple(Card(key, value) for key, value in cards.items()))
    middle = preview.sky_at(solved, 40, 30)
    assert (middle.ra, middle.dec) == (pytest.approx(270.92), pytest.approx(-24.38))
    assert preview.sky_at(solved, 40, 40).dec == pytest.approx(-24.37)
    assert preview.sky_at(held(sky(), tmp_path), 40, 30) is None
