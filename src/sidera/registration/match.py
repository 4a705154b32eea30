"""Which star of one frame is which of another: by place under a known map, by four-star patterns without."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sidera.loading import loading
from sidera.model.stars import Stars
from sidera.model.transform import Model, Transform
from sidera.types import F64, I64

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

C128 = npt.NDArray[np.complex128]

SCALES = (0.2, 5.0)
"""Pixels of the frame per pixel of the reference that are searched."""
UNKNOWN_SIGMA = 0.2
"""Standard error in pixels of a star that has none, and the least of a saturated one."""
SYSTEMATIC_SIGMA = 0.02
"""Centroids are never trusted beyond this, in pixels: pixel phase, colour, turbulence."""
ALL_QUADS = 22
"""Up to so many stars every set of four is tried: 7,315 patterns."""
QUADS = 6000
"""About so many patterns are made of a longer list, each within a neighbourhood."""
HITS = 600
"""The closest pairs of patterns that are put to the vote."""
MOST = 40
"""Guesses that are worth a look."""


def tree_of(points: F64) -> "cKDTree[None]":
    """For the nearest neighbours of points, shape (points, dimensions)."""
    with loading:
        from scipy.spatial import cKDTree  # loads slowly: a run begins before it matches stars

    return cKDTree(points)


@dataclass(frozen=True)
class Field:
    """The usable stars of one frame, brightest first, made ready for the search.

    ``at`` is (x, y) in pixels, shape (stars, 2); ``sigma`` its standard error per axis, systematics included;
    ``index`` the place in the list it came from; ``shape`` the frame's (rows, columns).
    """

    at: F64
    sigma: F64
    index: I64
    shape: tuple[int, int]

    def __len__(self) -> int:
        return self.index.size

    @staticmethod
    def of(stars: Stars, shape: tuple[int, int]) -> "Field":
        """Stars with a position; the others cannot be matched."""
        index = np.flatnonzero(np.isfinite(stars.x) & np.isfinite(stars.y))
        at = np.column_stack([stars.x[index], stars.y[index]]).astype(np.float64)
        sigma = stars.sigma[index]
        sigma = np.where(np.isfinite(sigma) & (sigma > 0), sigma, UNKNOWN_SIGMA)
        sigma = np.where(stars.saturated[index], np.maximum(sigma, UNKNOWN_SIGMA), sigma)
        return Field(at, np.hypot(sigma, SYSTEMATIC_SIGMA), index, shape)

    def brightest(self, count: int) -> "Field":
        """The first ``count`` stars."""
        if count >= len(self):
            return self
        return Field(self.at[:count], self.sigma[:count], self.index[:count], self.shape)

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the frame as (x, y)."""
        return (self.shape[1] - 1) / 2, (self.shape[0] - 1) / 2

    @property
    def reach(self) -> float:
        """From the centre to a corner, in pixels."""
        return float(np.hypot(*self.shape)) / 2

    @cached_property
    def tree(self) -> "cKDTree[None]":
        """For the nearest neighbours."""
        return tree_of(self.at)

    def holds(self, at: F64) -> npt.NDArray[np.bool_]:
        """Which of the points, shape (..., 2), lie on the frame."""
        rows, columns = self.shape
        return (
            (at[..., 0] > -0.5)
            & (at[..., 0] < columns - 0.5)
            & (at[..., 1] > -0.5)
            & (at[..., 1] < rows - 0.5)
        )


def mapped(transform: Transform, at: F64) -> F64:
    """Points (x, y), shape (n, 2), seen through a transform."""
    return np.column_stack(transform.apply(at[:, 0], at[:, 1]))


def mutual_pairs(transform: Transform, reference: Field, frame: Field, radius: float) -> I64:
    """Pairs (reference, frame) of stars that are each other's nearest, within ``radius`` pixels of the frame.

    This is equivalent to::

        distance = norm(mapped(reference)[:, None] - frame[None])
        pairs = [(i, j) for i, j in ndindex(distance.shape)
                 if distance[i, j] == distance[i].min() == distance[:, j].min() <= radius]
    """
    seen = mapped(transform, reference.at)
    near, star = map(np.asarray, frame.tree.query(seen, distance_upper_bound=radius))
    found = np.flatnonzero(np.isfinite(near))
    if not found.size:
        return np.empty((0, 2), np.int64)
    # Only a star that found a partner can be anybody's mutual nearest, but any may be nearer: ask among all.
    _, back = tree_of(seen).query(frame.at[star[found]])
    mutual = found[back == found]
    return np.column_stack([mutual, star[mutual]]).astype(np.int64)


@dataclass(frozen=True)
class Patterns:
    """Sets of four stars and their shape, free of place, turn and size.

    ``code`` is shape (n, 4): the places of C and D with the widest pair A, B at 0 and 1 of the complex plane.
    ``corner`` is complex, shape (n, 4): A, B, C, D in pixels.
    """

    code: F64
    corner: C128

    @property
    def width(self) -> F64:
        """From A to B, in pixels."""
        return np.abs(self.corner[:, 1] - self.corner[:, 0])


def patterns(at: F64, mirrored: bool = False) -> Patterns:
    """Four-star patterns of a list, with their codes (after Lang et al. 2010, AJ 139, 1782, section 2.1).

    ``mirrored`` takes y for -y, so that a mirror image shows the same codes.
    """
    place = at[:, 0] + 1j * (-at[:, 1] if mirrored else at[:, 1])
    corner = place[_fours(at)]
    corner = _widest_first(corner)
    base = corner[:, 1] - corner[:, 0]
    apart = base != 0
    corner, base = corner[apart], base[apart]
    inner = (corner[:, 2:] - corner[:, :1]) / base[:, None]
    # A and B could change places, and so could C and D: of the four equal descriptions one is chosen.
    swap = inner.real.sum(axis=1) > 1
    corner[swap, :2] = corner[swap, 1::-1]
    inner[swap] = 1 - inner[swap]
    late = inner[:, 0].real > inner[:, 1].real
    corner[late, 2:] = corner[late, :1:-1]
    inner[late] = inner[late, ::-1]
    code = np.column_stack([inner[:, 0].real, inner[:, 0].imag, inner[:, 1].real, inner[:, 1].imag])
    return Patterns(code, corner)


def _fours(at: F64) -> I64:
    """Indices of the sets of four: all of a short list, those among neighbours of a long one."""
    count = len(at)
    if count <= ALL_QUADS:
        return _subsets(count, 4)
    neighbours = 6
    while count * comb(neighbours + 1, 3) <= QUADS and neighbours < count - 2:
        neighbours += 1
    near = np.asarray(tree_of(at).query(at, k=neighbours + 1)[1])
    members = near[:, _subsets(neighbours, 3) + 1]
    own = np.broadcast_to(np.arange(count)[:, None, None], (*members.shape[:2], 1))
    fours = np.sort(np.concatenate([own, members], axis=2).reshape(-1, 4), axis=1).astype(np.int64)
    key = ((fours[:, 0] * count + fours[:, 1]) * count + fours[:, 2]) * count + fours[:, 3]
    return fours[np.unique(key, return_index=True)[1]]


@lru_cache(maxsize=64)
def _subsets(count: int, size: int) -> I64:
    return np.array(list(combinations(range(count), size)), dtype=np.int64).reshape(-1, size)


def _widest_first(corner: C128) -> C128:
    """Each set of four with the two stars farthest apart in front."""
    orders = np.array([(i, j, *({0, 1, 2, 3} - {i, j})) for i, j in combinations(range(4), 2)])
    widths = np.abs(corner[:, orders[:, 0]] - corner[:, orders[:, 1]])
    return np.take_along_axis(corner, orders[np.argmax(widths, axis=1)], axis=1)


def guesses(
    reference: F64, frame: F64, reach: float, middle: tuple[float, float], mirrored: bool
) -> list[Transform]:
    """Similarities that some four stars of both lists agree on, `MOST` of them, those with most agreement first.

    Parameters
    ----------
    reference, frame : float64, shape (stars, 2)
        The stars to make patterns of.
    reach, middle : float, (float, float)
        Half diagonal and centre of the reference in pixels: maps are compared by where these are put.
    mirrored : bool
        Search mirror images instead of plain ones.
    """
    if min(len(reference), len(frame)) < 4:
        return []
    source, target = _hits(patterns(reference, mirrored), patterns(frame))
    turn, offset = _similarities(source, target)
    sane = (np.abs(turn) > SCALES[0]) & (np.abs(turn) < SCALES[1])
    turn, offset = turn[sane], offset[sane]
    centre = complex(middle[0], -middle[1] if mirrored else middle[1])
    return [
        _similarity(*one, mirrored, middle) for one in _elected(turn, turn * centre + offset, centre, reach)
    ]


def _hits(reference: Patterns, frame: Patterns) -> tuple[C128, C128]:
    """Corners, shape (hits, 4), of patterns that look alike, the closest ones only."""
    if not len(reference.code) or not len(frame.code):
        return np.empty((0, 4), np.complex128), np.empty((0, 4), np.complex128)
    found = tree_of(frame.code).query(reference.code, k=4, distance_upper_bound=0.02)
    distance, other = map(np.asarray, found)
    one, choice = np.nonzero(np.isfinite(distance))
    two, distance = other[one, choice], distance[one, choice]
    # 0.6 px is six sigma of a fair centroid; 0.004 leaves room for distortion and refraction.
    allowed = np.minimum(0.02, 0.004 + 0.6 / reference.width[one] + 0.6 / frame.width[two])
    best = np.argsort(distance / allowed, kind="stable")[: min(HITS, int((distance < allowed).sum()))]
    return reference.corner[one[best]], frame.corner[two[best]]


def _similarities(source: C128, target: C128) -> tuple[C128, C128]:
    """Least-squares turn a and offset b of target = a source + b, for each row of four."""
    source_mean, target_mean = source.mean(axis=1), target.mean(axis=1)
    spread = source - source_mean[:, None]
    turn = (spread.conj() * (target - target_mean[:, None])).sum(axis=1) / (np.abs(spread) ** 2).sum(axis=1)
    return turn, target_mean - turn * source_mean


def _elected(turn: C128, centre_at: C128, centre: complex, reach: float) -> list[tuple[complex, complex]]:
    """Means (a, b) of the `MOST` densest groups of similarities, largest group first, no group twice."""
    if not turn.size:
        return []
    place = np.column_stack([centre_at.real, centre_at.imag, turn.real * reach, turn.imag * reach])
    radius = 3 + 0.01 * reach
    tree = tree_of(place)
    sizes = np.asarray(tree.query_ball_point(place, radius, return_length=True))
    order = np.argsort(-sizes, kind="stable")
    taken = np.zeros(turn.size, np.bool_)
    elected: list[tuple[complex, complex]] = []
    for leader in order:
        if taken[leader]:
            continue
        if len(elected) == MOST:
            break
        members = np.array(tree.query_ball_point(place[leader], radius))
        taken[members] = True
        mean_turn = complex(turn[members].mean())
        elected.append((mean_turn, complex(centre_at[members].mean()) - mean_turn * centre))
    return elected


def _similarity(turn: complex, offset: complex, mirrored: bool, middle: tuple[float, float]) -> Transform:
    """The map z -> a z + b, or a conj(z) + b, as a matrix."""
    a, b = turn.real, turn.imag
    flip = -1.0 if mirrored else 1.0
    matrix = np.array([[a, -b * flip, offset.real], [b, a * flip, offset.imag], [0.0, 0.0, 1.0]])
    return Transform(Model.SIMILARITY, matrix, middle)
