"""Figures as people read them."""

import math
from collections.abc import Sequence

NOTHING = "–"
"""What stands where a figure is not known."""


def number(value: float | None, decimals: int) -> str:
    """With a real minus sign, thin spaces between thousands, and no minus before zero."""
    if value is None or not math.isfinite(value):
        return NOTHING
    shown = f"{value:,.{decimals}f}".replace(",", "\u202f")
    return shown.lstrip("-") if not any(digit in shown for digit in "123456789") else shown.replace("-", "−")


def signed(value: float | None, decimals: int) -> str:
    """The same with a plus sign before what is above zero."""
    shown = number(value, decimals)
    return f"+{shown}" if shown != NOTHING and value is not None and value > 0 else shown


def significant(values: Sequence[float | None]) -> int:
    """Decimals that show three digits of the greatest of some values."""
    greatest = max((abs(value) for value in values if value and math.isfinite(value)), default=1.0)
    return max(0, 2 - math.floor(math.log10(greatest)))


def each(values: Sequence[float | None], decimals: int) -> str:
    """One value a channel."""
    return " / ".join(number(value, decimals) for value in values) or NOTHING


def percent(value: float | None) -> str:
    """A share as whole per cent."""
    return number(times_100(value), 0)


def times_100(value: float | None) -> float | None:
    """A share in per cent."""
    return None if value is None else 100 * value


def with_unit(shown: str, unit: str) -> str:
    """A number with its unit, where there is a number."""
    return shown if shown == NOTHING else shown + unit


def mean_of(values: Sequence[float | None]) -> float | None:
    """Mean of the values that are known."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(known) / len(known) if known else None


def seconds(spent: float) -> str:
    """A short time to a tenth of a second."""
    return f"{spent:.1f} s" if spent < 90 else duration(spent)


def duration(spent: float | None) -> str:
    """Seconds as people say them: "45 s", "48 min", "3 h 12 min"."""
    if spent is None or not math.isfinite(spent):
        return NOTHING
    if spent < 90:
        return f"{spent:g} s"
    hours, minutes = divmod(round(spent / 60), 60)
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"
