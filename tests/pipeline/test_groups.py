"""Which lights make one stack."""

from pathlib import Path

from sidera.model.frame import FrameId
from sidera.model.header import Bayer, Header, Kind
from sidera.pipeline.groups import file_of, stack_groups
from sidera.pipeline.scan import Found


def lights(*facts):
    return [
        Found(FrameId(f"/n/{index}.fits"), Header(**{"width": 10, "height": 8, "kind": Kind.LIGHT, **one}))
        for index, one in enumerate(facts)
    ]


def names(*facts):
    return {group.name: len(group.lights) for group in stack_groups(lights(*facts))}


def test_two_nights_telescopes_exposures_and_sizes_make_one_stack():
    one = {"target": "M 94", "bayer": Bayer.GRBG, "telescope": "A", "exposure": 10.0, "camera": "S50"}
    other = {
        "target": "M 94",
        "bayer": Bayer.RGGB,
        "telescope": "B",
        "exposure": 30.0,
        "width": 99,
        "gain": 9.0,
    }
    assert names(one, one, other) == {"M 94": 3}


def test_each_filter_is_a_stack_in_the_usual_order():
    facts = [{"target": "M 8", "filter": name} for name in "BRLGL"]
    assert list(names(*facts).items()) == [("M 8 L", 2), ("M 8 R", 1), ("M 8 G", 1), ("M 8 B", 1)]


def test_case_and_spaces_tell_no_targets_apart():
    assert names({"target": "Horsehead Nebula"}, {"target": "horsehead  nebula"}) == {"Horsehead Nebula": 2}


def test_a_light_without_a_target_belongs_to_the_only_one():
    assert names({"target": "M 8", "filter": "L"}, {}) == {"M 8 L": 2}
    assert names({"target": "M 8"}, {"target": "M 20"}, {}) == {"mono": 1, "M 20": 1, "M 8": 1}


def test_a_colour_camera_behind_a_luminance_filter_is_a_colour_camera():
    colour = {"target": "M 27", "bayer": Bayer.RGGB}
    assert names({**colour, "filter": "L"}, colour, {**colour, "filter": "IRCUT"}) == {"M 27": 3}
    assert names({**colour, "filter": "Ha"}, {**colour, "filter": "OIII"}) == {"M 27 Ha": 1, "M 27 OIII": 1}


def test_colour_and_mono_of_one_target_have_names_and_files_of_their_own():
    groups = names({"target": "M 31"}, {"target": "M 31", "bayer": Bayer.RGGB})
    assert groups == {"M 31": 1, "M 31 colour": 1}
    files = {file_of(Path("out/m.fits"), name, alone=False).name for name in groups}
    assert files == {"m_M_31.fits", "m_M_31_colour.fits"}
    assert file_of(Path("out/m.fits"), "M 31", alone=True) == Path("out/m.fits")


def test_a_name_is_no_path():
    assert file_of(Path("out/m.fits"), "../../etc/x", alone=False) == Path("out/m_.._.._etc_x.fits")
