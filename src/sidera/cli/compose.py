"""``sidera combine``: mono stacks into colour."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sidera.cli import report
from sidera.cli.stack import showing
from sidera.errors import Exit, UsageError

STACKS, COLOURS = "Stacks", "Colours"


def _stack(flag: str, what: str) -> Any:  # noqa: ANN401 (Typer's own type is not public)
    return typer.Option(
        flag, metavar="FILE", help=f"Mono stack of {what}.", show_default=False, rich_help_panel=STACKS
    )


def _formula(flag: str) -> Any:  # noqa: ANN401 (as above)
    what = f"What is shown {flag[2:]}, for example '0.7*ha + 0.3*sii'."
    return typer.Option(flag, metavar="FORMULA", help=what, show_default=False, rich_help_panel=COLOURS)


def combine(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The colour stack, linear: .fits, .xisf or .tif.",
            show_default=False,
        ),
    ],
    luminance: Annotated[Path | None, _stack("--l", "luminance")] = None,
    r: Annotated[Path | None, _stack("--r", "red")] = None,
    g: Annotated[Path | None, _stack("--g", "green")] = None,
    b: Annotated[Path | None, _stack("--b", "blue")] = None,
    ha: Annotated[Path | None, _stack("--ha", "hydrogen alpha")] = None,
    oiii: Annotated[Path | None, _stack("--oiii", "oxygen III")] = None,
    sii: Annotated[Path | None, _stack("--sii", "sulphur II")] = None,
    palette: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which stack is shown red, green and blue: three letters of S, H, O, R, G, B, such as SHO or HOO. "
            "Default: RGB, SHO or HOO, by what there is.",
            rich_help_panel=COLOURS,
        ),
    ] = None,
    red: Annotated[str | None, _formula("--red")] = None,
    green: Annotated[str | None, _formula("--green")] = None,
    blue: Annotated[str | None, _formula("--blue")] = None,
    match: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="stars: one sky, and a scale in which the typical star is white; sky: one sky; none: as they are.",
            rich_help_panel=COLOURS,
        ),
    ] = "stars",
) -> int:
    """Combine mono stacks into a linear colour stack; stacks that do not lie on one grid are registered.

    [bold]sidera combine --l L.fits --r R.fits --g G.fits --b B.fits -o m8.fits[/bold]   then sidera finish.

    [bold]sidera combine --ha Ha.fits --oiii O.fits --sii S.fits --palette SHO -o m16.fits[/bold]   a palette.

    [bold]sidera combine --r R.fits --g G.fits --b B.fits --ha Ha.fits --red "max(r, ha)" -o m33.fits[/bold]
    """
    from sidera.pipeline.compose import combine_channels, save_combined

    given = {"l": luminance, "r": r, "g": g, "b": b, "ha": ha, "oiii": oiii, "sii": sii}
    files = {name: path for name, path in given.items() if path is not None}
    if not files:
        raise UsageError("there is nothing to combine", "give stacks: --r R.fits --g G.fits --b B.fits")
    with showing() as progress:
        made = combine_channels(
            files, palette, red=red, green=green, blue=blue, match=match, progress=progress
        )
        save_combined(output, made, files)
    for line in made.history:
        report.say(line)
    report.say(f"wrote {output}")
    return Exit.DONE
