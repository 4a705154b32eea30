"""The pedestal that a frame's own overscan shows, and the frame without it."""

import msgspec
import numpy as np

from sidera.errors import ShapeError
from sidera.loading import loading
from sidera.model.header import Card, Header
from sidera.types import F32, F64, Bool, plain


def subtract_overscan(raw: object, header: Header) -> F32:
    """A whole raw frame less the pedestal that its overscan shows; unchanged where it has none.

    Parameters
    ----------
    raw : array, shape (rows, columns)
        ADU, untrimmed: overscan is smoothed along the whole frame.
    header : Header
        ``bias_section`` and ``trim_section``.

    Notes
    -----
    Per row (per column, for a strip above or below) the 3σ-clipped mean of the overscan, smoothed by a
    Savitzky–Golay filter of window 51 and order 2. Three lines next to the image are skipped: charge trails
    there.
    """
    data = plain(raw)
    if header.bias_section is None:
        return data
    if data.ndim != 2:
        raise ShapeError(f"a frame with overscan is (rows, columns); got shape {data.shape}")
    top, bottom, left, right = header.bias_section
    if bottom - top >= right - left:
        left, right = _away(left, right, None if header.trim_section is None else header.trim_section[2:])
        return data - _profile(data[:, left:right])[:, None]
    top, bottom = _away(top, bottom, None if header.trim_section is None else header.trim_section[:2])
    return data - _profile(data[top:bottom].T)[None, :]


def _away(start: int, stop: int, image: tuple[int, int] | None, skip: int = 3) -> tuple[int, int]:
    """Overscan lines without those next to the image, if enough are left."""
    if image is None or stop - start < 2 * skip:
        return start, stop
    return (start + skip, stop) if start >= image[1] else (start, stop - skip)


def _profile(lines: F32) -> F32:
    """Smooth clipped mean per line of ``[line, sample]``."""
    if lines.shape[1] == 0:
        raise ShapeError("the overscan section holds no pixel", "BIASSEC lies inside the frame")
    kept = lines.astype(np.float64)
    for _ in range(3):
        middle = _quiet_median(kept)
        spread = 1.4826 * _quiet_median(np.abs(kept - middle[:, None]))
        overall = max(float(np.nanmedian(spread)), 1e-9)
        kept = np.where(
            np.abs(kept - middle[:, None]) <= 3 * np.maximum(spread, overall)[:, None], kept, np.nan
        )
    count = np.isfinite(kept).sum(axis=1)
    means = np.where(count > 0, np.nansum(kept, axis=1) / np.maximum(count, 1), np.nan)
    if not np.isfinite(means).any():
        raise ShapeError("no pixel of the overscan was measured", "Leave BIASSEC out")
    at = np.arange(means.size)
    means = np.interp(at, at[count > 0], means[count > 0])
    with loading:
        from scipy.signal import savgol_filter  # takes half a second to load, and few cameras record overscan

    window = min(51, means.size - 1 + means.size % 2)
    smooth = savgol_filter(means, window, 2) if window > 3 else np.full(means.size, means.mean())
    return np.asarray(smooth, np.float32)


def _quiet_median(lines: F64) -> F64:
    """Median per line; a line of NaN alone takes the median of all."""
    empty: Bool = np.asarray(~np.isfinite(lines).any(axis=1))
    filled = np.where(empty[:, None], 0.0, lines)
    medians: F64 = np.nanmedian(filled, axis=1)
    medians[empty] = np.median(medians[~empty]) if (~empty).any() else 0.0
    return medians


def trim(raw: object, header: Header) -> tuple[F32, Header]:
    """The light-sensitive part of a frame, and its header (`trimmed`); else unchanged."""
    data = plain(raw)
    if header.trim_section is None:
        return data, header
    top, bottom, left, right = header.trim_section
    inside = 0 <= top < bottom <= data.shape[-2] and 0 <= left < right <= data.shape[-1]
    if not inside:
        raise ShapeError(
            f"the trim section {header.trim_section} lies outside {data.shape[-2:]}", "Mend TRIMSEC"
        )
    return np.ascontiguousarray(data[..., top:bottom, left:right]), trimmed(header)


def trimmed(header: Header) -> Header:
    """What a header says once its frame is trimmed: size, Bayer pattern and world coordinates follow."""
    if header.trim_section is None:
        return header
    top, bottom, left, right = header.trim_section
    return msgspec.structs.replace(
        header,
        width=right - left,
        height=bottom - top,
        bayer=header.bayer.shifted(top, left) if header.bayer else None,
        cards=tuple(_moved(card, {"CRPIX1": left, "CRPIX2": top}) for card in header.cards),
        trim_section=None,
        bias_section=None,
    )


def _moved(card: Card, offsets: dict[str, int]) -> Card:
    """A card of the reference pixel, counted from the new corner."""
    number = isinstance(card.value, int | float) and not isinstance(card.value, bool)
    if card.keyword not in offsets or not number:
        return card
    return Card(card.keyword, float(card.value or 0) - offsets[card.keyword], card.comment)


HEADROOM = 0.9
"""The pedestal taken off a saturated pixel is less than a tenth of the range, so above this share it is still full."""


def without_overscan(header: Header) -> Header:
    """What the header of a raw frame says once `subtract_overscan` and `trim` are done with it. Pure.

    The pedestal is gone, so nothing is declared black any more, and pixels are full a little sooner. Masters,
    colour pictures, sections that overlap, and sections that hold the whole frame are passed over: their program
    was done with them, or never meant them.
    """
    wanted = sections(header)
    bare = msgspec.structs.replace(header, bias_section=None, trim_section=None)
    if wanted is None:
        return bare
    bias, area = wanted
    done = trimmed(msgspec.structs.replace(bare, trim_section=area))
    if bias is None:
        return done
    full = None if header.saturation is None else HEADROOM * header.saturation
    return msgspec.structs.replace(done, black=0.0, saturation=full)


Section = tuple[int, int, int, int]


def sections(header: Header) -> tuple[Section | None, Section | None] | None:
    """Overscan and light-sensitive part that a raw frame is to lose and keep; None where there is nothing to do."""
    if header.is_master or header.n_combined > 1 or header.planes != 1:
        return None
    bias, area = header.bias_section, header.trim_section
    if bias is not None and _overlap(bias, area or (0, 0, 0, 0)):
        bias = None
    if bias is not None and (bias[1] - bias[0]) * (bias[3] - bias[2]) >= header.width * header.height:
        bias = None
    if area == (0, header.height, 0, header.width):
        area = None
    return None if bias is None and area is None else (bias, area)


def _overlap(one: Section, other: Section) -> bool:
    rows = max(one[0], other[0]) < min(one[1], other[1])
    return rows and max(one[2], other[2]) < min(one[3], other[3])


def remove_overscan(raw: object, header: Header) -> F32:
    """The pixels that `without_overscan` describes: pedestal taken off, trimmed.

    Raises
    ------
    ShapeError
        When the overscan holds nothing that was measured.
    """
    wanted = sections(header)
    if wanted is None:
        return plain(raw)
    used = msgspec.structs.replace(header, bias_section=wanted[0], trim_section=wanted[1])
    return trim(subtract_overscan(raw, used), used)[0]
