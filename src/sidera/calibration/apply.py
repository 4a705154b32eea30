"""From raw ADU to calibrated ADU."""

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from sidera.calibration.match import Pairing
from sidera.calibration.spread import Spread
from sidera.errors import ShapeError, UsageError
from sidera.kernels import calibrate as kernels
from sidera.model.header import Header
from sidera.model.masters import Master
from sidera.types import F32, U8, plain

STRIP = 64
"""Rows that are worked on at a time."""
SAMPLE = 65536
"""Pixels that tell a frame's usual level well enough."""


@dataclass(frozen=True)
class Calibrator:
    """What turns raw windows of one camera set-up into calibrated ones: ``(raw - dark) * inverse``.

    ``dark`` and ``inverse`` are ``[channel, row, column]``; a master of one row serves every row.
    ``inverse`` is 1 / flat, NaN at defects and where the flat is too low.
    """

    dark: F32
    inverse: F32

    def mapped(self, folder: Path) -> "Calibrator":
        """The same, read page by page from two files in a folder instead of held in memory."""
        planes = []
        for name, plane in (("dark", self.dark), ("inverse", self.inverse)):
            path = folder / f"{name}-{id(self)}.npy"
            np.save(path, plane)
            planes.append(np.load(path, mmap_mode="r"))
        return Calibrator(*planes)

    def window(self, raw: object, top: int = 0, left: int = 0, out: F32 | None = None) -> F32:
        """Calibrate a window whose first pixel lies at (top, left) of the full frame.

        Parameters
        ----------
        raw : array, shape (rows, columns) or (channels, rows, columns)
            ADU; NaN where not measured.
        out : float32 array, shape of ``raw``, optional
            Filled and returned, where given; its rows are contiguous.

        Returns
        -------
        float32 array, shape of ``raw``
            ADU without pedestal, negative values kept; NaN where nothing is known. The same bits as of the
            whole frame.
        """
        data = plain(raw)
        planes = data if data.ndim == 3 else data[None]
        channels, rows, columns = self._size()
        fits = data.ndim in (2, 3) and len(planes) == channels and min(top, left) >= 0
        if not fits or top + planes.shape[1] > rows or left + planes.shape[2] > columns:
            raise ShapeError(
                f"a window of {data.shape} at row {top}, column {left} lies outside the masters",
                f"These are {channels} plane(s) of {rows} rows and {columns} columns",
            )
        result = np.empty_like(data) if out is None else out
        made = result if data.ndim == 3 else result[None]
        for plane in (slice(channel, channel + 1) for channel in range(channels)):
            masters = self.dark[plane], self.inverse[plane]
            kernels.apply_masters(planes[plane], *masters, top, left, made[plane])
        return result

    def _size(self) -> tuple[int, int, int]:
        channels, rows, columns = (
            max(pair) for pair in zip(self.dark.shape, self.inverse.shape, strict=True)
        )
        return channels, rows if rows > 1 else 2**62, columns


def calibrator(
    shape: tuple[int, ...],
    *,
    bias: object = None,
    dark: object = None,
    flat: object = None,
    dark_scale: float = 1.0,
    bias_removed: bool = False,
    black: float = 0.0,
    defects: U8 | None = None,
    spread: Spread = map,
) -> Calibrator:
    """Build a `Calibrator` from arrays.

    Parameters
    ----------
    shape : tuple of int
        Of the raw frame: (rows, columns) or (channels, rows, columns).
    bias, dark, flat : array of that shape, optional
        Masters; the flat is 1 on average.
    dark_scale : float
        Factor on the dark current, ``dark - bias``. Any but 1 needs a bias.
    bias_removed : bool
        The dark holds no bias: it is added to the bias, never taken off twice.
    black : float
        Level that the file declares as black, in ADU; used only where neither bias nor dark holds it.
    defects : uint8 array, optional
        Anything but 0 becomes NaN.
    spread : Spread
        Does the work strip by strip, perhaps some at a time.

    Notes
    -----
    ``(L - B - k·(D - B)) / F``; with k = 1 the bias cancels and ``(L - D) / F`` is left.
    """
    full = (1,) * (3 - len(shape)) + tuple(shape)
    less = _dark_total(full, bias, dark, dark_scale, bias_removed, black, spread)
    if flat is None and defects is None:
        return Calibrator(less, np.ones((full[0], 1, full[2]), np.float32))
    inverse = np.empty(full, np.float32)
    _invert(
        None if flat is None else _fitting(flat, full, "flat"),
        None if defects is None else _fitting(defects, full, "defect map"),
        inverse,
        spread,
    )
    return Calibrator(less, inverse)


def _dark_total(
    full: tuple[int, ...],
    bias: object,
    dark: object,
    scale: float,
    bias_removed: bool,
    black: float,
    spread: Spread,
) -> F32:
    if bias is not None:
        _fitting(bias, full, "bias")
    if dark is not None and scale == 1 and not bias_removed:
        return _sized(dark, full, "dark", spread)
    pedestal = None if bias is None else _sized(bias, full, "bias", spread)
    if dark is None:
        return np.full((full[0], 1, full[2]), black, np.float32) if pedestal is None else pedestal
    current = _sized(dark, full, "dark", spread)
    if bias_removed:
        return np.float32(scale) * current + (np.float32(black) if pedestal is None else pedestal)
    if pedestal is None:
        raise UsageError(
            f"a dark cannot be scaled by {scale:g} without a bias", "Only its dark current grows with time"
        )
    return pedestal + np.float32(scale) * (current - pedestal)


def _invert(flat: F32 | None, defects: U8 | None, inverse: F32, spread: Spread) -> None:
    """Fill ``inverse`` with 1 / flat, NaN where that is not above 0 and at defects; in strips, see `_fitting`."""
    one, sound = np.ones(inverse.shape[2:], np.float32), np.zeros(inverse.shape[2:], np.uint8)

    def invert(place: tuple[int, int]) -> None:
        channel, rows = place[0], slice(place[1], place[1] + STRIP)
        out = inverse[channel, rows]
        own = np.broadcast_to(one, out.shape) if flat is None else flat[channel, rows]
        bad = np.broadcast_to(sound, out.shape) if defects is None else defects[channel, rows]
        kernels.invert(plain(own), np.ascontiguousarray(bad, np.uint8), out)

    deque(spread(invert, _strips(inverse.shape)), maxlen=0)


def _sized(image: object, full: tuple[int, ...], name: str, spread: Spread) -> F32:
    """`_fitting` in memory, in this machine's byte order; copied strip by strip where it is not."""
    given = _fitting(image, full, name)
    if given.dtype == np.float32 and given.flags.c_contiguous:
        return plain(given)
    out = np.empty(full, np.float32)

    def copy(place: tuple[int, int]) -> None:
        part = place[0], slice(place[1], place[1] + STRIP)
        out[part] = given[part]

    deque(spread(copy, _strips(full)), maxlen=0)
    return out


def _strips(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Channel and first row of every strip."""
    return product(range(shape[0]), range(0, shape[1], STRIP))


def _fitting(image: object, full: tuple[int, ...], name: str) -> np.ndarray[tuple[int, ...], np.dtype[Any]]:
    """An array as it is, which may lie in a file and in any byte order; with three axes."""
    data = np.asarray(image) if isinstance(image, np.ndarray) else plain(image)
    data = data[None] if data.ndim == 2 else data
    if data.shape != full:
        raise ShapeError(f"the {name} has shape {data.shape}, the frame {full}", "Masters fit pixel by pixel")
    return data


def prepare(
    pairing: Pairing, masters: Mapping[str, Master], *, defects: U8 | None = None, spread: Spread = map
) -> Calibrator:
    """Build the `Calibrator` of a pairing, once for all its lights.

    Parameters
    ----------
    pairing : Pairing
        Decided by `sidera.calibration.match.plan_calibration`.
    masters : mapping of str to Master
        By the key of their group; those that the pairing names.
    defects : uint8 array, optional
        Map of `find_defects`.
    spread : Spread
        As of `calibrator`.
    """
    bias, dark, flat = (masters[key] if key else None for key in (pairing.bias, pairing.dark, pairing.flat))
    return calibrator(
        pairing.shape,
        bias=None if bias is None else bias.image,
        dark=None if dark is None else dark.image,
        flat=None if flat is None else flat.image,
        dark_scale=pairing.dark_scale,
        bias_removed=dark is not None and dark.bias_removed,
        black=pairing.black,
        defects=defects,
        spread=spread,
    )


def calibrate(
    raw: object,
    *,
    bias: object = None,
    dark: object = None,
    flat: object = None,
    dark_scale: float = 1.0,
    bias_removed: bool = False,
    black: float = 0.0,
    defects: U8 | None = None,
) -> F32:
    """Calibrate one frame with masters of its size; parameters as of `calibrator`.

    Returns
    -------
    float32 array, shape of ``raw``
        ADU, not clipped at 0; NaN at defects, where the flat is too low, and where ``raw`` is NaN.
    """
    data = plain(raw)
    if data.ndim not in (2, 3):
        raise ShapeError(f"a frame is (rows, columns) or (channels, rows, columns); got shape {data.shape}")
    made = calibrator(
        data.shape,
        bias=bias,
        dark=dark,
        flat=flat,
        dark_scale=dark_scale,
        bias_removed=bias_removed,
        black=black,
        defects=defects,
    )
    return made.window(data)


def saturated(raw: object, level: float | None) -> U8:
    """1 where a raw pixel or one that touches it reaches the saturation level, else 0.

    Parameters
    ----------
    raw : array, shape (..., rows, columns)
        Raw ADU, before dark and flat; a window needs a halo of 1 px.
    level : float or None
        ADU; None flags nothing.
    """
    data = plain(raw)
    mask = np.zeros(data.shape, np.uint8)
    for plane, own in zip(
        data.reshape(-1, *data.shape[-2:]), mask.reshape(-1, *data.shape[-2:]), strict=True
    ):
        kernels.mark_full(plane, math.inf if level is None else level, 0, own)
    return mask


def saturation_level(header: Header, sample: object) -> float | None:
    """Level in raw ADU from which a pixel says nothing; None where it cannot be known.

    Parameters
    ----------
    header : Header
        ``saturation`` if declared, ``bits`` for the white level.
    sample : array
        A raw frame, or many of its pixels.

    Notes
    -----
    The lowest of what the header declares and of the level at which pixels pile up (less 1 %); where neither
    is there, 0.97 of the white that the file's integers can hold. A pile: 5 pixels or more at the very
    maximum, and more than in the 3 % below it.
    """
    values = plain(sample).ravel()
    low, high = kernels.extremes(values[None])
    some = values[:: max(1, values.size // SAMPLE)]
    return piled_level(header, low, high, some, lambda least: [values])


def piled_level(
    header: Header, low: float, high: float, some: F32, reaching: Callable[[float], Iterable[F32]]
) -> float | None:
    """`saturation_level` of a frame that is not held as a whole.

    Parameters
    ----------
    header : Header
        As there.
    low, high : float
        Its lowest and highest value; ``low > high`` where none was measured.
    some : float32 array
        Enough of its values to tell the usual one.
    reaching : function (least) -> arrays
        Gives, in parts, all of its values from ``least`` on, and perhaps others.
    """
    candidates = [] if header.saturation is None else [header.saturation]
    if low <= high:
        parts = [
            (np.count_nonzero(part == high), np.count_nonzero(part >= 0.97 * high))
            for part in reaching(min(high, 0.97 * high))
        ]
        piled, upper = (sum(counts) for counts in zip(*parts, strict=True))
        seen = some[np.isfinite(some)]
        middle = float(np.median(seen)) if seen.size else high
        if piled >= 5 and piled > upper - piled and high > 2 * max(middle, 0.0):
            candidates.append(0.99 * high)
    white = re.match(r"u?int(8|16)|(8|16)-bit", header.bits)
    if not candidates and white:
        candidates.append(0.97 * (2 ** int(white[1] or white[2]) - 1))
    return min(candidates, default=None)
