"""Smart crop: the largest rectangle that enough frames saw."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sidera.errors import ShapeError, UsageError
from sidera.kernels import coverage as kernels
from sidera.model.finishing import CropSettings
from sidera.model.header import Card
from sidera.model.stack import Row, Stack
from sidera.types import F32, U8, U16

REFERENCE_PIXEL = re.compile(r"CRPIX([12])[A-Z]?")
ORIGIN = re.compile(r"LTV([12])")
Plane = TypeVar("Plane", F32, U16)


@dataclass(frozen=True)
class Rectangle:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right``, half-open as Python has them."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    @property
    def area(self) -> int:
        """Pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns, to index the last two axes with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def best_rectangle(coverage: object, settings: CropSettings | None = None) -> Rectangle:
    """The largest axis-aligned rectangle in which every pixel was covered well.

    Parameters
    ----------
    coverage : integer array, shape (rows, columns) or (channels, rows, columns)
        Samples that each pixel had. Colour counts as its poorest channel.
    settings : CropSettings
        ``coverage`` is the least share of the best covered pixel's. ``holes``: gaps up to so many pixels long,
        along a row or along a column and between covered pixels, do not count: a defect, or a dead column, must
        not halve the picture.

    Returns
    -------
    Rectangle
        The whole image where nothing was covered: there is nothing to choose by.

    Notes
    -----
    O(pixels). Frames that are turned against each other need no other rule: whatever polygon they share, the
    rectangle is the largest that fits.
    """
    settings = settings or CropSettings()
    planes = _planes(coverage)
    rows, columns = planes.shape[1:]
    good = np.ones((rows, columns), np.uint8)
    for counts in planes:  # one after the other: they may lie in a file
        plane = _native(counts)
        kernels.covered(plane, max(settings.coverage * float(plane.max()), 1.0), good)
    if not good.any():
        return Rectangle(0, 0, rows, columns)
    found = np.empty(4, np.int64)
    kernels.largest_rectangle(_closed(good, settings.holes), found)
    return Rectangle(*(int(edge) for edge in found))


def _planes(coverage: object) -> npt.NDArray[Any]:
    counts = np.asarray(coverage)
    if counts.ndim not in (2, 3) or counts.size == 0:
        raise ShapeError(
            f"coverage is (rows, columns) or (channels, rows, columns); got shape {counts.shape}"
        )
    return counts.reshape(-1, *counts.shape[-2:])


def _native(counts: npt.NDArray[Any]) -> U16:
    """Counts as the kernel takes them."""
    small = counts.dtype.kind == "u" and counts.dtype.itemsize <= 2
    return np.ascontiguousarray(counts if small else np.clip(counts, 0, 65535), np.uint16)


def _closed(good: U8, widest: int) -> U8:
    if widest == 0:
        return good
    closed = np.empty_like(good)
    kernels.close_gaps(good, widest, closed)
    return closed


def coverage_of(image: F32) -> U16:
    """Coverage of an image that came without a map: 1 where it was measured, 0 where it is NaN."""
    return np.isfinite(image).astype(np.uint16)


def crop(stack: Stack, rectangle: Rectangle) -> Stack:
    """A part of a stack: all its maps cut alike, its world coordinates moved along.

    Parameters
    ----------
    stack : Stack
        Its arrays are not copied: the result holds views of them.
    rectangle : Rectangle
        The part.

    Returns
    -------
    Stack
        CRPIX counts from the new first pixel; the terms of a SIP distortion are relative to CRPIX and stay as they
        are. LTV1 and LTV2 say where the cut lies: stack pixel = pixel - LTV, both ways of counting alike. The
        table of frames keeps its transforms, which map pixels of the reference (Sidera's uncropped stack).

    Raises
    ------
    UsageError
        When the rectangle does not lie on the stack.
    """
    rows, columns = stack.image.shape[-2:]
    inside = (
        0 <= rectangle.top < rectangle.bottom <= rows and 0 <= rectangle.left < rectangle.right <= columns
    )
    if not inside:
        raise UsageError(
            f"{rectangle} is no part of {rows} rows and {columns} columns", "give a part of the image"
        )
    down, across = rectangle.window

    def cut(plane: Plane) -> Plane:
        part: Plane = plane[..., down, across] if plane.size else plane  # a map that was left out stays out
        return part

    return replace(
        stack,
        image=cut(stack.image),
        noise=cut(stack.noise),
        weight=cut(stack.weight),
        coverage=cut(stack.coverage),
        rejected_low=cut(stack.rejected_low),
        rejected_high=cut(stack.rejected_high),
        halves=None if stack.halves is None else (cut(stack.halves[0]), cut(stack.halves[1])),
        cards=moved_cards(stack.cards, rectangle),
        star_colours=_moved_stars(stack.star_colours, rectangle),
    )


def moved_cards(cards: Sequence[Card], rectangle: Rectangle) -> tuple[Card, ...]:
    """Header cards of the part: reference pixels and origin counted from its first pixel."""
    offset = {"1": rectangle.left, "2": rectangle.top}
    moved, origins = [], dict(offset)
    for card in cards:
        match = REFERENCE_PIXEL.fullmatch(card.keyword) or ORIGIN.fullmatch(card.keyword)
        if match and isinstance(card.value, int | float) and not isinstance(card.value, bool):
            card = Card(card.keyword, float(card.value) - offset[match[1]], card.comment)
            if ORIGIN.fullmatch(card.keyword):
                origins.pop(match[1], None)
        moved.append(card)
    comment = "pixel here = pixel of the whole stack + this"
    return (*moved, *(Card(f"LTV{axis}", float(-shift), comment) for axis, shift in origins.items()))


def _moved_stars(stars: Sequence[Row], rectangle: Rectangle) -> tuple[Row, ...]:
    """Stars with positions counted from the part's first pixel; those outside are left out."""
    rows, columns = rectangle.shape
    moved = [
        {**star, "X": float(star["X"]) - rectangle.left, "Y": float(star["Y"]) - rectangle.top}
        for star in stars
    ]
    return tuple(star for star in moved if 0 <= star["X"] < columns and 0 <= star["Y"] < rows)  # type: ignore[operator]
