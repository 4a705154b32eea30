"""From a colour filter array to colour, by the method asked for."""

from typing import Literal

from sidera.demosaic import bilinear, rcd, superpixel, vng
from sidera.demosaic.mosaic import Core, checked, cut
from sidera.errors import UsageError
from sidera.model.header import Bayer
from sidera.types import F32

Demosaicing = Literal["rcd", "bilinear", "vng", "superpixel"]

SUPPORT: dict[str, int] = {
    "rcd": rcd.SUPPORT,
    "bilinear": bilinear.SUPPORT,
    "vng": vng.SUPPORT,
    "superpixel": superpixel.SUPPORT,
}
"""How far, in pixels along rows and columns, a pixel's colour depends on the colour filter array."""


def demosaic(
    cfa: object,
    pattern: Bayer,
    method: Demosaicing = "rcd",
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0),
    pedestal: float = 0.0,
    full_scale: float = 65535.0,
    core: Core | None = None,
) -> F32:
    """Give every pixel all three colours.

    Parameters
    ----------
    cfa : float32 array, shape (rows, columns)
        Linear colour filter array, sky and all. "rcd" and "vng" want it without NaN (`fill_defects`); a NaN
        spoils at most the pixels within the method's `SUPPORT`.
    pattern : Bayer
        The one at row 0, column 0; for a window, ``pattern.shifted(row, column)``.
    method : {"rcd", "bilinear", "vng", "superpixel"}
        "rcd" is the sharpest; "bilinear" keeps star colours; "superpixel" halves the size.
    gains : (float, float, float)
        Red, green and blue are multiplied by these before and divided after, for "rcd" and "vng": both take
        the colours' detail for alike, so choose gains that make the mean star neutral.
    pedestal : float
        Added after the gains and taken off at the end, in the data's unit, for "rcd" and "vng": 10 sigma of
        the sky keeps the ratios of "rcd" steady where the sky is near 0.
    full_scale : float
        Value of a full pixel: gradients below 1e-5 of it count as none in "rcd".
    core : (int, int, int, int), optional
        Top, left, bottom and right of the part that is wanted; top and left are even. The pixels about it are
        looked at only, which takes less time than to cut it out of the whole.

    Returns
    -------
    float32 array, shape (3, rows, columns)
        Red, green, blue of the core in the data's unit, neither clipped at 0 nor above; a measured sample stays as it
        was, bit for bit. "superpixel": shape (3, rows // 2, columns // 2), whose pixel (x, y) is centred at
        (2x + 0.5, 2y + 0.5) of the full frame; its red and blue were seen half a pixel off, in their corners.

    Raises
    ------
    ShapeError
        For anything but a plane of at least 2×2 pixels.
    UsageError
        For an unknown method, gains or a full scale that are not above 0, or a core that is none.

    Notes
    -----
    Local and exact: a pixel's value is a fixed sequence of roundings of what lies within `SUPPORT`, so a
    window's colours are the whole frame's, bit for bit, as far from the window's edges ("superpixel": if
    the window starts at an even row and column). Beyond its edges the frame is mirrored about the outermost
    pixels.

    References
    ----------
    L. Sanz Rodríguez, Ratio Corrected Demosaicing, 2015 to 2017. E. Chang, S. Cheung & D. Pang, Color filter
    array recovery using a threshold-based variable number of gradients, Proc. SPIE 3650, 1999.
    """
    image = checked(cfa)
    if not all(gain > 0 for gain in gains):
        raise UsageError(f"gains {tuple(gains)} are not all above 0", "give factors for red, green and blue")
    if not full_scale > 0:
        raise UsageError(
            f"full scale {full_scale} is not above 0", "give the value of a full pixel, such as 65535"
        )
    if method not in SUPPORT:
        raise UsageError(f"demosaicing method {method!r} is not known", f"choose one of {', '.join(SUPPORT)}")
    if core is not None:
        _check_core(core, image.shape)
    match method:
        case "rcd":
            return rcd.rcd(image, pattern, gains, pedestal, full_scale, core)
        case "vng":
            return vng.vng(image, pattern, gains, pedestal, core)
        case "bilinear":
            return bilinear.bilinear(image, pattern, core)
        case "superpixel":
            return superpixel.superpixel(cut(image, core), pattern)


def _check_core(core: Core, shape: tuple[int, ...]) -> None:
    top, left, bottom, right = core
    inside = 0 <= top < bottom <= shape[0] and 0 <= left < right <= shape[1]
    if not inside or top % 2 or left % 2:
        raise UsageError(
            f"the core {core} is no part of a colour filter array of shape {shape}",
            "give top, left, bottom, right inside it, top and left even",
        )
