"""Our own commands on a simulated night: scan, plan, measure, stack, and looking at what came of it."""

import base64
import shlex

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from engine.talking import Near
from sidera.engine.recipes import changes
from sidera.pipeline.recipe import Recipe
from sidera.stretch.curves import Curve
from smallnight import small_night

UNCORRECTED = {
    name: {"enabled": False}
    for name in ("crop", "gradient", "neutralise", "whitebalance", "starcolour", "scnr", "denoise")
}


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    return small_night(tmp_path_factory.mktemp("work") / "night")


@pytest.fixture(scope="module")
def engine():
    talk = Near()
    talk.data("hello", events=["job", "log"])
    yield talk
    talk.close()


@pytest.fixture(scope="module")
def stacked(engine, night, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out")
    answer = engine.data("stack", inputs=[str(night)], output=str(folder / "m8.fits"))
    return answer, folder


def test_scan_tells_what_a_folder_holds_and_from_what(engine, night):
    told = engine.data("scan", inputs=[str(night)])
    kinds = [one["kind"] for one in told["frames"]]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"light": 6, "dark": 3, "flat": 3, "bias": 3}
    light = next(one for one in told["frames"] if one["kind"] == "light")
    assert (light["exposure"], light["bayer"], light["width"]) == (120.0, "RGGB", 300)
    assert light["sources"]["kind"]


def test_plan_tells_formula_cost_and_the_same_run_as_a_command_line(engine, night):
    recipe = {"integration": {"rejection": "winsorized", "halves": True}}
    told = engine.data("plan", inputs=[str(night)], recipe=recipe, exclude=["*_0003*"], output="a b.fits")
    assert told["stacks"][0]["lights"] == 5
    assert told["calibration"][0]["formula"] == "(light − dark) / flat"
    assert told["cost"]["seconds"] > 0
    words = shlex.split(told["command"])
    assert words[:3] == ["sidera", "stack", str(night)]
    assert words[3:] == [
        "--exclude", "*_0003*", "--set", "integration.rejection=winsorized", "--set", "integration.halves=true",
        "--output", "a b.fits",
    ]  # fmt: skip


def test_the_changes_of_a_recipe_make_it_again():
    wanted = Recipe().with_settings(
        ["integration.keep=0.75", "registration.framing=union", "scnr.enabled=true"]
    )
    assert Recipe().with_settings(changes(wanted)) == wanted
    assert changes(Recipe()) == ()


def test_measure_tells_of_each_frame_as_it_comes(engine, night):
    name = engine.send("measure", inputs=[str(night / "lights")])
    answer = engine.answer(name)["data"]
    came = [one["frame"] for one in engine.heard if one.get("id") == name and "frame" in one]
    assert came == answer["frames"]
    assert len(came) == 6
    assert all(one["stars"] > 20 and 1 < one["fwhm"] < 6 and len(one["sky"]) == 3 for one in came)


def test_a_stack_is_written_held_and_reported(stacked):
    answer, folder = stacked
    (made,) = answer["stacks"]
    assert (made["width"], made["height"], made["channels"]) == (300, 240, 3)
    assert sorted(path.rsplit("/", 1)[-1] for path in answer["written"]) == [
        "m8.fits", "m8_report.html", "m8_report.json",
    ]  # fmt: skip
    assert answer["report"]["stacks"][0]["frames_used"] == 6
    assert made["path"] == str(folder / "m8.fits")


def test_the_exact_pixels_are_those_of_the_file(engine, stacked):
    answer, folder = stacked
    pixels = engine.data("pixel", image=answer["stacks"][0]["image"], x=100, y=50, width=5, height=4)
    wanted = fits.getdata(folder / "m8.fits")[:, 50:54, 100:105]
    np.testing.assert_array_equal(np.array(pixels["values"], np.float32), wanted)
    edge = engine.data("pixel", image=answer["stacks"][0]["image"], x=-3, y=238, width=5, height=9)
    assert (edge["x"], edge["y"], edge["width"], edge["height"]) == (0, 238, 2, 2)


def test_a_tile_gives_the_pixels_back(engine, stacked):
    answer, folder = stacked
    view = engine.data("view", image=answer["stacks"][0]["image"])
    tile = engine.data("tile", image=view["key"], level=0, x=0, y=0, channel=1)
    values = np.frombuffer(base64.b64decode(tile["pixels"]), "<f2").reshape(tile["height"], tile["width"])
    one = view["ranges"][1]
    adu = np.where(values == view["sentinel"], np.nan, values.astype(float) * one["spread"] + one["centre"])
    image = fits.getdata(folder / "m8.fits")[1]
    sky = np.abs(image - one["centre"]) < 10 * one["spread"]
    np.testing.assert_allclose(adu[1:-1, 1:-1][sky], image[sky], atol=0.01 * one["spread"])


def test_the_maps_of_a_stack_are_looked_at_like_any_image(engine, stacked):
    maps = stacked[0]["stacks"][0]["maps"]
    coverage = engine.data("view", image=maps["coverage"])
    assert (coverage["kind"], coverage["ranges"][0]["maximum"]) == ("map", 6.0)
    assert engine.data("tile", image=coverage["key"], level=0, x=0, y=0)["width"] == 302
    shown = coverage["linked"][0]  # from nothing to all frames: what auto-stretch makes of a count is black
    assert (shown["low"], shown["high"], shown["midtones"]) == (0.0, 6.0, 0.5)
    empty = engine.data("view", image=maps["rejected_low"])["linked"][0]
    assert empty["high"] > empty["low"]


def test_stars_are_found_on_a_stack(engine, stacked):
    told = engine.data("stars", image=stacked[0]["stacks"][0]["image"], most=20)
    assert len(told["x"]) == 20
    assert told["flux"] == sorted(told["flux"], reverse=True)


def test_a_stack_is_finished_from_memory_and_from_its_file(engine, stacked, tmp_path):
    answer, folder = stacked
    target = tmp_path / "m8.png"
    held = engine.data("finish", image=answer["stacks"][0]["image"], output=str(target))
    read = engine.data("finish", path=str(folder / "m8.fits"))
    assert target.exists()
    assert [step["name"] for step in held["steps"]] == [step["name"] for step in read["steps"]]
    assert (held["channels"], len(held["curves"])) == (3, 3)
    view = engine.data("view", image=held["image"])
    assert (view["kind"], view["width"]) == ("finished", held["width"])
    assert view["key"] == engine.data("view", image=read["image"])["key"]


def test_what_is_shown_is_what_is_written(engine, stacked, tmp_path):
    answer, folder = stacked
    name = answer["stacks"][0]["image"]
    curves = engine.data("view", image=name)["unlinked"]
    by_hand = [
        {**curve, "midtones": midtones} for curve, midtones in zip(curves, (0.1, 0.2, 0.3), strict=True)
    ]
    target = tmp_path / "seen.png"
    told = engine.data(
        "finish", image=name, shown={"curves": by_hand}, output=str(target), recipe=UNCORRECTED
    )
    assert told["curves"] == by_hand
    curve = Curve(**{**by_hand[1], "bend": None})
    wanted = 255 * curve.at(fits.getdata(folder / "m8.fits")[1])
    green = np.asarray(Image.open(target).convert("RGB"), float)[..., 1]
    known = np.isfinite(wanted)
    np.testing.assert_allclose(green[known], wanted[known], atol=1)


def test_a_stretch_without_a_range_is_refused(engine, stacked):
    name = stacked[0]["stacks"][0]["image"]
    curve = {**engine.data("view", image=name)["linked"][0], "shadows": 0.5, "highlights": 0.5}
    answer = engine.ask("finish", image=name, shown={"curves": [curve]})
    assert (answer["code"], answer["path"]) == ("usage", "$.shown.curves[0]")


def test_a_stack_that_is_opened_again_has_its_maps(engine, stacked):
    answer, folder = stacked
    held, file = (
        engine.data("view", image=answer["stacks"][0]["image"]),
        engine.data("open", path=str(folder / "m8.fits")),
    )
    assert (file["kind"], file["key"]) == ("stack", held["key"])
    assert held["maps"] == answer["stacks"][0]["maps"]
    for name in ("coverage", "rejected_high", "noise"):
        windows = [
            engine.data("pixel", image=one["maps"][name], x=60, y=50, width=6, height=6)["values"]
            for one in (held, file)
        ]
        assert windows[0] == windows[1]


@pytest.mark.parametrize("bottom_up", [False, True])
def test_a_crop_says_where_it_lies_in_the_picture(engine, tmp_path, bottom_up):
    image = np.random.default_rng(3).normal(100, 5, (64, 80)).astype(np.float32)
    image[:9] = image[:, :4] = np.nan  # the first nine stored rows and four columns
    header = fits.Header(
        {"NCOMBINE": 5, "IMAGETYP": "Light", "ROWORDER": "BOTTOM-UP" if bottom_up else "TOP-DOWN"}
    )
    fits.writeto(tmp_path / "cut.fits", image, header)
    told = engine.data("finish", path=str(tmp_path / "cut.fits"), recipe={"gradient": {"enabled": False}})
    assert (told["height"], told["width"]) == (55, 76)
    assert told["offset"] == {"x": 4, "y": 0 if bottom_up else 9}


def test_what_cannot_be_finished_is_refused(engine, stacked):
    name = stacked[0]["stacks"][0]["image"]
    assert engine.ask("finish")["path"] == "$.image"
    assert engine.ask("finish", image=name, path="a.fits")["path"] == "$.image"
    assert engine.ask("finish", image=name, output="a.gif")["code"] == "usage"
    assert engine.ask("finish", image="image-999")["code"] == "not_found"


def test_a_raw_frame_is_opened_in_colour_and_loaded_as_it_is(engine, night):
    light = str(night / "lights" / "light_0001.fits")
    assert engine.data("open", path=light)["channels"] == 3
    assert engine.data("open", path=light, colour=False)["channels"] == 1
    assert engine.data("imageInfo", imageId=engine.data("load", path=light)["imageId"])["channels"] == 1


def test_the_same_file_has_the_same_key_every_time(engine, night):
    light = str(night / "lights" / "light_0002.fits")
    first, second = engine.data("open", path=light), engine.data("open", path=light)
    assert first["key"] == second["key"]
    assert first["image"] != second["image"]


def test_who_asks_for_events_hears_of_jobs_and_log(engine, night):
    engine.heard.clear()
    name = engine.send("scan", inputs=[str(night)])
    engine.answer(name)
    engine.data("hello")
    states = [one["data"]["state"] for one in engine.heard if one.get("event") == "job"]
    assert states == ["queued", "running", "done"]
    job = next(one["data"]["job"] for one in engine.heard if one.get("event") == "job")
    lines = engine.data("log", level="info")["lines"]
    assert next(line["text"] for line in lines if line["job"] == job) == "scan begins"
    assert engine.data("log", after=lines[-1]["number"])["lines"] == []


def test_a_recipe_comes_in_every_form_and_a_wrong_one_is_explained(engine):
    told = engine.data("recipe", changes=["integration.keep=0.9"])
    assert told["recipe"]["integration"]["keep"] == 0.9
    assert told["changed"] == ["integration.keep=0.9"]
    again = engine.data("recipe", toml=told["toml"])
    assert again["recipe"] == told["recipe"]
    assert "IntegrationSettings" in told["schema"]["$defs"]
    answer = engine.ask("recipe", changes=["integration.keep=9"])
    assert (answer["code"], "integration.keep" in answer["error"]) == ("recipe", True)


def test_a_result_is_never_written_over_a_source(engine, night):
    light = night / "lights" / "light_0001.fits"
    before = light.read_bytes()
    answer = engine.ask("stack", inputs=[str(night)], output=str(light))
    assert (answer["ok"], answer["code"]) == (False, "usage")
    assert light.read_bytes() == before


def test_release_waits_for_what_was_asked_before(engine, night):
    name = engine.data("load", path=str(night / "lights" / "light_0001.fits"))["imageId"]
    asked = [engine.send("histogram", imageId=name, bins=8) for _ in range(5)]
    engine.send("release", imageId=name)
    assert all(engine.answer(one)["ok"] for one in asked)
