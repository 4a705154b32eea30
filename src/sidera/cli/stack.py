"""``sidera stack``: from a folder to a stack."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidera.cli import report
from sidera.cli.values import memory_size, share
from sidera.errors import Exit, Refusal, UsageError
from sidera.pipeline.progress import Progress

if TYPE_CHECKING:
    from sidera.pipeline.plan import Plan
    from sidera.pipeline.recipe import Recipe
    from sidera.pipeline.run import Result

Paths = list[str] | None
HERE = "Inputs"
LOOK = "What the result looks like"
WORK = "How the work is done"


def _frames(kind: str) -> Any:  # noqa: ANN401 (Typer's own type is not public)
    what = f"{kind}: files, folders or globs; may be given several times."
    return typer.Option(metavar="FRAMES", help=what, show_default=False, rich_help_panel=HERE)


def stack(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER | LIGHTS...", help="A folder of raw frames, or light frames.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The stack: .fits, .xisf or .tif (linear); .png or .jpg (finished picture). "
            "Default: NAME_stack.fits here.",
        ),
    ] = None,
    lights: Annotated[Paths, _frames("Light frames")] = None,
    darks: Annotated[Paths, _frames("Dark frames")] = None,
    flats: Annotated[Paths, _frames("Flat frames")] = None,
    biases: Annotated[Paths, _frames("Bias frames")] = None,
    flat_darks: Annotated[Paths, _frames("Darks for the flats")] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB", help="Leave out files that match, for example '*_bad*'.", rich_help_panel=HERE
        ),
    ] = None,
    masters: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of master frames to reuse and add to. Default: a cache of yours.",
            rich_help_panel=HERE,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A saved recipe (TOML). Default: every default.", rich_help_panel=WORK
        ),
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting: integration.rejection=winsorized. `sidera recipe` lists all.",
            rich_help_panel=WORK,
        ),
    ] = None,
    bayer: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Colour filter array: RGGB, BGGR, GRBG, GBRG, or none for mono. Default: the header's.",
            rich_help_panel=WORK,
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Keep only the best share of the frames, for example 90%. Default: 100%.",
            rich_help_panel=WORK,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Frame that the others are brought onto. Default: auto, the best.",
            rich_help_panel=WORK,
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory to use at most, for example 2G. Default: half of what is free.",
            rich_help_panel=WORK,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Threads to use. Default: all processors.", rich_help_panel=WORK
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show the plan and its cost, write nothing, stop.", rich_help_panel=WORK
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with code 3 when any frame was refused.", rich_help_panel=WORK),
    ] = False,
    framing: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The reference's frame, what all share (intersection), or all that any saw (union). "
            "Default: reference.",
            rich_help_panel=LOOK,
        ),
    ] = None,
    halves: Annotated[
        bool,
        typer.Option(
            "--halves",
            help="Also keep the stacks of odd and even frames: the true noise.",
            rich_help_panel=LOOK,
        ),
    ] = False,
    preview: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the finished picture (.png, .jpg, .tif).", rich_help_panel=LOOK
        ),
    ] = None,
    report_path: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Where to write report.json (and .html beside it). Default: beside the stack.",
            rich_help_panel=LOOK,
        ),
    ] = None,
) -> int:
    """Stack a folder of raw frames: calibrate, register, reject outliers, integrate.

    [bold]sidera stack ~/M31 -o m31.fits --preview m31.png[/bold]   sorts the folder by headers and names.

    [bold]sidera stack lights/ --darks darks/ --flats flats/[/bold]   names the kinds by hand.

    [bold]sidera stack ~/M31 --dry-run[/bold]   tells what would be done, and stops.

    Exit codes: 0 done, 1 internal error, 2 usage, 3 frames refused under --strict, 4 nothing to stack,
    5 unreadable or unwritable, 6 disk or memory, 130 cancelled.
    """
    from sidera.model.header import Kind
    from sidera.pipeline.plan import make_plan
    from sidera.pipeline.run import run
    from sidera.pipeline.workers import first_run

    given = [*(inputs or []), *(lights or [])]
    if not given:
        raise UsageError("there is nothing to stack", "give a folder, or light frames: sidera stack ~/M31")
    changes = list(assign or [])
    for name, value in {
        "registration.reference": reference,
        "registration.framing": framing,
        "demosaic.bayer": bayer,
        "integration.keep": None if keep is None else str(share(keep)),
        "integration.halves": "true" if halves else None,
    }.items():
        changes += [] if value is None else [f"{name}={value}"]
    chosen = chosen_recipe(recipe).with_settings(changes)
    kinds = {
        Kind.LIGHT: lights or [],
        Kind.DARK: darks or [],
        Kind.FLAT: flats or [],
        Kind.BIAS: biases or [],
        Kind.FLAT_DARK: flat_darks or [],
    }
    with showing() as progress:
        plan = make_plan(
            inputs or [],
            kinds=kinds,
            recipe=chosen,
            exclude=exclude or (),
            masters=masters,
            memory=None if memory is None else memory_size(memory),
            threads=threads,
            progress=progress,
        )
        target = output or _default_output(given[0])
        show_plan(plan)
        plan.check_output(target, preview, report_path)
        if dry_run:
            return Exit.DONE
        if first_run():
            report.note(
                "This is the first run of this version: it compiles its loops, once, in a minute or two."
            )
            from sidera.pipeline.warm import warm  # loads every room: only the first run waits for that

            warm(progress.aside())
        result = run(plan, progress=progress, output=target)
        paths = result.save(target, report=report_path, preview=preview, progress=progress)
    show_result(result, paths)
    against_wish = [frame for frame in result.refused if frame.code != Refusal.EXCLUDED]
    return Exit.REFUSED if strict and against_wish else Exit.DONE


def show_plan(plan: "Plan") -> None:
    """What was found, how it will be calibrated, what it will cost."""
    for line in plan.summary():
        report.say(line)
    report.table(
        "Calibration", ("lights", "bias", "dark", "flat", "formula", "remarks"), plan.calibration_rows()
    )
    _show_left("Left out", [(frame.id.path, frame.code, frame.reason) for frame in plan.refused])
    report.say(plan.cost.in_words())


def show_result(result: "Result", paths: list[Path]) -> None:
    """What became of every frame, how good the stack is, and where it lies."""
    _show_left("Refused", [(one.path, one.code or "", one.reason or "") for one in result.refused])
    for line in result.summary():
        report.say(line)
    for path in paths:
        report.say(f"wrote {path}")


def _show_left(title: str, left: list[tuple[str, str, str]]) -> None:
    """A row a file: of a film, whose frames all fail alike, not a row a frame."""
    if not left:
        return
    counts = Counter(left)
    rows = [
        (Path(path).name + (f" ({count} frames)" if count > 1 else ""), str(code), why)
        for (path, code, why), count in counts.items()
    ]
    report.table(title, ("file", "code", "why"), rows)


@contextmanager
def showing() -> Iterator[Progress]:
    """Progress on the terminal; Ctrl-C and SIGTERM stop the run at its next step."""
    terminal = report.Terminal()
    progress = Progress(terminal)
    before = {
        name: signal.signal(name, lambda *_: progress.cancel()) for name in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield progress
    finally:
        terminal.close()
        for name, handler in before.items():
            signal.signal(name, handler)


def chosen_recipe(path: Path | None) -> "Recipe":
    """The recipe of a file; every default without one.

    Raises
    ------
    UsageError
        When the file cannot be read.
    """
    from sidera.pipeline.recipe import Recipe, recipe_from_toml

    if path is None:
        return Recipe()
    try:
        return recipe_from_toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the recipe {path} cannot be read: {error.strerror}", "give a TOML file") from error


def _default_output(first: str) -> Path:
    path = Path(first)
    name = path.resolve().name if path.is_dir() else path.resolve().parent.name
    return Path(f"{name or 'sidera'}_stack.fits")
