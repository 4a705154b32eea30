"""Which calibration frames serve which light."""

import msgspec
import pytest

from sidera.calibration.groups import group_frames
from sidera.calibration.match import pair, plan_calibration
from sidera.errors import FrameError, Refusal, UsageError
from sidera.model.frame import FrameId
from sidera.model.header import Bayer, Header, Kind
from sidera.model.settings import CalibrationSettings

LIGHT = Header(
    width=60,
    height=40,
    kind=Kind.LIGHT,
    exposure=60.0,
    gain=100.0,
    temperature=-10.0,
    camera="ASI",
    filter="Ha",
    date_obs="2024-03-02T22:00:00",
)
SCALING = CalibrationSettings(scale_darks=True)
STRICT = CalibrationSettings(strict=True)


def like(kind, **changes):
    plain = {"filter": None, "kind": kind} if kind is not Kind.FLAT else {"kind": kind}
    exposure = {Kind.BIAS: 0.0, Kind.FLAT: 2.0, Kind.FLAT_DARK: 2.0}.get(kind, 60.0)
    return msgspec.structs.replace(LIGHT, **{"exposure": exposure, **plain, **changes})


def frames(*headers):
    return {FrameId(f"{header.kind}{i}.fit"): header for i, header in enumerate(headers)}


def paired(*headers, light=LIGHT, settings=None):
    return pair(light, group_frames(frames(*headers)), settings)


DARK, BIAS, FLAT, FLAT_DARK = (like(kind) for kind in (Kind.DARK, Kind.BIAS, Kind.FLAT, Kind.FLAT_DARK))


def test_a_matching_dark_holds_the_bias():
    got = paired(DARK, BIAS, FLAT, FLAT_DARK)
    assert got.formula == "(light − dark) / flat"
    assert got.bias is None
    assert got.warnings == ()
    assert got.shape == (40, 60)


def test_a_dark_of_another_exposure_does_not_serve_and_says_why():
    got = paired(like(Kind.DARK, exposure=30.0), BIAS)
    assert got.formula == "light − bias"
    assert "dark 30 s for a light of 60 s: exposure differs" in got.warnings[0]
    assert "--set calibration.scale_darks=true would scale it" in got.warnings[0]


def test_a_dark_of_another_exposure_is_scaled_where_allowed():
    got = paired(like(Kind.DARK, exposure=30.0), like(Kind.DARK, exposure=120.0), BIAS, settings=SCALING)
    assert got.formula in ("light − bias − 0.5 × (dark − bias)", "light − bias − 2 × (dark − bias)")
    assert got.dark_scale in (0.5, 2.0)
    assert got.bias


def test_without_a_bias_no_dark_is_scaled():
    got = paired(like(Kind.DARK, exposure=30.0), settings=SCALING)
    assert got.formula == "light"
    assert "needs a bias" in got.warnings[0]


def test_a_dark_without_its_bias_is_added_to_the_bias():
    headers = frames(like(Kind.DARK, is_master=True), BIAS)
    dark = next(iter(headers))
    plan = plan_calibration({FrameId("a.fit"): LIGHT}, headers, bias_removed=[dark])
    assert plan.pairings[FrameId("a.fit")].formula == "light − bias − dark"


def test_with_nothing_the_declared_black_level_goes():
    got = paired(light=msgspec.structs.replace(LIGHT, black=64.0))
    assert (got.formula, got.black, got.warnings) == ("light − black level 64", 64.0, ())
    assert "pedestal stays" in paired().warnings[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"gain": 0.0}, "gain 0 against 100"),
        ({"temperature": 15.0}, "temperature 15.0 °C against -10.0 °C"),
        ({"width": 30}, "size 30 × 40 against 60 × 40"),
        ({"camera": "QHY"}, "camera qhy against asi"),
        ({"binning": (2, 2)}, "binning 2 × 2 against 1 × 1"),
        ({"bayer": Bayer.RGGB, "offset": 5.0}, None),
    ],
)
def test_what_differs_is_named(changes, words):
    got = paired(like(Kind.DARK, **changes), BIAS)
    if words is None:
        assert got.dark is not None
    else:
        assert got.dark is None
        assert words in got.warnings[0]


def test_what_only_one_records_is_compatible_and_said_so():
    got = paired(like(Kind.DARK, gain=None, camera=None))
    assert got.dark is not None
    assert got.warnings == (
        "the dark does not record its camera: taken to be the light's",
        "the dark does not record its gain: taken to be the light's",
    )


def test_the_best_known_and_nearest_dark_serves():
    groups = group_frames(
        frames(
            like(Kind.DARK, temperature=-8.5), like(Kind.DARK, gain=None), like(Kind.DARK, temperature=-11.0)
        ),
        0.5,
    )
    assert pair(LIGHT, groups).dark == "dark 60 s, gain 100, -11 °C"


def test_a_flat_needs_the_lights_filter_and_likes_its_night():
    got = paired(
        DARK,
        like(Kind.FLAT, filter="OIII"),
        like(Kind.FLAT, filter=" ha", date_obs="2024-02-01T20:00:00"),
        like(Kind.FLAT, date_obs="2024-03-03T05:00:00"),
    )
    assert got.flat == "flat Ha, gain 100, 2024-03-03"
    assert paired(DARK, like(Kind.FLAT, filter="OIII")).warnings[0].endswith("filter oiii against ha")
    late = paired(DARK, like(Kind.FLAT, date_obs="2024-02-01T22:00:00"))
    assert late.warnings == ("the flat is of 2024-02-01, 30 day(s) from the light",)


def test_flats_of_two_nights_are_two_groups():
    evening, dawn, next_night = "2024-03-02T19:00:00", "2024-03-03T00:30:00Z", "2024-03-03T19:00:00"
    groups = group_frames(frames(*(like(Kind.FLAT, date_obs=date) for date in (evening, dawn, next_night))))
    assert [len(group.frames) for group in groups] == [2, 1]
    assert len({group.key for group in groups}) == 2


def test_darks_of_a_group_span_no_more_than_the_tolerance():
    groups = group_frames(frames(*(like(Kind.DARK, temperature=t) for t in (-10, -9.5, -8, -7.9, None))), 2.0)
    assert [len(group.frames) for group in groups] == [3, 1, 1]


@pytest.mark.parametrize(
    ("others", "formula"),
    [
        ((FLAT_DARK, BIAS), "flat − flat-dark"),
        ((like(Kind.DARK, exposure=2.0), BIAS), "flat − dark"),
        ((like(Kind.FLAT_DARK, exposure=9.0), BIAS), "flat − bias"),
        ((), "flat"),
    ],
)
def test_a_flat_loses_its_own_pedestal(others, formula):
    plan = plan_calibration({FrameId("a.fit"): LIGHT}, frames(FLAT, DARK, *others))
    (flat,) = plan.flats.values()
    assert flat.formula == formula
    assert bool(flat.warnings) == (formula == "flat")


def test_a_ready_master_flat_is_left_as_it_is():
    plan = plan_calibration({FrameId("a.fit"): LIGHT}, frames(like(Kind.FLAT, is_master=True), BIAS))
    assert next(iter(plan.flats.values())).pedestal is None


def test_strict_refuses_what_is_unsafe():
    assert paired(DARK, FLAT, FLAT_DARK, settings=STRICT).flat
    for unsafe in ((), (like(Kind.DARK, gain=0.0), BIAS), (DARK, FLAT)):
        with pytest.raises(FrameError) as caught:
            paired(*unsafe, settings=STRICT)
        assert caught.value.code is Refusal.UNSAFE_CALIBRATION
    plan = plan_calibration({FrameId("a.fit"): LIGHT}, {}, STRICT)
    assert list(plan.refused) == [FrameId("a.fit")]


def test_a_foreign_dark_spoils_no_other_light():
    other = msgspec.structs.replace(LIGHT, width=30)
    lights = {FrameId("a.fit"): LIGHT, FrameId("b.fit"): other, FrameId("c.fit"): LIGHT}
    plan = plan_calibration(lights, frames(DARK, BIAS, FLAT))
    rows = plan.rows()
    assert [len(row.lights) for row in rows] == [2, 1]
    assert rows[0].formula == "(light − dark) / flat"
    assert rows[1].formula == "light"
    assert [group.kind for group in plan.needed()] == [Kind.DARK, Kind.BIAS, Kind.FLAT]


def test_a_light_does_not_calibrate():
    with pytest.raises(UsageError, match="light frame"):
        group_frames({FrameId("a.fit"): LIGHT})
