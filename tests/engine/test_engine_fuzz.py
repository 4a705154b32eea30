"""Ten thousand lines of rubbish: no exit, and every id that can be read is answered."""

import json
import queue
import random
from collections import Counter

import pytest

from engine.talking import Child, Near
from sidera.engine.requests import COMMANDS
from sidera.engine.wire import LONGEST, Line
from smallnight import frame

LINES = 10_000
SEEDS = [
    {"cmd": "info", "path": "light.fits"},
    {"cmd": "load", "path": "light.fits"},
    {
        "cmd": "preview",
        "imageId": "image-1",
        "outputPath": "a.rgba",
        "stretch": {"shadows": 0.1, "midtones": 0.2},
    },
    {"cmd": "histogram", "imageId": "image-1", "channel": 0, "bins": 16},
    {"cmd": "autoStretch", "imageId": "image-1"},
    {"cmd": "release", "imageId": "image-9"},
    {"cmd": "pipeline", "lightPaths": ["nothing.fits"], "kappa": 2.5, "stackMethod": "median"},
    {"cmd": "save", "imageId": "image-1", "outputPath": "out.fits", "format": "fits"},
    {"cmd": "hello", "events": []},
    {"cmd": "jobs"},
    {"cmd": "cancel", "job": "job-1"},
    {"cmd": "log", "after": 3, "level": "error"},
    {"cmd": "open", "path": "light.fits", "colour": False},
    {"cmd": "view", "image": "image-1"},
    {"cmd": "tile", "image": "image-1", "level": 0, "x": 0, "y": 0, "channel": 0},
    {"cmd": "pixel", "image": "image-1", "x": 3, "y": -4, "width": 8},
    {"cmd": "stars", "image": "image-1", "most": 5},
    {"cmd": "scan", "inputs": ["light.fits"], "exclude": ["*"]},
    {"cmd": "plan", "inputs": ["nothing.fits"], "recipe": {"integration": {"keep": 0.5}}},
    {"cmd": "measure", "inputs": ["nothing.fits"]},
    {"cmd": "stack", "inputs": ["nothing.fits"], "memory": 5, "threads": 1},
    {"cmd": "finish", "image": "image-1"},
    {"cmd": "recipe", "changes": ["integration.keep=0.5"]},
    {"cmd": "project.status", "folder": "nothing"},
]
ODD = [None, True, -1, 2**70, 1e308, "", "\0", "é" * 50, [], {}, [[1]], {"a": {"b": 1}}, "image-1", 3.5]


def rubbish(dice, number):
    """A line: a request with one field made odd, or its bytes damaged, or noise, or something huge."""
    request = {"id": f"line-{number}", **dice.choice(SEEDS)}
    if dice.random() < 0.5:
        request[dice.choice([*request, "extra"])] = dice.choice(ODD)
    text = bytearray(json.dumps(request).encode())
    way = dice.random()
    if way < 0.45:
        for _ in range(dice.randint(1, 4)):
            text[dice.randrange(len(text))] = dice.randrange(256)
    elif way < 0.55:
        del text[dice.randrange(len(text)) :]
    elif way < 0.6:
        text = bytearray(dice.randbytes(dice.randint(1, 200)))
    elif way < 0.602:
        text += b" " * LONGEST
    return bytes(text).replace(b"\n", b" ").strip() or b"x"


def readable_id(text):
    """The id, as any client could read it."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    name = tree.get("id") if isinstance(tree, dict) else None
    return None if isinstance(name, bool | list | dict) or name is None else json.dumps(name)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a small light to play with; whatever is written lands there."""
    monkeypatch.chdir(tmp_path)
    frame(tmp_path / "light.fits", [[1.0, 2, 3], [4, 5, 6], [7, 8, 9]], IMAGETYP="Light")
    return tmp_path


def answers_of(talk, wanted):
    """Ids of the final answers, until as many came as are wanted; the rest is what is left over."""
    found = Counter()
    while found.total() < wanted:
        message = talk._messages.get(timeout=120)
        if "ok" in message:
            found[json.dumps(message["id"])] += 1
            assert message.get("code") != "internal", message
    return found


def test_ten_thousand_bad_lines_end_nothing_and_every_readable_id_is_answered(here):
    dice, talk = random.Random(20260101), Near()
    texts = [rubbish(dice, number) for number in range(LINES)]
    for text in texts:
        talk.engine.answer(Line(text[:LONGEST], len(text) <= LONGEST))
    found = answers_of(talk, LINES)
    wanted = Counter(name for text in texts if (name := readable_id(text)) is not None)
    assert wanted.total() > LINES / 3
    assert not wanted - found
    assert talk.data("hello")["engine"] == "sidera"
    talk.close()
    with pytest.raises(queue.Empty):
        talk._messages.get_nowait()  # one answer a line, and no more


def test_a_real_engine_lives_through_hundreds_of_bad_lines(here):
    dice, child = random.Random(7), Child()
    texts = [rubbish(dice, number) for number in range(300)] + [
        b"z" * (3 * LONGEST),
        b'{"id": "end", "cmd": "jobs"}',
    ]
    for text in texts:
        child.line(text)
    found = answers_of(child, len(texts))
    wanted = Counter(name for text in texts if (name := readable_id(text)) is not None)
    assert not wanted - found
    assert found['"end"'] == 1
    assert child.close() == 0


def test_every_command_is_among_the_seeds_but_those_that_would_end_it_all():
    left = set(COMMANDS) - {seed["cmd"] for seed in SEEDS}
    assert {name for name in left if not name.startswith("project.")} == {
        "releaseAll",
        "imageInfo",
        "shutdown",
    }
