"""``sidera project``: a night that is remembered from one run to the next."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sidera.cli import report
from sidera.cli.stack import chosen_recipe, show_plan, show_result, showing
from sidera.cli.values import memory_size
from sidera.errors import Exit

if TYPE_CHECKING:
    from sidera.session.values import ProjectFrame, State, Verdict

Folder = Annotated[Path, typer.Argument(metavar="PROJECT", help="The project's folder.", show_default=False)]
Files = Annotated[
    list[str],
    typer.Argument(metavar="FRAMES...", help="Frames of the project: files, or keys.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Threads = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Threads to use. Default: all processors.")
]


def new(
    folder: Folder,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUTS...", help="Files, folders or globs to begin with.", show_default=False
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Default: the folder's name.")] = None,
) -> int:
    """Make a project in a folder: it remembers frames, measurements, verdicts, recipe and results.

    [bold]sidera project new m31 ~/night1 ~/night2[/bold]   and stack it: sidera project stack m31
    """
    from sidera.session import create

    with create(folder, name) as project:
        report.say(f"made the project {project.name} in {project.folder}")
    return add(folder, inputs) if inputs else Exit.DONE


def add(
    folder: Folder,
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUTS...", help="Files, folders or globs.", show_default=False)
    ],
    kind: Annotated[
        Literal["light", "dark", "flat", "bias", "flat-dark"] | None,
        typer.Option(help="What the frames are. Default: headers and names tell."),
    ] = None,
) -> int:
    """Add frames; folders are looked into again at every stack, so that new frames are found by themselves."""
    from sidera.model.header import Kind
    from sidera.session import open_project, work

    with open_project(folder) as project, showing() as progress:
        work.add(project, inputs, None if kind is None else Kind(kind), progress)
        _show_state(project.state())
    return Exit.DONE


def remove(folder: Folder, paths: Files) -> int:
    """Take folders or frames out of a project; the files stay where they are."""
    from sidera.session import open_project

    with open_project(folder) as project:
        project.remove(paths)
        _show_state(project.state())
    return Exit.DONE


def frames(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="PROJECT", help="Default: list the projects opened lately.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """List a project's frames with figures and verdicts; without a project, the projects opened lately."""
    from sidera.session import open_project

    if folder is None:
        return _recent(as_json)
    with open_project(folder) as project:
        rows, refused = project.frames(), project.refused()
    if as_json:
        report.dump({"frames": [_plain(one) for one in rows], "refused": [_plain(one) for one in refused]})
        return Exit.DONE
    head = ("frame", "kind", "seconds", "filter", "stars", "FWHM px", "ecc.", "verdict", "last stack")
    report.table("", head, [_row(one) for one in rows])
    for left in refused:
        report.note(f"{left.id.path}: {left.reason}")
    return Exit.DONE


def status(folder: Folder, as_json: AsJson = False) -> int:
    """Say how a project stands: frames, verdicts, changed settings, results, and work that was cut short."""
    from sidera.session import open_project

    with open_project(folder) as project:
        state = project.state()
    if as_json:
        report.dump(_plain(state))
    else:
        _show_state(state)
    return Exit.DONE


def stack(
    folder: Folder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Default: a new name in the project's folder results."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Memory to use, for example 2G. Default: half of what is free."),
    ] = None,
    threads: Threads = None,
) -> int:
    """Stack the frames that are not rejected. What was measured before is not measured again.

    [bold]sidera project reject m31 light_07.fits --reason clouds[/bold]   and stack again: it takes seconds.
    """
    from sidera.session import open_project, work

    size = None if memory is None else memory_size(memory)
    with open_project(folder) as project, showing() as progress:
        done = work.stack(
            project, output=output, memory=size, threads=threads, progress=progress, planned=show_plan
        )
    show_result(done.result, list(done.paths))
    return Exit.DONE


def reject(
    folder: Folder,
    names: Files,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; the report carries it.")] = "",
) -> int:
    """Leave frames out of the next stacks. It can be undone; the files stay as they are."""
    return _judge(folder, names, "rejected", reason)


def approve(folder: Folder, names: Files) -> int:
    """Take frames that were rejected back."""
    return _judge(folder, names, "approved", "")


def undo(folder: Folder) -> int:
    """Take back the last verdict."""
    from sidera.session import open_project

    with open_project(folder) as project:
        undone = project.undo()
        report.say("took back the last verdict" if undone else "there is no verdict to take back")
    return Exit.DONE


def settings(
    folder: Folder,
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE...", help="As of sidera stack --set.", show_default=False),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Begin with this recipe (TOML).")
    ] = None,
) -> int:
    """Change and show a project's recipe.

    [bold]sidera project set m31 integration.rejection=winsorized[/bold]
    """
    from sidera.session import open_project

    with open_project(folder) as project:
        chosen = project.recipe if recipe is None else chosen_recipe(recipe)
        project.keep_recipe(chosen.with_settings(changes or []))
        report.say(project.recipe.to_toml())
    return Exit.DONE


def _judge(folder: Path, names: Sequence[str], verdict: "Verdict", reason: str) -> int:
    from sidera.session import open_project

    with open_project(folder) as project:
        by_name = Counter(Path(one.id.path).name for one in project.frames())
        paths = {Path(one.id.path).name: one.id.path for one in project.frames()}
        # A bare name will do where only one frame has it; a path from here is a path, of course.
        given = [paths[name] if by_name[name] == 1 and not Path(name).exists() else name for name in names]
        project.judge(given, verdict, reason)
        _show_state(project.state())
    return Exit.DONE


def _recent(as_json: bool) -> int:
    from sidera.session import recent_projects

    found = recent_projects()
    if as_json:
        report.dump([_plain(one) for one in found])
    else:
        report.table(
            "", ("project", "folder", "opened"), [(one.name, one.folder, one.opened) for one in found]
        )
    return Exit.DONE


def _show_state(state: "State") -> None:
    counts = ", ".join(f"{number} {kind.value}" for kind, number in state.counts.items()) or "no frames yet"
    report.say(f"{state.name} ({state.folder})")
    report.say(
        f"frames: {counts}; measured {state.measured}, approved {state.approved}, rejected {state.rejected}"
    )
    if state.refused:
        report.say(f"files that are no frames of it: {state.refused} (sidera project list tells why)")
    for root in state.roots:
        report.say(f"root: {root.path}" + (f" (as {root.kind.value})" if root.kind else ""))
    for result in state.results:
        report.say(f"result: {result.path} ({result.created})")
    if state.unfinished is not None:
        report.say(
            f"a {state.unfinished.command} of {state.unfinished.started} was cut short: stack again to go on"
        )


def _row(one: "ProjectFrame") -> tuple[str, ...]:
    figures = one.figures
    numbers = (None, None, None) if figures is None else (figures.stars, figures.fwhm, figures.eccentricity)
    stars, fwhm, eccentricity = ("" if number is None else f"{number:.4g}" for number in numbers)
    verdict = "" if one.verdict == "undecided" else one.verdict + (f": {one.reason}" if one.reason else "")
    fate = "" if one.fate is None else one.fate.code or one.fate.verdict
    exposure = "" if one.header.exposure is None else f"{one.header.exposure:g}"
    name = (
        Path(one.id.path).name
        + (f" [{one.id.index}]" if one.id.index else "")
        + (" (missing)" if one.missing else "")
    )
    kind, filter_name = one.header.kind.value, one.header.filter or ""
    return (name, kind, exposure, filter_name, stars, fwhm, eccentricity, verdict, fate)


def _plain(value: object) -> object:
    import msgspec

    return msgspec.to_builtins(value, enc_hook=str)
