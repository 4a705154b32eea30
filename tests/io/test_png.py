"""PNG and JPEG: all bits come out."""

import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from real import DATA, needs_data
from sidera.errors import FrameError, Refusal
from sidera.io import png
from sidera.io.about import About
from sidera.io.icc import srgb_profile

WHOLE = slice(None)
GREY = ((np.arange(30 * 40).reshape(30, 40) * 37) % 256).astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)


def read(path):
    with png.open(path) as reader:
        return reader.window(WHOLE, WHOLE)


def predicted(kind, left, above, corner):
    if kind == 4:
        guess = left + above - corner
        return min(
            (left, above, corner), key=lambda byte: abs(guess - byte)
        )  # the first of equals, as in the standard
    return (0, left, above, (left + above) // 2)[kind]


def filtered(pixels, filters):
    """Plain twin: each byte's difference from what its row's filter predicts."""
    out = np.zeros_like(pixels)
    padded = np.pad(pixels, ((1, 0), (1, 0), (0, 0))).astype(int)
    for row, column, byte in np.ndindex(pixels.shape):
        left, above, corner = (
            padded[row + 1, column, byte],
            padded[row, column + 1, byte],
            padded[row, column, byte],
        )
        out[row, column, byte] = (
            int(pixels[row, column, byte]) - predicted(filters[row], left, above, corner)
        ) % 256
    return out


byte_images = hnp.arrays(
    np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 2, 3, 6, 8]))
)


@settings(deadline=None, max_examples=60)
@given(byte_images, st.data())
def test_filters_are_undone(pixels, data):
    kinds = st.lists(st.integers(0, 4), min_size=len(pixels), max_size=len(pixels))
    filters = np.array(data.draw(kinds), np.uint8)
    stored = filtered(pixels, filters)
    np.testing.assert_array_equal(png._unfiltered(stored, filters), pixels)
    if filters.max() <= 2:
        np.testing.assert_array_equal(png._unfiltered_rows(stored, filters), pixels)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.sampled_from([(1, 1), (5, 1), (1, 4), (3, 4, 5), (3, 1, 1)]),
    )
)
def test_what_is_written_comes_back_with_every_bit(tmp_path, values):
    with (tmp_path / "a.png").open("wb") as stream:
        png.write_png(stream, values, About("a text"))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), values)


def test_others_read_what_we_write_and_know_its_colours():
    stream = io.BytesIO()
    png.write_png(stream, np.moveaxis(COLOUR, 2, 0), About("M 8 Ñandú λ", 90.0, details=("curve",)))
    picture = Image.open(stream)
    np.testing.assert_array_equal(np.asarray(picture), COLOUR)
    assert picture.info["icc_profile"] == srgb_profile()
    assert picture.info["Description"].splitlines() == ["M 8 Ñandú λ", "total exposure 90 s", "curve"]
    assert picture.info["Exposure"] == "90 s"
    assert picture.info["Software"].startswith("Sidera ")
    stream = io.BytesIO()
    png.write_png(stream, GREY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(np.asarray(Image.open(stream)), GREY.astype(np.uint16) * 257)


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA", "P", "1", "I;16"])
def test_every_colour_type_of_others_is_read(tmp_path, mode):
    picture = Image.fromarray(COLOUR if mode in ("RGB", "RGBA", "P") else GREY)
    if mode == "I;16":
        picture = Image.fromarray(GREY.astype(np.uint16) * 257)
    picture = picture if mode == "I;16" else picture.convert(mode)
    picture.save(tmp_path / "a.png")
    grey = mode in ("L", "LA", "1", "I;16")
    wanted = np.asarray(picture if mode == "I;16" else picture.convert("L" if grey else "RGB"))
    np.testing.assert_array_equal(read(tmp_path / "a.png"), wanted if grey else np.moveaxis(wanted, 2, 0))


def test_16_bit_colour_stays_16_bit(tmp_path):
    deep = np.moveaxis(COLOUR, 2, 0).astype(np.uint16) * 256 + 3
    with (tmp_path / "a.png").open("wb") as stream:
        png.write_png(stream, deep)
    assert png.open(tmp_path / "a.png").header.bits == "uint16"
    np.testing.assert_array_equal(read(tmp_path / "a.png"), deep)


def ihdr(width, height, depth=8, colour=0):
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return png.SIGNATURE + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


def test_a_claim_of_too_many_pixels_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(ihdr(100_000, 100_000))
    with pytest.raises(FrameError) as refused:
        png.open(tmp_path / "a.png")
    assert refused.value.code is Refusal.UNSAFE
    (tmp_path / "a.png").write_bytes(ihdr(20_000, 20_000))
    with pytest.raises(FrameError, match="200 to 1"):
        png.open(tmp_path / "a.png")


def test_a_jpeg_keeps_its_pixels_and_its_exposure(tmp_path):
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "Canon EOS R"
    exif.get_ifd(34665).update({33434: 30.0, 34855: 800, 36867: "2026:03:01 22:15:00"})
    Image.fromarray(COLOUR).save(tmp_path / "a.jpg", exif=exif)
    with png.open(tmp_path / "a.jpg") as reader:
        header = reader.header
        wanted = np.asarray(Image.open(tmp_path / "a.jpg"))
        np.testing.assert_array_equal(reader.window(WHOLE, WHOLE), np.moveaxis(wanted, 2, 0))
    assert (header.exposure, header.gain, header.camera) == (30, 800, "Canon EOS R")


def small_files():
    deep, flat = io.BytesIO(), io.BytesIO()
    png.write_png(deep, GREY[:5, :6].astype(np.uint16))
    Image.fromarray(COLOUR[:8, :8]).save(flat, "JPEG")
    palette = io.BytesIO()
    Image.fromarray(COLOUR[:5, :6]).convert("P").save(palette, "PNG")
    return deep.getvalue(), flat.getvalue(), palette.getvalue()


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(small_files()), st.data())
def test_a_damaged_file_is_refused_or_read(tmp_path, file, data):
    raw = bytearray(file)
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.png").write_bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    with suppress(FrameError):
        read(tmp_path / "a.png")


@needs_data
def test_a_real_jpeg_agrees_with_pillow():
    path = DATA / "m27-containers/jpeg8/Light_1069.jpg"
    np.testing.assert_array_equal(read(path), np.moveaxis(np.asarray(Image.open(path)), 2, 0))
