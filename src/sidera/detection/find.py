"""From a plane to its stars."""

import numpy as np

from sidera.detection.search import FWHM, PIXEL, Peaks, search, sigma_of
from sidera.detection.sky import Sky, sky_mesh
from sidera.errors import ShapeError
from sidera.kernels import detect as kernels
from sidera.loading import loading
from sidera.model.header import Bayer
from sidera.model.settings import DetectionSettings
from sidera.model.stars import Stars
from sidera.types import F32, F64, I64, U8, Bool, plain

WINDOW = 1.3  # sigma of the centroid's window over the star's: at FWHM 1.5 a third of the phase error of 1.0
GAIN = 1 + 1 / WINDOW**2  # of a centroid's steps: twice as few lead to the centre as with SExtractor's 2
NARROW = 0.8  # of the second window, which sees less of a profile's wings
WINGS = 2.0  # fitted to pixel-integrated Moffat profiles of beta 2.5 to 8, to 2 %
PRIOR, PRIOR_SCATTER = 0.95, 0.03  # ratio of widths through the two windows on real frames
SMALLEST, LARGEST = 1.0, 25.0  # FWHM in pixels that stars may have
APERTURE, INNER, OUTER = 2.5, 4.0, 6.0  # radii in FWHM
HOT = 0.18  # mean of 8 neighbours over peak: 0 for a hot pixel, 0.125 interpolated, 0.25 for FWHM 1.5
MISFIT = 0.15  # of a filter's width over the stars': beyond, it loses 1 % of their SNR
SHAPED = 15.0  # SNR from which a star's shape is good enough to judge it by
FLOOR = 0.01  # px: what remains of a bright star's position error (pixel phase, optics)
WHOLE = np.ones((2, 2), np.uint8)


def find_stars(
    image: object,
    settings: DetectionSettings | None = None,
    *,
    saturation: object | None = None,
    sky: Sky | None = None,
    electrons_per_adu: float | None = None,
    in_place: bool = False,
) -> Stars:
    """Find and measure the stars of a plane.

    Parameters
    ----------
    image : float32 array, shape (rows, columns)
        A mono frame, or the green plane of a colour one interpolated to full size, in ADU; NaN where not
        measured. Its noise may be correlated: it is measured after the filter.
    settings : DetectionSettings
        Threshold, number of stars, mesh, first guess of the FWHM.
    saturation : array, shape (rows, columns), optional
        Not 0 where a pixel is saturated.
    sky : Sky, optional
        The plane's sky, where it has been measured already.
    electrons_per_adu : float, optional
        Adds the stars' own photon noise to ``snr`` and ``sigma``.
    in_place : bool
        Stars' missing pixels may be filled in the image itself while it is measured, which saves a copy of it.

    Returns
    -------
    Stars
        At most ``settings.maximum``, spread over the field, brightest first. FWHM and HFR are those of the
        light before the pixels widened it; stars too faint for it have NaN. Hot pixels, trails and galaxies
        are left out as far as their shape tells them from stars.

    Raises
    ------
    ShapeError
        If the image is not one plane, or the saturation mask has another shape.

    Notes
    -----
    Matched Gaussian filter, strict maxima of 5×5 pixels, Gaussian-windowed centroids and moments (Bertin &
    Arnouts 1996) with a window of 1.3 times the stars' width, flux within 2.5 FWHM above an annulus of 4 to 6
    FWHM, HFR by curve of growth. ``snr`` is that of the matched filter, flux / (sigma √(2.27 FWHM²)) for a
    Gaussian, and ``sigma`` the background-limited bound 0.6·FWHM/SNR, with a floor of 0.01 pixels.
    """
    plane = plain(image)
    chosen = settings or DetectionSettings()
    if plane.ndim != 2:
        raise ShapeError(f"stars are found on one plane (rows, columns); got shape {plane.shape}")
    mask = None if saturation is None else np.asarray(saturation)
    if mask is not None and mask.dtype != np.uint8:
        mask = (mask != 0).astype(np.uint8)
    if mask is not None and mask.shape != plane.shape:
        raise ShapeError(f"the saturation mask has shape {mask.shape}; the image has {plane.shape}")
    if min(plane.shape) < 8:
        return Stars.none()
    sky = sky or sky_mesh(plane, chosen.mesh)
    if not np.isfinite(sky.median_level):
        return Stars.none()
    peaks, fwhm, missing = _settled(plane, sky, chosen, mask)
    # Twice as many as wanted are measured, for some are refused by their shape.
    peaks = peaks[_spread(peaks.column, peaks.row, plane.shape, 2 * chosen.maximum)]
    if peaks.row.size == 0:
        return Stars.none()
    plane = plane.copy() if missing and not in_place else plane
    stars = _measured(plane, mask, peaks, fwhm, missing, electrons_per_adu)
    stars = stars[~_lined_up(stars.x, stars.y, stars.eccentricity, stars.angle)]
    stars = stars[_credible(stars)]
    stars = stars[np.argsort(-stars.flux, kind="stable")]
    stars = stars[_alone(stars, fwhm)]
    return stars[_spread(stars.x, stars.y, plane.shape, chosen.maximum)]


def _settled(plane: F32, sky: Sky, settings: DetectionSettings, mask: U8 | None) -> tuple[Peaks, float, bool]:
    """Peaks found with a filter as wide as the stars, and that width; it is run again if it misfits.

    And whether a pixel of the plane is missing.
    """
    peaks, missing = search(plane, sky, settings.threshold, settings.fwhm)
    fwhm = _typical(plane, mask, peaks.with_neighbours(HOT), settings.fwhm)
    if abs(fwhm / settings.fwhm - 1) > MISFIT:
        peaks, missing = search(plane, sky, settings.threshold, fwhm)
    return peaks.with_neighbours(max(HOT, 0.4 * _least_surround(fwhm))), fwhm, missing


def _least_surround(fwhm: float) -> float:
    """Mean of the 8 neighbours over the peak of a star centred on a pixel: off centre, it is more."""
    variance = sigma_of(fwhm) ** 2
    return float(np.exp(-0.5 / variance) + np.exp(-1 / variance)) / 2


def _typical(plane: F32, mask: U8 | None, peaks: Peaks, guess: float) -> float:
    """Median FWHM of the brightest unsaturated stars, by windows that are adapted to it until it stands."""
    x, y = peaks.column.astype(np.float64), peaks.row.astype(np.float64)
    keep = np.flatnonzero(~_saturated(mask, x, y, guess))[:300]
    if keep.size == 0:
        return guess
    fwhm, about = guess, 0.0
    for _ in range(8):
        stars_x, stars_y = x[keep], y[keep]
        if abs(fwhm - about) > 0.25 * about:  # the sky about a star hardly depends on the annulus
            about = fwhm
            level = _annuli(plane, stars_x, stars_y, INNER * about, OUTER * about)[0]
        kernels.centroids(plane, level, WINDOW * sigma_of(fwhm), GAIN, 2 * fwhm, stars_x, stars_y)
        sizes, eccentricity, angle = _shapes(plane, level, stars_x, stars_y, fwhm, peaks.significance[keep])
        known = sizes[~np.isnan(sizes) & ~_lined_up(stars_x, stars_y, eccentricity, angle)]
        if known.size == 0:
            break
        before, fwhm = fwhm, float(np.clip(np.median(known), 0.6 * fwhm, 1.6 * fwhm))
        fwhm = min(max(fwhm, SMALLEST), LARGEST)
        if abs(fwhm / before - 1) < 0.02:
            break
    return fwhm


def _annuli(image: F32, x: F64, y: F64, inner: float, outer: float, use: U8 = WHOLE) -> tuple[F64, F64, F64]:
    """Sky level, deviation and number of pixels about each position."""
    level, spread, count = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    kernels.annuli(image, x, y, inner, outer, use, level, spread, count)
    return level, spread, count


def _axes(image: F32, level: F64, x: F64, y: F64, window: float) -> tuple[F64, F64, F64]:
    """Variances of each star along its two axes, freed of window and pixel, and the major axis's angle.

    A Gaussian of variance s² seen through a window of variance w² has 1/(1/s² + 1/w²). Infinite where a star
    fills its window; NaN where there is no light.
    """
    sums = np.empty((x.size, 3))
    kernels.moments(image, level, window, x, y, sums)
    xx, yy, xy = sums.T
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major, minor = (_freed(seen, window) for seen in (middle + half, middle - half))
    return major, minor, 0.5 * np.arctan2(2 * xy, xx - yy)


def _freed(seen: F64, window: float) -> F64:
    """Variance before the window and the pixels had their part."""
    square = window * window
    fits = (seen > 0) & (seen < square)
    out = np.full(seen.shape, np.nan)
    out[fits] = np.maximum(1 / (1 / seen[fits] - 1 / square) - PIXEL, 0.02)
    out[seen >= square] = np.inf
    return out


def _shapes(image: F32, level: F64, x: F64, y: F64, fwhm: float, significance: F64) -> tuple[F64, F64, F64]:
    """FWHM, eccentricity, and angle in degrees of each star.

    A profile with wings looks wider through a wider window. How much, over two windows and all bright stars,
    tells how far to go back to the width at half maximum.
    """
    major, minor, angle = _axes(image, level, x, y, WINDOW * sigma_of(fwhm))
    a, b, _ = _axes(image, level, x, y, max(NARROW * sigma_of(fwhm), 0.7))
    with np.errstate(invalid="ignore", over="ignore"):
        size = (major * minor) ** 0.25
        ratio = (a * b) ** 0.25 / size
        eccentricity = np.sqrt(1 - minor / major)
    wings = _wings(ratio[np.isfinite(ratio) & (significance > 50)])
    return FWHM * size * wings**WINGS, eccentricity, np.degrees(angle)


def _wings(ratio: F64) -> float:
    """Typical ratio of the widths through both windows: 1 for a Gaussian, 0.92 for a Moffat of beta 3.

    Few stars, or stars of few pixels, scatter so much that what telescopes do is the better guess.
    """
    if ratio.size < 3:
        return PRIOR
    middle = np.median(ratio)
    error = 1.86 * np.median(np.abs(ratio - middle)) / np.sqrt(ratio.size)
    weight = PRIOR_SCATTER**2 / (PRIOR_SCATTER**2 + error**2)
    return float(np.clip(weight * middle + (1 - weight) * PRIOR, 0.85, 1.0))


def _saturated(mask: U8 | None, x: F64, y: F64, fwhm: float) -> Bool:
    """Whether a pixel of each star's core is saturated."""
    out = np.zeros(x.size, np.bool_)
    if mask is None:
        return out
    kernels.marked(mask, max(1, round(0.75 * fwhm)), x, y, out)
    return out


def _measured(
    image: F32, mask: U8 | None, peaks: Peaks, fwhm: float, missing: bool, electrons_per_adu: float | None
) -> Stars:
    """Everything about each star, less those without a centroid or whose aperture leaves the image."""
    x, y = peaks.column.astype(np.float64), peaks.row.astype(np.float64)
    level = _annuli(image, x, y, INNER * fwhm, OUTER * fwhm)[0]
    rows, columns = _centred(image, level, fwhm, missing, x, y)
    flux, area, hfr = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    kernels.apertures(image, level, APERTURE * fwhm, 0.0, WHOLE, x, y, flux, area)
    keep = (flux > 0) & np.isfinite(x)
    x, y, level, flux, hfr, peaks = x[keep], y[keep], level[keep], flux[keep], hfr[keep], peaks[keep]
    kernels.half_light(image, level, flux, APERTURE * fwhm, x, y, hfr)
    size, eccentricity, angle = _shapes(image, level, x, y, fwhm, peaks.significance)
    photons = 0.0 if electrons_per_adu is None else 1 / (electrons_per_adu * flux)
    snr = 1 / np.sqrt(peaks.significance**-2.0 + photons)
    # The pixels widened the light once, and cutting them into equal parts widened it once more.
    hfr = np.sqrt(np.maximum(hfr**2 - 2 * np.log(2) * 2 * PIXEL, 0.02))
    stars = Stars(
        x,
        y,
        flux,
        _peak(image, x, y) - level,
        snr,
        np.where(np.isfinite(size), size, np.nan),
        hfr,
        eccentricity,
        angle,
        np.hypot(0.6 * fwhm / snr, FLOOR),
        _saturated(mask, x, y, fwhm),
    )
    image[rows, columns] = np.nan
    return stars


def _centred(image: F32, level: F64, fwhm: float, missing: bool, x: F64, y: F64) -> tuple[I64, I64]:
    """Move positions onto the centroids; fill missing pixels inside stars, and tell which these are.

    Centre and filling depend on each other: four rounds settle both to a few thousandths of a pixel. Most stars have
    nothing to be filled, and take no part in them.
    """
    sigma, reach = sigma_of(fwhm), max(2.0, fwhm)
    rows, columns = np.empty(0, np.int64), np.empty(0, np.int64)
    holed = np.zeros(x.size, np.bool_)
    if missing:
        # As far as a centroid may move: a star that moves onto a hole has one.
        kernels.holed(image, APERTURE * fwhm + reach, x, y, holed)
    first_x, first_y, sky = x[holed], y[holed], level[holed]
    there_x, there_y = first_x.copy(), first_y.copy()
    for _ in range(4 if holed.any() else 0):
        image[rows, columns] = np.nan
        rows, columns, values = _fillings(image, sky, sigma, APERTURE * fwhm, there_x, there_y)
        image[rows, columns] = values
        kernels.centroids(image, sky, WINDOW * sigma, GAIN, reach, there_x, there_y)
        lost = ~np.isfinite(there_x)
        there_x[lost], there_y[lost] = first_x[lost], first_y[lost]
    x[holed], y[holed] = there_x, there_y
    kernels.centroids(image, level, WINDOW * sigma, GAIN, reach, x, y)
    return rows, columns


def _fillings(image: F32, level: F64, sigma: float, radius: float, x: F64, y: F64) -> tuple[I64, I64, F32]:
    """Rows, columns and values of what is missing within ``radius`` of the stars."""
    room = 4096
    while True:
        rows, columns, values = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.float32)
        found = kernels.fillings(image, level, sigma, radius, x, y, rows, columns, values)
        if found <= room:
            return rows[:found], columns[:found], values[:found]
        room = found


def _peak(image: F32, x: F64, y: F64) -> F64:
    """Highest of the 3×3 pixels about each position."""
    column, row = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    out = np.full(x.size, -np.inf)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            inside = np.clip(row + i, 0, image.shape[0] - 1), np.clip(column + j, 0, image.shape[1] - 1)
            out = np.fmax(out, image[inside])
    return out


def _credible(stars: Stars) -> Bool:
    """Which are shaped like the frame's stars; saturated and faint ones get the benefit of the doubt."""
    judged = (stars.snr > SHAPED) & ~stars.saturated
    typical = judged & np.isfinite(stars.fwhm)
    if not typical.any():
        return np.ones(len(stars), np.bool_)
    fwhm, eccentricity = np.median(stars.fwhm[typical]), np.median(stars.eccentricity[typical])
    sized = (stars.fwhm > 0.5 * fwhm) & (stars.fwhm < 2.5 * fwhm)
    round_enough = (stars.eccentricity < 0.95) | (
        eccentricity > 0.9
    )  # a frame trailed as a whole keeps its stars
    keep: Bool = ~judged | (sized & round_enough)
    return keep


def _lined_up(x: F64, y: F64, eccentricity: F64, angle: F64) -> Bool:
    """Which are pieces of a trail: long, and with more of their like ahead and behind than chance would have.

    On a frame that is trailed as a whole all stars are long and tilted alike, but one in thirty lies ahead of
    another to within 3 degrees; along a trail all do.
    """
    out = np.zeros(x.size, np.bool_)
    long = np.flatnonzero(eccentricity > 0.9)
    tilt = angle[long]
    ahead = np.degrees(np.arctan2(y[long] - y[long, None], x[long] - x[long, None]))
    alike = _degrees_apart(tilt, tilt[:, None]) < 6
    aligned = alike & (_degrees_apart(ahead, tilt[:, None]) < 3)
    out[long] = np.count_nonzero(aligned, axis=1) > 5 + np.count_nonzero(alike, axis=1) / 15
    return out


def _degrees_apart(angles: F64, other: F64) -> F64:
    """Angle between undirected lines, 0 to 90 degrees."""
    apart: F64 = np.abs((angles - other + 90) % 180 - 90)
    return apart


def _alone(stars: Stars, fwhm: float) -> I64:
    """Indices of the stars, brightest first, that have no brighter one within a FWHM."""
    with loading:
        from scipy.spatial import cKDTree  # loads slowly, and a run whose stars are known has no need of it

    pairs = cKDTree(np.column_stack([stars.x, stars.y])).query_pairs(fwhm, output_type="ndarray")
    keep = np.ones(len(stars), np.bool_)
    keep[pairs.max(axis=1)] = False
    return np.flatnonzero(keep)


def _spread(x: F64 | I64, y: F64 | I64, shape: tuple[int, ...], most: int) -> I64:
    """Indices of the brightest ``most`` of stars sorted by brightness, spread over 8×6 cells, in their order.

    Each cell may first bring its share; what is left over goes to the brightest of the rest.
    """
    if x.size <= most:
        return np.arange(x.size)
    cell = (np.clip(x * 8 // shape[1], 0, 7) + 8 * np.clip(y * 6 // shape[0], 0, 5)).astype(np.int64)
    order = np.argsort(cell, kind="stable")
    starts = np.searchsorted(cell[order], np.arange(48))
    rank = np.empty(x.size, np.int64)
    rank[order] = np.arange(x.size) - starts[cell[order]]
    first = np.argsort(rank >= max(1, most // 48), kind="stable")[:most]
    return np.sort(first)


def aperture_flux(
    image: object, x: F64, y: F64, radius: float, inner: float, outer: float, use: U8 = WHOLE
) -> tuple[F64, F64]:
    """Light above the local sky within a radius of given positions, and its standard error.

    Parameters
    ----------
    image : float32 array, shape (rows, columns)
        In ADU; NaN where not measured.
    x, y : float64 array, shape (stars,)
        Positions in pixels.
    radius, inner, outer : float
        Radii in pixels of the aperture, and of the annulus that the sky is measured in.
    use : uint8 array, shape (2, 2)
        Not 0 for the pixels that count, by parity of row and column. The flux is scaled to all pixels.

    Returns
    -------
    flux, error : float64 array, shape (stars,)
        In ADU. NaN where the aperture leaves the image, a pixel within 0.4 radii of the centre is missing, or
        the annulus holds no pixel. The error is that of the sky's noise, white.
    """
    plane = plain(image)
    if plane.ndim != 2:
        raise ShapeError(f"apertures are laid on one plane (rows, columns); got shape {plane.shape}")
    x, y = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
    level, spread, count = _annuli(plane, x, y, inner, outer, use)
    flux, area = np.empty(x.size), np.empty(x.size)
    kernels.apertures(plane, level, radius, 0.4 * radius, use, x, y, flux, area)
    scale = 4 / np.count_nonzero(use)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = spread * np.sqrt(area + area**2 / count)
    flux[~np.isfinite(level)] = np.nan
    return flux * scale, np.where(np.isfinite(flux), error * scale, np.nan)


def colour_fluxes(
    image: object, pattern: Bayer | None, stars: Stars, radius: float, annulus: tuple[float, float]
) -> F64:
    """Aperture flux of each star in each colour: on a filter array's raw sites, or channel by channel.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (channels, rows, columns)
        In ADU; NaN where not measured.
    pattern : Bayer or None
        Colour filter array at row 0, column 0; None for mono and for demosaiced images.
    stars : Stars
        Whose positions are used.
    radius : float
        Of the aperture, in pixels: 2.5 times the worst FWHM of the frames that are compared.
    annulus : tuple of float
        Inner and outer radius of the sky's annulus, in pixels.

    Returns
    -------
    float64 array, shape (stars, 3) or (stars, 1)
        In ADU, as if every pixel had seen the colour. NaN as in `aperture_flux`.
    """
    frame = plain(image)
    inner, outer = annulus
    if frame.ndim == 2 and pattern is not None:
        jobs = [(frame, _sites(pattern, colour)) for colour in range(3)]
    else:
        jobs = [(plane, WHOLE) for plane in (frame if frame.ndim == 3 else frame[np.newaxis])]
    fluxes = [aperture_flux(plane, stars.x, stars.y, radius, inner, outer, use)[0] for plane, use in jobs]
    return np.stack(fluxes, axis=1)


def _sites(pattern: Bayer, colour: int) -> U8:
    """2×2 table of the sites of one colour."""
    return np.array(
        [[pattern.colour(row, column) == colour for column in (0, 1)] for row in (0, 1)], np.uint8
    )
