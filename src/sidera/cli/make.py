"""``sidera masters`` and ``simulate``: make frames."""

from pathlib import Path
from typing import Annotated

import typer

from sidera.cli import report
from sidera.cli.stack import showing
from sidera.cli.values import image_size
from sidera.errors import Exit


def masters(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FRAMES...]",
            help="Bias, dark, flat and flat-dark frames: files, folders or globs. None: only list.",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--masters",
            metavar="DIR",
            help="Where masters are kept. Default: a cache of yours.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads to use. Default: all processors.")
    ] = None,
) -> int:
    """Build master frames, or list those there are. `sidera stack` does this by itself and reuses them.

    [bold]sidera masters ~/calibration[/bold]   builds a master of every group of frames, once.

    [bold]sidera masters[/bold]   lists what there is.
    """
    from sidera.pipeline.masters import build_all, list_masters, masters_folder

    where = folder or masters_folder()
    if inputs:
        with showing() as progress:
            left = build_all(inputs, where, threads=threads, progress=progress)
        for one in left:
            report.note(f"{Path(one.id.path).name}: {one.reason}. {one.cure}".rstrip(". "))
    head = ("kind", "frames", "exposure s", "gain", "°C", "filter", "size", "camera", "file")
    report.table(f"Masters in {where}", head, list_masters(where))
    return Exit.DONE


def simulate(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Folder to make; lights/, darks/, flats/, biases/ and truth.json go into it.",
            show_default=False,
        ),
    ],
    frames: Annotated[int, typer.Option(min=1, metavar="N", help="Light frames.")] = 24,
    size: Annotated[str, typer.Option(metavar="WxH", help="Width x height in pixels.")] = "1200x900",
    bayer: Annotated[
        str, typer.Option(metavar="PATTERN", help="RGGB, BGGR, GRBG, GBRG, or none for mono.")
    ] = "RGGB",
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed makes the same night.")] = 1,
    stars: Annotated[int, typer.Option(min=0, metavar="N", help="Stars in the field.")] = 300,
    calibration: Annotated[
        int, typer.Option(min=0, metavar="N", help="Darks, flats and biases, this many of each.")
    ] = 10,
    nebula: Annotated[bool, typer.Option("--nebula/--no-nebula", help="A nebula in the field.")] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into a folder that holds something already.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads to use. Default: all processors.")
    ] = None,
) -> int:
    """Simulate a night whose truth is known: gradient, seeing, satellites, cosmic rays, hot pixels, vignetting.

    [bold]sidera simulate night/ --frames 24 --size 1200x900 --bayer RGGB --seed 1[/bold]
    """
    from sidera.pipeline.simulate import night_settings, simulate_night
    from sidera.pipeline.workers import default_threads

    settings = night_settings(
        frames=frames,
        size=image_size(size),
        bayer=bayer,
        seed=seed,
        stars=stars,
        nebula=nebula,
        biases=calibration,
        darks=calibration,
        flats=calibration,
    )
    with showing() as progress:
        truth = simulate_night(
            folder, settings, progress, threads=threads or default_threads(), overwrite=overwrite
        )
    report.say(
        f"{len(truth.frames)} lights and their calibration frames in {folder}; the truth is in truth.json"
    )
    return Exit.DONE
