"""The predecessor's ten commands, word for word, on a simulated night."""

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from engine.talking import Child, Near
from sidera.engine import legacy
from sidera.model.header import Kind
from sidera.pipeline.progress import Event
from smallnight import frame, small_night

STAGES = [
    "Loading bias frames", "Loading dark frames", "Loading flat frames", "Creating master bias",
    "Creating master dark", "Creating master flat", "Registering frames", "Stacking", "Post-processing", "Complete",
]  # fmt: skip


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return small_night(tmp_path_factory.mktemp("old") / "night")


@pytest.fixture(scope="module")
def engine():
    talk = Near()
    yield talk
    talk.close()


def paths(night):
    """Fields of ``pipeline``."""
    kinds = {"light": "lights", "dark": "darks", "flat": "flats", "bias": "biases"}
    return {f"{kind}Paths": sorted(map(str, (night / folder).iterdir())) for kind, folder in kinds.items()}


RECORDED = """\
> {"id":"1","cmd":"info","path":"LIGHT"}
< {"id":"1","ok":true,"data":{"path":"LIGHT","width":300,"height":240,"channels":1,"bitpix":16,"frameType":"Light",\
"exposureTime":120.0,"temperature":-10.0,"gain":100.0,"filterName":null,"bayerPattern":"RGGB"}}
> {"id":"2","cmd":"load","path":"LIGHT"}
< {"id":"2","ok":true,"data":{"imageId":"IMAGE"}}
> {"id":"3","cmd":"imageInfo","imageId":"IMAGE"}
< {"id":"3","ok":true,"data":{"width":300,"height":240,"channels":1}}
> {"id":"4","cmd":"preview","imageId":"IMAGE","outputPath":"HERE/a.rgba","stretch":null}
< {"id":"4","ok":true,"data":{"path":"HERE/a.rgba","width":300,"height":240}}
> {"id":"5","cmd":"preview","imageId":"IMAGE","outputPath":"HERE/b.rgba",\
"stretch":{"shadows":0,"midtones":0.5,"highlights":1}}
< {"id":"5","ok":true,"data":{"path":"HERE/b.rgba","width":300,"height":240}}
> {"id":"6","cmd":"histogram","imageId":"IMAGE","channel":0,"bins":256}
< {"id":"6","ok":true,"data":{"channel":0}}
> {"id":"7","cmd":"autoStretch","imageId":"IMAGE"}
< {"id":"7","ok":true,"data":{"highlights":1.0}}
> {"id":"8","cmd":"save","imageId":"IMAGE","outputPath":"HERE/a.tif","format":"tif"}
< {"id":"8","ok":true,"data":{}}
> {"id":"9","cmd":"release","imageId":"IMAGE"}
< {"id":"9","ok":true,"data":{}}
> {"id":"10","cmd":"release","imageId":"never"}
< {"id":"10","ok":true,"data":{}}
> {"id":"11","cmd":"imageInfo","imageId":"IMAGE"}
< {"id":"11","ok":false}
> {"id":"12","cmd":"releaseAll"}
< {"id":"12","ok":true,"data":{}}
> {"id":"13","cmd":"info","path":"HERE/nothing.fits"}
< {"id":"13","ok":false}
"""


def test_a_recorded_conversation(night, tmp_path):
    child, image = Child(), ""
    light = paths(night)["lightPaths"][0]
    for entry in RECORDED.replace("LIGHT", light).replace("HERE", str(tmp_path)).splitlines():
        way, _, text = entry.partition(" ")
        if way == ">":
            child.line(text.replace("IMAGE", image).encode())
            continue
        wanted = json.loads(text)
        answer = child.answer(wanted["id"])
        image = answer.get("data", {}).get("imageId", image)
        assert answer["ok"] is wanted["ok"], answer
        data = {key: answer["data"][key] for key in wanted.get("data", {}) if key != "imageId"}
        assert data == {key: value for key, value in wanted.get("data", {}).items() if key != "imageId"}
    assert child.close() == 0
    assert (tmp_path / "a.rgba").stat().st_size == 300 * 240 * 4


def test_pipeline_gives_an_image_through_the_stages_of_old(engine, night, tmp_path):
    name = engine.send("pipeline", **paths(night))
    answer = engine.answer(name)
    assert answer["ok"], answer
    told = engine.progress(name)
    assert list(dict.fromkeys(step["stage"] for step in told)) == STAGES
    assert all(0 <= step["percent"] <= 1 for step in told)
    overall = [step["overall"] for step in told]
    assert overall == sorted(overall)
    image = answer["data"]["imageId"]
    assert engine.data("imageInfo", imageId=image) == {"width": 300, "height": 240, "channels": 3}
    for form in ("fits", "tiff", "png"):
        engine.data("save", imageId=image, outputPath=str(tmp_path / f"stack.{form}"), format=form)
    assert fits.getdata(tmp_path / "stack.fits").shape == (3, 240, 300)
    with Image.open(tmp_path / "stack.png") as picture:
        assert picture.size == (300, 240)


def test_the_stages_of_old_never_go_back():
    stages = legacy.Stages()
    stages.masters = [Kind.FLAT, Kind.BIAS, Kind.DARK]
    events = [Event("masters", done, 3, 0.0, None) for done in range(4)] + [Event("scan", 1, 1, 0.0, None)]
    told = [named.stage for event in events if (named := stages(event)) is not None]
    assert told == ["Creating master flat", "Creating master flat"]


def stacked(engine, tmp_path, method, **options):
    """The stack of six frames of which one is crossed by a trail of 20,000 ADU."""
    rng = np.random.default_rng(3)
    stars = np.zeros((200, 240))
    rows, columns = np.mgrid[:200, :240]
    for x, y in rng.uniform(10, 190, (60, 2)):
        stars += rng.uniform(500, 5000) * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4.5)
    folder = tmp_path / "six"
    for number in range(6):
        image = rng.normal(1000 + stars, 10)
        if number == 3:
            image[100] += 20_000
        frame(folder / f"light_{number}.fits", image.astype(np.float32), IMAGETYP="Light", EXPTIME=60.0)
    lights = sorted(map(str, folder.iterdir()))
    image = engine.data("pipeline", lightPaths=lights, stackMethod=method, **options)["imageId"]
    target = tmp_path / f"{method}.fits"
    engine.data("save", imageId=image, outputPath=str(target))
    sky = stars < 1
    trail = np.zeros_like(sky)
    trail[100, 20:220] = True
    return fits.getdata(target), sky & trail


def test_the_method_asked_for_is_the_method_used(engine, tmp_path):
    left = {}
    for method in ("mean", "median", "sigma_clip_mean", "sigma_clipped_median"):
        image, trail = stacked(engine, tmp_path, method)
        left[method] = float(np.median(image[trail])) - 1000
    assert left["mean"] == pytest.approx(3333, rel=0.02)
    assert abs(left["median"]) < 20
    assert abs(left["sigma_clip_mean"]) < 5
    assert abs(left["sigma_clipped_median"]) < 20


def test_kappa_is_not_passed_over(engine, tmp_path):
    image, trail = stacked(engine, tmp_path, "sigma_clip_mean", kappa=1e6)
    assert float(np.median(image[trail])) - 1000 == pytest.approx(3333, rel=0.02)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"stackMethod": "sigma"}, "$.stackMethod"),
        ({"bayerPattern": "XTRANS"}, "$.bayerPattern"),
        ({"kappa": 0}, "$.kappa"),
        ({"iterations": 0}, "$.iterations"),
    ],
)
def test_what_the_predecessor_silently_replaced_is_refused(engine, night, fields, place):
    answer = engine.ask("pipeline", **paths(night), **fields)
    assert (answer["ok"], answer["path"]) == (False, place)


@pytest.mark.parametrize(("pattern", "channels"), [("rggb", 3), ("none", 1), ("NONE", 1), (None, 3)])
def test_the_bayer_pattern_is_taken_in_any_case(engine, night, pattern, channels):
    lights = paths(night)["lightPaths"]
    image = engine.data("pipeline", lightPaths=lights, bayerPattern=pattern)["imageId"]
    assert engine.data("imageInfo", imageId=image)["channels"] == channels


def test_a_run_without_lights_says_so(engine, night):
    answer = engine.ask("pipeline", darkPaths=paths(night)["darkPaths"])
    assert answer["code"] == "nothing_to_stack"


def test_a_source_frame_is_never_written_to(engine, night):
    light = Path(paths(night)["lightPaths"][0])
    before = light.read_bytes()
    image = engine.data("load", path=str(light))["imageId"]
    answer = engine.ask("save", imageId=image, outputPath=str(light))
    assert (answer["ok"], answer["path"]) == (False, "$.outputPath")
    assert light.read_bytes() == before
