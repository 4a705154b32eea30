"""Compare a stack with the truth, where its lights are those of a simulated night with ``truth.json`` beside them."""

import math
from pathlib import Path

import msgspec

from sidera.errors import SideraError, UsageError
from sidera.integration.normalise import Scale
from sidera.pipeline.decide import Placed, Registered
from sidera.pipeline.fidelity import Fidelity, fidelity, table
from sidera.pipeline.outcome import Outcome
from sidera.pipeline.report_values import TruthReport
from sidera.pipeline.simulate import load_truth
from sidera.simulate.night import Truth

BRIGHTEST = Scale(1.0, 0.0, 0)
"""The scale of the light that a stack takes its brightness from."""


def against_truth(outcome: Outcome, registered: Registered) -> TruthReport | None:
    """Figures of a stack against the truth of its night; None where there is none to compare with.

    None, too, for superpixel stacks, whose pixels are not those of the truth.
    """
    truth = _truth_of(outcome)
    if truth is None or any(one.light.superpixel for one in outcome.placed):
        return None
    reference = Path(registered.reference.light.id.path).name
    known = _lit_by(truth, _file(_anchor(outcome)), reference)
    try:
        result = fidelity(
            outcome.stack.image,
            outcome.stack.noise,
            {_file(one): one.transform for one in outcome.placed},
            known,
            reference,
            origin=(float(outcome.grid.left), float(outcome.grid.top)),
            weights={_file(one): one.weight for one in outcome.placed},
        )
    except (
        SideraError
    ):  # a colour night stacked as mono, say: nothing to compare, and no reason to lose the stack
        return None
    return msgspec.convert(_known(msgspec.to_builtins(result)), TruthReport)


def truth_table(truth: TruthReport) -> str:
    """The figures as text for people, one column a channel."""
    return table(msgspec.convert(_unknown(msgspec.to_builtins(truth)), Fidelity))


def _truth_of(outcome: Outcome) -> Truth | None:
    """The truth beside the lights: they lie in ``lights/`` of the folder that holds it, and it names each of them."""
    folders = {Path(one.light.id.path).parent for one in outcome.placed}
    if len(folders) != 1:
        return None
    night = folders.pop().parent
    try:
        truth = load_truth(night)
    except (UsageError, OSError):  # a truth.json of someone else's, or none
        return None
    files = {frame.file for frame in truth.frames}
    mine = {Path(one.light.id.path).relative_to(night).as_posix() for one in outcome.placed}
    return truth if mine <= files else None


def _anchor(outcome: Outcome) -> Placed:
    """The light whose brightness the stack takes."""
    return next((one for one in outcome.placed if one.scale == BRIGHTEST), outcome.placed[0])


def _lit_by(truth: Truth, anchor: str, reference: str) -> Truth:
    """The truth, with the reference's place in the sky and the anchor's light.

    Where filters share one reference, a stack lies on the grid of a frame of another filter, while its
    brightness is that of its own anchor: a frame that was never taken, with the matrix of one and the rest of
    the other.
    """
    names = {Path(frame.file).name: frame for frame in truth.frames}
    grid, light = names.get(reference), names[anchor]
    if grid is None or grid.band == light.band:
        return truth
    never = msgspec.structs.replace(light, file=grid.file, matrix=grid.matrix)
    return msgspec.structs.replace(
        truth, frames=tuple(never if frame is grid else frame for frame in truth.frames)
    )


def _file(one: Placed) -> str:
    return Path(one.light.id.path).name


def _known(value: object) -> object:
    """NaN and infinity become None, as in JSON."""
    if isinstance(value, dict):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _unknown(value: object) -> object:
    """None becomes NaN again."""
    if isinstance(value, dict):
        return {key: _unknown(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_unknown(one) for one in value]
    return math.nan if value is None else value
