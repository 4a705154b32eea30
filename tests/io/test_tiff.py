"""TIFF: every storage gives the same pixels, and liars are refused."""

import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from real import DATA, needs_data
from sidera.errors import FrameError, Refusal
from sidera.io import tiff
from sidera.io.decoded import RATIO_FREE

WHOLE = slice(None)
GREY = (np.arange(40 * 50).reshape(40, 50) * 13) % 251
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=2)


def read(path, index=0):
    with tiff.open(path, index) as reader:
        return reader.window(WHOLE, WHOLE)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<u4", "<i2", "<f4", ">f4", "<f8"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "zlib", "predictor": True}])
@pytest.mark.parametrize("shape", [{}, {"rowsperstrip": 7}, {"tile": (16, 32)}])
def test_every_type_packing_and_shape_gives_the_same_pixels(tmp_path, dtype, options, shape):
    order = ">" if dtype.startswith(">") else "<"
    tifffile.imwrite(
        tmp_path / "a.tif",
        COLOUR.astype(dtype),
        byteorder=order,
        photometric="rgb",
        metadata=None,
        **options,
        **shape,
    )
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), np.moveaxis(COLOUR, 2, 0))


def test_planes_may_lie_one_after_the_other(tmp_path):
    planes = np.moveaxis(COLOUR, 2, 0).astype(np.uint16)
    for compression in (None, "zlib"):
        tifffile.imwrite(
            tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate", compression=compression
        )
        np.testing.assert_array_equal(read(tmp_path / "a.tif"), planes)


def test_alpha_is_left_out(tmp_path):
    alpha = np.concatenate([COLOUR, COLOUR[..., :1]], axis=2).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", alpha, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), np.moveaxis(COLOUR, 2, 0))


def test_uncompressed_pixels_are_read_by_window(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(np.float32))
    with tiff.open(tmp_path / "a.tif") as reader:
        assert reader.windowed
        np.testing.assert_array_equal(reader.window(slice(3, 9), slice(10, 12)), GREY[3:9, 10:12])


def test_white_may_be_zero(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(np.uint8), photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "a.tif"), 255 - GREY)


def test_a_fits_header_in_the_description_is_understood(tmp_path):
    text = "SIMPLE  =                    T\nEXPTIME =                 12.5 / s\nFILTER  = 'Ha      '\nEND"
    tifffile.imwrite(tmp_path / "a.tif", GREY.astype(np.uint16), description=text, metadata=None)
    header = tiff.open(tmp_path / "a.tif").header
    assert (header.exposure, header.filter, header.bits) == (12.5, "Ha", "uint16")


def test_pages_are_counted(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", np.stack([GREY, GREY + 1]).astype(np.uint16), photometric="minisblack"
    )
    np.testing.assert_array_equal(read(tmp_path / "a.tif", 1), GREY + 1)
    with pytest.raises(FrameError, match="holds 2 pages"):
        read(tmp_path / "a.tif", 2)


def lzw(path):
    """Our own: tag 259 (compression) of a plain file changed to LZW."""
    tifffile.imwrite(path, GREY.astype(np.uint8), metadata=None, byteorder="<")
    data = bytearray(path.read_bytes())
    place = data.index(struct.pack("<HHII", 259, 3, 1, 1))
    data[place + 8] = 5
    path.write_bytes(data)


def test_another_compression_says_what_to_do(tmp_path):
    lzw(tmp_path / "a.tif")
    with pytest.raises(FrameError, match=r"LZW is not read.*Deflate"):
        read(tmp_path / "a.tif")


def test_a_palette_is_no_measurement(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", GREY.astype(np.uint8), photometric="palette", colormap=np.zeros((3, 256), "u2")
    )
    with pytest.raises(FrameError) as refused:
        read(tmp_path / "a.tif")
    assert refused.value.code is Refusal.NOT_AN_IMAGE


def test_a_strip_never_unpacks_beyond_its_size():
    bomb = zlib.compress(bytes(10_000_000))
    assert len(tiff._decompressed(bomb, tiff.DEFLATE, 100)) == 100


def test_a_bomb_is_refused_before_memory_is_asked_for(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3000, RATIO_FREE // 2000), np.uint8), compression="zlib")
    with pytest.raises(FrameError) as refused:
        tiff.open(tmp_path / "a.tif")
    assert refused.value.code is Refusal.UNSAFE


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_refused_or_read(tmp_path, data):
    packing = data.draw(st.sampled_from([None, "zlib"]))
    tifffile.imwrite(tmp_path / "a.tif", GREY[:6, :6].astype(np.uint16), compression=packing, metadata=None)
    raw = bytearray((tmp_path / "a.tif").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.tif").write_bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    with suppress(FrameError):
        read(tmp_path / "a.tif")


@needs_data
def test_a_real_file_agrees_with_tifffile():
    path = DATA / "m27-containers/tiff16/Light_1069.tif"
    np.testing.assert_array_equal(read(path), np.moveaxis(tifffile.imread(path), 2, 0))
