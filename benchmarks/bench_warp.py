"""Warping: a frame onto the output grid, by tiles as the pipeline does it: whole frame here, one tile."""

import numpy as np
from stage import HEAD, light, options, timed, turned

from sidera.integration import resample

STEP = 32


def main() -> None:
    """Time one and three channels, nearly upright (two passes) and turned (direct)."""
    given = options(__doc__).parse_args()
    width, height = given.size
    plane = light(given.size, "none")
    rgb = np.stack([plane, plane, plane])
    print(HEAD)
    for interpolation, image, degrees in (
        ("lanczos3", plane, 0.3),
        ("lanczos3", rgb, 0.3),
        ("lanczos3", plane, 10.0),
        ("lanczos3", rgb, 10.0),
        ("bilinear", rgb, 0.3),
    ):
        channels = image.size // plane.size
        x, y = turned(degrees, given.size).grid(0, 0, height, width, STEP)

        def work(image=image, x=x, y=y, how=interpolation) -> object:
            return resample(
                image, None, x, y, STEP, (height, width), how, noise=(5.0,) * (image.size // plane.size)
            )

        what = f"{interpolation}, {channels} channel(s), {degrees:g} degrees (px of all)"
        timed(what, work, image.size, 8 * image.size, given.repeats)


if __name__ == "__main__":
    main()
