"""What kind of file, and what names tell."""

from pathlib import Path

import pytest

from sidera.errors import FrameError, Refusal
from sidera.io import sniff
from sidera.model.header import Kind


def told(path: str) -> dict[str, object]:
    return {field: value for field, (value, _) in sniff.facts(Path(path)).items()}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Light_1069.fits", Kind.LIGHT),
        ("light_R_15000ms_9.fit", Kind.LIGHT),
        ("Dark_ASIImg_100sec_frame0001.fit", Kind.DARK),
        ("dark100s.fit", Kind.DARK),
        ("Flat_ASIImg_frame0001.fit", Kind.FLAT),
        ("SkyFlat_001.fit", Kind.FLAT),
        ("Bias_ASIImg_frame0006.fit", Kind.BIAS),
        ("masterbias.fit", Kind.BIAS),
        ("MasterFlat_Ha.xisf", Kind.FLAT),
        ("FlatDark_0001.fits", Kind.FLAT_DARK),
        ("Dark_Flat_1.0s.fits", Kind.FLAT_DARK),
        ("darkflat_3.fit", Kind.FLAT_DARK),
        ("offset_01.fit", Kind.BIAS),
        ("LDN1235_Dark Shark_Light_60s.fit", Kind.LIGHT),
        ("gain100_offset10_L.fit", None),
        ("darker_side.fit", None),
        ("Lightroom.tif", None),
        ("flattened.tif", None),
        ("Image_Arp.145_2017.11.15_21.07.12_00000.fit", None),
        ("L_12.fit", None),
    ],
)
def test_the_kind_stands_in_the_name(name, kind):
    assert sniff.kind_of_name(Path(name).stem) is kind


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("lights", Kind.LIGHT),
        ("LIGHT", Kind.LIGHT),
        ("darks", Kind.DARK),
        ("dark_100s", Kind.DARK),
        ("flats_Ha", Kind.FLAT),
        ("2024-04-16 flats", Kind.FLAT),
        ("biases", Kind.BIAS),
        ("offsets", Kind.BIAS),
        ("flat-darks", Kind.FLAT_DARK),
        ("darkflats", Kind.FLAT_DARK),
        ("Dark Nebula LDN 1235", None),
        ("night1", None),
    ],
)
def test_the_kind_stands_in_the_folder(folder, kind):
    assert sniff.kind_of_name(folder, is_file=False) is kind


def test_the_nearest_folder_counts():
    assert told("/flats/lights/img_1.fit")["kind"] is Kind.LIGHT
    assert sniff.facts(Path("/flats/lights/img_1.fit"))["kind"][1] == "folder name lights"


def test_a_camera_colour_light_named_by_filter_and_milliseconds():
    got = told("/m8-lrgb/lights/light_R_15000ms_9.fit")
    assert got == {"kind": Kind.LIGHT, "filter": "R", "exposure": 15.0, "target": "M 8"}


def test_a_smart_telescope_s_name():
    assert told("/x/Light_M 94_10.0s_IRCUT_20250326-212046.fit") == {
        "kind": Kind.LIGHT,
        "target": "M 94",
        "exposure": 10.0,
        "filter": "IRCUT",
        "date_obs": "2025-03-26T21:20:46",
    }


def test_a_live_viewer_s_name():
    got = told("/arp145-mono/lights/Image_Arp.145_2017.11.15_21.07.12_00000.fit")
    assert got == {"kind": Kind.LIGHT, "target": "Arp 145", "date_obs": "2017-11-15T21:07:12"}


def test_a_dark_s_name_tells_its_exposure():
    got = told("/dark/dark_100s/Dark_ASIImg_100sec_frame0001.fit")
    assert got == {"kind": Kind.DARK, "exposure": 100.0}


def test_an_air_box_s_name():
    assert told("/x/Light_M31_60.0s_Bin1_2600MC_gain100_20231010-203040_-10.0C_0001.fit") == {
        "kind": Kind.LIGHT,
        "target": "M 31",
        "exposure": 60.0,
        "binning": (1, 1),
        "gain": 100.0,
        "date_obs": "2023-10-10T20:30:40",
        "temperature": -10.0,
    }


def test_a_sequencer_s_default_pattern():
    assert told("/NGC7000/2023-10-10/LIGHT/2023-10-10_20-30-40_Ha_-10.00_300.00s_0001.fits") == {
        "kind": Kind.LIGHT,
        "filter": "Ha",
        "temperature": -10.0,
        "exposure": 300.0,
        "date_obs": "2023-10-10T20:30:40",
        "target": "NGC 7000",
    }


def test_a_scheduler_s_name():
    got = told("/x/M_31_Light_OIII_300_secs_2023-10-10T20-30-40_001.fits")
    assert (got["target"], got["filter"], got["exposure"]) == ("M 31", "OIII", 300.0)


def test_a_target_without_a_number_stands_between_light_and_exposure():
    assert told("/x/Light_Rosette Nebula_120.0s_Bin1_0001.fit")["target"] == "Rosette Nebula"


def test_a_filter_is_no_target_and_a_target_no_filter():
    got = told("/x/Light_Ha_120.0s_0001.fit")
    assert got["filter"] == "Ha"
    assert "target" not in got
    assert "filter" not in told("/x/Light_Red Rectangle_10s.fit")


def test_a_flat_has_no_target():
    assert "target" not in told("/M 31/flats/flat_1.fit")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("m31", "M 31"),
        ("Messier 31", "M 31"),
        ("NGC7000", "NGC 7000"),
        ("Sh2-155", "Sh2-155"),
        ("IC 1396", "IC 1396"),
    ],
)
def test_one_object_has_one_spelling(text, name):
    assert sniff.spelled(text) == name


@pytest.mark.parametrize(
    "text", ["m200", "frame_m", "ASI224MC", "S50_1", "IRCUT 2", "gain100", "-10.0C", "M 0"]
)
def test_no_object_is_seen_where_none_is_named(text):
    assert sniff.catalogue_name(text) is None


@pytest.mark.parametrize("text", ["20259999-999999", "00012345", "frame0001", "1234567890"])
def test_eight_digits_are_not_always_a_date(text):
    assert sniff.date_of_name(text) is None


def test_a_scan_looks_at_images_only():
    seen = [
        "a.fit",
        "a.FITS",
        "a.fits.fz",
        "a.fits.gz",
        "a.ser",
        "a.dng",
        "a.CR3",
        "a.xisf",
        "a.TIF",
        "a.jpeg",
    ]
    assert all(sniff.is_candidate(Path(name)) for name in seen)
    assert not any(
        sniff.is_candidate(Path(name)) for name in ["a.txt", "a.gz", "a", ".a.fit", "fit", "a.fits.tmp"]
    )


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"SIMPLE  =                    T", "FITS"),
        (b"simple  =                    T", "FITS"),
        (b"LUCAM-RECORDER", "SER"),
        (b"XISF0100", "XISF"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"II*\0\x08\0\0\0\0\0", "TIFF"),
        (b"II*\0\x10\0\0\0CR\x02\0", "RAW"),
        (b"II*\0\x08\0\0\0\x01\0\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0", "RAW"),  # DNGVersion
        (b"MM\0*\0\0\0\x08\0\x01\xc6\x12\0\x01\0\0\0\x04\x01\x04\0\0", "RAW"),
        (b"\0\0\0\x18ftypcrx ", "RAW"),
        (b"FUJIFILMCCD-RAW", "RAW"),
    ],
)
def test_the_first_bytes_tell_the_format(head, form):
    assert sniff.format_of(head, "misnamed.xyz") == form


@pytest.mark.parametrize(
    ("head", "code", "word"),
    [
        (b"\x1f\x9d\x90", Refusal.UNREADABLE, "uncompress"),
        (b"PK\x03\x04", Refusal.UNREADABLE, "ZIP"),
        (b"\x1f\x8bgarbage-not-deflate", Refusal.UNREADABLE, "gzip"),
        (b"WCSAXES =                    2", Refusal.NOT_AN_IMAGE, "text"),
        (b"SIMPLE  = T\nBITPIX  = 16\n", Refusal.NOT_AN_IMAGE, "text"),
        (b"\0\0\0\x18ftypmp42", Refusal.NOT_AN_IMAGE, "film"),
        (b"hello", Refusal.UNREADABLE, "Sidera reads FITS"),
    ],
)
def test_what_is_no_frame_is_named(head, code, word):
    with pytest.raises(FrameError, match=word) as caught:
        sniff.format_of(head, "a.fit")
    assert caught.value.code is code


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "a.fit").touch()
    with pytest.raises(FrameError, match="empty"):
        sniff.file_format(tmp_path / "a.fit")
