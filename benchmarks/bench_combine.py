"""Rejection and average: registered samples [frame, row, column] to one tile, for few, some and many frames."""

import numpy as np
from stage import HEAD, copy_seconds, cpu_seconds, options, show

from sidera.integration import combine, fit_noise_model
from sidera.model.settings import IntegrationSettings
from sidera.types import F32

SETTINGS = {
    "hybrid": IntegrationSettings(),
    "winsorized 3/3": IntegrationSettings(rejection="winsorized", kappa_low=3, kappa_high=3),
    "none": IntegrationSettings(rejection="none"),
}
OUTLIERS = 0.002
"""Share of samples under trails, cosmic rays and hot pixels."""


def samples(frames: int, side: int) -> F32:
    """Normalised samples of a tile: sky, stars that breathe with the seeing, and outliers."""
    rng = np.random.default_rng(frames)
    rows, columns = np.indices((side, side), np.float32)
    cube = rng.normal(200, 8, (frames, side, side)).astype(np.float32)
    for x, y, peak in zip(*rng.uniform(0, side, (2, 12)), rng.pareto(1.0, 12) * 100 + 50, strict=True):
        for frame, width in zip(cube, rng.normal(1.3, 0.1, frames), strict=True):
            frame += np.float32(peak) * np.exp(
                -((columns - x) ** 2 + (rows - y) ** 2) / np.float32(2 * width**2)
            )
    hit = rng.random(cube.shape, np.float32) < OUTLIERS
    cube[hit] += rng.exponential(500, int(hit.sum())).astype(np.float32)
    return cube


def main() -> None:
    """Time both rejections of the comparison, and the bare average, for 10, 40 and 160 frames."""
    parser = options(__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[10, 40, 160])
    parser.add_argument("--samples", type=float, default=4.0, help="millions of samples a tile; default 4")
    given = parser.parse_args()
    print(HEAD)
    for frames in given.frames:
        cube = samples(frames, max(64, round((given.samples * 1e6 / frames) ** 0.5)))
        for name, settings in SETTINGS.items():
            compare(f"{frames} frames, {name}", cube, settings, given.repeats)


def compare(what: str, cube: F32, settings: IntegrationSettings, repeats: int) -> None:
    """Time one rejection on one tile; the limit is reading the samples once."""
    noise, weights = fit_noise_model(cube), np.linspace(0.8, 1.2, len(cube))
    seconds = cpu_seconds(lambda: combine(cube, settings, weights, noise), repeats)
    show(what, cube.size / 1e6, "Msamples", seconds, copy_seconds(4 * cube.size, repeats))


if __name__ == "__main__":
    main()
