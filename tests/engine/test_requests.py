"""From a line to a request, and every way in which it can be wrong."""

import pytest

from sidera.engine.failures import RequestError
from sidera.engine.protocol import Info, Pipeline, Save, Stack
from sidera.engine.requests import understood
from sidera.engine.wire import Line


def wrong(text):
    """What is wrong with a line: id, code and place."""
    asked = understood(Line(text))
    assert isinstance(asked.request, RequestError), asked
    return bytes(asked.id), asked.request.code, asked.request.place


@pytest.mark.parametrize(
    ("text", "name", "place"),
    [
        (b'{"id": 1, "cmd": "info", "path": 3}', b"1", "$.path"),
        (b'{"id": "a", "cmd": "pipeline", "kappa": "x"}', b'"a"', "$.kappa"),
        (b'{"id": 1, "cmd": "pipeline", "lightPaths": ["a", 2]}', b"1", "$.lightPaths[1]"),
        (b'{"id": 1, "cmd": "preview", "imageId": "a"}', b"1", "$.outputPath"),
        (
            b'{"id": 1, "cmd": "stack", "recipe": {"integration": {"keep": 2}}}',
            b"1",
            "$.recipe.integration.keep",
        ),
        (
            b'{"id": 1, "cmd": "stack", "recipe": {"integration": {"kep": 1}}}',
            b"1",
            "$.recipe.integration.kep",
        ),
        (b'{"id": 1, "cmd": "hello", "loud": true}', b"1", "$.loud"),
        (b'{"id": 1, "cmd": "dance"}', b"1", "$.cmd"),
        (b'{"id": 1, "cmd": 5}', b"1", "$.cmd"),
        (b'{"id": 1}', b"1", "$.cmd"),
        (b'{"cmd": "hello"}', b"null", "$.id"),
        (b'{"id": null, "cmd": "hello"}', b"null", "$.id"),
        (b'{"id": true, "cmd": "hello"}', b"null", "$.id"),
        (b'{"id": 1, "cmd": "scan", "inputs": ["a", "b\\u0000c"]}', b"1", "$.inputs[1]"),
        (b'{"id": 1, "cmd": "hello"', b"1", ""),
        (b'{"id": 1, "cmd": "info", "path": "\xff"}', b"1", ""),
        (b'{"id": 1, "cmd": "pipeline", "kappa": NaN}', b"1", ""),
        (b"[1, 2]", b"null", ""),
        (b"[" * 100_000, b"null", ""),
    ],
)
def test_a_bad_request_is_told_with_its_id_and_the_place(text, name, place):
    assert wrong(text) == (name, "bad_request", place)


def test_a_line_that_is_too_long_is_told_with_its_id():
    asked = understood(Line(b'{"id": "big", "cmd": "info", "path": "' + b"x" * 100, whole=False))
    assert (bytes(asked.id), asked.request.code) == (b'"big"', "too_large")


@pytest.mark.parametrize("name", [b"1.50", b'"\\u00e9"', b"123456789012345678901234567890", b"1e999", b'""'])
def test_an_id_comes_back_as_it_was_sent(name):
    asked = understood(Line(b'{"cmd": "jobs", "id": ' + name + b"}"))
    assert bytes(asked.id) == name


def test_the_old_commands_pass_over_what_they_do_not_know():
    assert understood(Line(b'{"id":"1","cmd":"info","path":"a","colour":1}')).request == Info(
        id="1", path="a"
    )


def test_the_old_commands_have_their_old_defaults():
    asked = understood(Line(b'{"id":1,"cmd":"pipeline"}')).request
    assert asked == Pipeline(
        id=1, stack_method="sigma_clip_mean", kappa=3.0, iterations=5, bayer_pattern=None
    )
    saved = understood(Line(b'{"id":1,"cmd":"save","imageId":"i","outputPath":"o"}')).request
    assert saved == Save(id=1, image_id="i", output_path="o", format="fits", stretch=None)


def test_a_recipe_need_name_only_what_it_changes():
    asked = understood(Line(b'{"id":1,"cmd":"stack","recipe":{"integration":{"rejection":"none"}}}')).request
    assert isinstance(asked, Stack)
    assert asked.recipe.integration.rejection == "none"
    assert asked.recipe.integration.combine == "mean"


def test_a_file_name_that_is_no_unicode_may_be_asked_for():
    asked = understood(Line(b'{"id":1,"cmd":"info","path":"Ori\\udcf3n.fits"}'))
    assert asked.request == Info(id=1, path="Ori\udcf3n.fits")


def test_a_misspelt_command_is_met_with_a_guess():
    asked = understood(Line(b'{"id":1,"cmd":"relaese"}'))
    assert asked.request.cure == "did you mean release?"
