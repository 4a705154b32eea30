"""Bringing one frame's stars onto the reference's, or saying why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sidera.errors import FrameError, Refusal, ShapeError
from sidera.model.settings import RegistrationSettings
from sidera.model.stars import Stars
from sidera.model.transform import Model, Transform
from sidera.registration.evidence import CELLS_FROM, LEAST_SPREAD, provable
from sidera.registration.fit import Fit, robust
from sidera.registration.match import Field
from sidera.registration.search import Attempt, joined, residual, search
from sidera.types import I64

FEWEST_STARS = 4
"""With three stars any triangle of like shape would do."""
LARGEST_SHEAR = 0.02
"""Optics and air stretch a field by 0.5 % at most; 2 % is no picture of the sky."""


@dataclass(frozen=True)
class Solution:
    """A frame brought onto the reference.

    Attributes
    ----------
    transform : Transform
        Reference (x, y) -> frame (x, y).
    pairs : int64, shape (inliers, 2)
        Indices of the same star in the reference's and the frame's list.
    residual : float
        How far the inliers miss: rms distance in pixels of the frame, weighted by the stars' accuracy.
    candidates : int
        Stars of the shorter list on the shared sky: matches there could be at most.
    chance : float
        log10 of the probability that unrelated fields match so well; -300 for less than that.
    scores : dict
        AICc of each model tried.
    """

    transform: Transform
    pairs: I64
    residual: float
    candidates: int
    chance: float
    scores: dict[Model, float]

    @property
    def inliers(self) -> int:
        """Number of stars that the map rests on."""
        return len(self.pairs)


def solve(
    reference: Stars,
    frame: Stars,
    settings: RegistrationSettings | None = None,
    *,
    shape_reference: tuple[int, int],
    shape_frame: tuple[int, int],
    prediction: Transform | None = None,
) -> Solution:
    """Find the map from the reference to a frame by their stars.

    A prediction (say, the neighbour's map), moved by the shift that most bright stars vote for, and the identity are
    tried first, then four-star patterns, which know any shift, turn, scale of 0.2 to 5 and mirroring. A map is
    accepted only if chance could not make it.

    Parameters
    ----------
    reference, frame : Stars
        Brightest first. Stars without a position are passed over.
    settings : RegistrationSettings
        Model and largest residual.
    shape_reference, shape_frame : (rows, columns)
        Sizes of both in pixels.
    prediction : Transform, optional
        Where the frame probably lies, but for a shift.

    Returns
    -------
    Solution
        Never an unproven one.

    Raises
    ------
    FrameError
        TOO_FEW_STARS, NO_MATCH or POOR_FIT, with the numbers.
    ShapeError
        If a size is not positive.

    Notes
    -----
    Patterns after Lang et al. 2010 (AJ 139, 1782), acceptance after Moisan & Stival 2004 (IJCV 57, 201), fit
    by iteratively reweighted least squares, model by AICc.
    """
    settings = settings or RegistrationSettings()
    for shape in (shape_reference, shape_frame):
        if len(shape) != 2 or min(shape) < 1:
            raise ShapeError(f"a frame of {shape} pixels", "Give (rows, columns), both 1 or more")
    here, there = Field.of(reference, shape_reference), Field.of(frame, shape_frame)
    _require_stars(here, there)
    best = search(here, there, prediction)
    return _accepted(best, here, there, settings)


def register_all(
    stars: Sequence[Stars],
    shapes: Sequence[tuple[int, int]],
    reference: int,
    settings: RegistrationSettings | None = None,
) -> list[Solution | FrameError]:
    """Bring every frame onto one of them, each predicted from the last that fitted.

    Parameters
    ----------
    stars, shapes : sequence of Stars, sequence of (rows, columns)
        One a frame, in order of time.
    reference : int
        Index of the reference.

    Returns
    -------
    list of Solution or FrameError
        A frame that cannot be used yields its error as a value; the others go on.
    """
    results: list[Solution | FrameError] = []
    prediction: Transform | None = None
    for one, shape in zip(stars, shapes, strict=True):
        try:
            solution = solve(
                stars[reference],
                one,
                settings,
                shape_reference=shapes[reference],
                shape_frame=shape,
                prediction=prediction,
            )
        except FrameError as refusal:
            results.append(refusal)
        else:
            results.append(solution)
            prediction = solution.transform
    return results


def _require_stars(here: Field, there: Field) -> None:
    for field, name in ((there, "the frame"), (here, "the reference")):
        if len(field) < FEWEST_STARS:
            raise FrameError(
                Refusal.TOO_FEW_STARS,
                f"{name} shows {len(field)} star{'' if len(field) == 1 else 's'}",
                f"{FEWEST_STARS} are the least that can prove a registration",
            )


def _accepted(best: Attempt | None, here: Field, there: Field, settings: RegistrationSettings) -> Solution:
    """THE rule for what is accepted."""
    if best is None or not best.proven:
        raise _no_match(best, here, there)
    if settings.model != "auto":
        best = _as_wished(best, here, there, Model(settings.model))
    complaint = _complaint(best, settings)
    if complaint:
        raise FrameError(Refusal.POOR_FIT, *complaint)
    pairs = np.column_stack([here.index[best.pairs[:, 0]], there.index[best.pairs[:, 1]]])
    transform = best.fit.transform
    return Solution(transform, pairs, best.residual, best.shared.candidates, best.chance, best.fit.scores)


def _as_wished(best: Attempt, here: Field, there: Field, model: Model) -> Attempt:
    """The same stars under a model asked for by name; all count in the residual, to show a wrong model."""
    stars = joined(here, there, best.pairs, best.fit.transform)
    mirrored = best.fit.transform.mirrored
    found = robust(model, stars, mirrored) if len(stars) >= max(3, model.parameters // 2 + 1) else None
    if found is None:
        reason = f"{len(stars)} matched stars do not determine a {'mirrored ' if mirrored else ''}{model} map"
        raise FrameError(Refusal.POOR_FIT, reason, "Choose the model auto, or a stiffer one")
    missed = residual(stars.distances(found[0]), 1 / stars.sigma**2)
    return replace(best, fit=Fit(*found, best.fit.scores), residual=missed)


def _complaint(best: Attempt, settings: RegistrationSettings) -> tuple[str, str] | None:
    """What is wrong with a map that chance did not make, and what would be right."""
    transform, shared, count = best.fit.transform, best.shared, len(best.pairs)
    limit = settings.maximum_residual * max(1.0, transform.scale)
    if best.residual > limit:
        return (
            f"{count} stars miss their places by {best.residual:.2f} px rms",
            f"At most {limit:.2f} px is allowed (maximum_residual)",
        )
    if transform.shear > LARGEST_SHEAR:
        return (
            f"the {transform.model} map stretches one axis {100 * transform.shear:.1f} % more than the other",
            f"The sky allows {100 * LARGEST_SHEAR:.0f} %",
        )
    least, cells = LEAST_SPREAD[0], min(LEAST_SPREAD[1], shared.cells)
    if shared.candidates >= CELLS_FROM and (count < least or shared.spread < cells):
        return (
            f"{count} of {shared.candidates} stars match, in {shared.spread} of 9 parts of the shared sky",
            f"{least} in {cells} parts are needed",
        )
    return None


def _no_match(best: Attempt | None, here: Field, there: Field) -> FrameError:
    """Why nothing is proven: nothing could be, or nothing fits."""
    fewest = min(len(here), len(there))
    if not provable(here, there):
        told = f"{len(there)} stars in the frame, {len(here)} in the reference"
        cure = f"On so small a frame no match of {fewest} can be told from chance"
        return FrameError(Refusal.TOO_FEW_STARS, told, cure)
    if best is None:
        told = f"no pattern of the frame's {len(there)} stars is among the reference's {len(here)}"
        return FrameError(Refusal.NO_MATCH, told, "Frames of one target are needed")
    shared, count = best.shared, len(best.pairs)
    told = (
        f"{count} of {shared.candidates} stars match, by chance one would expect "
        f"{shared.expected(best.radius):.1f}"
    )
    cure = f"{best.needed} are needed" if best.needed else "Even all of them would prove nothing"
    return FrameError(Refusal.NO_MATCH, told, cure)
