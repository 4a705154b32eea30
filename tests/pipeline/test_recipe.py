"""The recipe: one value that command line, Python, file and report all speak of."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidera.errors import RecipeError
from sidera.pipeline.recipe import Recipe, describe, recipe_from_dict, recipe_from_toml


def test_a_saved_recipe_is_read_back():
    changed = Recipe().with_settings(["demosaic.method=bilinear", "integration.kappa_low=2.5"])
    assert recipe_from_toml(changed.to_toml()) == changed
    assert changed != Recipe()


def test_what_a_recipe_does_not_name_keeps_its_default():
    assert recipe_from_toml("[integration]\nhalves = true\n").demosaic == Recipe().demosaic
    assert recipe_from_toml("") == Recipe()


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("1", True), (" true ", True)])
def test_text_becomes_the_setting_s_own_type(text, value):
    assert Recipe().with_settings([f"integration.halves={text}"]).integration.halves is value


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("halves", "of the form stage.setting=value"),
        ("integration=1", "of the form stage.setting=value"),
        ("stacking.kappa=1", "there are: calibration, demosaic"),
        ("integration.kappa=1", "kappa_low"),
        ("integration.rejection=best", "winsorized"),
        ("integration.kappa_low=0", "Reject below"),
        ("integration.keep=1.5", "Share of the best frames"),
        ("integration.iterations=many", "Rounds of rejection"),
        ("integration.kappa_low=nan", "Reject below"),
    ],
)
def test_a_wrong_setting_is_told_with_what_it_may_be(assignment, told):
    with pytest.raises(RecipeError) as caught:
        Recipe().with_settings([assignment])
    assert told in str(caught.value)
    assert "$" not in str(caught.value)


def test_a_broken_or_unknown_document_is_refused():
    for text in ("not = = toml", "[integration]\nkapa = 3\n", "[magic]\n", "integration = 3\n"):
        with pytest.raises(RecipeError):
            recipe_from_toml(text)


def test_every_setting_has_a_meaning_and_its_default():
    rows = describe()
    assert len(rows) == sum(len(stage) for stage in Recipe().as_dict().values())
    assert all(meaning for _, _, meaning in rows)


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.dictionaries(
        st.sampled_from(["integration", "demosaic", "kappa_low", "method", "x"]), inner, max_size=3
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["integration", "demosaic", "registration", "y"]), trees, max_size=3))
def test_any_document_gives_a_recipe_or_a_recipe_error(tree):
    with contextlib.suppress(RecipeError):
        assert isinstance(recipe_from_dict(tree), Recipe)
