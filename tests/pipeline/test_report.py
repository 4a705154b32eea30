import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.errors import Refusal, UnwritableError
from sidera.model.frame import Figures
from sidera.pipeline.markup import joined, tag
from sidera.pipeline.report import (
    FrameFigures,
    FrameReport,
    MasterReport,
    Report,
    StackReport,
    TransformReport,
    TruthChannel,
    TruthFrame,
    TruthReport,
    figures_of,
    html,
    read_report,
    schema,
    write_report,
)

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()
EVIL = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>&amp;"


def frame(number=1, **more):
    figures = FrameFigures(
        stars=300 + number, sky=(60.0, 66.0, 54.0), fwhm=2.5 + 0.1 * number, eccentricity=0.3, snr=50
    )
    transform = TransformReport(
        model="similarity", rotation=-0.001, shift=(3.2, -1.5), scale=1.0, inliers=120, residual=0.04
    )
    usual = {
        "path": f"/night/light_{number:04d}.fits",
        "kind": "light",
        "verdict": "used",
        "group": "M 27",
        "figures": figures,
        "transform": transform,
        "weight": float(number),
        "calibration": "(light - dark) / flat",
        "thumbnail": PNG,
    }
    return FrameReport(**(usual | more))


def refused(number, **more):
    usual = {
        "verdict": "refused",
        "code": "no_match",
        "reason": "its stars are others",
        "cure": "check the field",
        "weight": None,
    }
    return frame(number, **(usual | more))


def stack(name="M 27", **more):
    usual = {
        "name": name,
        "target": name,
        "width": 60,
        "height": 40,
        "channels": 3,
        "frames_used": 3,
        "frames_refused": 1,
        "exposure": 360.0,
        "reference": "/night/light_0001.fits",
        "noise": (1.1, 0.8, 1.0),
        "gain": 1.7,
        "efficiency": 0.97,
        "fwhm": 2.61,
        "stars": 412,
        "coverage_median": 3.0,
        "rejected_low": 0.03,
        "rejected_high": 0.18,
        "masters": (MasterReport(kind="dark", frames=10, exposure=120.0, temperature=-10.0),),
        "picture": PNG,
    }
    return StackReport(**(usual | more))


def night(**more):
    usual = {
        "created": "2026-01-16T03:12:44Z",
        "command": "sidera stack night",
        "frames": (frame(1), frame(2), frame(3), refused(4)),
        "stacks": (stack(),),
        "recipe": {"integration": {"rejection": "hybrid"}},
        "timings": {"scan": 0.4, "combine": 100.0},
        "versions": {"sidera": "1.0"},
    }
    return Report(**(usual | more))


class Tags(HTMLParser):
    """Names of all elements, their attributes, and the text between them."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.names, self.attributes, self.open, self.words = [], [], [], []
        self.feed(page)

    def handle_starttag(self, name, attributes):
        self.names.append(name)
        self.attributes += [(name, *pair) for pair in attributes]
        if name not in ("meta", "img", "br"):
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.names.append(name)
        self.attributes += [(name, *pair) for pair in attributes]

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.words.append(data)


def words(page):
    return re.sub(r"\s+", " ", " ".join(Tags(page).words))


def valid(value, rule, root):
    """As much of JSON Schema as ours uses."""
    if "$ref" in rule:
        return valid(value, root["$defs"][rule["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in rule:
        return any(valid(value, one, root) for one in rule["anyOf"])
    if "enum" in rule:
        return value in rule["enum"]
    kinds = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
        "array": list,
    }
    named = rule.get("type")
    if named == "object":
        inner = rule.get("properties", {})
        rest = rule.get("additionalProperties", {})
        if not isinstance(value, dict):
            return False
        named_all = all(key in value for key in rule.get("required", ()))
        return named_all and all(valid(v, inner.get(k, rest) or {}, root) for k, v in value.items())
    if named == "array":
        items = rule.get("items") or {}
        return isinstance(value, list) and all(valid(one, items, root) for one in value)
    return named is None or isinstance(value, kinds[named])


def test_the_schema_describes_what_is_written(tmp_path):
    document, _ = write_report(night(), tmp_path / "report.json")
    written, rules = json.loads(document.read_text()), schema()
    assert valid(written, rules, rules)
    assert not valid(written | {"frames": [{"path": 3}]}, rules, rules)
    assert written["schema"] == 1


def test_the_committed_schema_is_the_one_that_reports_have():
    committed = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8"))
    assert committed == schema(), "write json.dumps(sidera.pipeline.report.schema(), indent=1) to it"


def test_a_frame_is_used_or_refused_and_nothing_else():
    rules = schema()["$defs"]["FrameReport"]["properties"]
    assert rules["verdict"]["enum"] == ["refused", "used"]
    codes = next(one for one in rules["code"]["anyOf"] if "$ref" in one)["$ref"].removeprefix("#/$defs/")
    assert set(schema()["$defs"][codes]["enum"]) == {code.value for code in Refusal}


def test_the_first_stack_is_also_told_alone(tmp_path):
    document, _ = write_report(night(stacks=(stack("A"), stack("B"))), tmp_path / "report.json")
    written = json.loads(document.read_text())
    assert written["stack"] == written["stacks"][0]
    assert written["stack"]["efficiency"] == 0.97


def test_images_go_into_the_page_alone(tmp_path):
    document, page = write_report(night(), tmp_path / "report.json")
    assert PNG not in document.read_text()
    assert PNG in page.read_text()


def test_a_report_is_read_back(tmp_path):
    document, _ = write_report(night(), tmp_path / "report.json")
    assert read_report(document).frames[0].transform.inliers == 120


def test_what_was_not_measured_is_null(tmp_path):
    nan = float("nan")
    figures = Figures(stars=0, sky=(60.0,), noise=(nan,), fwhm=nan, hfr=nan, eccentricity=nan, snr=nan)
    document, page = write_report(night(frames=(frame(figures=figures_of(figures)),)), tmp_path / "r.json")
    written = json.loads(document.read_text())["frames"][0]["figures"]
    assert written["fwhm"] is None
    assert written["noise"] == [None]
    assert "nan" not in words(page.read_text()).lower()


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    import numpy as np

    document, _ = write_report(night(frames=(frame(weight=np.float64(0.5)),)), tmp_path / "r.json")
    assert json.loads(document.read_text())["frames"][0]["weight"] == 0.5


def test_a_report_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(UnwritableError):
        write_report(night(), tmp_path / "nowhere" / "report.json")


def test_hostile_strings_stay_text():
    hostile = {
        "path": EVIL,
        "reason": EVIL,
        "cure": EVIL,
        "code": EVIL,
        "calibration": EVIL,
        "thumbnail": EVIL,
    }
    page = html(
        night(
            frames=(frame(1, **hostile), frame(2, **hostile), refused(3, **hostile)),
            stacks=(
                stack(EVIL, filter=EVIL, path=EVIL, reference=EVIL, picture=PNG + EVIL, warnings=(EVIL,)),
            ),
            command=EVIL,
            recipe={EVIL: EVIL},
            plan={EVIL: [EVIL]},
            timings={EVIL: 1.0},
            versions={EVIL: EVIL, "sidera": EVIL},
            warnings=(EVIL,),
            created=EVIL,
        )
    )
    seen = Tags(page)
    assert "script" not in seen.names
    assert "img" not in seen.names
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert not seen.open


@settings(deadline=None, max_examples=25)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40))
def test_any_text_is_read_back_as_it_was_given(text):
    shown = Tags(tag("p", text, title=text))
    assert "".join(shown.words) == text
    assert shown.attributes == [("p", "title", text)]


def test_markup_is_not_escaped_twice_and_nothing_is_nothing():
    assert tag("p", tag("b", "1 < 2"), None, [tag("i", "&")]) == "<p><b>1 &lt; 2</b><i>&amp;</i></p>"
    assert joined("a", None) == "a"
    assert tag("td", hidden=True, class_=None, tabindex=0) == '<td hidden tabindex="0"></td>'


def test_nothing_is_fetched_and_nothing_runs():
    page = html(night())
    assert "http:" not in page.lower()
    assert "https:" not in page.lower()
    assert "//" not in re.sub(r"base64,[^\"]*", "", page)
    seen = Tags(page)
    assert not {"script", "link", "iframe", "a", "object", "form"} & set(seen.names)
    assert ("meta", "http-equiv", "Content-Security-Policy") in seen.attributes


def test_every_image_and_plot_has_words_for_those_who_do_not_see_it():
    seen = Tags(html(night()))
    texts = [value for name, key, value in seen.attributes if (name, key) == ("img", "alt")]
    assert len(texts) == seen.names.count("img") == 5
    assert all(texts)
    plots = [value for name, key, value in seen.attributes if (name, key) == ("svg", "aria-label")]
    assert plots[0] == "Star width (FWHM) of 4 frames: 2.6 to 2.9 px, median 2.8; 1 of them refused"
    assert seen.names.count("th") == len([a for a in seen.attributes if a[:2] == ("th", "scope")])
    assert ("html", "lang", "en") in seen.attributes


def test_the_page_says_in_one_sentence_what_was_stacked():
    assert "3 of 4 frames of M 27, 6 min of light in all, on the grid of light_0001.fits." in words(
        html(night())
    )


def test_the_refused_are_told_with_reason_and_cure_once_for_all_alike():
    told = words(html(night(frames=(frame(1), refused(4), refused(5)))))
    assert "2 frames were left out." in told
    assert "light_0004.fits, light_0005.fits no_match Its stars are others. Check the field." in told


def test_weights_are_shown_as_shares_of_the_mean():
    page = html(night())
    assert [">0.50<" in page, ">1.00<" in page, ">1.50<" in page] == [True] * 3


def test_a_tiny_negative_rotation_is_not_minus_zero():
    assert "0.00°" in words(html(night()))
    assert "−0.00" not in html(night())


def test_each_of_several_stacks_has_its_own_frames():
    frames = (frame(1, group="L"), frame(2, group="R"), frame(3, group="R"), refused(4, group=None))
    told = words(html(night(frames=frames, stacks=(stack("L"), stack("R")))))
    assert "Frames of L" in told
    assert "Frames of R" in told
    assert "Frames of other frames" in told


def test_a_run_that_stacked_nothing_still_has_a_page():
    told = words(html(night(stacks=(), frames=(refused(1),))))
    assert "Nothing was stacked" in told
    assert "Its stars are others." in told
    assert html(Report(created="now"))


@pytest.mark.parametrize("values", [(2.5, 2.5), (0.0, 0.0), (1e-9, 2e-9), (-5.0, 1e7), (float("inf"), 1.0)])
def test_plots_survive_odd_values(values):
    frames = tuple(frame(n, figures=FrameFigures(fwhm=value)) for n, value in enumerate(values, 1))
    assert not Tags(html(night(frames=frames))).open


def test_every_field_of_the_report_has_a_default_or_is_required_for_good_reason():
    required = {field.name for field in msgspec.structs.fields(Report) if field.required}
    assert required == {"created"}


def test_reports_and_simulated_nights_need_no_compiler():
    code = "import sys, sidera.pipeline.report, sidera.pipeline.simulate; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_verdict_on_the_night_stands_first():
    told = words(html(night()))
    assert "3 of 4 lights were used; 1 left out: light_0004.fits (no match)." in told
    assert "All 2 lights were used." in words(html(night(frames=(frame(1), frame(2)))))
    several = (frame(1), refused(2), refused(3), refused(4, code="poor_fit"), refused(5))
    assert "light_0004.fits … (3 × no match, 1 × poor fit)" in words(html(night(frames=several)))


def test_calibration_frames_that_no_light_needed_are_told_apart_from_bad_ones():
    idle = {
        "kind": "dark",
        "verdict": "refused",
        "code": "not_needed",
        "reason": "of 60 s",
        "calibration": None,
    }
    told = words(html(night(frames=(frame(1), frame(7, **idle), frame(8, **idle)))))
    assert "left out." not in told
    assert (
        "Calibration frames that no light needed Kind Frames File Why dark 2 light_0007.fits … of 60 s"
        in told
    )


def test_several_stacks_are_compared_in_one_table():
    told = words(html(night(stacks=(stack("L"), stack("R", frames_refused=0)))))
    assert "2 stacks, all on the grid of light_0001.fits" in told
    assert "L 3 of 4 6 min 1.7 2.61 412 R 3 6 min" in told


def test_a_simulated_stack_is_compared_with_its_truth_on_the_page():
    channel = TruthChannel(
        band="G", stars=63, flux_bias=-0.48, flux_scatter=1.18, empty_pixels=900, false_pixels=0
    )
    truth = TruthReport(
        frames=(TruthFrame(file="a", transform_rms=0.01),), transform_rms=0.0066, channels=(channel,)
    )
    told = words(html(night(stacks=(stack(truth=truth),))))
    assert "1 transforms are right to 0.0066 px rms" in told
    assert "Error of star fluxes, median % −0.48" in told
    assert "Against the truth" not in words(html(night()))


def test_units_stand_beside_what_they_measure():
    told = words(html(night()))
    assert "FWHM px" in told
    assert "Sky ADU" in told
    assert "Weight in the stack × the mean" in told
