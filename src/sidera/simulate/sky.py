"""Scenes: what a perfect camera would see of stars, nebula and sky."""

import math
from collections.abc import Sequence

import numpy as np

from sidera.errors import UsageError
from sidera.simulate.night import Blob, Truth, band_weights, colour_map
from sidera.simulate.psf import placed
from sidera.types import F32, F64

SKY_COLOUR = (1.0, 1.1, 0.9)
NEBULA_COLOUR = (1.0, 0.45, 0.6)
REACH = 4.5
"""Clouds are drawn out to this many sigma, where 4e-5 of their strength is left."""


def truth_image(
    truth: Truth, frame: int = 0, *, stars: bool = True, nebula: bool = True, sky: bool = True
) -> F32:
    """What a frame would show without noise, defects and vignetting: its calibrated expectation.

    Parameters
    ----------
    truth : Truth
        The night.
    frame : int
        Index of the light whose grid, seeing, transparency and sky are taken.
    stars, nebula, sky : bool
        Which parts of the scene to draw.

    Returns
    -------
    float32 array, shape (rows, columns) for a mono camera, (3, rows, columns) for a colour one
        ADU above the bias; never NaN.

    Raises
    ------
    UsageError
        When there is no such frame.
    """
    seen = (truth.frames[_existing(truth, frame)].fwhm,)
    planes = expected_planes(truth, frame, seen, (1.0,), stars=stars, nebula=nebula, sky=sky)
    return planes if truth.frames[frame].band is None else planes[0]


def expected_planes(
    truth: Truth,
    frame: int,
    fwhms: Sequence[float],
    weights: Sequence[float],
    *,
    stars: bool = True,
    nebula: bool = True,
    sky: bool = True,
) -> F32:
    """Like `truth_image`, always [channel, row, column], with stars of several FWHM mixed as in a stack."""
    settings, at = truth.settings, truth.frames[_existing(truth, frame)]
    width, height = settings.size
    bands = range(len(truth.bands)) if at.band is None else (at.band,)
    image = np.zeros((len(bands), height, width), np.float32)
    if nebula:
        image += (
            _coloured(truth, NEBULA_COLOUR, bands) * np.float32(at.transparency) * nebula_light(truth, frame)
        )
    if sky:
        image += _coloured(truth, SKY_COLOUR, bands) * sky_light(truth, frame)
    if stars:
        x, y, flux = stars_in(truth, frame)
        for star, area, light in placed(settings.psf, fwhms, weights, x, y, (height, width)):
            for plane, band in zip(image, bands, strict=True):
                plane[area] += flux[star, band] * light
    return image / np.float32(settings.gain)


def light_electrons(truth: Truth, frame: int) -> F32:
    """Photo-electrons that a sensor of even response collects in a light: its mosaic [row, column]."""
    at = truth.frames[frame]
    if at.band is not None:
        planes = expected_planes(truth, frame, (at.fwhm,), (1.0,))
        mono: F32 = planes[0] * np.float32(truth.settings.gain)
        return mono
    colours = colour_map(truth.settings)
    hue = np.array(NEBULA_COLOUR, np.float32) * np.float32(at.transparency)
    image: F32 = hue[colours] * nebula_light(truth, frame)
    image += np.array(SKY_COLOUR, np.float32)[colours] * sky_light(truth, frame)
    x, y, flux = stars_in(truth, frame)
    for star, area, light in placed(truth.settings.psf, (at.fwhm,), (1.0,), x, y, image.shape):
        image[area] += flux[star][colours[area]] * light
    return image


def stars_in(truth: Truth, frame: int) -> tuple[F64, F64, F64]:
    """True x, y in a frame's pixels, and flux in e⁻ (star, band) through that frame's transparency."""
    if not truth.stars:
        return np.empty(0), np.empty(0), np.empty((0, len(truth.bands)))
    place = np.array([(star.x, star.y, 1.0) for star in truth.stars])
    x, y = truth.matrix(frame) @ place.T
    return x, y, np.array([star.flux for star in truth.stars]) * truth.frames[frame].transparency


def sky_light(truth: Truth, frame: int) -> F32:
    """Sky glow in e⁻ over a frame, mean of the colours: a plane."""
    width, height = truth.settings.size
    at = truth.frames[frame]
    across = at.gradient[0] * (np.arange(width, dtype=np.float32) / max(width - 1, 1) - 0.5)
    down = at.gradient[1] * (np.arange(height, dtype=np.float32) / max(height - 1, 1) - 0.5)
    plane: F32 = (at.sky * (1 + down[:, None] + across[None, :])).astype(np.float32)
    return plane


def nebula_light(truth: Truth, frame: int) -> F32:
    """The nebula in e⁻ at transparency 1, on a frame's grid.

    Its clouds are many FWHM wide, so that seeing is left out:
    it would change them by (FWHM / size)², under 1 %.
    """
    width, height = truth.settings.size
    image = np.zeros((height, width), np.float32)
    matrix = truth.matrix(frame)
    for cloud in truth.clouds:
        area, shape = _blob_light(cloud, matrix, image.shape)
        image[area] += shape
    for lane in truth.lanes:
        area, shape = _blob_light(lane, matrix, image.shape)
        image[area] *= 1 - shape
    return image


def _blob_light(blob: Blob, matrix: F64, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], F32]:
    x, y = matrix @ (blob.x, blob.y, 1.0)
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    angle = math.radians(blob.angle) + math.atan2(matrix[1, 0], matrix[0, 0])
    reach = REACH * blob.major * scale
    rows = slice(*np.clip((round(y - reach), round(y + reach) + 1), 0, shape[0]).tolist())
    columns = slice(*np.clip((round(x - reach), round(x + reach) + 1), 0, shape[1]).tolist())
    dx = (np.arange(columns.start, columns.stop) - x).astype(np.float32)[None, :]
    dy = (np.arange(rows.start, rows.stop) - y).astype(np.float32)[:, None]
    c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    along, aside = (
        (c * dx + s * dy) / np.float32(blob.major * scale),
        (c * dy - s * dx) / np.float32(blob.minor * scale),
    )
    return (rows, columns), np.float32(blob.strength) * np.exp(
        np.float32(-0.5) * (along * along + aside * aside)
    )


def band_colour(truth: Truth, colour: tuple[float, float, float]) -> F64:
    """What each band sees of light of one colour, shape (bands,)."""
    seen: F64 = band_weights(truth.settings) @ np.array(colour)
    return seen


def _coloured(truth: Truth, colour: tuple[float, float, float], bands: Sequence[int]) -> F32:
    return band_colour(truth, colour)[list(bands)].astype(np.float32)[:, None, None]


def _existing(truth: Truth, frame: int) -> int:
    if not 0 <= frame < len(truth.frames):
        raise UsageError(f"no light has index {frame}", f"there are {len(truth.frames)}, counted from 0")
    return frame
