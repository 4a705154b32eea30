"""The map that most stars agree on, and the evidence for it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sidera.model.transform import Model, Transform
from sidera.registration.evidence import CHANCE, Overlap, chance, log_pairings, needed, overlap, promising
from sidera.registration.fit import RAYLEIGH_MEDIAN, Fit, Pairs, choose, median, robust
from sidera.registration.match import SCALES, Field, guesses, mapped, mutual_pairs
from sidera.types import F64, I64

PREDICTION_RADIUS = 8.0
"""A prediction is right if stars lie within so many pixels of it."""
VOTERS = 60
"""The brightest stars of each list that vote for a shift."""
DEPTHS = ((60, 60), (150, 150), (40, 150), (150, 40), (22, 22))
"""How many of the brightest stars of reference and frame make patterns, in turn: lists of unlike depth or
scale share patterns only where the densities of their stars are alike."""
REFINED = 4
"""Of a turn's guesses the stars that agree are counted, and the best few are refined."""
SEARCHED = 300
"""Stars of each list that count guesses out."""
ROUNDS = 8
"""Times that stars are paired and the map is fitted, at most; 4 or 5 are usual."""
GROWTH = 1.1
"""The model is chosen anew when so many times more stars fit than at the last choice."""
LEAST_RADIUS = 1.0
"""Pixels within which stars are paired in the end, at least, and (below) at most."""
WIDEST_RADIUS = 3.0


@dataclass(frozen=True)
class Attempt:
    """A map refined as far as it goes, and the evidence for it."""

    fit: Fit
    pairs: I64
    residual: float
    shared: Overlap
    radius: float
    chance: float
    needed: int | None

    @property
    def proven(self) -> bool:
        """Chance is ruled out."""
        return self.chance <= CHANCE

    @property
    def rank(self) -> tuple[float, int]:
        """Smaller is better."""
        return self.chance, -len(self.pairs)


def search(here: Field, there: Field, prediction: Transform | None) -> Attempt | None:
    """The best attempt; a proven one ends the search.

    A prediction must explain half of the stars to end it: hot pixels, which stay where they are, could prove
    the identity while the stars have moved on.
    """
    best = None
    expected = Transform.identity() if prediction is None else prediction
    for guess in (
        _moved(expected, here, there),
        expected,
        *([] if prediction is None else [Transform.identity()]),
    ):
        attempt = _attempt(here, there, guess, PREDICTION_RADIUS, doubted=(0, 2))
        if attempt and attempt.proven and 2 * len(attempt.pairs) >= attempt.shared.candidates:
            return attempt
        best = _better(best, attempt)
    for patterned in _patterned(here, there):
        for guess in patterned:
            best = _better(best, _attempt(here, there, guess, _first_radius(here)))
        if best and best.proven:
            return best
    return best


def _moved(guess: Transform, here: Field, there: Field) -> Transform:
    """A guess moved by the shift that most pairs of bright stars agree on: frames of a night are mostly dithered."""
    seen = mapped(guess, here.at[:VOTERS])
    shifts = (there.at[:VOTERS, None] - seen[None]).reshape(-1, 2)
    cell = np.floor(shifts / PREDICTION_RADIUS).astype(np.int64)
    corner, width = cell.min(axis=0), int(np.ptp(cell[:, 1])) + 1
    places, votes = np.unique((cell - corner) @ (width, 1), return_counts=True)
    middle = (corner + np.divmod(places[votes.argmax()], width) + 0.5) * PREDICTION_RADIUS
    near = np.abs(shifts - middle).max(axis=1) < PREDICTION_RADIUS
    return Transform.moved(*np.median(shifts[near], axis=0)).compose(guess)


def _better(one: Attempt | None, two: Attempt | None) -> Attempt | None:
    return min((attempt for attempt in (one, two) if attempt), key=lambda attempt: attempt.rank, default=None)


def _patterned(here: Field, there: Field) -> Iterator[list[Transform]]:
    """Turn by turn, the few guesses from patterns that most stars agree with."""
    done = set()
    for depth_here, depth_there in DEPTHS:
        depth = min(depth_here, len(here)), min(depth_there, len(there))
        if depth in done:
            continue
        done.add(depth)
        for mirrored in (False, True):
            found = guesses(here.at[: depth[0]], there.at[: depth[1]], here.reach, here.middle, mirrored)
            few_here, few_there = here.brightest(SEARCHED), there.brightest(SEARCHED)
            radius = _first_radius(here)
            agree = [len(mutual_pairs(one, few_here, few_there, radius)) for one in found]
            order = np.argsort([-count for count in agree], kind="stable")
            yield [found[i] for i in order[:REFINED]]


def _first_radius(here: Field) -> float:
    """Pixels by which a map from four stars may miss at the edge."""
    return WIDEST_RADIUS + 0.002 * here.reach


def _attempt(
    here: Field, there: Field, guess: Transform, radius: float, doubted: tuple[int, ...] = (2,)
) -> Attempt | None:
    """Refine a guess: pair, fit, narrow the radius, pair again; then weigh the evidence.

    In the turns in which it is ``doubted`` it is given up where no more stars fit than chance would show.
    """
    transform, fitted, pairs, before = guess, None, np.empty((0, 2), np.int64), None
    for turn in range(ROUNDS):
        count = SEARCHED if turn < 2 else max(len(here), len(there))
        pairs = mutual_pairs(transform, here.brightest(count), there.brightest(count), radius)
        if len(pairs) < 3 or (turn in doubted and not promising(len(pairs), here, there, radius)):
            return None
        seen = joined(here, there, pairs, transform)
        fitted = _refitted(fitted, seen, turn, guess.mirrored, there)
        if fitted is None or not SCALES[0] <= fitted.transform.scale <= SCALES[1]:
            return None
        transform = fitted.transform
        miss = median(seen.distances(transform)) / RAYLEIGH_MEDIAN
        narrower = float(np.clip(5 * miss, LEAST_RADIUS, WIDEST_RADIUS))
        if turn > 2 and narrower == radius and before is not None and np.array_equal(before, pairs):
            break
        before, radius = pairs, narrower
    return _weighed(here, there, fitted, pairs, radius) if fitted else None


def _refitted(last: Fit | None, pairs: Pairs, turn: int, mirrored: bool, there: Field) -> Fit | None:
    """A similarity twice, then the model that the stars choose; chosen anew when many more stars fit."""
    if last is None or turn < 2:
        found = robust(Model.SIMILARITY, pairs, mirrored)
    elif turn == 2 or len(pairs) > GROWTH * len(last.weights):
        return choose(pairs, mirrored, there)
    else:
        found = robust(last.transform.model, pairs, mirrored)
    return Fit(*found, last.scores if last else {}) if found else None


def joined(here: Field, there: Field, pairs: I64, transform: Transform) -> Pairs:
    """Places and errors of paired stars; ``transform`` tells how the reference's errors are scaled."""
    one, two = pairs.T
    sigma = np.hypot(here.sigma[one] * transform.scale, there.sigma[two])
    return Pairs(here.at[one], there.at[two], sigma, here.middle, here.reach)


def _weighed(here: Field, there: Field, fitted: Fit, pairs: I64, radius: float) -> Attempt:
    seen = joined(here, there, pairs, fitted.transform)
    distances = seen.distances(fitted.transform)
    inlier = (fitted.weights > 0) & (distances <= radius)
    kept = pairs[inlier]
    shared = overlap(fitted.transform, here, there, here.at[kept[:, 0]])
    spent = max(2, fitted.transform.model.parameters // 2)
    trials = log_pairings(len(here), len(there))
    return Attempt(
        fit=fitted,
        pairs=kept,
        residual=residual(distances[inlier], fitted.weights[inlier]),
        shared=shared,
        radius=radius,
        chance=chance(len(kept), shared, radius, spent, trials),
        needed=needed(shared, radius, spent, trials),
    )


def residual(distances: F64, weights: F64) -> float:
    """Weighted rms of distances."""
    if not weights.sum() > 0:
        return float("inf")
    return float(np.sqrt((weights * distances**2).sum() / weights.sum()))
