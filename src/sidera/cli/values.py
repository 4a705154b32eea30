"""Values as people write them on a command line."""

import re

from sidera.errors import UsageError

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def memory_size(text: str) -> int:
    """Bytes of "2G", "1.5GB", "800M".

    Raises
    ------
    UsageError
        When it is no size.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([KMGT]?)(i?B)?\s*", text, re.IGNORECASE)
    if match is None:
        raise UsageError(f"{text!r} is not a size", "write for example 800M or 2G")
    return int(float(match[1]) * UNITS[match[2].upper()])


def share(text: str) -> float:
    """Fraction of "90%" or "0.9".

    Raises
    ------
    UsageError
        When it is not above 0 and up to 100 %.
    """
    try:
        value = float(text.rstrip("% ")) / (100 if text.rstrip().endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise UsageError(f"{text!r} is not a share", "write for example 90% or 0.9")
    return value


def image_size(text: str) -> tuple[int, int]:
    """(width, height) of "1200x900".

    Raises
    ------
    UsageError
        When it is not two whole numbers.
    """
    match = re.fullmatch(r"\s*(\d+)\s*[x×]\s*(\d+)\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is not a size in pixels", "write for example 1200x900")
    return int(match[1]), int(match[2])
