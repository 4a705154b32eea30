"""Make linear light visible."""

from sidera.stretch.apply import Parameters, apply, parameters_from_cards
from sidera.stretch.auto import auto_curves, picture
from sidera.stretch.choose import choose, stretch
from sidera.stretch.curves import Bend, Curve

__all__ = [
    "Bend", "Curve", "Parameters", "apply", "auto_curves", "choose", "parameters_from_cards", "picture", "stretch",
]  # fmt: skip
