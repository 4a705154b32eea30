"""Windows of raw pixels from many files at once."""

import threading

import numpy as np
import psutil
import pytest

from sidera.errors import FrameError, Refusal
from sidera.model.frame import FrameId
from sidera.model.header import Bayer
from sidera.pipeline.readers import OPEN_FILES, Readers
from sidera.pipeline.scan import scan
from smallnight import frame

ROWS, COLUMNS, STRIP = 60, 80, 16


def ccd(path, area, pedestal, **cards):
    """A camera with overscan at the right: the pedestal drifts from row to row and from frame to frame."""
    raw = np.zeros((ROWS + 4, COLUMNS + STRIP + 2))
    raw[2 : ROWS + 2, 1 : COLUMNS + 1] = area
    raw += pedestal + np.linspace(0, 30, ROWS + 4)[:, None]
    noisy = np.random.default_rng(int(pedestal)).normal(raw, 1.0)
    sections = {
        "BIASSEC": f"[{COLUMNS + 2}:{COLUMNS + STRIP + 2},1:{ROWS + 4}]",
        "TRIMSEC": f"[2:{COLUMNS + 1},3:{ROWS + 2}]",
    }
    return frame(path, np.round(noisy).astype(np.uint16), **sections, **cards)


def test_overscan_takes_the_pedestal_off_each_row_and_is_trimmed_away(tmp_path):
    path = ccd(tmp_path / "l.fits", 1000.0, 520, IMAGETYP="Light", BAYERPAT="RGGB", CRPIX1=40.0, CRPIX2=30.0)
    header = scan([path]).found[0].header
    assert (header.width, header.height) == (COLUMNS, ROWS)
    assert header.bayer is Bayer.GRBG  # one column was trimmed, and two rows
    assert header.bias_section is None
    assert {card.keyword: card.value for card in header.cards}["CRPIX1"] == 39
    assert {card.keyword: card.value for card in header.cards}["CRPIX2"] == 28
    with Readers() as readers:
        whole = readers.window(FrameId(str(path)))
        part = readers.window(FrameId(str(path)), slice(5, 9), slice(10, 30))
    assert whole.shape == (ROWS, COLUMNS)
    np.testing.assert_allclose(whole.mean(axis=1), 1000, atol=1)  # the drift of 30 ADU is gone
    np.testing.assert_array_equal(part, whole[5:9, 10:30])


def test_a_camera_with_overscan_gives_the_right_level_and_vignetting(tmp_path):
    from sidera.pipeline.masters import MasterStore, build_masters
    from sidera.pipeline.measure import Light, calibrated
    from sidera.pipeline.plan import make_plan
    from sidera.pipeline.progress import Progress

    falloff = 1 - 0.4 * np.linspace(-1, 1, COLUMNS)[None, :] ** 2 * np.ones((ROWS, 1))
    for index in range(3):
        ccd(tmp_path / f"bias{index}.fits", 0.0, 500 + 7 * index, IMAGETYP="Bias")
        ccd(tmp_path / f"flat{index}.fits", 20000 * falloff, 540 + 3 * index, IMAGETYP="Flat")
        ccd(tmp_path / f"light{index}.fits", 1000 * falloff, 600 + index, IMAGETYP="Light")
    plan = make_plan([tmp_path])
    with Readers() as readers:
        store = MasterStore(tmp_path / "kept", readers, plan.recipe)
        calibrators, refused = build_masters(plan.calibration, store, Progress())
        assert not refused
        found = plan.stacks[0].lights[0]
        light = Light.of(found, plan.recipe, calibrators[plan.calibration.pairings[found.id]])
        image = calibrated(light, readers.window(found.id), 0, 0, None)
    level = 1000 * falloff.mean()
    np.testing.assert_allclose(np.nanmean(image, axis=0), level, rtol=0.005)
    np.testing.assert_allclose(np.nanmean(image, axis=1), level, rtol=0.005)


@pytest.mark.parametrize(
    "cards",
    [
        {"TRIMSEC": "[1:10,1:8]"},
        {"BIASSEC": "[1:10,1:8]"},
        {"BIASSEC": "[1:4,1:8]", "TRIMSEC": "[1:10,1:8]"},
        {"BIASSEC": "[0:0,0:0]"},
        {"TRIMSEC": "[5:6,5:6]", "NCOMBINE": 9, "IMAGETYP": "Dark"},
    ],
)
def test_sections_that_mean_nothing_change_nothing(tmp_path, cards):
    image = np.arange(80, dtype=np.uint16).reshape(8, 10)
    path = frame(tmp_path / "l.fits", image, **{"IMAGETYP": "Light", **cards})
    seen = scan([path])
    header = seen.found[0].header
    assert (header.width, header.height) == (10, 8)
    with Readers() as readers:
        np.testing.assert_array_equal(readers.window(seen.found[0].id), image)
        assert not readers._decoded  # read where it lies


def test_an_overscan_that_nobody_measured_is_a_refusal(tmp_path):
    image = np.full((8, 10), np.nan, np.float32)
    path = frame(tmp_path / "l.fits", image, IMAGETYP="Light", BIASSEC="[8:10,1:8]", TRIMSEC="[1:7,1:8]")
    with Readers() as readers, pytest.raises(FrameError) as caught:
        readers.window(FrameId(str(path)))
    assert caught.value.code is Refusal.UNREADABLE


def held(folder):
    """Files of a folder that this process holds open, and those it has mapped; its descriptors."""
    process = psutil.Process()
    of_folder = [
        {one.path for one in some if one.path.startswith(str(folder))}
        for some in (process.open_files(), process.memory_maps())
    ]
    descriptors = process.num_fds() if hasattr(process, "num_fds") else 0
    return len(of_folder[0]), len(of_folder[1]), descriptors


@pytest.mark.parametrize("mapped", [30, 400])
def test_two_hundred_frames_never_hold_more_than_64_files_open(tmp_path, mapped):
    frames = []
    for index in range(200):
        image = np.full((4, 6), index, np.uint16)
        suffix = ".fits.gz" if index % 4 == 0 else ".fits"  # some must be unpacked first
        frames.append(FrameId(str(frame(tmp_path / f"light{index:03}{suffix}", image))))
    before = held(tmp_path)[2]
    looks = []
    with Readers(scratch=tmp_path, mapped=mapped) as readers:
        for _ in range(2):
            for index, one in enumerate(frames):
                assert (readers.window(one, slice(1, 2), slice(0, 3)) == index).all()
                if index % 20 == 19:
                    looks.append(held(tmp_path))
        assert 10 < readers.most_open <= OPEN_FILES + 1
    opened, at_hand, descriptors = np.max(looks, axis=0)
    assert opened <= 64
    assert descriptors - before <= 64
    assert 10 < at_hand <= max(mapped, OPEN_FILES) + 1
    assert held(tmp_path)[:2] == (0, 0)
    assert not list(tmp_path.glob("sidera-*"))  # the scratch folder is gone


def test_any_thread_gets_the_pixels_it_asked_for(tmp_path):
    frames = [FrameId(str(frame(tmp_path / f"{i}.fits", np.full((4, 6), i, np.uint16)))) for i in range(12)]
    wrong = []
    with Readers(limit=3) as readers:

        def work(start):
            for turn in range(60):
                index = (start * 5 + turn) % 12
                if (readers.window(frames[index]) != index).any():
                    wrong.append(index)

        threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert not wrong


def test_a_broken_file_is_refused_every_time(tmp_path):
    path = tmp_path / "l.fits"
    path.write_bytes(b"SIMPLE  =                    T" + b" " * 50)
    with Readers() as readers:
        for _ in range(2):
            with pytest.raises(FrameError):
                readers.window(FrameId(str(path)))


def test_a_frame_that_was_closed_meanwhile_is_read_on_without_its_header(tmp_path, monkeypatch):
    from sidera.pipeline import readers as module

    images = [np.full((6, 8), value, np.uint16) for value in range(5)]
    ids = [FrameId(str(frame(tmp_path / f"{n}.fits", image))) for n, image in enumerate(images)]
    opened = []
    open_frame = module.open_frame
    monkeypatch.setattr(module, "open_frame", lambda *given: opened.append(given) or open_frame(*given))
    with Readers(limit=2, mapped=2) as readers:
        for _ in range(3):
            for one, image in zip(ids, images, strict=True):
                np.testing.assert_array_equal(readers.window(one, slice(1, 4)), image[1:4])
        assert len(opened) == 5
        assert readers.most_open <= 3
        with open(ids[0].path, "ab") as stream:
            stream.write(bytes(2880))
        with pytest.raises(FrameError, match="size has changed"):
            readers.window(ids[0])
