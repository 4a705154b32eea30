"""Demosaicing: a colour filter array to three planes."""

from typing import get_args

from stage import HEAD, light, options, timed

from sidera.demosaic.conserve import conserve_flux
from sidera.demosaic.demosaic import Demosaicing, demosaic
from sidera.model.header import Bayer


def main() -> None:
    """Time every method, and the correction of colours after it."""
    given = options(__doc__).parse_args()
    cfa, pattern = light(given.size), Bayer.RGGB
    print(HEAD)
    for method in get_args(Demosaicing):
        made = 12 if method != "superpixel" else 3
        timed(
            method,
            lambda name=method: demosaic(cfa, pattern, name, pedestal=100.0),
            cfa.size,
            (4 + made) * cfa.size,
            given.repeats,
        )
    rgb = demosaic(cfa, pattern, "rcd", pedestal=100.0)
    timed(
        "conserve flux",
        lambda: conserve_flux(rgb, cfa, pattern),
        cfa.size,
        (4 + 24) * cfa.size,
        given.repeats,
    )


if __name__ == "__main__":
    main()
