"""``sidera finish``: from a linear stack to a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidera.cli import report
from sidera.cli.stack import chosen_recipe, showing
from sidera.errors import Exit, UsageError

if TYPE_CHECKING:
    from sidera.pipeline.finish import Finished


def finish(
    stack: Annotated[
        Path,
        typer.Argument(
            metavar="STACK", help="A linear stack: .fits of sidera stack, or any other.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The picture: .png, .jpg, .tif; or the corrected stack, still linear: .fits, .xisf. "
            "Default: NAME_finished.png here.",
        ),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A saved recipe (TOML). Default: every default.")
    ] = None,
    assign: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting: gradient.enabled=false, whitebalance.method=manual. "
            "`sidera recipe` lists all.",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the gradient that was taken away (.fits, .xisf, .tif)."
        ),
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="fits, xisf, tiff, png or jpeg, for a name without such an ending.",
        ),
    ] = None,
) -> int:
    """Finish a linear stack: crop, remove the gradient, neutralise the sky, balance the colours, stretch.

    [bold]sidera finish m31.fits -o m31.png[/bold]   makes a picture; m31.fits is left as it is.

    [bold]sidera finish m31.fits -o m31_flat.fits --model sky.fits[/bold]   stays linear, and keeps what was removed.

    [bold]sidera finish m31.fits --set gradient.model=tps --set scnr.enabled=true[/bold]   chooses by hand.

    Each correction can be switched off (crop, gradient, neutralise, whitebalance, starcolour) or on (scnr, denoise) by
    --set NAME.enabled=false or true. What each one did is said, and written into the result's HISTORY.
    """
    from sidera.pipeline.finish import finish as work
    from sidera.pipeline.finish import is_linear, save_format

    target = output or Path(f"{stack.stem}_finished.png")
    chosen = chosen_recipe(recipe).with_settings(assign or [])
    form = save_format(target, file_format)
    if model is not None:
        save_format(model, None, linear=True)
    for path in (target, model):
        if path is not None and path.resolve() == stack.resolve():
            raise UsageError(f"{path} is the stack itself", "write the result to another file")
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"{path.parent} does not exist", "make the folder first")
    with showing() as progress:
        done = work(stack, chosen, progress, maps=is_linear(form, chosen.export))
        dark, bright = done.save(target, format=form)
        if model is not None:
            done.save_model(model)
    show_finished(done)
    if dark > 0 or bright > 0:
        report.say(f"clipped: {100 * dark:.3f} % of the samples to black, {100 * bright:.3f} % to white")
    for path in (target, model):
        if path is not None:
            report.say(f"wrote {path}")
    return Exit.DONE


def show_finished(done: "Finished") -> None:
    """What each correction did."""
    rows = [(step.name, "done" if step.applied else "left", step.told) for step in done.steps]
    report.table("Corrections", ("stage", "", "what"), rows)
