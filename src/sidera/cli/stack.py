"""``sidera stack``: from a folder to a stack."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidera.cli import report
from sidera.cli.values import memory_size, share
from sidera.errors import Exit, UsageError
from sidera.pipeline.progress import Progress

if TYPE_CHECKING:
    from sidera.pipeline.plan import Plan
    from sidera.pipeline.recipe import Recipe
    from sidera.pipeline.run import Result

Paths = list[str] | None
FRAMES = "Files, folders or globs; the option may be given several times."


def stack(
    inputs: Annotated[
        list[str], typer.Argument(help="A folder of raw frames, or light frames.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The stack: .fits, .xisf or .tif. Default: NAME_stack.fits here."
        ),
    ] = None,
    lights: Annotated[Paths, typer.Option(help=f"Light frames. {FRAMES}")] = None,
    darks: Annotated[Paths, typer.Option(help=f"Dark frames. {FRAMES}")] = None,
    flats: Annotated[Paths, typer.Option(help=f"Flat frames. {FRAMES}")] = None,
    biases: Annotated[Paths, typer.Option(help=f"Bias frames. {FRAMES}")] = None,
    flat_darks: Annotated[Paths, typer.Option(help=f"Darks for the flats. {FRAMES}")] = None,
    recipe: Annotated[Path | None, typer.Option(help="A saved recipe (TOML).")] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change a setting: integration.rejection=winsorized. `sidera recipe` lists all."
        ),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory to use at most, for example 2G. Default: half of what is free.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads to use. Default: all processors.")
    ] = None,
    report_path: Annotated[
        Path | None,
        typer.Option(
            "--report", help="Where to write report.json (and .html beside it). Default: beside the stack."
        ),
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="Keep only the best share of the frames, for example 90%.")
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Reference frame: a file, or auto.")] = None,
    framing: Annotated[
        str | None, typer.Option(help="Output frame: reference, intersection or union.")
    ] = None,
    bayer: Annotated[
        str | None,
        typer.Option(
            help="Colour filter array: RGGB, BGGR, GRBG, GBRG, or none for mono. Default: the header's."
        ),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Leave out files that match this glob.")] = None,
    masters: Annotated[
        Path | None,
        typer.Option(help="Folder of master frames to reuse and add to. Default: a cache of yours."),
    ] = None,
    halves: Annotated[
        bool, typer.Option("--halves", help="Also write the stacks of odd and even frames: the true noise.")
    ] = False,
    preview: Annotated[Path | None, typer.Option(help="Also write a stretched picture (PNG).")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 3 when any frame was refused.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
) -> int:
    """Stack a folder of raw frames: calibrate, register, reject outliers, integrate.

    [bold]sidera stack ~/M31 -o m31.fits[/bold]   sorts the folder by headers and names.

    [bold]sidera stack lights/ --darks darks/ --flats flats/[/bold]   names the kinds by hand.

    Exit codes: 0 done, 2 usage, 3 frames refused under --strict, 4 nothing to stack, 5 unreadable or unwritable,
    6 disk or memory, 130 cancelled.
    """
    from sidera.model.header import Kind
    from sidera.pipeline.plan import make_plan
    from sidera.pipeline.run import run

    changes = list(assign or [])
    for name, value in {
        "registration.reference": reference,
        "registration.framing": framing,
        "demosaic.bayer": bayer,
        "integration.keep": None if keep is None else str(share(keep)),
        "integration.halves": "true" if halves else None,
    }.items():
        changes += [] if value is None else [f"{name}={value}"]
    chosen = _recipe(recipe).with_settings(changes)
    kinds = {
        Kind.LIGHT: lights or [],
        Kind.DARK: darks or [],
        Kind.FLAT: flats or [],
        Kind.BIAS: biases or [],
        Kind.FLAT_DARK: flat_darks or [],
    }
    with showing() as progress:
        plan = make_plan(
            inputs,
            kinds=kinds,
            recipe=chosen,
            exclude=exclude or (),
            masters=masters,
            memory=None if memory is None else memory_size(memory),
            threads=threads,
            progress=progress,
        )
        target = output or _default_output(inputs[0])
        show_plan(plan)
        if dry_run:
            return Exit.DONE
        plan.check_output(target)
        result = run(plan, progress=progress)
        paths = result.save(target, report=report_path, preview=preview, progress=progress)
    show_result(result, paths)
    return Exit.REFUSED if strict and result.refused else Exit.DONE


def show_plan(plan: "Plan") -> None:
    """What was found, how it will be calibrated, what it will cost."""
    for line in plan.summary():
        report.say(line)
    report.table(
        "Calibration", ("lights", "bias", "dark", "flat", "formula", "remarks"), plan.calibration_rows()
    )
    refused = [(Path(frame.id.path).name, frame.code.value, frame.reason) for frame in plan.refused]
    if refused:
        report.table("Left out", ("file", "code", "why"), refused)
    report.say(plan.cost.in_words())


def show_result(result: "Result", paths: list[Path]) -> None:
    """What became of every frame, how good the stack is, and where it lies."""
    refused = [(Path(frame.path).name, frame.code or "", frame.reason or "") for frame in result.refused]
    if refused:
        report.table("Refused", ("file", "code", "why"), refused)
    for line in result.summary():
        report.say(line)
    for path in paths:
        report.say(f"wrote {path}")


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


def _recipe(path: Path | None) -> "Recipe":
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
