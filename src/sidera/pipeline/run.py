"""Do the plan: masters, measure, decide, combine."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidera.calibration.apply import Calibrator
from sidera.calibration.match import Pairing
from sidera.errors import FrameError, NothingToStackError, Refusal
from sidera.io.write import format_of, write
from sidera.loading import loading
from sidera.model.header import Kind
from sidera.model.stack import Stack
from sidera.pipeline.decide import Measured, Registered, register
from sidera.pipeline.groups import StackGroup, file_of
from sidera.pipeline.masters import MasterStore, build_masters
from sidera.pipeline.measure import Light, Measurement, Workspace, measure
from sidera.pipeline.outcome import Outcome
from sidera.pipeline.plan import Plan, make_plan
from sidera.pipeline.progress import Progress
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe, recipe_from_dict
from sidera.pipeline.report import FrameReport, Report, write_report
from sidera.pipeline.scan import Found, Refused, refusal
from sidera.pipeline.stacking import Stacker
from sidera.pipeline.store import FolderStore, Store, measurement_key, pack, store_folder, unpack
from sidera.pipeline.tell import build_report, stack_summary, with_paths
from sidera.pipeline.workers import load_ahead, spread
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
        Each file is whole or absent. PNG and JPEG take the finished picture (`sidera.finish` with the run's recipe:
        cropped, levelled, balanced, stretched), and so does a preview in TIFF; FITS, XISF and TIFF the linear stack,
        as it came out of the integration.

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
            if outcome.file is None or outcome.file != Path(os.path.realpath(target)):
                self._write(target, outcome, pictures=("png", "jpeg"), progress=progress)
            written.append(target)
            if preview is not None:
                shown = self._file(preview, outcome)
                self._write(shown, outcome, pictures=("png", "jpeg", "tiff"), progress=progress)
                written.append(shown)
            progress.step(target.name)
        beside = Path(path).with_name(f"{Path(path).stem}_report.json")
        told = with_paths(self.report, [self._file(path, one) for one in self.outcomes])
        written += write_report(told, Path(report) if report is not None else beside)
        progress.step()
        progress.finish()
        return written

    def _write(self, path: Path, outcome: Outcome, *, pictures: tuple[str, ...], progress: Progress) -> None:
        """The finished picture where the format is one of ``pictures``, else the linear stack."""
        if format_of(path) not in pictures:
            write(path, outcome.stack)
            return
        recipe = recipe_from_dict(self.report.recipe) if self.report.recipe else Recipe()
        with loading:
            from sidera.pipeline.finish import (
                finish_stack,  # its rooms load slowly, and few runs write pictures
            )

        finish_stack(outcome.stack, recipe, lambda _: progress.check(), maps=False).save(path)

    def files(self, path: str | Path) -> list[Path]:
        """Where `save` puts each stack, in the order of ``outcomes``."""
        return [self._file(path, outcome) for outcome in self.outcomes]

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
    output: str | Path | None = None,
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
    output : path, optional
        FITS file that the stack is made in, tile by tile, instead of in memory; a run that was killed goes on
        there. ``save`` to the same name then only adds report and preview.

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
    return run(plan, progress=progress, output=None if output is None else Path(output))


def run(
    plan: Plan,
    progress: Progress | None = None,
    output: Path | None = None,
    store: Store | None = None,
    tell: Callable[[Measured], None] | None = None,
) -> Result:
    """Do a plan.

    Parameters
    ----------
    plan : Plan
        Of `make_plan`.
    progress : Progress, optional
        Told of every step; its ``cancel`` stops the run.
    output : Path, optional
        Where the result is to be saved. A FITS file is made in place: a run that was killed goes on there.
    store : Store, optional
        Where measurements are kept between runs; a folder of the user's cache by default.
    tell : callable, optional
        Hears of every light that is measured, or whose measurement was kept; from any thread, in any order.

    Raises
    ------
    NothingToStackError
        When no stack comes of it; says why of the first light.
    """
    progress = progress or Progress()
    store = store or FolderStore(store_folder())
    load_ahead("astropy.io.fits")  # for what is written: masters first, while they are computed
    with Readers() as readers:
        measured, refused = _measured_lights(plan, store, readers, progress, tell)
        if not measured:
            raise NothingToStackError("no light could be measured", _first(refused))
        registered = register(measured, plan.recipe, progress)
        refused += registered.refused
        stacks = _groups(plan, measured, registered)
        progress.expect("combine", stacks)
        stacker = Stacker(plan, output, stacks == 1, measured, registered, readers, progress)
        outcomes = []
        for group in plan.stacks:
            outcome, poor = stacker.stack(group)
            refused += poor
            outcomes += [] if outcome is None else [outcome]
    if isinstance(store, FolderStore):
        store.tidy()
    if not outcomes:
        raise NothingToStackError(f"none of {len(measured)} lights could be registered", _first(refused))
    everything = {one.light.id: one for one in measured}
    report = build_report(plan, outcomes, everything, refused, registered, progress)
    return Result(tuple(outcomes), report)


def measure_lights(
    plan: Plan,
    progress: Progress | None = None,
    store: Store | None = None,
    tell: Callable[[Measured], None] | None = None,
) -> tuple[list[Measured], list[Refused]]:
    """Only the first part of a plan: masters, and every light calibrated and measured.

    Parameters and errors as `run`, which finds all of this done when it is given the same store.

    Returns
    -------
    tuple
        Lights with their figures, and frames that could not be used.
    """
    with Readers() as readers:
        kept = store or FolderStore(store_folder())
        return _measured_lights(plan, kept, readers, progress or Progress(), tell)


def _measured_lights(
    plan: Plan,
    store: Store,
    readers: Readers,
    progress: Progress,
    tell: Callable[[Measured], None] | None,
) -> tuple[list[Measured], list[Refused]]:
    """Masters, then lights."""
    masters = MasterStore(plan.masters, readers, plan.recipe, plan.threads)
    calibrators, refused = build_masters(plan.calibration, masters, progress)
    lights = [_light(frame, plan, calibrators, masters) for group in plan.stacks for frame in _in_time(group)]
    del masters  # only what calibrates lights stays in memory
    measured, unmeasured = _measure_all(lights, plan, store, readers, progress, tell)
    return measured, refused + unmeasured


def _first(refused: Sequence[Refused]) -> str:
    return "; ".join(f"{Path(one.id.path).name}: {one.reason}" for one in refused[:3])


def _measure_all(
    lights: Sequence[Light],
    plan: Plan,
    store: Store,
    readers: Readers,
    progress: Progress,
    tell: Callable[[Measured], None] | None,
) -> tuple[list[Measured], list[Refused]]:
    """Every light once, but for those whose measurement was kept; those that cannot be measured are refused."""
    progress.stage("measure", len(lights))
    workspace = Workspace()

    def one(light: Light) -> Measured | Refused:
        progress.check()
        try:
            done = Measured(light, _measured(light, plan.recipe, store, readers, workspace))
            if tell is not None:
                tell(done)
            return done
        except FrameError as error:
            return refusal(light.id, error, Kind.LIGHT)
        finally:
            progress.step(Path(light.id.path).name)

    outcomes = list(spread(one, lights, plan.threads))
    measured = [outcome for outcome in outcomes if isinstance(outcome, Measured)]
    return measured, [outcome for outcome in outcomes if isinstance(outcome, Refused)]


def _measured(
    light: Light, recipe: Recipe, store: Store, readers: Readers, workspace: Workspace
) -> Measurement:
    try:
        key = measurement_key(light, recipe)
    except OSError as error:  # gone since the folder was read
        raise FrameError(
            Refusal.UNREADABLE, f"it cannot be read ({error})", "see that it is there"
        ) from error
    kept = store.get(key)
    found = None if kept is None else unpack(kept)
    if found is None:
        found = measure(light, readers, recipe, workspace)
        store.put(key, pack(found))
    return found


def _in_time(group: StackGroup) -> list[Found]:
    """Lights in the order they were taken; those without a date by name."""
    return sorted(group.lights, key=lambda frame: (frame.header.date_obs or "", frame.id))


def _light(frame: Found, plan: Plan, calibrators: dict[Pairing, Calibrator], masters: MasterStore) -> Light:
    pairing = plan.calibration.pairings[frame.id]
    has_dark, key = pairing.dark is not None, masters.key_of(pairing)
    return Light.of(frame, plan.recipe, calibrators[pairing], has_dark=has_dark, calibration=key)


def _groups(plan: Plan, measured: Sequence[Measured], registered: Registered) -> int:
    """How many stacks there will be: groups of which a light could be registered."""
    there = {measured[index].light.id for index in registered.solutions}
    return sum(any(frame.id in there for frame in group.lights) for group in plan.stacks)
