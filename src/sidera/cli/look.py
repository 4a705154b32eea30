"""``sidera info``, ``measure`` and ``recipe``: look before you stack."""

from pathlib import Path
from typing import Annotated

import typer

from sidera.cli import report
from sidera.cli.stack import showing
from sidera.errors import Exit

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def info(
    files: Annotated[
        list[str], typer.Argument(metavar="FILES...", help="Files, folders or globs.", show_default=False)
    ],
    as_json: AsJson = False,
    cards: Annotated[bool, typer.Option("--cards", help="The file's own header cards too.")] = False,
) -> int:
    """Show a frame's header as Sidera understands it, and from what each thing was decided.

    [bold]sidera info light_001.fits --cards[/bold]   a single frame, and its own cards.

    [bold]sidera info ~/M31 --json[/bold]   every frame of a folder, for a script.
    """
    from sidera.pipeline.look import header_fields
    from sidera.pipeline.scan import scan

    seen = scan(files)
    if as_json:
        found = [
            {"path": frame.id.path, "index": frame.id.index, **header_fields(frame.header, cards)}
            for frame in seen.found
        ]
        refused = [
            {"path": frame.id.path, "code": frame.code.value, "reason": frame.reason, "cure": frame.cure}
            for frame in seen.refused
        ]
        report.dump({"frames": found, "refused": refused})
    else:
        for frame in seen.found:
            fields = header_fields(frame.header, cards)
            sources = frame.header.sources
            rows = [
                (name + UNITS.get(name, ""), _shown(value), sources.get(name, ""))
                for name, value in fields.items()
                if name not in ("sources", "cards")
            ]
            rows += [(card[0], str(card[1]), str(card[2])) for card in fields.get("cards", [])]
            report.table(Path(frame.id.path).name, ("what", "value", "from"), rows)
        for left in seen.refused:
            report.note(f"{left.id.path}: {left.reason}. {left.cure}".rstrip(". "))
    return Exit.DONE if seen.found else Exit.UNREADABLE


def measure(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="FRAMES...", help="Light frames: files, folders or globs.", show_default=False
        ),
    ],
    as_json: AsJson = False,
    bayer: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="RGGB, BGGR, GRBG, GBRG or none. Default: the header's."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads to use. Default: all processors.")
    ] = None,
) -> int:
    """Measure every frame: stars, FWHM and HFR (pixels), eccentricity, sky and noise (ADU), SNR.

    [bold]sidera measure ~/M31/lights[/bold]   a table; of colour cameras sky and noise are told for R, G, B.

    [bold]sidera measure ~/M31/lights --json[/bold]   the same for a script.
    """
    from sidera.pipeline.look import measure_frames
    from sidera.pipeline.recipe import Recipe

    recipe = Recipe().with_settings([] if bayer is None else [f"demosaic.bayer={bayer}"])
    with showing() as progress:
        rows, refused = measure_frames(inputs, recipe=recipe, threads=threads, progress=progress)
    if as_json:
        report.dump({"frames": rows, "refused": refused})
    else:
        head = ("file", "stars", "FWHM px", "HFR px", "ecc.", "sky ADU", "noise ADU", "SNR")
        if rows:
            report.table("", head, [_row(row) for row in rows])
        for left in refused:
            report.note(f"{Path(left['path']).name}: {left['reason']}")
    return Exit.DONE if rows else Exit.NOTHING_TO_STACK


def recipe(
    as_toml: Annotated[
        bool, typer.Option("--toml", help="A recipe file with the defaults, to change and keep.")
    ] = False,
) -> int:
    """List every setting with its default and meaning.

    [bold]sidera recipe --toml > mine.toml[/bold]   writes a recipe to change; sidera stack --recipe mine.toml uses it.
    """
    from sidera.pipeline.recipe import Recipe, describe

    if as_toml:
        report.say(Recipe().to_toml())
    else:
        report.table(
            "Settings: change them with --set NAME=VALUE", ("setting", "default", "meaning"), describe()
        )
    return Exit.DONE


UNITS = {
    "exposure": " (s)",
    "temperature": " (°C)",
    "pixel_size": " (µm)",
    "focal_length": " (mm)",
    "ra": " (°)",
    "dec": " (°)",
    "black": " (ADU)",
    "saturation": " (ADU)",
    "date_obs": " (UTC)",
    "width": " (px)",
    "height": " (px)",
}


def _shown(value: object) -> str:
    """A value for people: nothing for what is not known."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "x".join(map(str, value)) if len(value) == 2 else ", ".join(map(str, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _row(row: dict[str, object]) -> tuple[str, ...]:
    sky = " ".join(f"{value:.0f}" if abs(value) >= 10 else f"{value:.3g}" for value in row["sky"])  # type: ignore[attr-defined]
    noise = " ".join(f"{value:.3g}" for value in row["noise"])  # type: ignore[attr-defined]
    shape = [f"{row[name]:.2f}" for name in ("fwhm", "hfr", "eccentricity")]
    return (Path(str(row["path"])).name, str(row["stars"]), *shape, sky, noise, f"{row['snr']:.0f}")
