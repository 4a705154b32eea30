"""Simulated nights stacked, and their stars measured against truth: independent of the product's own figures."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

import sidera
from sidera.pipeline.expectation import bands, expected_stack, frames_that_see, kept_frames, photon_limit
from sidera.pipeline.fidelity import aperture_sum, fidelity
from sidera.pipeline.recipe import Recipe
from sidera.simulate.night import colour_map
from sidera.simulate.psf import peak_fraction, placed
from sidera.simulate.sky import stars_in

SHARE = {1: (1.0,), 3: (0.25, 0.5, 0.25)}


def say(line):
    """Figures for whoever reads the log: `pytest -rP` shows them."""
    sys.stdout.write(f"{line}\n")


def stacked(folder, *settings, **options):
    """The stack of a night, by a recipe with some settings changed."""
    return sidera.stack(folder, recipe=Recipe().with_settings(settings), **options)


def fidelity_of(result, truth):
    """The product's own comparison with truth."""
    outcome = result.outcomes[0]
    grid, stack = outcome.grid, outcome.stack
    transforms, weights = _by_name(outcome)
    reference = result.report.stacks[0].reference
    origin = (grid.left, grid.top)
    return fidelity(stack.image, stack.noise, transforms, truth, reference, origin=origin, weights=weights)


def _by_name(outcome):
    names = [Path(one.light.id.path).name for one in outcome.placed]
    transforms = {name: one.transform for name, one in zip(names, outcome.placed, strict=True)}
    return transforms, {name: one.weight for name, one in zip(names, outcome.placed, strict=True)}


@dataclass(frozen=True)
class Stars:
    """Isolated, unsaturated stars of SNR > 50 in a stack, each value relative to the star's true flux."""

    x: np.ndarray
    """Place, in parts of the frame's width from its middle."""
    y: np.ndarray
    error: np.ndarray
    limit: np.ndarray
    """What photons and read noise alone would scatter."""
    sampling: np.ndarray
    """What the places of the frames' pixels of this colour give, without any noise: see `_sampling`."""

    @property
    def bias(self):
        return float(np.median(self.error))


def measured_stars(result, truth, pixel=1):
    """Star fluxes of a stack on the reference's grid, a `Stars` a channel; ``pixel`` 2 for superpixels."""
    outcome = result.outcomes[0]
    transforms, weights = _by_name(outcome)
    kept = kept_frames(transforms, truth, result.report.stacks[0].reference, weights)
    width, height = truth.settings.size
    expected = expected_stack(truth, kept, (height, width), (0, 0))
    fwhm = float(np.dot(kept.weights, [truth.frames[index].fwhm for index in kept.indices]))
    return [
        _measured(plane, expected, truth, kept, fwhm, index, pixel)
        for index, plane in enumerate(outcome.planes)
    ]


def _measured(plane, expected, truth, kept, fwhm, index, pixel):
    band = bands(truth, kept)[index]
    x, y, true, limit = _clear_stars(truth, kept, band, fwhm)
    light, sky = expected.light[index], expected.sky[index]
    held = np.array([_net(light, a, b, fwhm) for a, b in zip(x, y, strict=True)])
    level = np.array([_net(sky, a, b, fwhm) for a, b in zip(x, y, strict=True)])
    shift = (pixel - 1) / 2
    got = np.array(
        [
            _net(plane, (a - shift) / pixel, (b - shift) / pixel, fwhm / pixel)
            for a, b in zip(x, y, strict=True)
        ]
    )
    sampling = _sampling(truth, kept, x, y, band)
    share = np.nanmedian(held / true)
    error = (pixel**2 * got - held - level) / (share * true)
    good = np.isfinite(error + sampling)
    width, height = truth.settings.size
    return Stars(
        (x / width - 0.5)[good], (y / height - 0.5)[good], error[good], (limit / true)[good], sampling[good]
    )


def _clear_stars(truth, kept, band, fwhm):
    x, y, flux = stars_in(truth, kept.reference)
    settings, electrons = truth.settings, flux[:, band] / truth.frames[kept.reference].transparency
    true = flux[:, band] / settings.gain
    area = np.pi * (2.5 * fwhm) ** 2 * (1 + 2.5**2 / (6**2 - 4**2))  # the annulus errs too
    limit = photon_limit(truth, kept, band, electrons, area, frames_that_see(truth, kept, x, y, 2.5 * fwhm))
    neighbour = cKDTree(np.stack([x, y], axis=1)).query(np.stack([x, y], axis=1), k=2)[0][:, 1]
    peak = max(
        truth.frames[i].transparency * peak_fraction(settings.psf, truth.frames[i].fwhm) for i in kept.indices
    )
    room = settings.saturation - settings.bias - settings.sky / settings.gain
    width, height = settings.size
    edge = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y])
    clear = (neighbour > 8 * fwhm) & (edge > 6.5 * fwhm) & (electrons * peak / settings.gain < 0.8 * room)
    chosen = clear & (true > 50 * limit)
    return x[chosen], y[chosen], true[chosen], limit[chosen]


def _net(image, x, y, fwhm):
    inner, area = aperture_sum(image, x, y, 0, 2.5 * fwhm)
    ring, ring_area = aperture_sum(image, x, y, 4 * fwhm, 6 * fwhm)
    return inner - ring / ring_area * area


def _sampling(truth, kept, x, y, band):
    """How far the sum of a star's pixels of one colour lies off its share of the light, mean of the frames.

    Red and blue are seen by every second pixel of every second row: at FWHM 2.5 px the sum over them depends on
    where between them the star falls, by 1 to 4 % in a sharp frame. Nothing that adds these pixels up can know
    better; only the dither averages it.
    """
    if truth.settings.mono:
        return np.zeros(x.size)
    colours, share = colour_map(truth.settings) == band, SHARE[3][band]
    rows, columns = colours.shape
    total, weights = np.zeros(x.size), np.zeros(x.size)
    for index, weight in zip(kept.indices, kept.weights, strict=True):
        there = truth.relative(kept.reference, index) @ np.stack([x, y, np.ones_like(x)])
        profile = (truth.settings.psf, (truth.frames[index].fwhm,), (1.0,))
        for star, area, light in placed(*profile, *there, colours.shape):
            across, down = there[:, star]
            if 12 < across < columns - 12 and 12 < down < rows - 12:
                total[star] += weight * ((light * colours[area]).sum() / share / light.sum() - 1)
                weights[star] += weight
    return total / np.where(weights > 0, weights, np.nan)


def spread(values):
    """Robust standard deviation."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def pooled(nights):
    """Stars of several nights as one, each night's own bias taken off."""
    centred = [Stars(s.x, s.y, s.error - s.bias, s.limit, s.sampling - np.median(s.sampling)) for s in nights]
    return Stars(*(np.concatenate([getattr(s, name) for s in centred]) for name in Stars.__annotations__))


def scatter(stars, knowing_the_sampling=False):
    """Scatter over the photon limit: 1 is perfect. Its own standard error is 1.16 / sqrt(number of stars)."""
    error = stars.error - stars.sampling * knowing_the_sampling
    return spread((error - np.median(error)) / stars.limit)


def slope(stars):
    """Steepest rise of the flux error from edge to edge, and its standard error."""
    clear = np.abs(stars.error - stars.bias) < 5 * np.maximum(stars.limit, spread(stars.error))
    design = np.stack([np.ones_like(stars.x), stars.x, stars.y], axis=1)[clear]
    weight = 1 / np.hypot(stars.limit[clear], max(0.003, spread(stars.sampling)))[:, None]
    plane = np.linalg.lstsq(design * weight, stars.error[clear] * weight[:, 0], rcond=None)[0]
    cover = np.linalg.inv((design * weight).T @ (design * weight))
    return float(np.hypot(*plane[1:])), float(np.sqrt(cover[1, 1] + cover[2, 2]) / np.sqrt(2))
