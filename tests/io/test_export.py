"""Pictures leave with their colours, their story and an honest word about what was clipped."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from sidera.errors import UsageError
from sidera.io.icc import srgb_profile
from sidera.io.read import read
from sidera.io.write import format_of, write
from sidera.model.header import Card
from sidera.model.picture import Picture
from sidera.model.stack import Stack

CARDS = (Card("OBJECT", "M 8"), Card("EXPTIME", 480.0), Card("DATE-OBS", "2026-07-01T22:15:00.5"))


def picture(planes=3, **more):
    ramp = np.linspace(0, 1, 40 * 60, dtype=np.float32).reshape(40, 60)
    image = np.stack([ramp, ramp[::-1], ramp[:, ::-1]]) if planes == 3 else ramp
    return Picture(image, "stretch: by hand", CARDS, ("recipe: [stretch]", "method = 'stf'"), **more)


def profile_of(data):
    return ImageCms.ImageCmsProfile(io.BytesIO(data))


def test_the_profile_is_srgb_to_a_step_of_8_bits():
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8))
    turned = ImageCms.profileToProfile(image, profile_of(srgb_profile()), ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(turned).astype(int) - np.asarray(image)).max() <= 1
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    shown = ImageCms.profileToProfile(
        grey, profile_of(srgb_profile(True)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(grey)[..., None]).max() <= 1


def test_the_profile_adapts_the_primaries_as_the_icc_s_own_does():
    profile = profile_of(srgb_profile()).profile
    expected = {"red": (0.4361, 0.2225, 0.0139), "green": (0.3851, 0.7169, 0.0971)}
    np.testing.assert_allclose(profile.red_colorant[0], expected["red"], atol=2e-4)
    np.testing.assert_allclose(profile.green_colorant[0], expected["green"], atol=2e-4)
    assert profile.profile_description.startswith("sRGB")


@pytest.mark.parametrize("planes", [1, 3])
def test_every_picture_carries_its_profile(tmp_path, planes):
    for name in ("p.png", "p.jpg", "p.tif"):
        write(tmp_path / name, picture(planes))
    for name in ("p.png", "p.jpg"):
        with Image.open(tmp_path / name) as shown:
            assert shown.info["icc_profile"] == srgb_profile(grey=planes == 1)
    with tifffile.TiffFile(tmp_path / "p.tif") as file:
        assert file.pages[0].tags[34675].value == srgb_profile(grey=planes == 1)


def test_object_exposure_software_and_recipe_travel_along(tmp_path):
    for name in ("p.png", "p.jpg", "p.tif"):
        write(tmp_path / name, picture())
    with Image.open(tmp_path / "p.png") as png:
        assert png.info["Title"] == "M 8"
        assert png.info["Exposure"] == "480 s"
        assert png.info["Software"].startswith("Sidera")
        assert "method = 'stf'" in png.info["Description"]
    with Image.open(tmp_path / "p.jpg") as jpeg:
        exif = jpeg.getexif()
        assert exif[270] == "M 8"
        assert exif[305].startswith("Sidera")
        assert exif.get_ifd(34665)[33434] == 480
        assert exif.get_ifd(34665)[36867] == "2026:07:01 22:15:00"
        assert b"method = 'stf'" in jpeg.info["comment"]
    with tifffile.TiffFile(tmp_path / "p.tif") as tiff:
        assert "OBJECT  = 'M 8" in tiff.pages[0].description
        assert "HISTORY method = 'stf'" in tiff.pages[0].description
        assert tiff.pages[0].tags["Software"].value.startswith("Sidera")


def test_a_jpeg_keeps_its_colours_at_full_resolution(tmp_path):
    image = np.zeros((3, 32, 32), np.float32)
    image[0, :, ::2] = image[2, :, 1::2] = 1.0
    write(tmp_path / "p.jpg", Picture(image), quality=100)
    back = read(tmp_path / "p.jpg").image
    assert np.abs(back - image * 255).max() < 12  # a pixel's colour is its own: 4:4:4
    write(tmp_path / "small.jpg", picture(), quality=20)
    write(tmp_path / "large.jpg", picture(), quality=95)
    assert (tmp_path / "small.jpg").stat().st_size < (tmp_path / "large.jpg").stat().st_size


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.tif", "p.xisf"])
def test_the_same_picture_gives_the_same_bytes(tmp_path, name):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / name, picture())
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_picture_goes_into_xisf_and_float_tiff_without_rounding(tmp_path):
    for name, bits in (("p.xisf", None), ("p.tif", 32)):
        write(tmp_path / name, picture(), bits=bits)
        np.testing.assert_array_equal(read(tmp_path / name).image, picture().image)


def linear():
    image = np.linspace(0, 999, 1000, dtype=np.float32).reshape(20, 50)
    image[0, 0] = np.nan
    counts = np.ones(image.shape, np.uint16)
    return Stack(image, image, image, counts, counts, counts)


def test_nothing_is_clipped_without_saying_what_share(tmp_path):
    dark, bright = write(tmp_path / "s.tif", linear(), bits=16, limits=(100, 899))
    assert dark == pytest.approx(99 / 999, abs=2e-3)
    assert bright == pytest.approx(100 / 999, abs=2e-3)
    assert write(tmp_path / "s.fits", linear()) == (0, 0)
    assert write(tmp_path / "p.png", picture(clipped=(0.25, 0.5))) == (0.25, 0.5)


@pytest.mark.parametrize(
    ("name", "format"), [("a.png", "jpeg"), ("a.jpg", "tiff"), ("a.tif", "fits"), ("a.xisf", "png")]
)
def test_a_clash_between_name_and_format_says_which(name, format):
    with pytest.raises(UsageError, match=rf"{name}.*{format.upper()}"):
        format_of(name, format)


@pytest.mark.parametrize(("name", "bits"), [("a.jpg", 16), ("a.png", 32), ("a.xisf", 16), ("a.fits", 8)])
def test_bits_that_a_format_has_not_are_refused_with_those_it_has(tmp_path, name, bits):
    with pytest.raises(UsageError, match="Give"):
        write(tmp_path / name, picture(), bits=bits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a", "a.bmp", "a.jp2"])
def test_unknown_endings_are_refused(name):
    with pytest.raises(UsageError, match="no format"):
        format_of(name)


def test_a_jpeg_that_is_too_large_is_refused(tmp_path):
    with pytest.raises(UsageError, match="65500"):
        write(tmp_path / "a.jpg", Picture(np.zeros((1, 65_501), np.float32)))
    with pytest.raises(UsageError, match="quality"):
        write(tmp_path / "a.jpg", picture(), quality=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 1), (3, 1, 9)])
def test_narrow_pictures_and_missing_pixels_are_written(tmp_path, name, shape):
    image = np.full(shape, np.nan, np.float32)
    write(tmp_path / name, Picture(image))
    assert (read(tmp_path / name).image < 3).all()
