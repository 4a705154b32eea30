"""From pairs of stars to a map: least squares, robust against wrong pairs, no more pliant than proven."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sidera.model.transform import Model, Transform, polynomial_terms
from sidera.registration.match import Field, mapped
from sidera.types import F64, Bool

TUKEY = 4.685
"""Residuals beyond this many standard deviations count nothing (Beaton & Tukey 1974; 95 % efficient)."""
AICC_STEP = 10.0
"""A more pliant model must lower AICc by more than this: the other then has "essentially no support"
(Burnham & Anderson 2002)."""
STARS_FOR_AFFINE = 15
"""Below so many pairs only a shift or a similarity is fitted."""
IRLS_ROUNDS = 8
RAYLEIGH_MEDIAN = 1.1774
"""Median distance, in units of the standard deviation per axis, of points scattered in two dimensions."""


@dataclass(frozen=True)
class Pairs:
    """Stars seen twice: ``here`` and ``there`` are (x, y), shape (n, 2), ``sigma`` their joint error there.

    ``centre`` and ``extent`` are the reference's middle and half diagonal, the units of the fit.
    """

    here: F64
    there: F64
    sigma: F64
    centre: tuple[float, float]
    extent: float

    def __len__(self) -> int:
        return len(self.here)

    def __getitem__(self, chosen: "slice") -> "Pairs":
        return Pairs(self.here[chosen], self.there[chosen], self.sigma[chosen], self.centre, self.extent)

    @cached_property
    def normalised(self) -> F64:
        """``here`` in units of the field, about -1 to 1."""
        return (self.here - self.centre) / self.extent

    @cached_property
    def columns(self) -> F64:
        """Rows of x and y here, x and y there: what every round of a fit asks for, one after the other in memory."""
        return np.concatenate([self.here.T, self.there.T])

    @cached_property
    def prior(self) -> F64:
        """Weight of each pair by its error."""
        return 1 / self.sigma**2

    def distances(self, transform: Transform) -> F64:
        """How far, in frame pixels, each star lies from where the transform says."""
        x, y, u, v = self.columns
        along_x, along_y = transform.apply(x, y)
        miss: F64 = np.hypot(along_x - u, along_y - v)
        return miss


@dataclass(frozen=True)
class Fit:
    """A map, the weight each pair had in it (0: taken for a wrong pair), and AICc of the models tried."""

    transform: Transform
    weights: F64
    scores: dict[Model, float]


def fit(model: Model, pairs: Pairs, weights: F64, mirrored: bool = False) -> Transform | None:
    """Weighted least-squares map of one kind; None where the stars do not determine it."""
    used = int(np.count_nonzero(weights))
    if 2 * used < model.parameters or (mirrored and model is Model.SHIFT):
        return None
    if model is Model.SHIFT:
        offset = weights @ (pairs.there - pairs.here) / weights.sum()
        return Transform(model, Transform.moved(*offset).coefficients, pairs.centre, pairs.extent)
    if model is Model.SIMILARITY:
        return _fit_similarity(pairs, weights, mirrored)
    if model is Model.HOMOGRAPHY:
        return _fit_homography(pairs, weights)
    return _fit_polynomial(model, pairs, weights)


def _fit_similarity(pairs: Pairs, weights: F64, mirrored: bool) -> Transform | None:
    flip = -1.0 if mirrored else 1.0
    means = pairs.columns @ weights / weights.sum()
    x, y, u, v = pairs.columns - means[:, None]
    y = flip * y
    spread = float(weights @ (x * x + y * y))
    if not spread > 0:
        return None
    a, b = float(weights @ (x * u + y * v)) / spread, float(weights @ (x * v - y * u)) / spread
    if not a * a + b * b > 0:
        return None
    from_x, from_y, to_x, to_y = means
    matrix = np.array(
        [
            [a, -b * flip, to_x - a * from_x + b * flip * from_y],
            [b, a * flip, to_y - b * from_x - a * flip * from_y],
            [0.0, 0.0, 1.0],
        ]
    )
    return Transform(Model.SIMILARITY, matrix, pairs.centre, pairs.extent)


def _fit_polynomial(model: Model, pairs: Pairs, weights: F64) -> Transform | None:
    u, v = pairs.normalised.T
    coefficients = _solved(polynomial_terms(u, v, model.degree or 1), pairs.there, weights)
    if coefficients is None:
        return None
    if model.degree:
        return Transform(model, coefficients.T, pairs.centre, pairs.extent)
    matrix = np.vstack([coefficients.T[:, [1, 2, 0]], (0.0, 0.0, 1.0)]) @ _to_normalised(pairs)
    return Transform(model, matrix, pairs.centre, pairs.extent)


def _fit_homography(pairs: Pairs, weights: F64, rounds: int = 5) -> Transform | None:
    """Gauss-Newton on the distances in the frame, from the affine map (g = h = 0)."""
    u, v = pairs.normalised.T
    terms = polynomial_terms(u, v, 1)
    affine = _solved(terms, pairs.there, weights)
    if affine is None:
        return None
    along_x, along_y, tilt = affine[:, 0], affine[:, 1], np.zeros(2)
    none = np.zeros_like(terms)
    for _ in range(rounds):
        depth = 1 + terms[:, 1:] @ tilt
        got_x, got_y = terms @ along_x / depth, terms @ along_y / depth
        slope = terms / depth[:, None]
        rows_x = np.hstack([slope, none, -got_x[:, None] * slope[:, 1:]])
        rows_y = np.hstack([none, slope, -got_y[:, None] * slope[:, 1:]])
        miss = np.concatenate([pairs.there[:, 0] - got_x, pairs.there[:, 1] - got_y])
        step = _solved(np.vstack([rows_x, rows_y]), miss[:, None], np.tile(weights, 2))
        if step is None:
            return None
        along_x, along_y, tilt = along_x + step[:3, 0], along_y + step[3:6, 0], tilt + step[6:, 0]
        if np.abs(step).max() < 1e-7:  # pixels at the edge of the field
            break
    matrix = np.array([along_x[[1, 2, 0]], along_y[[1, 2, 0]], [*tilt, 1.0]]) @ _to_normalised(pairs)
    return Transform(Model.HOMOGRAPHY, matrix / matrix[2, 2], pairs.centre, pairs.extent)


def _to_normalised(pairs: Pairs) -> F64:
    """Matrix from pixels of the reference to units of the field."""
    (x, y), unit = pairs.centre, 1 / pairs.extent
    return np.array([[unit, 0, -x * unit], [0, unit, -y * unit], [0, 0, 1.0]])


def _solved(terms: F64, values: F64, weights: F64) -> F64 | None:
    """Weighted least squares by columns scaled to one length; None where the columns depend on each other."""
    rows = terms * np.sqrt(weights)[:, None]
    length = np.sqrt((rows**2).sum(axis=0))
    if not (length > 0).all():
        return None
    rows /= length
    normal = rows.T @ rows
    # Squared condition: 1e10 keeps half of the 16 digits. Stars on one line, or in one spot, end here.
    if np.linalg.cond(normal) > 1e10:
        return None
    solution: F64 = np.linalg.solve(normal, rows.T @ (values * np.sqrt(weights)[:, None])) / length[:, None]
    return solution


def robust(
    model: Model, pairs: Pairs, mirrored: bool, scale: float | None = None
) -> tuple[Transform, F64] | None:
    """Map and weights by iteratively reweighted least squares with Tukey's biweight.

    ``scale`` is that of `biweight`, found anew each round if not given.
    """
    prior = weights = pairs.prior
    found = None
    for _ in range(IRLS_ROUNDS):
        transform = fit(model, pairs, weights, mirrored)
        if transform is None:
            break
        distance = pairs.distances(transform) / pairs.sigma
        before, weights = weights, prior * biweight(distance, scale or spread(distance))
        found = transform, weights
        if np.abs(weights - before).max() <= 1e-2 * prior.max():
            break
    return found


def spread(distance: F64) -> float:
    """Standard deviation per axis of distances in units of their expected error, by their median.

    Never under 0.3: four stars may fit better than they ought by luck, and none is then an outlier.
    """
    return max(median(distance) / RAYLEIGH_MEDIAN, 0.3)


def median(values: F64) -> float:
    """As `np.median` of numbers, at a third of its time: a fit asks for many of a few hundred."""
    half = values.size // 2
    ordered = np.partition(values, (half - 1, half) if values.size > 1 else 0)
    return float(ordered[half] if values.size % 2 else 0.5 * (ordered[half - 1] + ordered[half]))


def biweight(distance: F64, scale: float) -> F64:
    """Tukey's weight, from 1 at no distance to 0 at 4.685 scales and beyond."""
    return np.clip(1 - (distance / (TUKEY * scale)) ** 2, 0, None) ** 2


def aicc(
    transform: Transform, pairs: Pairs, scale: float, sure: Bool, parameters: int | None = None
) -> float:
    """Akaike's information criterion for small samples (Hurvich & Tsai 1989); smaller is better.

    With ``parameters`` that of a model of so many that fits as well as this one.

    The variance is the mean of Tukey's bounded loss over *all* pairs (Ronchetti 1985), at one scale for all
    models. A sum of squares over the stars that the most pliant model kept is biased towards that model: it
    preferred a cubic, by 72, on real frames whose other half of stars it did not predict better. Pairs that
    are ``sure``, by the most pliant model, have no bound: else a shift that misses seven of seven stars by
    200 px would cost too little to be dropped for a turn. The loss is floored at 1 % of the stars' own error,
    so that two perfect fits are not told apart by their rounding.
    """
    k, n = parameters or transform.model.parameters, 2 * len(pairs)
    if n - k - 1 <= 0:
        return np.inf
    part = (pairs.distances(transform) / (pairs.sigma * TUKEY * scale)) ** 2
    loss = 1 - (1 - np.minimum(part, 1)) ** 3
    loss = np.where(sure, np.maximum(loss, part * (part > 1)), loss)
    variance = float(np.mean(loss)) * (TUKEY * scale) ** 2 / 6
    return n * float(np.log(max(variance, 1e-4))) + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def permitted(count: int, mirrored: bool) -> list[Model]:
    """Models that so many pairs can carry, the stiffest first. No shift mirrors."""
    stiff = [Model.SIMILARITY] if mirrored else [Model.SHIFT, Model.SIMILARITY]
    if count < STARS_FOR_AFFINE:
        return stiff
    return stiff + [model for model in list(Model)[2:] if count >= 2 * model.parameters]


def choose(pairs: Pairs, mirrored: bool, frame: Field) -> Fit | None:
    """The simplest model that the stars support, fitted robustly.

    The most pliant model sets the scale of errors for all: that of a stiff one would count the distortion
    among them.
    """
    models = permitted(len(pairs), mirrored)
    richest = next((one for model in reversed(models) if (one := robust(model, pairs, mirrored))), None)
    if richest is None:
        return None
    scale = spread(pairs.distances(richest[0]) / pairs.sigma)
    sure = richest[1] > 0
    scores: dict[Model, float] = {}
    chosen: Model | None = None
    for model in models:
        # No model fits better than the richest: where even that would not lower AICc enough, none is tried.
        if chosen and aicc(richest[0], pairs, scale, sure, model.parameters) >= scores[chosen] - AICC_STEP:
            continue
        one = robust(model, pairs, mirrored, scale)
        if one is None:
            continue
        scores[model] = aicc(one[0], pairs, scale, sure)
        better = chosen is None or scores[model] < scores[chosen] - AICC_STEP
        if better and supported(one[0], pairs, one[1], mirrored, frame):
            chosen = model
    final = robust(chosen, pairs, mirrored) if chosen else None
    return Fit(*final, scores) if final else None


def supported(transform: Transform, pairs: Pairs, weights: F64, mirrored: bool, frame: Field) -> bool:
    """Whether a pliant map is to be believed over the whole of the overlap, corners without stars included.

    Over a lattice of the reference, wherever it or the affine map lands on the frame: fits to either half of
    the stars must agree (within 0.3 px, or 0.3 of how far the map bends), and where no star is near the map
    must not bend beyond what it does at the stars.
    """
    if transform.model in (Model.SHIFT, Model.SIMILARITY, Model.AFFINE):
        return True
    affine = fit(Model.AFFINE, pairs, weights, mirrored)
    halves = [fit(transform.model, pairs[i::2], weights[i::2], mirrored) for i in (0, 1)]
    if affine is None or halves[0] is None or halves[1] is None:
        return False
    lattice = _lattice(pairs)
    straight, bent = mapped(affine, lattice), mapped(transform, lattice)
    on_frame = frame.holds(straight) | frame.holds(bent)
    lattice, bend = lattice[on_frame], np.hypot(*(bent - straight)[on_frame].T)
    noise = np.hypot(*(mapped(halves[0], lattice) - mapped(halves[1], lattice)).T) / 2
    used = weights > 0
    bend_at_stars = float(
        np.hypot(*(mapped(transform, pairs.here) - mapped(affine, pairs.here))[used].T).max()
    )
    nearest = np.hypot(*(lattice[:, None] - pairs.here[used][None]).transpose(2, 0, 1)).min(axis=1)
    far = nearest > 0.4 * pairs.extent
    calm = noise.max(initial=0) <= max(0.3, 0.3 * bend_at_stars)
    return bool(calm and bend[far].max(initial=0) <= max(1.0, 2 * bend_at_stars))


def _lattice(pairs: Pairs) -> F64:
    """Points over the reference, edge to edge."""
    x, y = np.meshgrid(*(np.linspace(0, 2 * middle, 13) for middle in pairs.centre))
    return np.column_stack([x.ravel(), y.ravel()])
