"""Files that are mapped into memory."""

import gc
import os
import threading

import numpy as np
import psutil
import pytest

from sidera.io.mapping import KEEPS_OPEN, MappedFile


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def maps(path):
    return sum(one.path == str(path) for one in psutil.Process().memory_maps())


def test_the_bytes_are_those_of_the_file(file):
    mapped = MappedFile(file)
    assert len(mapped) == 10_240
    assert mapped.read_at(254, 4) == bytes([254, 255, 0, 1])
    assert mapped.read_at(10_239, 99) == bytes([255])
    words = np.frombuffer(mapped.view, ">u2", 3, 2)
    assert words.tolist() == [0x0203, 0x0405, 0x0607]
    assert not words.flags.writeable
    del words
    mapped.close()
    mapped.close()


@pytest.mark.skipif(KEEPS_OPEN, reason="this system keeps a mapped file open")
def test_a_mapped_file_is_not_open_and_is_gone_once_closed(file):
    opened = psutil.Process().num_fds()
    many = [MappedFile(file) for _ in range(100)]
    assert psutil.Process().num_fds() == opened
    assert maps(file)
    for one in many:
        one.close()
    del many, one
    gc.collect()
    assert not maps(file)


def test_what_is_still_looked_at_stays(file):
    mapped = MappedFile(file)
    words = np.frombuffer(mapped.view, np.uint8)
    mapped.close()
    del mapped
    gc.collect()
    assert words[300] == 44
    assert maps(file)
    del words
    gc.collect()
    assert not maps(file)


def test_empty_and_absent_files_are_errors(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="empty"):
        MappedFile(tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        MappedFile(tmp_path / "absent")
    with pytest.raises((IsADirectoryError, PermissionError)):
        MappedFile(tmp_path)


def test_threads_may_map_and_unmap_at_once(file):
    wrong = []

    def work():
        for _ in range(300):
            mapped = MappedFile(file)
            if mapped.read_at(5, 2) != bytes([5, 6]):
                wrong.append(1)
            mapped.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [one.start() for one in threads]
    [one.join() for one in threads]
    assert not wrong
    assert os.path.getsize(file) == 10_240
