"""Formulas mean what arithmetic means, and can hold nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.errors import UsageError
from sidera.pipeline.formula import DEEPEST, formula

NAMES = frozenset({"ha", "oiii", "sii", "r"})
VALUES = {"ha": 3.0, "oiii": 5.0, "sii": 0.5, "r": -2.0}


def worth(text):
    channels = {name: np.full((2, 3), value, np.float32) for name, value in VALUES.items()}
    return float(np.broadcast_to(formula(text, NAMES).of(channels), (2, 3))[1, 2])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.7*ha+0.3*sii", 2.25),
        ("ha", 3),
        (" HA ", 3),
        ("h + o", 8),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("8-4-2", 2),
        ("8/4/2", 1),
        ("2^3^2", 512),
        ("-2^2", -4),
        ("2^-1", 0.5),
        ("--ha", 3),
        ("2*-ha", -6),
        ("max(ha, oiii, sii)", 5),
        ("min(ha, 1e1, .25)", 0.25),
        ("max(r, 0.5*(ha+oiii))", 4),
        ("(oiii*ha)^0.5", 15**0.5),
        ("1.5e-1 * ha", 0.45),
        ("red + 1", -1),
    ],
)
def test_a_formula_is_worth_what_it_says(text, value):
    assert worth(text) == pytest.approx(value, rel=1e-6)


@settings(deadline=None, max_examples=80)
@given(
    st.recursive(
        st.sampled_from(["ha", "oiii", "sii", "2", "0.25"]),
        lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        max_leaves=12,
    )
)
def test_any_formula_agrees_with_python_s_own_arithmetic(text):
    tree = compile(text, "formula", "eval")
    assert worth(text) == pytest.approx(eval(tree, {"__builtins__": {}}, VALUES), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("text", ["ha/0", "(0-ha)^0.5", "0/0", "1e30*1e30*ha"])
def test_what_is_no_number_was_not_measured(text):
    assert np.isnan(worth(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ha +",
        "ha oiii",
        "(ha",
        "ha)",
        "max(ha",
        "max",
        "max()",
        "ha ** 2",
        "1.2.3",
        "__import__('os')",
        "ha.real",
        "lambda: 1",
        "ha[0]",
        "ha; oiii",
        "sin(ha)",
        "g",
        "ha = 3",
        "'ha'",
        "ha % 2",
        "(" * (DEEPEST + 5) + "ha" + ")" * (DEEPEST + 5),
        "-" * 200 + "ha",
        "2" + "^2" * 200,
        "ha+" * 400 + "ha",
    ],
)
def test_anything_else_is_refused_with_a_word_on_what_may_be(text):
    with pytest.raises(UsageError) as error:
        formula(text, NAMES)
    assert error.value.cure


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="hao1.e+-*/^(), \n\tmax", max_size=30) | st.text(max_size=20))
def test_no_text_does_anything_but_compute_or_be_refused(text):
    try:
        made = formula(text, NAMES)
    except UsageError:
        return
    assert made.names <= NAMES


def test_it_is_told_where_it_went_wrong():
    with pytest.raises(UsageError, match="letter 6: there is no channel 'hb'"):
        formula("ha + hb", NAMES)


def test_a_formula_names_the_channels_that_it_needs():
    assert formula("max(ha, 2) + sii*0", NAMES).names == {"ha", "sii"}
