"""What every method shares: the colour filter array's layout, its green plane, and its holes filled."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sidera.errors import ShapeError
from sidera.kernels import demosaic as kernels
from sidera.model.header import Bayer
from sidera.types import F32, U8, plain

REACH = 4
"""Rings searched around a missing pixel. Half of Lanczos-3's footprint is 3 pixels: no sample that survives
resampling looks deeper into a hole than this."""


Core = tuple[int, int, int, int]
"""Top, left, bottom, right of the part of a colour filter array that is wanted in colour, from an even row and column
on; the rest is there for its interpolation."""


@dataclass(frozen=True)
class Layout:
    """A Bayer pattern as the kernels' masks, for ``columns`` columns from an even one on."""

    chroma: F32
    """``[row % 2, column]``: 1 at red and blue sites, 0 at green ones."""
    sites: F32
    """``[channel, row % 2, column]``: 1 where the colour is measured."""
    red_row: int
    """Parity of the rows that hold red."""


@lru_cache(maxsize=256)
def layout(pattern: Bayer, columns: int) -> Layout:
    """The pattern's masks; kept, since the tiles of a run ask for few widths and thousands of times."""
    cell = [[pattern.colour(row, column) for column in (0, 1)] for row in (0, 1)]
    colours = np.tile(cell, columns // 2 + 1)[:, :columns]
    sites = np.stack([colours == channel for channel in range(3)]).astype(np.float32)
    red_row = 0 if sites[0, 0].any() else 1
    made = Layout(chroma=sites[0] + sites[2], sites=sites, red_row=red_row)
    made.chroma.setflags(write=False)
    made.sites.setflags(write=False)
    return made


def checked(cfa: object) -> F32:
    """The colour filter array, if it holds at least one 2×2 quad."""
    image = plain(cfa)
    if image.ndim != 2:
        raise ShapeError(f"shape {image.shape} is no colour filter array", "give one plane, [row, column]")
    if min(image.shape) < 2:
        raise ShapeError(
            f"shape {image.shape} holds no 2×2 quad of a Bayer pattern", "give 2×2 pixels or more"
        )
    return image


def mirrored(
    cfa: F32,
    margin: int,
    sites: F32 | None = None,
    gains: tuple[float, float, float] = (1, 1, 1),
    pedestal: float = 0,
    core: Core | None = None,
) -> F32:
    """``cfa`` · gains + pedestal, with an even margin mirrored about the outermost pixels; of a core, its own."""
    rows, columns = cfa.shape
    scale = np.ones((2, columns), np.float32)
    if sites is not None:
        scale = np.einsum("c,crx->rx", np.asarray(gains, np.float32), sites[:, :, :columns])
    mosaic = np.empty((rows + 2 * margin, columns + 2 * margin), np.float32)
    kernels.mirrored(cfa, np.ascontiguousarray(scale, np.float32), float(pedestal), margin, mosaic)
    if core is None:
        return mosaic
    top, left, bottom, right = core
    return np.ascontiguousarray(mosaic[top : bottom + 2 * margin, left : right + 2 * margin])


def cut(cfa: F32, core: Core | None) -> F32:
    """The core of a colour filter array; all of it for None."""
    if core is None:
        return cfa
    top, left, bottom, right = core
    return np.ascontiguousarray(cfa[top:bottom, left:right])


def green_plane(cfa: object, pattern: Bayer, out: F32 | None = None) -> F32:
    """Green at every pixel without demosaicing, for finding stars.

    Parameters
    ----------
    cfa : float32 array, shape (rows, columns)
        Colour filter array; NaN where not measured.
    pattern : Bayer
        The one at row 0, column 0.
    out : float32 array, shape (rows, columns), optional
        Filled and returned, where given.

    Returns
    -------
    float32 array, shape (rows, columns)
        The sample itself at green sites; at red and blue ones the mean of the finite among the four green
        neighbours (mirrored beyond the edges), NaN where none is. Positions are those of the full frame.

    Raises
    ------
    ShapeError
        For anything but a plane of at least 2×2 pixels.
    """
    image = checked(cfa)
    out = np.empty_like(image) if out is None else out
    kernels.green_plane(image, layout(pattern, image.shape[1]).chroma, out)
    return out


def fill_defects(image: object, pattern: Bayer | None = None) -> tuple[F32, U8]:
    """Fill missing pixels from their neighbours, so that interpolation has something to stand on.

    Parameters
    ----------
    image : float32 array, shape (rows, columns)
        Mono image or colour filter array; NaN where not measured.
    pattern : Bayer or None
        With a pattern, neighbours are the pixels of one colour, two pixels apart; None for mono.

    Returns
    -------
    filled : float32 array, shape (rows, columns)
        Each NaN replaced by the median of the finite neighbours on the nearest of `REACH` square rings that
        has any; 0 where none has. It is ``image`` itself where nothing was missing.
    bad : uint8 array, shape (rows, columns)
        1 where NaN was, else 0.

    Raises
    ------
    ShapeError
        For anything but one plane.

    Notes
    -----
    Only measured pixels fill, never filled ones, so the result depends on no order and reaches `REACH` pixels
    (twice as many with a pattern).
    """
    source = plain(image)
    if source.ndim != 2:
        raise ShapeError(f"shape {source.shape} is not one plane", "give [row, column]")
    bad = np.empty(source.shape, np.uint8)
    if kernels.mark_missing(source, bad) == 0:
        return source, bad
    filled = source.copy()
    kernels.fill_missing(source, bad, 1 if pattern is None else 2, REACH, filled)
    return filled, bad


def grown(bad: U8) -> U8:
    """The mask and every pixel that touches it: the colours of those rest on the value that was filled in."""
    out = np.empty_like(bad)
    kernels.grow(bad, out)
    return out
