"""Whatever the image, every correction, stretch and export comes through, and what is unknown stays so."""

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import sidera
from sidera.pipeline.finish import STAGES
from sidera.pipeline.recipe import Recipe
from skies import sky


def colour():
    return np.stack([sky(shape=(90, 120), stars=30, seed=seed).image + 40 * seed for seed in range(3)])


def bordered():
    image = colour()
    image[:, :7] = image[:, :, -5:] = np.nan
    image[:, 40:43, 60:64] = np.nan
    return image


def one_blind():
    image = colour()
    image[1] = np.nan
    return image


ODD = {
    "NaN borders": bordered,
    "a channel of NaN": one_blind,
    "nothing but NaN": lambda: np.full((3, 40, 50), np.nan, np.float32),
    "mono, NaN borders": lambda: bordered()[0],
    "one pixel high": lambda: colour()[:, 50:51],
    "one pixel wide": lambda: colour()[:, :, 50:51],
    "one pixel": lambda: colour()[:, 50:51, 50:51],
    "constant": lambda: np.full((3, 60, 70), 321.5, np.float32),
    "zero": lambda: np.zeros((60, 70), np.float32),
    "0 to 1": lambda: colour() / np.float32(65535),
    "negative": lambda: colour() - np.float32(9000),
    "infinite pixels": lambda: np.where(np.indices((3, 90, 120))[2] == 3, np.float32(np.inf), colour()),
}
CORRECTIONS = {
    "crop": ["crop.holes=0"],
    "gradient": [],
    "polynomial": ["gradient.model=polynomial"],
    "tps": ["gradient.model=tps"],
    "mesh": ["gradient.model=mesh"],
    "neutralise": ["neutralise.target=green"],
    "whitebalance": [],
    "by hand": ["whitebalance.method=manual", "whitebalance.red=1.5"],
    "starcolour": [],
    "scnr": ["scnr.enabled=true"],
    "maximum": ["scnr.enabled=true", "scnr.method=maximum", "scnr.colour=magenta"],
    "denoise": ["denoise.enabled=true"],
    "median": ["denoise.enabled=true", "denoise.method=median"],
}
STAGE = {"polynomial": "gradient", "tps": "gradient", "mesh": "gradient", "by hand": "whitebalance"}
STAGE |= {"maximum": "scnr", "median": "denoise"}
STRETCHES = ("auto", "stf", "mtf", "asinh", "ghs", "log", "linear")


def only(stage, settings):
    """A recipe with one correction alone."""
    off = [f"{name}.enabled=false" for name in STAGES if name not in (stage, "stretch")]
    return Recipe().with_settings([*off, *settings])


@pytest.mark.parametrize("name", CORRECTIONS)
@pytest.mark.parametrize("odd", ODD)
def test_each_correction_keeps_what_is_unknown_unknown(odd, name):
    image = ODD[odd]()
    stage = STAGE.get(name, name)
    done = sidera.finish(image, only(stage, CORRECTIONS[name]))
    assert done.image.ndim == image.ndim
    if stage != "crop":
        np.testing.assert_array_equal(np.isfinite(done.image), np.isfinite(image))
    assert np.isfinite(done.picture.image).all()
    known = np.isfinite(image)
    if known.any() and np.ptp(image[known]) == 0:
        np.testing.assert_allclose(done.image, image, rtol=1e-6)


@pytest.mark.parametrize("linked", ["true", "false"])
@pytest.mark.parametrize("method", STRETCHES)
@pytest.mark.parametrize("odd", ODD)
def test_each_stretch_gives_a_picture_from_black_to_white(odd, method, linked):
    image = ODD[odd]()
    settings = [f"stretch.method={method}", f"stretch.linked={linked}"]
    shown = sidera.finish(image, only("stretch", settings)).picture.image
    assert shown.shape == image.shape
    assert np.isfinite(shown).all()
    assert 0 <= shown.min() <= shown.max() <= 1
    assert not shown[np.isnan(image)].any()


@pytest.mark.parametrize("odd", ODD)
def test_each_file_holds_the_whole_image(odd, tmp_path):
    image = ODD[odd]()
    for index, name in enumerate(
        ("a.fits", "a.xisf", "a.tif", "b.tif", "c.tif", "a.png", "b.png", "a.jpg", "d.tif")
    ):
        bits = ("auto", "auto", "16", "8", "32", "8", "16", "8", "auto")[index]
        linear = "true" if name == "d.tif" else "false"
        recipe = Recipe().with_settings(
            [f"export.bits={bits}", f"export.linear={linear}", "crop.enabled=false"]
        )
        sidera.finish(image, recipe).save(tmp_path / name)
    assert fits.getdata(tmp_path / "a.fits").shape == image.shape
    for name in ("a.png", "a.jpg"):
        with Image.open(tmp_path / name) as picture:
            assert picture.size == image.shape[:-3:-1]
            assert picture.mode == ("RGB" if image.ndim == 3 else "L")


def test_data_from_0_to_1_and_below_zero_give_the_same_picture():
    image = colour()
    plain = sidera.finish(image).picture.image
    for other in (image / np.float32(65535), image - np.float32(9000)):
        np.testing.assert_allclose(sidera.finish(other).picture.image, plain, atol=0.01)
