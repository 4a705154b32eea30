"""An image for people at once: raw RGBA8, histogram, automatic stretch, stars, and places in the sky."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace

import msgspec
import numpy as np

from sidera.calibration.apply import saturated, saturation_level
from sidera.demosaic.mosaic import green_plane
from sidera.detection.find import find_stars
from sidera.engine.failures import RequestError
from sidera.engine.images import Held
from sidera.engine.pyramid import STRIP, channel_range
from sidera.engine.values import CurveValues, Histogram, OldStretch, Sky, StarList
from sidera.loading import loading
from sidera.model.header import Card
from sidera.model.settings import DetectionSettings
from sidera.model.stars import Stars
from sidera.stretch.apply import stretch
from sidera.stretch.auto import auto_curves
from sidera.stretch.curves import Curve
from sidera.types import F32, F64, U8, U16


def rgba(held: Held, wanted: OldStretch | None) -> U8:
    """The picture ``[row, column, RGBA]``, top row first; what nobody measured is black."""
    pixels = stretch(held.image, *curves(held, wanted))
    shown = pixels[..., ::-1, :] if held.bottom_up else pixels
    out = np.full((*shown.shape[-2:], 4), 255, np.uint8)
    planes = shown if shown.ndim == 3 else shown[np.newaxis]
    for top in range(0, out.shape[0], STRIP):
        strip = np.rint(np.nan_to_num(planes[:, top : top + STRIP], nan=0.0) * np.float32(255)).astype(
            np.uint8
        )
        out[top : top + STRIP, :, :3] = np.moveaxis(strip, 0, 2)  # one plane goes into all three
    return out


def curves(held: Held, wanted: OldStretch | None = None) -> tuple[Curve, ...]:
    """The automatic stretch, with shadows, midtones and highlights as wanted."""
    found = auto_curves(held.image)
    if wanted is None:
        return found
    check_stretch(wanted)
    return tuple(
        replace(curve, shadows=wanted.shadows, midtones=wanted.midtones, highlights=wanted.highlights)
        for curve in found
    )


def check_stretch(wanted: OldStretch) -> None:
    """Refuse a stretch that leaves no picture.

    Raises
    ------
    RequestError
        When shadows are not below highlights, or the midtones lie outside of 0 to 1.
    """
    if not -math.inf < wanted.shadows < wanted.highlights < math.inf:
        what = f"shadows at {wanted.shadows:g} and highlights at {wanted.highlights:g} leave no range"
        raise RequestError("usage", what, "shadows lie below highlights", "$.stretch.shadows")
    if not 0 <= wanted.midtones <= 1:
        what = f"midtones at {wanted.midtones:g}"
        raise RequestError("usage", what, "they lie from 0 to 1", "$.stretch.midtones")


def automatic(held: Held) -> OldStretch:
    """Shadows, midtones and highlights of the automatic stretch; with them `rgba` gives the same picture."""
    first = auto_curves(held.image)[0]
    return OldStretch(first.shadows, first.midtones, first.highlights)


def curve_values(image: F32, linked: bool) -> tuple[CurveValues, ...]:
    """The automatic stretch for a viewer, a curve a channel."""
    found = auto_curves(image, linked=linked)
    channels = image.shape[0] if image.ndim == 3 else 1
    each = found if len(found) == channels else found * channels
    return tuple(map(plain_curve, each))


def plain_curve(curve: Curve) -> CurveValues:
    """A curve as the protocol tells it."""
    return msgspec.convert(asdict(curve), CurveValues)


def histogram(plane: F32 | U16, channel: int, bins: int) -> Histogram:
    """Known pixels of one channel in equal bins from the smallest value to the largest.

    Raises
    ------
    RequestError
        For a channel that the image does not have.
    """
    planes = plane if plane.ndim == 3 else plane[np.newaxis]
    if not 0 <= channel < len(planes):
        raise RequestError(
            "usage", f"there is no channel {channel}", f"give 0 to {len(planes) - 1}", "$.channel"
        )
    chosen = planes[channel]
    extent = channel_range(chosen)
    counts = np.zeros(bins, np.int64)
    if extent.minimum is None or extent.maximum is None:
        return Histogram(tuple(counts.tolist()), None, None, channel)
    width = extent.maximum - extent.minimum
    for top in range(0, chosen.shape[0], STRIP):
        values = chosen[top : top + STRIP]
        known = values[np.isfinite(values)].astype(np.float64)
        places = ((known - extent.minimum) * (bins / width if width else 0.0)).astype(np.int64)
        counts += np.bincount(np.minimum(places, bins - 1), minlength=bins)
    return Histogram(tuple(counts.tolist()), extent.minimum, extent.maximum, channel)


def star_list(held: Held, most: int) -> StarList:
    """Stars of the image, of colour in green, in coordinates of the picture."""
    stars = _stars(held, most)[:most]
    y = held.image.shape[-2] - 1 - stars.y if held.bottom_up else stars.y
    return StarList(
        x=tuple(stars.x.tolist()),
        y=tuple(y.tolist()),
        flux=tuple(stars.flux.tolist()),
        snr=tuple(stars.snr.tolist()),
        fwhm=_known(stars.fwhm),
        hfr=_known(stars.hfr),
        eccentricity=_known(stars.eccentricity),
        angle=_known(-stars.angle if held.bottom_up else stars.angle),
        saturated=tuple(stars.saturated.tolist()),
    )


def _stars(held: Held, most: int) -> Stars:
    image, header = held.image, held.header
    plane, full = image if image.ndim == 2 else image[image.shape[0] // 2], None
    if header is not None:
        mask = saturated(image, saturation_level(header, image))
        full = mask if mask.ndim == 2 else mask.max(axis=0)
        if header.bayer is not None and image.ndim == 2:
            plane = green_plane(image, header.bayer)
    electrons = None if header is None else header.electrons_per_adu
    settings = DetectionSettings(maximum=max(most, 10))
    return find_stars(np.ascontiguousarray(plane), settings, saturation=full, electrons_per_adu=electrons)


def _known(values: F64) -> tuple[float | None, ...]:
    return tuple(value if math.isfinite(value) else None for value in values.tolist())


def is_solved(cards: Sequence[Card]) -> bool:
    """Whether the header says where in the sky the image lies."""
    values = {card.keyword: card.value for card in cards}
    kinds = (str(values.get(name, ""))[:4].upper() for name in ("CTYPE1", "CTYPE2"))
    return set(kinds) == {"RA--", "DEC-"} and "CRVAL1" in values


def sky_at(held: Held, x: float, y: float) -> Sky | None:
    """Place in the sky of a point of the picture; None where the image is not solved, or its solution is broken."""
    if not is_solved(held.cards):
        return None
    with loading:
        from astropy.io import fits  # both load slowly, and few images are solved
        from astropy.wcs import WCS, FITSFixedWarning

    header = fits.Header()
    stored = held.image.shape[-2] - 1 - y if held.bottom_up else y

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        try:
            for card in held.cards:
                if card.keyword not in ("COMMENT", "HISTORY", ""):
                    header[card.keyword] = card.value
            ra, dec = WCS(header, naxis=2).celestial.wcs_pix2world(x, stored, 0)
        except ValueError:  # astropy's own errors of world coordinates are ValueErrors too
            return None
    place = float(ra), float(dec)
    return Sky(*place) if all(map(math.isfinite, place)) else None
