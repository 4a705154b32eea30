"""A light is measured in strips, in memory that was used before, and neither shows."""

import numpy as np
import pytest

from sidera.calibration.defects import cosmetic, pixel_noise
from sidera.model.header import Bayer
from sidera.pipeline import measure as module
from sidera.pipeline.measure import Light, Workspace, measure
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import scan
from sidera.pipeline.store import pack
from smallnight import frame, small_night

RECIPES = {
    "rcd": Recipe(),
    "half size": Recipe().with_settings(["demosaic.method=superpixel"]),
    "mono": Recipe().with_settings(["demosaic.bayer=none"]),
    "hot pixels": Recipe().with_settings(["calibration.cosmetic=on"]),
}


@pytest.fixture(scope="module")
def lights(tmp_path_factory):
    folder = small_night(tmp_path_factory.mktemp("night"), frames=3, saturated=4)
    return [one for one in scan([folder]).found if one.header.kind.value == "light"]


def measured(one, recipe, workspace=None):
    with Readers() as readers:
        return pack(measure(Light.of(one, recipe), readers, recipe, workspace))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_the_height_of_the_strips_changes_no_bit(lights, recipe, monkeypatch):
    whole = measured(lights[0], recipe)
    for rows in (8, 22, 102):
        monkeypatch.setattr(module, "STRIP", rows * 300)
        assert measured(lights[0], recipe) == whole


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_memory_that_was_used_before_leaves_no_trace(lights, recipe):
    workspace = Workspace()
    one, two, again = (measured(lights[i], recipe, workspace) for i in (0, 1, 0))
    assert one == again == measured(lights[0], recipe)
    assert two == measured(lights[1], recipe)


def test_saturation_is_known_from_the_whole_frame(lights):
    with Readers() as readers:
        found = measure(Light.of(lights[0], Recipe()), readers, Recipe())
    assert found.figures.saturated >= 3


@pytest.mark.parametrize("pattern", [None, Bayer.GRBG])
def test_hot_pixels_at_the_seams_go_as_they_do_from_the_whole(pattern, monkeypatch):
    rng = np.random.default_rng(3)
    image = rng.normal(200, 6, (61, 900)).astype(np.float32)
    image[rng.random(image.shape) < 0.03] += 900
    noise = pixel_noise(image, pattern)
    whole = cosmetic(image, pattern, noise)
    assert np.isnan(whole).sum() > 20
    monkeypatch.setattr(module, "STRIP", 10 * 900)
    module._clean(image, pattern, noise)
    np.testing.assert_array_equal(image, whole)


def test_a_frame_is_read_once_but_for_where_it_is_bright(tmp_path, monkeypatch):
    image = np.random.default_rng(1).integers(90, 110, (200, 64)).astype(np.uint16)
    image[150:153, 30:33] = 65535
    frame(tmp_path / "l.fits", image, IMAGETYP="Light")
    (found,) = scan([tmp_path]).found
    rows = []
    monkeypatch.setattr(module, "STRIP", 20 * 64)
    read = Readers.window
    monkeypatch.setattr(Readers, "window", lambda self, id, part: rows.append(part) or read(self, id, part))
    with Readers() as readers:
        measure(Light.of(found, Recipe()), readers, Recipe())
    assert [part.start for part in rows] == [*range(0, 200, 20), 140, 140]
