"""Calibration: a light by its masters, defects in a light, and ten raw frames to a master."""

import numpy as np
from stage import HEAD, light, options, timed

from sidera.calibration.apply import calibrator
from sidera.calibration.defects import cosmetic, pixel_noise
from sidera.calibration.masters import combine_calibration
from sidera.calibration.noise import level, measure_noise
from sidera.model.header import Bayer, Kind

FRAMES = 10


def main() -> None:
    """Time what is done to each light, and what to the calibration frames."""
    given = options(__doc__).parse_args()
    raw = light(given.size) + np.float32(500)
    rng = np.random.default_rng(1)
    dark = 500 + 2 * rng.standard_normal(raw.shape, dtype=np.float32)
    flat = 1 + 0.01 * rng.standard_normal(raw.shape, dtype=np.float32)
    masters = calibrator(raw.shape, dark=dark, flat=flat)
    print(HEAD)
    timed("(light - dark) / flat", lambda: masters.window(raw), raw.size, 16 * raw.size, given.repeats)
    image, pattern = masters.window(raw), Bayer.RGGB
    noise = pixel_noise(image, pattern)
    timed("noise of pixels", lambda: pixel_noise(image, pattern), raw.size, 4 * raw.size, given.repeats)
    timed(
        "hot and cold pixels", lambda: cosmetic(image, pattern, noise), raw.size, 8 * raw.size, given.repeats
    )
    darks = (500 + 3 * rng.standard_normal((FRAMES, *raw.shape), dtype=np.float32)).round()
    levels = np.array([level(frame) for frame in darks])
    model = measure_noise(darks[0], darks[1])
    timed(
        f"master of {FRAMES} darks (pixels of all frames)",
        lambda: combine_calibration(darks, Kind.DARK, levels=levels, noise=model),
        darks.size,
        4 * darks.size,
        given.repeats,
    )


if __name__ == "__main__":
    main()
