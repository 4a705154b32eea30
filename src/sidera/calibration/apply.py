"""From raw ADU to calibrated ADU."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sidera.calibration.match import Pairing
from sidera.errors import ShapeError, UsageError
from sidera.kernels import calibrate as kernels
from sidera.model.header import Header
from sidera.model.masters import Master
from sidera.types import F32, U8, Bool, plain

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

    def window(self, raw: object, top: int = 0, left: int = 0) -> F32:
        """Calibrate a window whose first pixel lies at (top, left) of the full frame.

        Parameters
        ----------
        raw : array, shape (rows, columns) or (channels, rows, columns)
            ADU; NaN where not measured.

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
        out = np.empty_like(planes)
        kernels.apply_masters(planes, self.dark, self.inverse, top, left, out)
        return out.reshape(data.shape)

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

    Notes
    -----
    ``(L - B - k·(D - B)) / F``; with k = 1 the bias cancels and ``(L - D) / F`` is left.
    """
    full = (1,) * (3 - len(shape)) + tuple(shape)
    less = _dark_total(full, bias, dark, dark_scale, bias_removed, black)
    if flat is None and defects is None:
        return Calibrator(less, np.ones((full[0], 1, full[2]), np.float32))
    inverse = np.ones(full, np.float32) if flat is None else _inverse(_sized(flat, full, "flat"))
    if defects is not None:
        inverse = np.where(_sized(defects, full, "defect map") != 0, np.float32(np.nan), inverse)
    return Calibrator(less, inverse)


def _dark_total(
    full: tuple[int, ...], bias: object, dark: object, scale: float, bias_removed: bool, black: float
) -> F32:
    pedestal = None if bias is None else _sized(bias, full, "bias")
    if dark is None:
        return np.full((full[0], 1, full[2]), black, np.float32) if pedestal is None else pedestal
    current = _sized(dark, full, "dark")
    if bias_removed:
        return np.float32(scale) * current + (np.float32(black) if pedestal is None else pedestal)
    if scale == 1:
        return current
    if pedestal is None:
        raise UsageError(
            f"a dark cannot be scaled by {scale:g} without a bias", "Only its dark current grows with time"
        )
    return pedestal + np.float32(scale) * (current - pedestal)


def _inverse(flat: F32) -> F32:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(flat > 0, np.float32(1) / flat, np.float32(np.nan))


def _sized(image: object, full: tuple[int, ...], name: str) -> F32:
    data = plain(image)
    data = data[None] if data.ndim == 2 else data
    if data.shape != full:
        raise ShapeError(f"the {name} has shape {data.shape}, the frame {full}", "Masters fit pixel by pixel")
    return data


def prepare(pairing: Pairing, masters: Mapping[str, Master], *, defects: U8 | None = None) -> Calibrator:
    """Build the `Calibrator` of a pairing, once for all its lights.

    Parameters
    ----------
    pairing : Pairing
        Decided by `sidera.calibration.match.plan_calibration`.
    masters : mapping of str to Master
        By the key of their group; those that the pairing names.
    defects : uint8 array, optional
        Map of `find_defects`.
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
    full: Bool = data >= np.inf if level is None else data >= level
    wide = np.pad(full, [(0, 0)] * (data.ndim - 2) + [(1, 1), (1, 1)])
    tall = wide[..., :-2] | wide[..., 1:-1] | wide[..., 2:]
    grown = tall[..., :-2, :] | tall[..., 1:-1, :] | tall[..., 2:, :]
    return grown.astype(np.uint8)


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
    candidates = [] if header.saturation is None else [header.saturation]
    highest = float(np.fmax.reduce(values)) if values.size else math.nan
    if math.isfinite(highest):
        piled = int(np.count_nonzero(values == highest))
        below = int(np.count_nonzero(values >= 0.97 * highest)) - piled
        some = values[:: max(1, values.size // SAMPLE)]
        seen = some[np.isfinite(some)]
        middle = float(np.median(seen)) if seen.size else highest
        if piled >= 5 and piled > below and highest > 2 * max(middle, 0.0):
            candidates.append(0.99 * highest)
    white = re.match(r"u?int(8|16)|(8|16)-bit", header.bits)
    if not candidates and white:
        candidates.append(0.97 * (2 ** int(white[1] or white[2]) - 1))
    return min(candidates, default=None)
