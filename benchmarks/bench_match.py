"""Matching: star lists to transforms. The limit here is no copy but one k-d tree of the same stars, built and asked."""

import numpy as np
from scipy.spatial import cKDTree
from stage import HEAD, cpu_seconds, options, show, turned

from sidera.model.stars import Stars
from sidera.registration import solve

SIZE = (6000, 4000)
MISSING, STRANGE = 0.15, 0.2
"""Shares of each list that the other does not have, and that are no stars."""


def star_list(x: np.ndarray, y: np.ndarray, flux: np.ndarray) -> Stars:
    """Stars of which only place and flux matter, brightest first."""
    order = np.argsort(-flux, kind="stable")
    x, y, flux = x[order], y[order], flux[order]
    unknown = np.full(x.size, np.nan)
    return Stars(
        x,
        y,
        flux,
        flux / 10,
        flux / 5,
        unknown,
        unknown,
        unknown,
        unknown,
        np.full(x.size, 0.05),
        unknown > 0,
    )


def two_lists(count: int, degrees: float) -> tuple[Stars, Stars]:
    """Lists of a reference and of a turned frame, some stars missing and some strange in each."""
    rng = np.random.default_rng(count)
    x, y = rng.uniform(0, SIZE[0], count), rng.uniform(0, SIZE[1], count)
    flux = rng.pareto(1.0, count) + 1
    lists = []
    for places in ((x, y), turned(degrees, SIZE).apply(x, y)):
        seen = rng.uniform(size=count) > MISSING
        more = round(STRANGE * count)
        across = np.r_[places[0][seen] + rng.normal(0, 0.05, seen.sum()), rng.uniform(0, SIZE[0], more)]
        down = np.r_[places[1][seen] + rng.normal(0, 0.05, seen.sum()), rng.uniform(0, SIZE[1], more)]
        bright = np.r_[flux[seen] * np.exp(rng.normal(0, 0.05, seen.sum())), rng.pareto(1.0, more) + 1]
        lists.append(star_list(across, down, bright))
    return lists[0], lists[1]


def main() -> None:
    """Time lists of several lengths, near and turned upside down."""
    given = options(__doc__).parse_args()
    shape = SIZE[::-1]
    print(HEAD)
    for count in (100, 500, 2000):
        for degrees in (0.3, 180.0):
            reference, frame = two_lists(count, degrees)

            def matched(one: Stars = reference, other: Stars = frame) -> object:
                return solve(one, other, shape_reference=shape, shape_frame=shape)

            def asked(one: Stars = reference, other: Stars = frame) -> object:
                return cKDTree(np.stack([one.x, one.y], 1)).query(np.stack([other.x, other.y], 1))

            what = f"{count} stars, turned by {degrees:g} degrees"
            limit = cpu_seconds(asked, max(20, given.repeats))
            show(what, len(frame) / 1e3, "k stars", cpu_seconds(matched, given.repeats), limit)


if __name__ == "__main__":
    main()
