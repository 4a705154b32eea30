"""Header dialects."""

import itertools
from pathlib import Path

import pytest

from real import DATA, needs_data
from sidera.errors import FrameError
from sidera.io import cards as dialects
from sidera.io import fits
from sidera.io.cards import header_from_cards, section, sexagesimal, utc
from sidera.model.header import Bayer, Card, Kind

NOWHERE = Path("/x/y/z/a.fit")


def header(width=100, height=80, planes=1, path=NOWHERE, overrides=None, **cards):
    listed = [Card(name.replace("__", "-"), value) for name, value in cards.items()]
    size = {"width": width, "height": height, "planes": planes}
    return header_from_cards(listed, **size, path=path, format="FITS", bits="uint16", **(overrides or {}))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Light", Kind.LIGHT),
        ("LIGHT", Kind.LIGHT),
        ("Light Frame", Kind.LIGHT),
        ("Master Dark", Kind.DARK),
        ("MASTERFLAT", Kind.FLAT),
        ("Flat Field", Kind.FLAT),
        ("Dark Flat", Kind.FLAT_DARK),
        ("FlatDark", Kind.FLAT_DARK),
        ("Zero", Kind.BIAS),
        ("Bias Frame", Kind.BIAS),
        ("object", Kind.LIGHT),
        ("snapshot", None),
        ("17", None),
    ],
)
def test_kinds_in_all_dialects(text, kind):
    assert dialects.kind_of_text(text) is kind


@pytest.mark.parametrize("keyword", ["IMAGETYP", "FRAME", "FRAMETYP", "SUBTYPE"])
def test_every_keyword_of_the_kind_counts(keyword):
    got = header(**{keyword: "dark"})
    assert got.kind is Kind.DARK
    assert got.sources["kind"] == keyword


def test_the_header_outranks_the_name_and_the_name_fills_its_silence():
    got = header(path=Path("/darks/dark_Ha_30s.fit"), IMAGETYP="Light Frame", EXPTIME=60)
    assert (got.kind, got.exposure, got.filter) == (Kind.LIGHT, 60.0, "Ha")
    assert got.sources == {"kind": "IMAGETYP", "exposure": "EXPTIME", "filter": "file name"}


def test_a_master_says_so():
    assert header(IMAGETYP="Master Dark").is_master
    assert header(IMAGETYP="DARK", NCOMBINE=20).is_master
    assert not header(IMAGETYP="Light", STACKCNT=20).is_master
    assert header(IMAGETYP="Light", STACKCNT=20).n_combined == 20


@pytest.mark.parametrize(
    ("cards", "seconds"),
    [
        ({"EXPTIME": 6.0}, 6.0),
        ({"EXPOSURE": "6,4E-05"}, 6.4e-5),
        ({"EXP": 3}, 3.0),
        ({"EXPOINUS": 64}, 6.4e-5),
        ({"EXPTIME": "10 s"}, 10.0),
        ({"EXPTIME": -1, "EXPOSURE": 5}, 5.0),
        ({"EXPTIME": True}, None),
        ({"EXPTIME": float("nan")}, None),
        ({"EXPTIME": 10**400}, None),
        ({"EXPTIME": "long"}, None),
    ],
)
def test_exposure(cards, seconds):
    assert header(**cards).exposure == seconds


def test_unknown_is_nothing():
    got = header(OBJECT="Unknown ", FILTER="None", INSTRUME="", TELESCOP="n/a")
    assert (got.target, got.filter, got.camera, got.telescope) == (None, None, None, None)


def test_text_is_one_printable_line():
    assert header(OBJECT="M\x1b[31m 31\nboo\x00").target == "M [31m 31 boo"


def test_numbers_of_the_camera():
    got = header(GAIN=120, EGAIN=0.25, BLKLEVEL=50, SET__TEMP=-10, READOUTM="High", XBINNING=2, YBINNING=2)
    assert (got.gain, got.electrons_per_adu, got.offset, got.temperature) == (120, 0.25, 50, -10)
    assert (got.readout, got.binning) == ("High", (2, 2))
    assert header(CCD__TEMP=-9.5, SET__TEMP=-10).temperature == -9.5
    assert header(ISOSPEED=800).gain == 800
    assert header(SATURATE=60000).saturation == 60000


@pytest.mark.parametrize(
    ("date", "time", "iso"),
    [
        ("2018-09-07T22:31:45.431", "", "2018-09-07T22:31:45.431000"),
        ("2018-09-07T22:31:45Z", "", "2018-09-07T22:31:45"),
        ("2018-09-07T22:31:45+0200", "", "2018-09-07T20:31:45"),
        ("2018-09-07T22:31:45-03:30", "", "2018-09-08T02:01:45"),
        ("2018-09-07", "22:31:45", "2018-09-07T22:31:45"),
        ("2018-09-07", "", "2018-09-07"),
        ("07/09/98", "22:31:45", "1998-09-07T22:31:45"),
        ("2018/09/07 22:31:45", "", "2018-09-07T22:31:45"),
        ("2016-12-31T23:59:60", "", "2017-01-01T00:00:00"),  # leap second
        ("2018-09-07T22:31:45.4312345678", "", "2018-09-07T22:31:45.431234"),
        ("0000-00-00T00:00:00", "", None),
        ("0001-01-01T00:00:00", "", None),
        ("2018-13-07", "", None),
        ("yesterday", "", None),
    ],
)
def test_dates_become_utc(date, time, iso):
    assert utc(date, time) == iso


def test_the_date_of_the_file_is_better_than_its_name():
    got = header(path=Path("/x/a_2017.11.15_21.07.12.fit"), DATE="2017-11-15T20:07:12")
    assert (got.date_obs, got.sources["date_obs"]) == ("2017-11-15T20:07:12", "DATE")


def test_two_cards_make_one_date():
    assert header(DATE__OBS="2001-02-03", TIME__OBS="04:05:06").date_obs == "2001-02-03T04:05:06"


def test_a_modified_julian_date():
    assert header(MJD__OBS=51544.5).date_obs == "2000-01-01T12:00:00.000"


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("19 59 41.99", 19.994997),
        ("-12:30:00", -12.5),
        ("-00 30 00", -0.5),
        ("05h34m32s", 5.575556),
        ("x", None),
    ],
)
def test_sexagesimal(text, degrees):
    assert sexagesimal(text) == (pytest.approx(degrees, abs=1e-6) if degrees is not None else None)


def test_right_ascension_in_hours_as_text_and_in_degrees_as_number():
    assert header(OBJCTRA="12 00 00", OBJCTDEC="-10 30 00").ra == pytest.approx(180)
    assert header(OBJCTRA="12 00 00", OBJCTDEC="-10 30 00").dec == pytest.approx(-10.5)
    assert header(RA=193.04, DEC=40.97).ra == pytest.approx(193.04)
    assert header(CRVAL1=10.0, CRVAL2=20.0, CTYPE1="RA---TAN", CTYPE2="DEC--TAN").dec == 20.0
    assert header(CRVAL1=10.0, CTYPE1="GLON-TAN").ra is None
    assert header(RA=999.0).ra is None


def test_sections_are_columns_first_and_count_from_one():
    assert section("[1:50,1:4096]", 100, 4096) == (0, 4096, 0, 50)
    assert section("[51:100, 3:80]", 100, 80) == (2, 80, 50, 100)
    assert section("[0:0,0:0]", 100, 80) is None
    assert section("[1:101,1:80]", 100, 80) is None
    got = header(BIASSEC="[1:10,1:80]", DATASEC="[11:100,1:80]")
    assert (got.bias_section, got.trim_section) == ((0, 80, 0, 10), (0, 80, 10, 100))


def test_raw16_is_no_colour_filter_array():
    assert header(COLORTYP="RAW16").bayer is None
    assert header(COLORTYP="GRBG").bayer is Bayer.GRBG
    assert header(BAYERPAT="RGGB", COLORTYP="RAW16").bayer is Bayer.RGGB


def test_a_filter_in_front_of_a_colour_camera_leaves_it_a_colour_camera():
    got = header(BAYERPAT="RGGB", FILTER="Luminance")
    assert (got.bayer, got.filter) == (Bayer.RGGB, "Luminance")


def test_three_planes_have_no_pattern():
    assert header(planes=3, BAYERPAT="RGGB", ROWORDER="BOTTOM-UP").bayer is None
    assert header(planes=3, ROWORDER="BOTTOM-UP").bottom_up


def test_an_unknown_matrix_is_refused_with_its_name():
    with pytest.raises(FrameError, match="CYGM"):
        header(BAYERPAT="CYGM")


def test_what_the_format_knows_wins_and_none_says_nothing():
    got = header(GAIN=1, EXPTIME=5, overrides={"gain": 2.0, "exposure": None, "black": 16.0})
    assert (got.gain, got.exposure, got.black) == (2.0, 5.0, 16.0)


# ── orientation: scenes written by hand, as the pixels would be seen ───────

# A sensor whose matrix reads, from its own first row: R G / G B; so the colours of six rows, by eye:
SENSOR = ["RGRGRG", "GBGBGB", "RGRGRG", "GBGBGB", "RGRGRG", "GBGBGB"]


def named_from_stored(scene: list[str]) -> str:
    return scene[0][:2] + scene[1][:2]


@pytest.mark.parametrize(("x", "y", "height"), list(itertools.product((0, 1), (0, 1), (4, 5))))
@pytest.mark.parametrize("first", ["RGGB", "GRBG", "GBRG", "BGGR"])
@pytest.mark.parametrize("order", [None, "TOP-DOWN", "BOTTOM-UP"])
def test_the_pattern_at_the_first_stored_pixel(first, x, y, height, order):
    # The scene from the pixel that the pattern names: rows downwards in the picture.
    above, below = (first[:2] * 3), (first[2:] * 3)
    picture = [(above, below)[row % 2] for row in range(height + 2)]
    seen = [line[x:] for line in picture[y : y + height]]
    stored = seen[::-1] if order == "BOTTOM-UP" else seen
    got = header(
        height=height, BAYERPAT=first, XBAYROFF=x, YBAYROFF=y, **({"ROWORDER": order} if order else {})
    )
    assert got.bayer == named_from_stored(stored)
    assert got.bottom_up is (order == "BOTTOM-UP")


def test_by_eye():
    assert named_from_stored(SENSOR) == "RGGB"
    upside_down = SENSOR[::-1]  # six rows: the last is G B G B G B
    assert (
        header(height=6, BAYERPAT="RGGB", ROWORDER="BOTTOM-UP").bayer
        == named_from_stored(upside_down)
        == "GBRG"
    )
    odd = SENSOR[:5][::-1]  # five rows: the last is R G R G R G
    assert header(height=5, BAYERPAT="RGGB", ROWORDER="BOTTOM-UP").bayer == named_from_stored(odd) == "RGGB"


# ── real cameras ───────


@needs_data
def test_an_observatory_program_with_a_colour_camera():
    got = fits.open(DATA / "m27-osc/lights/Light_1069.fits").header
    assert (got.kind, got.bayer, got.filter, got.exposure, got.gain) == (
        Kind.LIGHT,
        "RGGB",
        "Luminance",
        6,
        180,
    )
    assert (got.target, got.camera, got.pixel_size, got.focal_length) == (
        "M 27",
        "ZWO CCD ASI224MC",
        3.75,
        510,
    )
    assert (got.ra, got.dec) == (pytest.approx(299.925, abs=1e-3), pytest.approx(22.722, abs=1e-3))
    assert got.date_obs == "2018-09-07T22:31:45.431000"
    assert got.sources["kind"] == "FRAME"
    assert (got.width, got.height, got.bits, got.temperature) == (1304, 976, "uint16", None)


@needs_data
def test_a_smart_telescope():
    folder = DATA / "m94-smart-telescope/night1"
    got = fits.open(folder / "Light_M 94_10.0s_IRCUT_20250326-212046.fit").header
    assert (got.kind, got.bayer, got.filter, got.exposure, got.gain) == (Kind.LIGHT, "GRBG", "IRCUT", 10, 80)
    assert (got.target, got.camera, got.temperature) == ("M 94", "Seestar S50", 25.125)
    assert (got.ra, got.dec, got.telescope) == (193.04166, 40.970556, "S50_1d3fe189")


@needs_data
def test_a_live_viewer_that_says_almost_nothing():
    got = fits.open(DATA / "arp145-mono/lights/Image_Arp.145_2017.11.15_21.07.12_00000.fit").header
    assert (got.kind, got.bayer, got.target, got.exposure) == (Kind.LIGHT, None, "Arp 145", None)
    assert (got.date_obs, got.sources["kind"]) == ("2017-11-15T20:07:12", "folder name lights")


@needs_data
def test_filters_from_names():
    lights = DATA / "m8-lrgb/lights"
    got = {path.name: fits.open(path).header for path in lights.glob("*.fit")}
    assert all(each.kind is Kind.LIGHT and each.target == "M 8" for each in got.values())
    assert all(each.filter == name.replace("light_", "")[0] for name, each in got.items())
    assert got["L_12.fit"].exposure == 1.0
    assert got["light_R_15000ms_9.fit"].exposure == 15.0


@needs_data
def test_a_decimal_comma():
    got = fits.open(DATA / "asi120-calibration/bias/Bias_ASIImg_frame0001.fit").header
    assert (got.kind, got.exposure, got.bayer, got.offset, got.gain) == (Kind.BIAS, 6.4e-5, "GRBG", 9, 0)
    folder = DATA / "asi120-calibration"
    dark = fits.open(folder / "dark/dark_100s/Dark_ASIImg_100sec_frame0001.fit").header
    assert (dark.kind, dark.exposure, dark.temperature) == (Kind.DARK, 100, 24.5)
    flat = fits.open(folder / "flat/Flat_ASIImg_frame0001.fit").header
    assert (flat.kind, flat.exposure, flat.target) == (Kind.FLAT, 0.005, None)
