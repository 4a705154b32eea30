"""Do the plan: masters, measure, decide, combine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sidera.calibration.apply import Calibrator
from sidera.calibration.match import Pairing
from sidera.errors import FrameError, NothingToStackError, Refusal
from sidera.io.write import format_of, write
from sidera.model.header import Kind
from sidera.model.picture import Picture
from sidera.model.stack import Stack
from sidera.pipeline.cards import result_cards, result_history, result_table
from sidera.pipeline.combine import Integrated, integrate
from sidera.pipeline.decide import Measured, Placed, Registered, place, register, star_gains
from sidera.pipeline.framing import output_grid
from sidera.pipeline.groups import StackGroup, file_of
from sidera.pipeline.masters import MasterStore, build_masters
from sidera.pipeline.measure import Light, measure
from sidera.pipeline.outcome import Outcome
from sidera.pipeline.plan import Plan, make_plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.report import FrameReport, Report, write_report
from sidera.pipeline.samples import Grid, Sampler
from sidera.pipeline.scan import Found, Refused, refusal
from sidera.pipeline.tell import build_report, stack_summary, with_paths
from sidera.pipeline.workers import spread
from sidera.stretch.auto import picture
from sidera.types import F32


@dataclass(frozen=True)
class Result:
    """What a run gave: a stack per target and filter, and the report."""

    outcomes: tuple[Outcome, ...]
    report: Report

    @property
    def stack(self) -> Stack:
        """The first stack, with its maps."""
        return self.outcomes[0].stack

    @property
    def image(self) -> F32:
        """Pixels of the first stack: float32, linear, NaN where no frame saw the sky."""
        return self.stack.image

    @property
    def refused(self) -> list[FrameReport]:
        """Every frame that was left out, of whatever kind; not calibration frames that no light needed."""
        left = [frame for frame in self.report.frames if frame.verdict == "refused"]
        return [frame for frame in left if frame.code is not Refusal.NOT_NEEDED]

    def summary(self) -> list[str]:
        """How good the stacks are, in a line each."""
        return [stack_summary(one) for one in self.report.stacks]

    def save(
        self,
        path: str | Path,
        *,
        report: str | Path | None = None,
        preview: str | Path | None = None,
        progress: Progress | None = None,
    ) -> list[Path]:
        """Write the stacks, the report (JSON and HTML) and, where asked for, a stretched picture.

        Several stacks get their names between stem and suffix: ``m8.fits`` becomes ``m8_L.fits``, ``m8_R.fits`` ...
        Each file is whole or absent. PNG takes the stretched picture; FITS, XISF and TIFF the linear stack.

        Returns
        -------
        list of Path
            What was written.

        Raises
        ------
        UnwritableError, DiskFullError, UsageError
            Where the format is unknown, or the place takes no files.
        """
        progress = progress or Progress()
        progress.stage("write", len(self.outcomes) + 1)
        progress.check()
        written: list[Path] = []
        for outcome in self.outcomes:
            target = self._file(path, outcome)
            write(target, _shown(outcome) if format_of(target) == "png" else outcome.stack)
            written.append(target)
            if preview is not None:
                shown = self._file(preview, outcome)
                write(shown, _shown(outcome))
                written.append(shown)
            progress.step(target.name)
        beside = Path(path).with_name(f"{Path(path).stem}_report.json")
        told = with_paths(self.report, [self._file(path, one) for one in self.outcomes])
        written += write_report(told, Path(report) if report is not None else beside)
        progress.step()
        progress.finish()
        return written

    def _file(self, path: str | Path, outcome: Outcome) -> Path:
        return file_of(Path(path), outcome.group.name, alone=len(self.outcomes) == 1)


def stack(
    inputs: str | Path | Sequence[str | Path],
    *,
    darks: Sequence[str | Path] = (),
    flats: Sequence[str | Path] = (),
    biases: Sequence[str | Path] = (),
    flat_darks: Sequence[str | Path] = (),
    recipe: Recipe | None = None,
    exclude: Sequence[str] = (),
    masters: str | Path | None = None,
    memory: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Stack raw frames: calibrate, register, reject outliers, integrate.

    Parameters
    ----------
    inputs : path or paths
        A folder that is sorted by headers and names, or light frames (files, folders, globs).
    darks, flats, biases, flat_darks : paths
        Calibration frames whose kind is said here.
    recipe : Recipe, optional
        Every setting; the default makes a good stack.
    exclude : globs
        Files to leave out.
    masters : path, optional
        Folder of master frames to reuse and add to; a cache of the user's by default.
    memory : int, optional
        Bytes to use at most; half of what is free by default.
    threads : int, optional
        All processors by default.
    progress : Progress, optional
        Told of every step; its ``cancel`` stops the run.

    Returns
    -------
    Result
        ``image``, ``stack`` (maps), ``report``, ``save``.

    Raises
    ------
    SideraError
        NothingToStackError, UnreadableError, UnwritableError, RecipeError, BudgetError, Cancelled. A single bad
        frame never raises: it is refused and reported.
    """
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    kinds = {Kind.DARK: darks, Kind.FLAT: flats, Kind.BIAS: biases, Kind.FLAT_DARK: flat_darks}
    plan = make_plan(
        given,
        kinds=kinds,
        recipe=recipe,
        exclude=exclude,
        masters=None if masters is None else Path(masters),
        memory=memory,
        threads=threads,
        progress=progress,
    )
    return run(plan, progress=progress)


def run(plan: Plan, progress: Progress | None = None) -> Result:
    """Do a plan.

    Raises
    ------
    NothingToStackError
        When no stack comes of it; says why of the first light.
    """
    progress = progress or Progress()
    with Readers() as readers:
        store = MasterStore(plan.masters, readers, plan.recipe, plan.threads)
        calibrators, refused = build_masters(plan.calibration, store, progress)
        measured, unmeasured = _measure_all(plan, calibrators, readers, progress)
        refused += unmeasured
        if not measured:
            raise NothingToStackError("no light could be measured", _first(refused))
        registered = register(measured, plan.recipe, progress)
        refused += registered.refused
        outcomes = []
        for group in plan.stacks:
            outcome, poor = _stack_group(group, measured, registered, plan, readers, progress)
            refused += poor
            outcomes += [] if outcome is None else [outcome]
    if not outcomes:
        raise NothingToStackError(f"none of {len(measured)} lights could be registered", _first(refused))
    everything = {one.light.id: one for one in measured}
    report = build_report(plan, outcomes, everything, refused, registered, progress)
    return Result(tuple(outcomes), report)


def _first(refused: Sequence[Refused]) -> str:
    return "; ".join(f"{Path(one.id.path).name}: {one.reason}" for one in refused[:3])


def _measure_all(
    plan: Plan, calibrators: dict[Pairing, Calibrator], readers: Readers, progress: Progress
) -> tuple[list[Measured], list[Refused]]:
    """Every light once; those that cannot be measured are refused."""
    lights = [_light(frame, plan, calibrators) for group in plan.stacks for frame in _in_time(group)]
    progress.stage("measure", len(lights))

    def one(light: Light) -> Measured | Refused:
        progress.check()
        try:
            return Measured(light, measure(light, readers, plan.recipe))
        except FrameError as error:
            return refusal(light.id, error, Kind.LIGHT)
        finally:
            progress.step(Path(light.id.path).name)

    outcomes = list(spread(one, lights, plan.threads))
    measured = [outcome for outcome in outcomes if isinstance(outcome, Measured)]
    return measured, [outcome for outcome in outcomes if isinstance(outcome, Refused)]


def _in_time(group: StackGroup) -> list[Found]:
    """Lights in the order they were taken; those without a date by name."""
    return sorted(group.lights, key=lambda frame: (frame.header.date_obs or "", frame.id))


def _light(frame: Found, plan: Plan, calibrators: dict[Pairing, Calibrator]) -> Light:
    pairing = plan.calibration.pairings[frame.id]
    return Light.of(frame, plan.recipe, calibrators[pairing], has_dark=pairing.dark is not None)


def _stack_group(
    group: StackGroup,
    measured: Sequence[Measured],
    registered: Registered,
    plan: Plan,
    readers: Readers,
    progress: Progress,
) -> tuple[Outcome | None, list[Refused]]:
    """One stack; None when none of its lights could be registered."""
    names = {frame.id for frame in group.lights}
    members = [
        Placed(one.light, one.found, registered.solutions[index])
        for index, one in enumerate(measured)
        if one.light.id in names and index in registered.solutions
    ]
    if not members:
        return None, []
    placed, poor = place(members, registered.reference, plan.recipe)
    everyone = [
        Placed(one.light, one.found, registered.solutions[index])
        for index, one in enumerate(measured)
        if index in registered.solutions
    ]
    grid = output_grid(registered.reference, everyone, plan.recipe.registration.framing)
    sampler = Sampler(tuple(placed), grid, plan.recipe, readers, star_gains(placed))
    made = integrate(sampler, plan.threads, progress, group.name)
    return _described(group, made, placed, grid, registered, plan), poor


def _described(
    group: StackGroup, made: Integrated, placed: list[Placed], grid: Grid, registered: Registered, plan: Plan
) -> Outcome:
    """The stack with its header, history and table."""
    finished = replace(
        made.stack,
        cards=result_cards(group, placed, registered.reference.light, grid),
        history=result_history(plan.recipe, placed),
        table=result_table(placed, made.rejected),
        bottom_up=registered.reference.light.header.bottom_up,
    )
    return Outcome(group, finished, tuple(placed), grid, made)


def _shown(outcome: Outcome) -> Picture:
    """The stack stretched for people."""
    return picture(outcome.stack.image, bottom_up=outcome.stack.bottom_up)
