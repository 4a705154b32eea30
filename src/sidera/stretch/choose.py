"""The stretch that the settings ask for."""

import numpy as np

from sidera.model.finishing import StretchSettings
from sidera.model.picture import Picture
from sidera.stretch.apply import Parameters, as_image
from sidera.stretch.auto import screen_curve, shown
from sidera.stretch.curves import Bend, Curve
from sidera.stretch.levels import Level, level, plane_of


def stretch(
    image: object,
    settings: StretchSettings | None = None,
    coverage: object = None,
    *,
    bottom_up: bool = False,
    parameters: Parameters | None = None,
) -> Picture:
    """Make a picture of linear light.

    Parameters
    ----------
    image : float32 array, shape (rows, columns) or (3, rows, columns)
        Linear, any unit; NaN becomes black. Colours are taken as they are: balance them before.
    settings : StretchSettings
        Method and its numbers.
    coverage : array, shape (rows, columns) or the image's, optional
        How many frames saw each pixel; where few did, nothing is learnt of the sky.
    bottom_up : bool
        The last row is the top of the picture.
    parameters : Parameters, optional
        A stretch that was found before (`parameters_from_cards` reads it from a header), instead of a new one.

    Returns
    -------
    Picture
        With the parameters among its cards, and the shares that were clipped.

    Raises
    ------
    ShapeError
        For arrays that are not images.
    UsageError
        For settings that contradict each other.

    Notes
    -----
    Every method works on ``x = (v - lo) / (hi - lo)``, where lo and hi are shared by the channels: the least of
    their 0.01 % quantiles and the greatest of their 99.999 % quantiles. Ratios between channels are colours, and
    a range of each channel's own would change them.
    """
    pixels = as_image(image)
    return shown(pixels, parameters or choose(pixels, settings, coverage), bottom_up)


def choose(image: object, settings: StretchSettings | None = None, coverage: object = None) -> Parameters:
    """The parameters that `stretch` would use, without stretching."""
    settings = settings or StretchSettings()
    pixels = as_image(image)
    planes = pixels.reshape(-1, *pixels.shape[-2:])
    levels = [level(plane, plane_of(coverage, channel, plane.shape)) for channel, plane in enumerate(planes)]
    shared = linked(levels)
    colour = settings.colour if len(planes) == 3 and settings.linked else 0.0
    if not settings.enabled:
        return Parameters((Curve(shared.low, shared.high if shared.high > shared.low else shared.low + 1.0),))
    if settings.method in ("auto", "stf"):
        return _automatic([shared] if settings.linked else levels, settings, colour)
    by_hand = _by_hand(shared, settings)
    return Parameters((by_hand,), 0.0 if settings.method == "linear" else colour)


def linked(levels: list[Level]) -> Level:
    """One range and one sky for all channels; channels without a pixel do not count."""
    known = [one for one in levels if one.high > one.low] or levels[:1]
    return Level(
        low=min(one.low for one in known),
        high=max(one.high for one in known),
        sky=float(np.mean([one.sky for one in known])),
        sigma=float(np.mean([one.sigma for one in known])),
    )


def _automatic(levels: list[Level], settings: StretchSettings, colour: float) -> Parameters:
    if settings.method == "stf":
        return Parameters(
            tuple(
                screen_curve(one, settings.background, settings.shadows_sigma, settings.highlights_sigma)
                for one in levels
            )
        )
    return Parameters(
        tuple(screen_curve(one, settings.brightness, settings.shadows_sigma) for one in levels), colour
    )


def _by_hand(shared: Level, settings: StretchSettings) -> Curve:
    """A curve whose numbers are given; the range alone is found."""
    high = shared.high if shared.high > shared.low else shared.low + 1.0
    bends = {
        "asinh": Bend(settings.amount, kind="asinh"),
        "log": Bend(settings.amount, -1.0),
        "ghs": Bend(
            settings.amount,
            settings.local,
            settings.symmetry,
            settings.protect_low,
            settings.protect_high,
        ),
    }
    midtones = settings.midtones if settings.method == "mtf" else 0.5
    highlights = max(settings.highlights, settings.shadows + 1e-6)
    return Curve(shared.low, high, settings.shadows, midtones, highlights, bends.get(settings.method))
