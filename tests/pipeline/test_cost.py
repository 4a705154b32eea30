"""What a run is said to cost."""

import pytest

from sidera.model.header import Header
from sidera.pipeline.cost import Work, estimate, size_in_words


def lights(count, **facts):
    return tuple([Header(**{"width": 1000, "height": 800, "format": "FITS", **facts})] * count)


def cost(count, channels=3, calibration=(), threads=2, halves=False, **facts):
    return estimate([Work(lights(count, **facts), channels)], calibration, threads, halves)


def test_twice_the_frames_take_at_most_twice_the_time():
    one, two = cost(20), cost(40)
    assert one.seconds < two.seconds <= 2.1 * one.seconds


def test_thousands_of_small_frames_take_their_time_by_number_more_than_by_size():
    many, large = cost(5000, channels=1, width=640, height=480), cost(64, channels=1, width=6000, height=4000)
    assert many.seconds > 3 * large.seconds  # as many pixels, in eighty times as many files


def test_memory_hardly_grows_with_the_number_of_frames():
    assert cost(2000).memory < 1.2 * cost(200).memory


def test_the_disk_is_what_the_maps_take():
    assert cost(20).disk == 800_000 * 3 * 15  # three float32 and three counts of a byte
    assert cost(20, channels=1).disk == 800_000 * 15
    assert cost(300, channels=1).disk == 800_000 * 18  # that no longer fit into a byte
    assert cost(20, halves=True).disk == 800_000 * 3 * (15 + 8)


def test_formats_that_must_be_unpacked_need_room_meanwhile():
    assert cost(10).scratch == 0
    assert cost(10, format="DNG").scratch == 10 * 800_000 * 2
    assert cost(10, format="XISF", bits="float32", planes=3).scratch == 10 * 800_000 * 3 * 4
    assert "meanwhile" in cost(10, format="DNG").in_words()


def test_a_second_thread_is_quicker_and_takes_its_own_tile():
    one, two = cost(20, threads=1), cost(20, threads=2)
    assert two.seconds < one.seconds
    assert two.memory > one.memory


@pytest.mark.parametrize(("count", "told"), [(5 << 20, "5 MiB"), (3 << 29, "1.5 GiB")])
def test_sizes_for_people(count, told):
    assert size_in_words(count) == told
