"""XISF against the field's own reader and writer, and against liars."""

import base64
import hashlib
import struct
import zlib
from contextlib import suppress

import lz4.block
import numpy as np
import pytest
import xisf as oracle
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from real import DATA, needs_data
from sidera.errors import FrameError, Refusal
from sidera.io import fits, xisf
from sidera.io.xisf_writer import _shuffled, write_xisf
from sidera.model.header import Bayer, Card, Kind

WHOLE = slice(None)


def read(path, index=0):
    with xisf.open(path, index) as reader:
        return reader.window(WHOLE, WHOLE), reader.header


def hand_made(path, attributes, block=b"", inner="", text=""):
    """A file of one image, its block at byte 2048."""
    xml = (
        f'<?xml version="1.0"?><xisf version="1.0"><Image {attributes}>{text}{inner}</Image></xisf>'.encode()
    )
    path.write_bytes((b"XISF0100" + struct.pack("<II", len(xml), 0) + xml).ljust(2048, b"\0") + block)
    return path


RAMP = np.arange(12, dtype="<u2").reshape(3, 4) * 5000
PLAIN = 'geometry="4:3:1" sampleFormat="UInt16" colorSpace="Gray"'


def test_a_plain_image_is_read_by_window(tmp_path):
    path = hand_made(tmp_path / "a.xisf", f'{PLAIN} location="attachment:2048:24"', RAMP.tobytes())
    with xisf.open(path) as reader:
        assert reader.windowed
        np.testing.assert_array_equal(reader.window(slice(1, 3), slice(2, None)), RAMP[1:3, 2:])


def test_shuffled_bytes_are_all_first_ones_then_all_second_ones(tmp_path):
    assert _shuffled(b"aAbBc", 2) == b"abABc"
    assert xisf._unshuffled(b"abABc", 2) == b"aAbBc"


CODECS = {
    "zlib": zlib.compress,
    "lz4": lambda raw: lz4.block.compress(raw, store_size=False),
    "lz4hc": lambda raw: lz4.block.compress(raw, mode="high_compression", store_size=False),
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("parts", [1, 3])
def test_every_codec_with_and_without_shuffling_and_parts(tmp_path, codec, shuffle, parts):
    raw = RAMP.tobytes()
    mixed = _shuffled(raw, 2) if shuffle else raw
    step = len(raw) // parts
    packed = [CODECS[codec](mixed[start : start + step]) for start in range(0, len(raw), step)]
    block = b"".join(packed)
    name = f"{codec}+sh:24:2" if shuffle else f"{codec}:24"
    attributes = f'{PLAIN} location="attachment:2048:{len(block)}" compression="{name}"'
    if parts > 1:
        attributes += ' subblocks="' + ":".join(f"{len(part)},{step}" for part in packed) + '"'
    np.testing.assert_array_equal(read(hand_made(tmp_path / "a.xisf", attributes, block))[0], RAMP)


@pytest.mark.parametrize("kind", xisf.FORMATS)
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("storage", ["Planar", "Normal"])
def test_every_number_type_order_and_storage(tmp_path, kind, order, storage):
    colour = np.arange(36).reshape(3, 3, 4)
    stored = np.moveaxis(colour, 0, 2) if storage == "Normal" else colour
    raw = stored.astype(xisf.FORMATS[kind].newbyteorder("<" if order == "little" else ">")).tobytes()
    attributes = f'geometry="4:3:3" sampleFormat="{kind}" colorSpace="RGB" byteOrder="{order}" bounds="0:1"'
    attributes += f' pixelStorage="{storage}" location="attachment:2048:{len(raw)}"'
    np.testing.assert_array_equal(read(hand_made(tmp_path / "a.xisf", attributes, raw))[0], colour)


def test_pixels_may_stand_in_the_header(tmp_path):
    raw = RAMP.tobytes()
    coded = base64.b64encode(raw).decode()
    path = hand_made(tmp_path / "a.xisf", f'{PLAIN} location="inline:base64"', text=coded)
    np.testing.assert_array_equal(read(path)[0], RAMP)
    path = hand_made(tmp_path / "a.xisf", f'{PLAIN} location="inline:hex"', text=raw.hex())
    np.testing.assert_array_equal(read(path)[0], RAMP)
    packed = base64.b64encode(zlib.compress(raw)).decode()
    data = f'<Data encoding="base64" compression="zlib:24">{packed}</Data>'
    path = hand_made(tmp_path / "a.xisf", f'{PLAIN} location="embedded"', inner=data)
    np.testing.assert_array_equal(read(path)[0], RAMP)


def test_properties_speak_where_keywords_are_silent(tmp_path):
    inner = (
        '<Property id="Instrument:ExposureTime" type="Float32" value="30"/>'
        '<Property id="Instrument:Telescope:FocalLength" type="Float32" value="0.51"/>'
        '<Property id="Instrument:Filter:Name" type="String">Ha</Property>'
        '<FITSKeyword name="OBJECT" value="\'M 27\'" comment="c"/>'
        '<ColorFilterArray pattern="GBRG" width="2" height="2"/>'
    )
    attributes = f'{PLAIN} imageType="MasterDark" location="attachment:2048:24"'
    header = read(hand_made(tmp_path / "a.xisf", attributes, RAMP.tobytes(), inner))[1]
    assert (header.exposure, header.focal_length, header.filter) == (30, 510, "Ha")
    assert (header.kind, header.is_master, header.bayer) == (Kind.DARK, True, Bayer.GBRG)
    assert Card("OBJECT", "M 27", "c") in header.cards


def test_alpha_is_left_out(tmp_path):
    raw = np.concatenate([RAMP[None]] * 2).tobytes()
    path = hand_made(
        tmp_path / "a.xisf",
        'geometry="4:3:2" sampleFormat="UInt16" colorSpace="Gray" location="attachment:2048:48"',
        raw,
    )
    np.testing.assert_array_equal(read(path)[0], RAMP)


def test_a_checksum_is_believed(tmp_path):
    good = hashlib.sha1(RAMP.tobytes()).hexdigest()
    place = 'location="attachment:2048:24"'
    path = hand_made(tmp_path / "a.xisf", f'{PLAIN} {place} checksum="sha-1:{good}"', RAMP.tobytes())
    np.testing.assert_array_equal(read(path)[0], RAMP)
    path = hand_made(tmp_path / "a.xisf", f'{PLAIN} {place} checksum="sha-1:{good}"', bytes(24))
    with pytest.raises(FrameError, match="checksum"):
        read(path)


PLACE = 'location="attachment:2048:24"'
LIES = {
    "more than the file": (f'{PLAIN} location="attachment:2048:25"', Refusal.UNREADABLE),
    "another size": ('geometry="4:4:1" sampleFormat="UInt16" ' + PLACE, Refusal.UNREADABLE),
    "too many pixels": ('geometry="99999:99999:1" sampleFormat="UInt16" ' + PLACE, Refusal.UNSAFE),
    "no pixels": ('geometry="0:4:1" sampleFormat="UInt16" ' + PLACE, Refusal.UNREADABLE),
    "a cube": ('geometry="2:2:2:1" sampleFormat="UInt16" ' + PLACE, Refusal.NOT_AN_IMAGE),
    "complex": ('geometry="4:3:1" sampleFormat="Complex32" ' + PLACE, Refusal.NOT_AN_IMAGE),
    "a bomb": (
        'geometry="9999:9999:1" sampleFormat="UInt16" compression="zlib:199960002" ' + PLACE,
        Refusal.UNSAFE,
    ),
    "another codec": (f'{PLAIN} {PLACE} compression="lzma:24"', Refusal.UNREADABLE),
    "a lie about what is unpacked": (f'{PLAIN} {PLACE} compression="zlib:25"', Refusal.UNREADABLE),
    "damaged": (f'{PLAIN} {PLACE} compression="zlib:24"', Refusal.UNREADABLE),
    "another file": (f'{PLAIN} location="path(/etc/passwd)"', Refusal.UNREADABLE),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused(tmp_path, lie):
    attributes, code = LIES[lie]
    with pytest.raises(FrameError) as refused:
        read(hand_made(tmp_path / "a.xisf", attributes, RAMP.tobytes()))
    assert refused.value.code is code


def test_entities_are_refused(tmp_path):
    xml = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><xisf><Image/></xisf>'
    (tmp_path / "a.xisf").write_bytes(b"XISF0100" + struct.pack("<II", len(xml), 0) + xml)
    with pytest.raises(FrameError, match="entities") as refused:
        read(tmp_path / "a.xisf")
    assert refused.value.code is Refusal.UNSAFE


@pytest.mark.parametrize("compression", [None, "zlib", "lz4", "zstd"])
@pytest.mark.parametrize("planes", [1, 3])
def test_we_read_what_the_field_writes(tmp_path, compression, planes):
    image = np.random.default_rng(1).normal(100, 5, (5, 7, planes)).astype(np.float32)
    keywords = {"FITSKeywords": {"EXPTIME": [{"value": "60.0", "comment": "s"}]}}
    oracle.XISF.write(
        str(tmp_path / "a.xisf"), image, image_metadata=keywords, codec=compression, shuffle=True
    )
    pixels, header = read(tmp_path / "a.xisf")
    np.testing.assert_array_equal(pixels, np.moveaxis(image, 2, 0) if planes == 3 else image[:, :, 0])
    assert header.exposure == 60


@pytest.mark.parametrize("compression", ["none", "zlib", "lz4", "zstd"])
def test_the_field_reads_what_we_write(tmp_path, compression):
    image = np.random.default_rng(1).normal(100, 5, (3, 5, 7)).astype(np.float32)
    with (tmp_path / "a.xisf").open("wb") as stream:
        write_xisf(stream, image, [Card("OBJECT", "M <27>", "&")], compression=compression)
    file = oracle.XISF(str(tmp_path / "a.xisf"))
    np.testing.assert_array_equal(file.read_image(0), np.moveaxis(image, 0, 2))
    assert file.get_images_metadata()[0]["FITSKeywords"]["OBJECT"][0]["value"] == "M <27>"


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_refused_or_read(tmp_path, data):
    packed = zlib.compress(RAMP.tobytes())
    attributes = f'{PLAIN} location="attachment:2048:{len(packed)}" compression="zlib+sh:24:2"'
    path = hand_made(
        tmp_path / "a.xisf", attributes, packed, '<FITSKeyword name="EXPTIME" value="6" comment=""/>'
    )
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, 300) | st.integers(2040, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))])
    with suppress(FrameError):
        read(path)


@needs_data
@pytest.mark.parametrize("number", [1069, 1114, 1171])
def test_real_frames_hold_the_values_of_their_fits(number):
    pixels, header = read(DATA / f"m27-containers/xisf/Light_{number}.xisf")
    with fits.open(DATA / f"m27-osc/lights/Light_{number}.fits") as reader:
        np.testing.assert_array_equal(pixels, reader.window(WHOLE, WHOLE))
    assert (header.bayer, header.exposure, header.gain) == (Bayer.RGGB, 6, 180)
