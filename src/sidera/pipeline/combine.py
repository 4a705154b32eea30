"""Combine: every output tile once, from all frames at once, on a few threads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sidera.errors import UsageError
from sidera.integration.combine import combine_kept
from sidera.integration.noise import NoiseModel, fit_noise_model
from sidera.integration.reject import HALO, HIGH, LOW, reject
from sidera.model.stack import Stack
from sidera.pipeline.progress import Progress
from sidera.pipeline.samples import Grid, Sampler
from sidera.pipeline.tiles import Tile, sample_tiles, tile_side, tiles
from sidera.pipeline.workers import spread
from sidera.types import F32, F64, I64, U16

MOSAIC_BLUR = (0.33, 0.12, 0.33)
"""Half the variance in pixels² by which interpolation between red, green and blue sites widens stars of one place
over another. Without it rejection takes stars' cores for outliers: 0.9 % of the blue light in the worst of five
simulated nights, 0.03 % with it."""
HALF_SIZE_BLUR = 0.33


@dataclass(frozen=True)
class Integrated:
    """One stack and what was learned on the way."""

    stack: Stack
    noise: tuple[NoiseModel | None, ...]
    """One a channel; None where there was too little to learn from."""
    rejected: F64
    """Share of each frame's samples that was rejected."""


@dataclass(frozen=True)
class _Maps:
    """The output arrays, ``[channel, row, column]``; tiles are written into them."""

    image: F32
    noise: F32
    weight: F32
    coverage: U16
    low: U16
    high: U16
    odd: F32 | None
    even: F32 | None

    @staticmethod
    def empty(channels: int, grid: Grid, halves: bool) -> "_Maps":
        shape = (channels, grid.rows, grid.columns)
        floats = [np.empty(shape, np.float32) for _ in range(3)]
        counts = [np.empty(shape, np.uint16) for _ in range(3)]
        split = [np.empty(shape, np.float32) if halves else None for _ in range(2)]
        return _Maps(*floats, *counts, *split)  # type: ignore[arg-type]

    def finished(self, bottom_up: bool) -> Stack:
        """As a Stack; one channel loses its axis."""
        flat = [one[0] if one is not None and len(one) == 1 else one for one in vars(self).values()]
        image, noise, weight, coverage, low, high, odd, even = flat
        halves = None if odd is None or even is None else (odd, even)
        return Stack(image, noise, weight, coverage, low, high, halves, bottom_up=bottom_up)


def integrate(sampler: Sampler, threads: int, progress: Progress, name: str = "") -> Integrated:
    """Make one stack: learn the noise on sample tiles, then reject and average tile by tile."""
    settings = sampler.recipe.integration
    grid, frames = sampler.grid, len(sampler.frames)
    side = tile_side(frames, sampler.channels)
    wanted = list(tiles(grid.rows, grid.columns, side))
    samples = sample_tiles(grid.rows, grid.columns)
    progress.stage("combine", len(wanted) + 1, name)
    noise = learn_noise(sampler, samples, threads)
    progress.step("noise model")
    maps = _Maps.empty(sampler.channels, grid, settings.halves)
    counts = np.zeros((2, frames), np.int64)

    def work(tile: Tile) -> I64:
        progress.check()
        counted = _tile(sampler, tile, noise, maps)
        progress.step()
        return counted

    for counted in spread(work, wanted, threads):
        counts += counted
    rejected = counts[0] / np.maximum(counts[1], 1)
    return Integrated(maps.finished(sampler.frames[0].light.header.bottom_up), noise, rejected)


def learn_noise(sampler: Sampler, samples: Sequence[Tile], threads: int) -> tuple[NoiseModel | None, ...]:
    """Noise of the registered samples, measured on a few small tiles and then frozen for the whole image."""
    if len(sampler.frames) < 2:
        return (None,) * sampler.channels
    side_by_side = np.concatenate(list(spread(sampler.tile, samples, threads)), axis=3)
    scales = [one.scale.value for one in sampler.frames]
    found = (_model(np.ascontiguousarray(channel), scales) for channel in side_by_side)
    return tuple(_with_phases(model, sampler, channel) for channel, model in enumerate(found))


def _with_phases(model: NoiseModel | None, sampler: Sampler, channel: int) -> NoiseModel | None:
    """The model, aware that stars seen through a colour filter array differ in width with their place in it."""
    mosaics = any(one.light.pattern is not None for one in sampler.frames)
    if model is None or not mosaics:
        return model
    least = HALF_SIZE_BLUR if sampler.recipe.demosaic.method == "superpixel" else MOSAIC_BLUR[channel]
    seeing = np.zeros(len(model.a)) if model.blur is None else model.blur
    return replace(model, blur=seeing + least)


def _model(samples: F32, scales: list[float]) -> NoiseModel | None:
    try:
        return fit_noise_model(samples, scales)
    except UsageError:  # too few pixels that two frames saw: the samples' own scatter must do
        return None


def _tile(sampler: Sampler, tile: Tile, noise: Sequence[NoiseModel | None], maps: _Maps) -> I64:
    """Fill one tile of the maps; returns rejected and present samples, each by frame."""
    settings = sampler.recipe.integration
    weights = np.array([one.weight for one in sampler.frames])
    counted = np.zeros((2, len(weights)), np.int64)
    core = (slice(None), slice(HALO, HALO + tile.rows), slice(HALO, HALO + tile.columns))
    for channel, wide in enumerate(sampler.tile(tile.widened(HALO))):
        verdicts = np.ascontiguousarray(reject(wide, settings, noise[channel])[core])
        samples = np.ascontiguousarray(wide[core])
        area = (channel, *tile.area)
        got = combine_kept(samples, verdicts, weights, settings.combine, noise[channel])
        maps.image[area], maps.noise[area], maps.weight[area] = got.mean, got.noise, got.weight
        maps.coverage[area], maps.low[area], maps.high[area] = (
            got.coverage,
            got.rejected_low,
            got.rejected_high,
        )
        for start, half in enumerate((maps.odd, maps.even)):
            if half is not None:
                share = np.where(np.arange(len(weights)) % 2 == start, weights, 0.0)
                half[area] = combine_kept(samples, verdicts, share, settings.combine, noise[channel]).mean
        counted[0] += ((verdicts == LOW) | (verdicts == HIGH)).sum(axis=(1, 2))
        counted[1] += (verdicts <= HIGH).sum(axis=(1, 2))
    return counted
