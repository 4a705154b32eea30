"""Images held: named, bounded, released."""

import subprocess
import sys
import tempfile

import numpy as np
import pytest

from sidera.engine.failures import RequestError
from sidera.engine.images import Images
from sidera.engine.pyramid import LevelCache
from sidera.errors import DiskFullError
from sidera.model.frame import Frame
from sidera.model.header import Card, Header
from sidera.model.stack import Stack


def frame(value=1.0, shape=(40, 50)):
    return Frame(np.full(shape, value, np.float32), Header(width=shape[1], height=shape[0]))


def small_stack():
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    counts = np.full((3, 4), 7, np.uint16)
    return Stack(
        image, image / 10, image * 2, counts, counts // 7, counts * 0, cards=(Card("OBJECT", "M 8"),)
    )


@pytest.fixture
def images(tmp_path):
    made = Images(1 << 20, LevelCache(tmp_path))
    yield made
    made.release_all()


def test_an_image_is_there_until_it_is_released(images):
    held = images.add_frame(frame(), "a", "a.fits")
    assert images.get(held.id).image[0, 0] == 1
    images.release(held.id)
    images.release(held.id)  # an unknown one is let go already
    with pytest.raises(RequestError, match="there is no image"):
        images.get(held.id)
    assert images.bytes() == 0


def test_a_stack_comes_back_whole_with_its_maps_and_cards(images):
    stack = small_stack()
    held = images.add_stack(stack, "M 8", None)
    back = held.item()
    for name in ("image", "noise", "weight", "coverage", "rejected_low", "rejected_high"):
        np.testing.assert_array_equal(getattr(back, name), getattr(stack, name))
    assert back.cards == stack.cards
    assert images.pyramid(f"{held.id}.coverage").pixels[0, 0, 0] == 7


def test_beyond_the_limit_images_wait_on_disk_with_every_bit(images):
    names = [images.add_frame(frame(number, (300, 400)), "a", None).id for number in range(8)]  # 480 kB each
    assert images.bytes() <= 1 << 20
    assert images.get(names[0]).mapped
    assert not images.get(names[-1]).mapped
    for number, name in enumerate(names):
        assert float(images.get(name).image.max()) == number


def test_what_a_killed_engine_left_on_disk_is_swept(images, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    left = tmp_path / f"sidera-images-{gone.stdout.strip()}-abc"
    left.mkdir()
    images.add_frame(frame(1, (600, 600)), "a", None)
    assert not left.exists()
    assert len(list(tmp_path.glob("sidera-images-*"))) == 1


def test_the_image_used_last_stays_in_memory(images):
    first = images.add_frame(frame(1, (300, 400)), "a", None).id
    second = images.add_frame(frame(2, (300, 400)), "b", None).id
    images.get(first)
    images.add_frame(frame(3, (300, 400)), "c", None)
    assert (images.get(first).mapped, images.get(second).mapped) == (False, True)


def test_the_key_of_the_pixels_stands_for_the_image(images):
    held = images.add_frame(frame(), "a", None)
    key = images.pyramid(held.id).key
    images.known_as(key, held.id)
    assert images.get(key).id == held.id
    images.release(held.id)
    with pytest.raises(RequestError):
        images.get(key)


def test_where_the_disk_is_full_the_image_is_refused_and_the_others_stay(images, monkeypatch):
    first = images.add_frame(frame(1, (200, 200)), "a", None).id

    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DiskFullError, match="no room"):
        images.add_frame(frame(2, (600, 600)), "b", None)
    assert len(images) == 1
    assert images.get(first).image[0, 0] == 1
