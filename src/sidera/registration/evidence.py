"""How likely a match is by chance: a wrong map is never to be accepted."""

import math
from dataclasses import dataclass

import numpy as np

from sidera.loading import loading
from sidera.model.transform import Transform
from sidera.registration.match import Field, mapped
from sidera.types import F64

CHANCE = -6.0
"""log10 of the probability of a chance match that is still accepted."""
IMPOSSIBLE = -300.0
"""Smaller probabilities have no float64, and need none."""
CELLS_FROM = 40
"""From so many common stars on, the matches must also be spread over the field."""
LEAST_SPREAD = (12, 5)
"""Inliers, and ninths of the overlap that hold one."""


@dataclass(frozen=True)
class Overlap:
    """What reference and frame share under a map.

    ``reference`` and ``frame`` count the stars of each in the shared sky, ``area`` is in frame pixels,
    ``density`` the frame's stars per pixel around each shared star of the reference. ``spread`` is the number
    of ninths of the shared sky that hold an inlier, ``cells`` of those that hold a star of the reference.
    """

    reference: int
    frame: int
    area: float
    density: F64
    spread: int
    cells: int

    @property
    def candidates(self) -> int:
        """Matches there could be at most."""
        return min(self.reference, self.frame)

    def expected(self, radius: float) -> float:
        """Matches within ``radius`` pixels that two unrelated fields would show under one given map."""
        return float((1 - np.exp(-math.pi * radius**2 * self.density)).sum())


def overlap(transform: Transform, reference: Field, frame: Field, inliers: F64) -> Overlap:
    """Stars and sky that both lists share; ``inliers`` are places (x, y) in the reference, shape (n, 2).

    Uses the affine tangent: a few pixels of distortion move no star of note over an edge.
    """
    straight = transform.tangent()
    seen = mapped(straight, reference.at)
    inside = frame.holds(seen)
    back = mapped(straight.inverse(), frame.at)
    x, y = np.meshgrid(*(np.linspace(0, 2 * middle, 33) for middle in reference.middle))
    lattice = np.column_stack([x.ravel(), y.ravel()])
    shared = lattice[frame.holds(mapped(straight, lattice))]
    area = len(shared) / len(lattice) * reference.shape[0] * reference.shape[1] * transform.scale**2
    area = max(area, 1.0)
    count = int(reference.holds(back).sum())
    return Overlap(
        reference=int(inside.sum()),
        frame=count,
        area=area,
        density=_density(seen[inside], frame, count / area),
        spread=_cells(inliers, shared),
        cells=_cells(reference.at[inside], shared),
    )


def _density(seen: F64, frame: Field, mean: float) -> F64:
    """Frame stars per pixel around each point: the mean, or more where its neighbours crowd (a cluster)."""
    if len(frame) < 8 or not len(seen):
        return np.full(len(seen), mean)
    sixth = np.asarray(frame.tree.query(seen, k=6)[0])[:, 5]
    crowd: F64 = np.maximum(5 / (math.pi * np.maximum(sixth, 1.0) ** 2), mean)
    return crowd


def _cells(at: F64, shared: F64) -> int:
    """How many of 3 × 3 cells of the shared sky hold one of the points."""
    if not len(at) or not len(shared):
        return 0
    low, high = shared.min(axis=0), shared.max(axis=0)
    cell = np.clip((3 * (at - low) / np.maximum(high - low, 1e-9)).astype(np.int64), 0, 2)
    return int(np.unique(cell[:, 0] * 3 + cell[:, 1]).size)


def chance(matches: int, shared: Overlap, radius: float, stars_spent: int, log_trials: float) -> float:
    """log10 of the probability that unrelated fields show so many matches under the best of all maps tried.

    Each of the n stars that could match does so by accident with p = 1 - exp(-pi r² density) (Poisson), so m
    or more do with the binomial tail I_p(m, n - m + 1). A map that was fitted to ``stars_spent`` of them gets
    those for nothing; and the more maps there were to choose from, the better the best of them (Bonferroni;
    the "number of false alarms" of Moisan & Stival 2004). To take the mean p for all is safe: no other set of
    probabilities with that sum has a wider tail (Hoeffding 1956). Over 300 pairs of random lists of 15 stars,
    where one is expected below -2.5 if the figure is honest, the least was -2.0.
    """
    n = shared.candidates - stars_spent
    m = matches - stars_spent
    if m <= 0 or n <= 0:
        return 0.0
    p = min(shared.expected(radius) / max(shared.candidates, 1), 1.0)
    if p <= 0:
        return IMPOSSIBLE
    with loading:
        from scipy.special import betainc  # loads slowly: a run begins before it weighs evidence

    tail = float(betainc(min(m, n), n - min(m, n) + 1, p))
    if tail <= 0:
        return IMPOSSIBLE
    return max(min(math.log10(tail) + log_trials, 0.0), IMPOSSIBLE)


def needed(shared: Overlap, radius: float, stars_spent: int, log_trials: float) -> int | None:
    """Fewest matches that prove a map; None where even all would not."""
    for matches in range(stars_spent + 1, shared.candidates + 1):
        if chance(matches, shared, radius, stars_spent, log_trials) <= CHANCE:
            return matches
    return None


def log_pairings(reference: int, frame: int) -> float:
    """log10 of how many similarities two lists define: any two stars on any two, plain or mirrored."""
    ways = reference * (reference - 1) * frame * (frame - 1)
    return math.log10(max(ways, 1))


def provable(reference: Field, frame: Field) -> bool:
    """Whether a match of every star, each within a pixel, on a shared field could be told from chance."""
    whole = _all_shared(reference, frame)
    return chance(whole.candidates, whole, 1.0, 2, log_pairings(len(reference), len(frame))) <= CHANCE


def promising(matches: int, reference: Field, frame: Field, radius: float) -> bool:
    """Whether so many matches within ``radius`` pixels are more than a wrong map shows, one in ten of them.

    A map that is right is far above that long before it is proven; to give the others up costs next to nothing.
    """
    return chance(matches, _all_shared(reference, frame), radius, 2, 0.0) <= -1.0


def _all_shared(reference: Field, frame: Field) -> Overlap:
    """As if both saw the same sky, and stars were spread evenly over it."""
    area = float(max(frame.shape[0] * frame.shape[1], 1))
    density = np.full(len(reference), len(frame) / area)
    return Overlap(len(reference), len(frame), area, density, spread=9, cells=9)
