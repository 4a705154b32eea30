"""Lines in and out."""

import json
import os
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidera.engine.protocol import Success
from sidera.engine.values import PreviewFile, Sky
from sidera.engine.wire import LONGEST, Output, encode, id_within, lines


def through_a_pipe(data):
    """The lines of these bytes."""
    reading, writing = os.pipe()

    def fill():
        with os.fdopen(writing, "wb") as stream:
            stream.write(data)

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        return list(lines(reading))
    finally:
        filler.join()
        os.close(reading)


@given(st.lists(st.binary(min_size=1, max_size=40).map(lambda text: text.replace(b"\n", b"-")), max_size=20))
def test_lines_come_out_as_they_went_in(texts):
    wanted = [text.strip() for text in texts if text.strip()]
    assert [line.text for line in through_a_pipe(b"\n".join(texts))] == wanted


@pytest.mark.parametrize("size", [LONGEST, LONGEST + 1, 3 * LONGEST + 7])
def test_a_line_of_more_than_a_mebibyte_is_skipped_and_the_next_is_read(size):
    first, second = through_a_pipe(b"x" * size + b"\n" + b'{"id":2}\n')
    assert first.whole is (size <= LONGEST)
    assert len(first.text) <= LONGEST
    assert second == (b'{"id":2}', True)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"id": 7, "cmd": "stack", ', b"7"),
        ('{"cmd": {"id": 3}, "id": "a\\"b", oops', b'"a\\"b"'),
        ('{"path": "\\"id\\": 5", "id": -1.5e3 x', b"-1.5e3"),
        ('{"id": [1]', None),
        ('{"id": tru', None),
        ("id: 4", None),
    ],
)
def test_the_id_is_found_in_a_line_that_is_no_json(text, name):
    assert id_within(text) == name


def test_not_a_number_leaves_the_engine_as_null():
    assert json.loads(encode(Sky(float("nan"), float("-inf")))) == {"ra": None, "dec": None}


def test_a_file_name_that_is_no_unicode_is_told_all_the_same():
    told = json.loads(encode(PreviewFile("Ori\udcf3n.fits", 3, 2)))
    assert told == {"path": "Ori\udcf3n.fits", "width": 3, "height": 2}
    answer = Success(id=msgspec.Raw(b"1.50"), data=PreviewFile("\udcf3", 1, 1))
    assert json.loads(encode(answer))["id"] == 1.5


def test_messages_of_many_threads_are_whole_lines():
    reading, writing = os.pipe()
    output = Output(writing)
    threads = [
        threading.Thread(target=lambda: [output.send(PreviewFile("p" * 3000, n, n)) for n in range(20)])
        for _ in range(4)
    ]
    told = []
    reader = threading.Thread(target=lambda: told.extend(lines(reading)))
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    os.close(writing)
    reader.join()
    os.close(reading)
    assert len([json.loads(line.text) for line in told]) == 80


def test_where_nobody_reads_any_more_messages_are_lost_in_peace():
    reading, writing = os.pipe()
    os.close(reading)
    output = Output(writing)
    output.send(Sky(1.0, 2.0))
    os.close(writing)
    assert output.broken.is_set()
