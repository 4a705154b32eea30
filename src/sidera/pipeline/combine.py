"""Combine: every output tile once, from all frames at once, on a few threads."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sidera.errors import UsageError
from sidera.integration.combine import Combined, combine_kept
from sidera.integration.noise import NoiseModel, fit_noise_model
from sidera.integration.reject import HALO, reject
from sidera.pipeline.canvas import Canvas, Maps
from sidera.pipeline.progress import Progress
from sidera.pipeline.samples import Sampler, Scratch
from sidera.pipeline.tiles import Tile, sample_tiles, tile_shape, tiles
from sidera.pipeline.workers import spread
from sidera.types import F32, F64, I64

MOSAIC_BLUR = (0.33, 0.12, 0.33)
"""Half the variance in pixels² by which interpolation between red, green and blue sites widens stars of one place
over another. Without it rejection takes stars' cores for outliers: 0.9 % of the blue light in the worst of five
simulated nights, 0.03 % with it."""
HALF_SIZE_BLUR = 0.33

Noise = tuple[NoiseModel | None, ...]
"""One a channel; None where there was too little to learn from."""


@dataclass(frozen=True)
class Integrated:
    """What was learned on the way to a stack."""

    noise: Noise
    rejected: F64
    """Share of each frame's samples that was rejected."""


def integrate(
    sampler: Sampler, canvas: Canvas, threads: int, progress: Progress, name: str = ""
) -> Integrated:
    """Make one stack: learn the noise on sample tiles, then reject and average tile by tile into the canvas."""
    grid, frames = sampler.grid, len(sampler.frames)
    shape = tile_shape(grid.rows, grid.columns, frames, sampler.channels)
    wanted = list(tiles(grid.rows, grid.columns, shape))
    progress.stage("combine", len(wanted) + 1, name)
    first, begun = canvas.begun(wanted)
    counts = np.zeros((frames, 2), np.int64) if begun is None else begun
    for _ in range(first):
        progress.step("done before")

    learned: Future[Noise] = Future()
    scratch = Scratch()

    def learn() -> None:
        """One thread learns while another makes the first tile's samples, which then waits for it."""
        try:
            samples = sample_tiles(grid.rows, grid.columns, frames, sampler.channels)
            learned.set_result(learn_noise(sampler, samples, threads))
        except BaseException as error:
            learned.set_exception(error)
            raise
        progress.step("noise model")

    def work(tile: Tile) -> I64:
        progress.check()
        counted = _tile(sampler, tile, learned.result, scratch, canvas.maps)
        progress.step()
        return counted

    left = wanted[first:]
    tasks: list[Callable[[], I64 | None]] = [learn, *(partial(work, tile) for tile in left)]
    done = spread(lambda task: task(), tasks, threads)
    next(done)
    for tile, counted in zip(left, done, strict=True):
        assert counted is not None  # a tile tells, learning does not
        counts += counted
        canvas.done([tile], counts)
    return Integrated(learned.result(), counts[:, 0] / np.maximum(counts[:, 1], 1))


def learn_noise(sampler: Sampler, samples: Sequence[Tile], threads: int) -> Noise:
    """Noise of the registered samples, measured on a few small tiles and then frozen for the whole image."""
    if len(sampler.frames) < 2:
        return (None,) * sampler.channels
    frames, channels = len(sampler.frames), sampler.channels
    size = samples[0].rows, sum(tile.columns for tile in samples)
    side_by_side = np.empty((channels, frames, *size), np.float32)
    # By one thread: windows this small leave two waiting for the interpreter in turn.
    for index in range(frames):
        side_by_side[:, index] = sampler.patches(samples, index)
    scales = [one.scale.value for one in sampler.frames]
    found = spread(lambda channel: _model(side_by_side[channel], scales), range(channels), threads)
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


def _tile(sampler: Sampler, tile: Tile, learned: Callable[[], Noise], scratch: Scratch, maps: Maps) -> I64:
    """Fill one tile of the maps; returns each frame's rejected samples, and those there were.

    ``learned`` gives the noise, which is asked for when the tile's samples are made.
    """
    settings = sampler.recipe.integration
    weights = np.array([one.weight for one in sampler.frames])
    shares = [np.where(np.arange(len(weights)) % 2 == start, weights, 0.0) for start in range(2)]
    counted = np.zeros((len(weights), 2), np.int64)
    everything = sampler.tile(tile.widened(HALO), scratch)
    for channel, (samples, noise) in enumerate(zip(everything, learned(), strict=True)):
        verdicts = reject(samples, settings, noise)

        def combined(share: F64) -> Combined:
            return combine_kept(samples, verdicts, share, settings.combine, noise, HALO)  # noqa: B023 (called in this round)

        got = combined(weights)
        maps.put(channel, tile, got, [combined(share).mean for share in shares if settings.halves])
        counted += got.counted
    return counted
