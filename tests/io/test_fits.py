"""FITS: pixels as the standard has them, and nothing but FrameError from a bad file."""

import gzip
import itertools
import json
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from real import DATA, needs_data
from sidera.errors import FrameError, Refusal
from sidera.io import fits, hdu
from sidera.io.read import open_frame, read
from sidera.model.header import Card

CORPUS = json.loads(Path(__file__).with_name("fits_corpus.json").read_text())
COUNTS = np.arange(12).reshape(3, 4)
ALL = slice(None)


def header(**cards: object) -> bytes:
    """A header block; values as they shall stand in the file."""
    lines = [f"{name.replace('__', '-'):<8}= {value!s:>20}".ljust(80) for name, value in cards.items()]
    text = "".join(lines).encode("latin-1") + b"END".ljust(80)
    return text + b" " * (-len(text) % 2880)


def file_of(path: Path, data: np.ndarray, **cards: object) -> Path:
    """A FITS file of big-endian data, no library between."""
    bitpix = (-1 if data.dtype.kind == "f" else 1) * data.dtype.itemsize * 8
    axes = {f"NAXIS{axis}": length for axis, length in enumerate(data.shape[::-1], 1)}
    pixels = data.tobytes()
    path.write_bytes(
        header(SIMPLE="T", BITPIX=bitpix, NAXIS=data.ndim, **axes, **cards)
        + pixels
        + bytes(-len(pixels) % 2880)
    )
    return path


@pytest.mark.parametrize("dtype", [">u1", ">i2", ">i4", ">i8", ">f4", ">f8"])
def test_every_kind_of_pixel(tmp_path, dtype):
    frame = read(file_of(tmp_path / "a.fit", COUNTS.astype(dtype)))
    np.testing.assert_array_equal(frame.image, COUNTS)
    assert frame.image.dtype == np.float32
    assert frame.image.flags.c_contiguous


def test_pixels_begin_at_the_block_behind_the_header(tmp_path):
    comments = {f"FILLER{number}": number for number in range(36)}  # the header fills two blocks
    frame = read(file_of(tmp_path / "a.fit", COUNTS.astype(">i2"), **comments))
    np.testing.assert_array_equal(frame.image, COUNTS)


def test_scale_zero_and_blank(tmp_path):
    frame = read(file_of(tmp_path / "a.fit", COUNTS.astype(">i2"), BSCALE=0.5, BZERO=-2, BLANK=3))
    want = COUNTS * 0.5 - 2
    want[0, 3] = np.nan
    np.testing.assert_array_equal(frame.image, want)


def test_a_blank_card_blanks_no_float(tmp_path):
    data = COUNTS.astype(">f4")
    data[0, 0] = np.nan
    frame = read(file_of(tmp_path / "a.fit", data, BLANK=3))
    np.testing.assert_array_equal(frame.image, data)


def test_unsigned_words_are_called_so(tmp_path):
    assert read(file_of(tmp_path / "a.fit", COUNTS.astype(">i2"), BZERO=32768)).header.bits == "uint16"
    assert read(file_of(tmp_path / "b.fit", COUNTS.astype(">f4"))).header.bits == "float32"


def test_three_planes_are_colour_and_one_is_none(tmp_path):
    colour = read(file_of(tmp_path / "a.fit", np.arange(24).reshape(3, 2, 4).astype(">i2")))
    assert colour.image.shape == (3, 2, 4)
    assert colour.image[2, 1, 3] == 23
    mono = read(file_of(tmp_path / "b.fit", COUNTS.reshape(1, 3, 4).astype(">i2")))
    assert mono.image.shape == (3, 4)


@given(st.tuples(*[st.integers(-6, 6) | st.none()] * 4))
@settings(deadline=None, max_examples=25)
def test_a_window_is_that_slice_of_the_whole(tmp_path_factory, ends):
    path = tmp_path_factory.mktemp("fits") / "a.fit"
    rows, columns = slice(*ends[:2]), slice(*ends[2:])
    with fits.open(file_of(path, COUNTS.astype(">i2"))) as reader:
        assert reader.windowed
        np.testing.assert_array_equal(reader.window(rows, columns), COUNTS[rows, columns])


def test_a_window_outlives_its_file(tmp_path):
    with fits.open(file_of(tmp_path / "a.fit", COUNTS.astype(">i2"))) as reader:
        window = reader.window(ALL, ALL)
    np.testing.assert_array_equal(window, COUNTS)
    with pytest.raises(ValueError, match="closed"):
        reader.window(ALL, ALL)


def test_the_image_may_stand_in_an_extension_and_keeps_the_primary_s_cards(tmp_path):
    path = file_of(tmp_path / "a.fit", COUNTS.astype(">i2"))
    image = path.read_bytes().replace(b"SIMPLE  =                    T", b"XTENSION= 'IMAGE   '          ", 1)
    path.write_bytes(header(SIMPLE="T", BITPIX=8, NAXIS=0, GAIN=120) + image)
    frame = read(path)
    np.testing.assert_array_equal(frame.image, COUNTS)
    assert frame.header.gain == 120


@pytest.mark.parametrize(("x", "y", "height"), list(itertools.product((0, 1), (0, 1), (4, 5))))
@pytest.mark.parametrize("order", ["TOP-DOWN", "BOTTOM-UP"])
def test_a_green_scene_stays_green_whatever_the_row_order(tmp_path, x, y, height, order):
    # The camera sees a green light: green pixels read 9, red and blue 1. The picture begins with G R / B G.
    sensor = np.array([[9, 1] * 4, [1, 9] * 4] * 4)
    seen = sensor[y : y + height, x : x + 4]
    stored = seen[::-1] if order == "BOTTOM-UP" else seen
    cards = {"BAYERPAT": "'GRBG    '", "XBAYROFF": x, "YBAYROFF": y, "ROWORDER": f"'{order}'"}
    frame = read(file_of(tmp_path / "a.fit", stored.astype(">i2"), **cards))
    greens = [[frame.header.bayer.colour(row, column) == 1 for column in range(4)] for row in range(height)]
    np.testing.assert_array_equal(frame.image == 9, greens)


# ── cards of all dialects ───────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("EXPTIME =              6,4E-05 / comma", 6.4e-5),
        ("EXPTIME =              1.5D+02", 150.0),
        ("GAIN    =                   80 / x", 80),
        ("GAIN    =                  -80.", -80.0),
        ("DATE    = 2017-11-15T20:07:12", "2017-11-15T20:07:12"),
        ("OBJECT  = 'M 31    '           / galaxy", "M 31"),
        ("OBJECT  = 'Barnard''s star'", "Barnard's star"),
        ("OBJECT  = 'a / b'   / comment", "a / b"),
        ("OBJECT  = 'never closed", "never closed"),
        ("object  = 'lower'", "lower"),
        ("BITPIX  =16", 16),
        ("SIMPLE  = T / Created by a viewer", True),
        ("NOTHING =", None),
        ("HIERARCH ESO DET GAIN = 2.5 / e", 2.5),
    ],
)
def test_cards_of_many_programs(text, value):
    assert hdu.parse_card(text.ljust(80)).value == value


def test_names_of_hierarchical_cards_and_comments():
    assert hdu.parse_card("HIERARCH ESO DET GAIN = 2.5 / e").keyword == "ESO DET GAIN"
    assert hdu.parse_card("COMMENT = no value") == Card("COMMENT", "= no value")
    assert hdu.parse_card("OBJECT  = 'M 31    ' / galaxy").comment == "galaxy"


def test_long_strings_are_joined():
    blob = b"LONG    = 'one &'".ljust(80) + b"CONTINUE  'two'".ljust(80)
    assert hdu.parse_cards(blob) == (Card("LONG", "one two"),)


def test_a_byte_that_is_no_ascii_harms_nobody(tmp_path):
    path = file_of(tmp_path / "a.fit", COUNTS.astype(">i2"), OBSERVER="'Jos\xe9'", SITE="'\xff\x00\x9b'")
    assert read(path).header.cards[0] == Card("OBSERVER", "José")


def test_a_wrong_exposure_or_date_is_no_reason_to_refuse(tmp_path):
    frame = read(file_of(tmp_path / "a.fit", COUNTS.astype(">i2"), EXPTIME="long", DATE__OBS="'??'"))
    assert (frame.header.exposure, frame.header.date_obs) == (None, None)


# ── bad files ───────


def refused(path: Path) -> FrameError:
    started = time.perf_counter()
    with pytest.raises(FrameError) as caught, open_frame(path) as reader:
        reader.window(ALL, ALL)
    assert time.perf_counter() - started < 2
    assert path.name in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("cards", "code", "word"),
    [
        ({"NAXIS": 2, "NAXIS1": 10**9, "NAXIS2": 10**9}, Refusal.UNSAFE, "pixels"),
        ({"NAXIS": 2, "NAXIS1": 10**18, "NAXIS2": 2}, Refusal.UNSAFE, "pixels"),
        ({"NAXIS": 2, "NAXIS1": 30000, "NAXIS2": 30000}, Refusal.UNREADABLE, "1,800,000,000 bytes"),
        ({"NAXIS": 2, "NAXIS1": -4, "NAXIS2": 4}, Refusal.UNREADABLE, "negative"),
        ({"NAXIS": 2, "NAXIS1": 4}, Refusal.UNREADABLE, "missing"),
        ({"NAXIS": 2, "NAXIS1": "abc", "NAXIS2": 4}, Refusal.UNREADABLE, "abc"),
        ({"NAXIS": 10**6}, Refusal.UNREADABLE, "NAXIS is 1000000"),
        ({"NAXIS": -1}, Refusal.UNREADABLE, "NAXIS"),
        ({"NAXIS": 5, **{f"NAXIS{axis}": 2 for axis in range(1, 6)}}, Refusal.UNSAFE, "5 axes"),
        ({"NAXIS": 2, "NAXIS1": 0, "NAXIS2": 777777701}, Refusal.NOT_AN_IMAGE, "no pixels"),
        ({"BITPIX": 17, "NAXIS": 2, "NAXIS1": 2, "NAXIS2": 2}, Refusal.UNREADABLE, "BITPIX is 17"),
        ({"NAXIS": 2, "NAXIS1": 1e400, "NAXIS2": 2}, Refusal.UNREADABLE, "NAXIS1"),
        ({"NAXIS": 2, "NAXIS1": 2, "NAXIS2": 2, "PCOUNT": -(10**9)}, Refusal.UNREADABLE, "holds 0"),
    ],
)
def test_absurd_headers_are_refused_in_words(tmp_path, cards, code, word):
    path = tmp_path / "a.fit"
    path.write_bytes(header(**{"SIMPLE": "T", "BITPIX": 16} | cards))
    error = refused(path)
    assert error.code is code
    assert word in str(error)


def test_a_header_that_never_ends(tmp_path):
    (tmp_path / "a.fit").write_bytes(header(SIMPLE="T").replace(b"END", b"   "))
    assert "END" in str(refused(tmp_path / "a.fit"))
    (tmp_path / "b.fit").write_bytes(b"SIMPLE  =                    T".ljust(80) * 20000)
    assert refused(tmp_path / "b.fit").code is Refusal.UNSAFE


@given(st.integers(0, 2903))
@settings(deadline=None, max_examples=25)
def test_a_file_cut_anywhere_is_unreadable(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("cut") / "a.fit"
    path.write_bytes(file_of(path, COUNTS.astype(">i2")).read_bytes()[:length])
    assert refused(path).code is Refusal.UNREADABLE


def test_missing_padding_at_the_end_is_forgiven(tmp_path):
    path = file_of(tmp_path / "a.fit", COUNTS.astype(">i2"))
    path.write_bytes(path.read_bytes()[:2904])
    np.testing.assert_array_equal(read(path).image, COUNTS)


@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), min_size=1, max_size=8))
@settings(deadline=None, max_examples=60)
def test_a_damaged_header_gives_a_frame_or_a_frame_error(tmp_path_factory, damage):
    path = tmp_path_factory.mktemp("damage") / "a.fit"
    blob = bytearray(file_of(path, COUNTS.astype(">i2"), BAYERPAT="'RGGB'", EXPTIME=6).read_bytes())
    for place, byte in damage:
        blob[place] = byte
    path.write_bytes(blob)
    message = ""
    try:
        read(path)
    except FrameError as error:
        message = str(error)
    assert len(message) < 2000


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=60)
def test_any_bytes_at_all_give_a_frame_or_a_frame_error(tmp_path_factory, blob):
    path = tmp_path_factory.mktemp("any") / "a.fit"
    path.write_bytes(b"SIMPLE  = " + blob)
    with pytest.raises(FrameError):
        read(path)


# ── compressed files ───────


def test_gzip(tmp_path):
    plain = file_of(tmp_path / "a.fit", COUNTS.astype(">i2"))
    packed = tmp_path / "a.fit.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    frame = read(packed)
    np.testing.assert_array_equal(frame.image, COUNTS)
    assert frame.header.format == "FITS (gzip)"
    packed.write_bytes(packed.read_bytes()[:100])
    assert refused(packed).code is Refusal.UNREADABLE


def test_a_gzip_bomb_is_not_inflated(tmp_path):
    bomb = tmp_path / "a.fit.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(header(SIMPLE="T", BITPIX=16, NAXIS=2, NAXIS1=30000, NAXIS2=30000))
        file.write(bytes(1 << 20))
    tracemalloc.start()
    error = refused(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.code is Refusal.UNSAFE
    assert peak < 1 << 22


def test_a_gzip_is_read_no_further_than_its_image(tmp_path):
    packed = tmp_path / "a.fit.gz"
    plain = file_of(tmp_path / "a.fit", COUNTS.astype(">i2")).read_bytes()
    packed.write_bytes(gzip.compress(plain) + b"\x1f\x8bgarbage")
    np.testing.assert_array_equal(read(packed).image, COUNTS)


def tiled(path: Path, data: np.ndarray, **options: object) -> Path:
    from astropy.io import fits as oracle

    oracle.HDUList([oracle.PrimaryHDU(), oracle.CompImageHDU(data, **options)]).writeto(path)
    return path


@pytest.mark.parametrize("method", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
def test_tile_compressed_integers_come_out_as_they_went_in(tmp_path, method):
    counts = np.random.default_rng(3).integers(0, 65535, (40, 50)).astype(np.uint16)
    frame = read(tiled(tmp_path / "a.fits.fz", counts, compression_type=method))
    np.testing.assert_array_equal(frame.image, counts)
    assert (frame.header.bits, frame.header.format) == ("uint16", "FITS (tile-compressed)")


def test_tile_compressed_floats_keep_their_nan(tmp_path):
    data = np.random.default_rng(3).normal(100, 5, (40, 50)).astype(np.float32)
    data[3, 4] = np.nan
    frame = read(tiled(tmp_path / "a.fits.fz", data, compression_type="GZIP_2", quantize_level=0))
    np.testing.assert_array_equal(frame.image, data)


def test_tiles_that_are_damaged_or_declare_too_much(tmp_path):
    path = tiled(tmp_path / "a.fits.fz", np.arange(4000, dtype=np.int16).reshape(40, 100))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"ZNAXIS1 =                  100", b"ZNAXIS1 =            900000000", 1))
    assert refused(path).code is Refusal.UNSAFE
    path.write_bytes(whole.replace(b"ZNAXIS2 =                   40", b"ZNAXIS2 =                  400", 1))
    assert refused(path).code is Refusal.UNREADABLE
    path.write_bytes(whole.replace(b"'RICE_1  '", b"'NONSENSE'", 1))
    assert "NONSENSE" in str(refused(path))
    assert b"ZVAL2   =                    2" in whole
    path.write_bytes(whole.replace(b"ZVAL2   =                    2", b"ZVAL2   =                   -2", 1))
    assert "BYTEPIX is -2" in str(refused(path))


@given(st.lists(st.tuples(st.integers(2880, 2**62), st.integers(0, 255)), min_size=1, max_size=8))
@settings(deadline=None, max_examples=60)
def test_damaged_tiles_give_a_frame_or_a_frame_error(tmp_path_factory, damage):
    path = tiled(
        tmp_path_factory.mktemp("tiles") / "a.fits.fz", np.arange(400, dtype=np.int16).reshape(20, 20)
    )
    blob = bytearray(path.read_bytes())
    for place, byte in damage:
        blob[place % len(blob)] = byte
    path.write_bytes(blob)
    message = ""
    try:
        read(path)
    except FrameError as error:
        message = str(error)
    assert len(message) < 2000


# ── real files ───────


@needs_data
@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus(name):
    path = DATA / "odd/fits-corpus" / name
    expected = CORPUS[name]
    if expected == "image":
        np.testing.assert_allclose(read(path).image, by_astropy(path), rtol=1e-6)
    else:
        error = refused(path)
        assert error.code == expected[0]
        assert expected[1] in str(error)


@needs_data
def test_the_corpus_list_is_complete():
    assert {path.name for path in (DATA / "odd/fits-corpus").iterdir()} == set(CORPUS)
    assert len(CORPUS) == 123


def by_astropy(path: Path) -> np.ndarray:
    from astropy.io import fits as oracle

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with oracle.open(path) as units:
            images = [
                unit for unit in units if unit.is_image and len(unit.shape) >= 2 and 0 not in unit.shape
            ]
            data = np.asarray(images[0].data, np.float32)
    return data.reshape(data.shape[-2:]) if data.size == np.prod(data.shape[-2:]) else data


@needs_data
@pytest.mark.parametrize("name", ["Dark_ASIImg_1sec_frame0001.fit", "Dark_ASIImg_1sec_frame0002.fit"])
def test_a_truncated_camera_file_says_how_much_is_missing(name):
    error = refused(DATA / "odd/truncated" / name)
    assert error.code is Refusal.UNREADABLE
    assert "declares 2,457,600 bytes of pixels, holds 2,0" in str(error)


@needs_data
@pytest.mark.parametrize("number", [1069, 1114, 1171])
@pytest.mark.parametrize("container", ["fz/Light_{}.fits.fz", "gz/Light_{}.fits.gz"])
def test_compressed_containers_hold_the_camera_s_own_values(number, container):
    plain = read(DATA / f"m27-osc/lights/Light_{number}.fits")
    other = read(DATA / "m27-containers" / container.format(number))
    np.testing.assert_array_equal(plain.image, other.image)
    assert other.header.bayer == plain.header.bayer == "RGGB"
    assert other.header.date_obs == plain.header.date_obs


@needs_data
def test_colour_and_float_containers():
    colour = read(DATA / "m27-containers/fits-rgb/Light_1069.fit")
    scaled = read(DATA / "m27-containers/fits-float/Light_1069.fit")
    assert colour.image.shape == scaled.image.shape == (3, 488, 652)
    np.testing.assert_allclose(scaled.image * 65535, colour.image, atol=0.51)
    assert colour.header.bayer is None


@needs_data
def test_a_real_frame_equals_astropy_s():
    path = DATA / "m27-osc/lights/Light_1069.fits"
    np.testing.assert_array_equal(read(path).image, by_astropy(path))
