"""Pixels not to be believed: found once in the masters, or anew in each light."""

from collections import deque
from enum import IntFlag

import numpy as np

from sidera.calibration.spread import Spread
from sidera.errors import ShapeError, UsageError
from sidera.kernels import calibrate as kernels
from sidera.kernels.networks import network
from sidera.model.header import Bayer
from sidera.model.masters import Master
from sidera.types import F32, F64, U8, plain

SEGMENT = 64
"""Rows of a column that are judged together."""

SAMPLE, STRIP = 1_000_000, 16
"""Pixels that tell the spread of a master's residuals to 0.2 %, and the rows that are looked at together."""

COSMETIC_SUPPORT = 3
"""`cosmetic` at a pixel depends on pixels at most this many rows and columns away (2 for mono)."""

ALONE = {False: 6.0, True: 8.0}
"""For mono and for CFA: by how much a lone pixel outdoes the second of those that touch it.

A star of FWHM 1.2 px on the middle of a pixel puts 0.24 of its peak into each of the four pixels beside it,
one of 1.5 px 0.37. On a colour filter array those have another colour, where a star may be fainter: at a
factor of 8 the latter survives while they see four tenths of what its own colour sees.
"""


NETWORK = network(24)


class Defect(IntFlag):
    """Why a pixel of the map is not believed."""

    HOT = 1
    COLD = 2
    NOISY = 4
    COLUMN = 8
    FLAT = 16
    """Far from its neighbours in the flat, or too low there to divide by."""


def find_defects(
    dark: Master | None = None,
    flat: Master | None = None,
    pattern: Bayer | None = None,
    sigma: float = 8.0,
    spread: Spread = map,
) -> U8:
    """Map of hot, cold and noisy pixels and bad columns.

    Parameters
    ----------
    dark, flat : Master or None
        At least one; of one size. Colour planes are judged each for itself.
    pattern : Bayer or None
        None for mono and for demosaiced data.
    sigma : float
        A dark's pixel is a defect this many sigma off the median of its same-colour 5×5 neighbours.
    spread : Spread
        Does the work strip by strip, perhaps some at a time.

    Returns
    -------
    uint8 array, shape of the masters
        Sum of `Defect` bits, 0 for sound pixels.

    Notes
    -----
    Hot (cold) beyond max(sigma·σ_MAD, 5·RN) of the neighbours, RN the read noise of the master's own
    variance; noisy where the variance is over 6 times that of the neighbours, or under a sixth; in flats 25
    % off the neighbours. A column is bad along 64 rows when 60 % of them are defects.
    """
    if dark is None and flat is None:
        raise UsageError("no master to find defects in", "Give a master dark, a master flat, or both")
    masters = [master for master in (dark, flat) if master is not None]
    shapes = [np.shape(master.image) for master in masters]
    if shapes[0] != shapes[-1]:
        raise ShapeError(f"the dark has {shapes[0]} pixels, the flat {shapes[-1]}", "Use masters of one size")
    mask, *others = spread(lambda master: _marked(master, pattern, sigma, spread), masters)
    for other in others:
        mask |= other
    _mark_bad_columns(mask)
    return mask


def _marked(master: Master, pattern: Bayer | None, sigma: float, spread: Spread) -> U8:
    """A master's defects. It is read in strips: its arrays may lie in a file, in any byte order."""
    image, variance = np.asanyarray(master.image), np.asanyarray(master.variance)
    if image.shape != variance.shape:
        raise ShapeError(f"a master of {image.shape} pixels has a variance of {variance.shape}")
    mask = np.zeros(image.shape, np.uint8)
    step = 1 if pattern is None or image.ndim == 3 else 2
    size = image.shape[-2:]
    for plane, noise, own in zip(
        image.reshape(-1, *size), variance.reshape(-1, *size), mask.reshape(-1, *size), strict=True
    ):
        if master.kind.value == "flat":
            _mark_outliers(plane, step, (1 / 1.25, 0), (1 / 0.75, 0), (Defect.FLAT, Defect.FLAT), own, spread)
            _mark_missing(plane, own)
        else:
            _mark_in_dark(plane, noise, step, sigma, own, spread)
        if (
            master.header.n_combined >= 5
        ):  # with fewer, the variance is the model's and tells nothing of the pixel
            _mark_outliers(noise, step, (1 / 6, 0), (6, 0), (Defect.NOISY, Defect.NOISY), own, spread)
    return mask


def _around(image: F32, step: int) -> F32:
    """Median of the same-colour 5×5 neighbours. Mirroring at the edges keeps the colours in place."""
    out = np.empty_like(image)
    padded = np.pad(image, 2 * step, mode="reflect")
    kernels.local_median(padded, step, NETWORK, np.zeros((24, 64), np.float32), out)
    return out


def _mark_outliers(
    image: F32,
    step: int,
    low: tuple[float, float],
    high: tuple[float, float],
    bits: tuple[Defect, Defect],
    mask: U8,
    spread: Spread,
) -> None:
    """Add the first of the bits where the neighbours' median is under ``low``, the second where over ``high``.

    ``low`` and ``high`` are factor and offset to the pixel. In strips, padded one by one: a padded copy of the
    whole costs as much as the comparison.
    """
    under, over = np.array(low, np.float32), np.array(high, np.float32)
    table = np.array([0, *bits], np.uint8)
    halo = 2 * step

    def mark(top: int) -> None:
        own = mask[top : top + SEGMENT].ravel()
        found = np.empty(mask[top : top + SEGMENT].shape, np.uint8)
        kernels.stand_out(_reflected(image, top, top + len(found), halo), step, under, over, found)
        where = np.flatnonzero(found)
        own[where] |= table[found.ravel()[where]]

    deque(spread(mark, range(0, image.shape[0], SEGMENT)), maxlen=0)


def _reflected(image: F32, top: int, bottom: int, halo: int) -> F32:
    """Rows ``top`` to ``bottom`` with ``halo`` pixels more a side, mirrored at the image's edges."""
    if top >= halo and bottom + halo <= image.shape[0]:
        strip = image[top - halo : bottom + halo]
    else:
        strip = image[np.pad(np.arange(image.shape[0]), halo, mode="reflect")[top : bottom + 2 * halo]]
    return np.pad(plain(strip), [(0, 0), (halo, halo)], mode="reflect")


def _mark_missing(image: F32, mask: U8) -> None:
    for top in range(0, image.shape[0], SEGMENT):
        own = slice(top, top + SEGMENT)
        mask[own] |= ~np.isfinite(plain(image[own])) * np.uint8(Defect.FLAT)


def _residuals(image: F32, step: int) -> F32:
    """Pixels less the median of their neighbours, in strips that stand for the image where it is large."""
    every = image.size // SAMPLE
    if every < 2:
        whole = plain(image)
        return whole - _around(whole, step)
    halo, strips = 2 * step, []
    for top in range(0, image.shape[0] - STRIP - 2 * halo + 1, every * STRIP):
        strip = plain(image[top : top + STRIP + 2 * halo])
        strips.append((strip - _around(strip, step))[halo:-halo])
    return np.concatenate(strips)


def _mark_in_dark(image: F32, variance: F32, step: int, sigma: float, mask: U8, spread: Spread) -> None:
    residual = _residuals(image, step)
    seen = residual[np.isfinite(residual)]
    if not seen.size:
        return
    scatter = 1.4826 * float(np.median(np.abs(seen - np.median(seen))))
    known = plain(variance[:: max(1, variance.size // SAMPLE)])
    known = known[np.isfinite(known)]
    read_noise = float(np.sqrt(np.median(known))) if known.size else 0.0
    limit = max(sigma * scatter, 5 * read_noise)
    _mark_outliers(image, step, (1, -limit), (1, limit), (Defect.HOT, Defect.COLD), mask, spread)


def _mark_bad_columns(mask: U8) -> None:
    """Flag a column's whole 64-row segment where 60 % of it is flagged."""
    for top in range(0, mask.shape[-2], SEGMENT):
        segment = mask[..., top : top + SEGMENT, :]
        if segment.shape[-2] >= 5:
            bad = np.count_nonzero(segment, axis=-2) >= 0.6 * segment.shape[-2]
            segment |= (bad * np.uint8(Defect.COLUMN))[..., None, :]


def pixel_noise(image: object, pattern: Bayer | None = None) -> F64:
    """Noise of single pixels in ADU, from each one's difference to its same-colour neighbours.

    Parameters
    ----------
    image : array, shape (rows, columns)
        A light, or a part of it; NaN is left out.

    Returns
    -------
    float64 array, shape (2, 2)
        [row % 2, column % 2]; NaN where nothing was measured.
    """
    standing = _sampled_excess(_plane(image), 1 if pattern is None else 2)
    places = [(standing[r::2, c::2] if pattern else standing) for r in (0, 1) for c in (0, 1)]
    return np.array([_spread(place) for place in places]).reshape(2, 2)


def _sampled_excess(image: F32, step: int) -> F32:
    """`_excess`, of strips that stand for the image where it is large; each begins on an even row."""
    every = image.size // SAMPLE
    if every < 2:
        return _excess(image, step)
    halo = 2 * step
    tops = range(0, image.shape[0] - STRIP - 2 * halo + 1, every * STRIP)
    return np.concatenate([_excess(image[top : top + STRIP + 2 * halo], step)[halo:-halo] for top in tops])


def _spread(excess: F32) -> float:
    """Sigma of the pixels: the median of 8 adds 0.17 of their variance (Monte Carlo over normal noise)."""
    seen = excess[np.isfinite(excess) & (excess != 0)]  # 0: too few neighbours, or none but its equals
    if not seen.size:
        return float("nan")
    return 1.4826 * float(np.median(np.abs(seen - np.median(seen)))) / float(np.sqrt(1.17))


def cosmetic(window: object, pattern: Bayer | None, noise: F64 | float, *, kappa: float = 6.0) -> F32:
    """A light with NaN at pixels that stand out alone, hot or cold; stars stay.

    Parameters
    ----------
    window : array, shape (rows, columns) or (channels, rows, columns)
        ADU. The first pixel lies at the pattern's first.
    pattern : Bayer or None
        Pattern at the window's first pixel; None for mono.
    noise : float or float64 array, shape (2, 2)
        Sigma of a pixel of the sky in ADU, per place in the colour cell as of `pixel_noise`.
    kappa : float
        Nothing under this many sigma is touched.

    Returns
    -------
    float32 array, shape of the window
        Depends on pixels at most `COSMETIC_SUPPORT` away: a window with such a halo gives the bits of the
        whole.

    Notes
    -----
    With e = pixel - median of its 8 same-colour neighbours, a pixel goes when |e| > κσ and |e| > f times the
    second largest |e| of the 8 pixels that touch it, of whatever colour; f in `ALONE`. Light spreads over
    touching pixels, dark current does not; the second largest, since hot pixels come in pairs too; sizes, so
    that the photon noise of a bright star's wings, far above the sky's, is measured on the spot.
    """
    data = plain(window)
    if data.ndim == 3:
        return np.stack([cosmetic(plane, None, noise, kappa=kappa) for plane in data])
    data = _plane(data)
    standing = _excess(data, 1 if pattern is None else 2)
    sigmas = np.broadcast_to(np.asarray(noise, np.float32), (2, 2))
    columns = np.arange(data.shape[1]) % 2
    padded = np.pad(standing, 1, constant_values=np.nan)
    factor = ALONE[pattern is not None]
    out = np.empty_like(data)
    kernels.lone_pixels(data, padded, np.ascontiguousarray(sigmas[:, columns]), kappa, factor, out)
    return out


def _excess(image: F32, step: int) -> F32:
    out = np.empty_like(image)
    kernels.excess(np.pad(image, step, constant_values=np.nan), step, out)
    return out


def _plane(image: object) -> F32:
    data = plain(image)
    if data.ndim != 2:
        raise ShapeError(f"one plane is (rows, columns); got shape {data.shape}")
    return data
