"""Background neutralisation: the empty sky grey, by addition alone."""

from dataclasses import dataclass

import numpy as np

from sidera.correction.gradient import Gradient, find_gradient
from sidera.correction.masks import own, planes_of
from sidera.errors import ShapeError
from sidera.model.finishing import GradientSettings, NeutraliseSettings
from sidera.types import F32


@dataclass(frozen=True)
class Neutral:
    """What neutralisation found and did, per channel, in the image's unit."""

    before: tuple[float, ...]
    """Level of the sky; NaN for a channel in which nothing was measured."""
    added: tuple[float, ...]
    noise: tuple[float, ...]
    """Of one pixel."""

    @property
    def level(self) -> float:
        """Of the sky in every channel now; NaN where nothing was measured."""
        after = np.array(self.before) + np.array(self.added)
        known = after[np.isfinite(after)]
        return float(known.mean()) if known.size else float("nan")


def find_neutral(
    image: object, settings: NeutraliseSettings | None = None, sky: Gradient | None = None
) -> Neutral:
    """What must be added to each channel for the sky to be grey.

    Parameters
    ----------
    image : float32 array, shape (channels, rows, columns)
        Linear, any unit; NaN where not measured. Of one channel nothing is asked.
    settings : NeutraliseSettings
        The level: the channels' mean, or that of green (the second of three).
    sky : Gradient, optional
        The image's sky where it is known already: of `find_gradient`, also when it was taken away since.

    Notes
    -----
    A channel's sky is the median of its model of degree 4 at most between the masked objects (`find_gradient`): with
    stars and nebulae out of it and the field's every part in it, also where a gradient was left.
    """
    settings = settings or NeutraliseSettings()
    planes = planes_of(image)
    if planes.shape[0] not in (1, 3):
        raise ShapeError(f"colour has 3 channels, mono 1; got {planes.shape[0]}")
    sky = sky or find_gradient(planes, GradientSettings())
    levels = np.array(sky.levels)
    known = np.isfinite(levels)
    if len(levels) == 1 or not known.any():
        return Neutral(sky.levels, (0.0,) * len(levels), sky.noise)
    green = settings.target == "green" and bool(known[1])
    target = float(levels[1] if green else levels[known].mean())
    added = np.where(known, target - levels, 0.0)
    return Neutral(sky.levels, tuple(float(one) for one in added), sky.noise)


def add_to(image: F32, added: tuple[float, ...]) -> None:
    """Add a number to each channel in place; NaN stays."""
    for plane, more in zip(planes_of(image), added, strict=True):
        plane += np.float32(more)


def neutralise(image: object, settings: NeutraliseSettings | None = None) -> tuple[F32, Neutral]:
    """An image whose empty sky is grey, and what was added.

    Parameters and method: `find_neutral`. The sky's differences between the channels are taken for light pollution
    and offsets, which add; so nothing is multiplied, and stars and nebulae keep their fluxes.
    """
    pixels = own(image)
    found = find_neutral(pixels, settings)
    add_to(pixels, found.added)
    return pixels, found
