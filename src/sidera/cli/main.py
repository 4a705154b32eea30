"""The command line: commands, and the one place where errors become messages and exit codes."""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from sidera.cli import compose, finish, look, make, project, report, serve, stack, ui, warm
from sidera.errors import Exit, SideraError

P = ParamSpec("P")

app = typer.Typer(
    name="sidera",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Turn a folder of raw telescope frames into one deep, clean image.\n\n"
    "Start with [bold]sidera stack ~/M31 -o m31.fits[/bold]: it sorts lights, darks, flats and biases, calibrates, "
    "registers, rejects satellites and cosmic rays, and writes the stack with a report.",
    epilog="Later: drizzle, mosaics, comets and live stacking. Docs: README.md and docs/ in the source.",
)


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and stop.", is_eager=True),
) -> None:
    """Options before any command; ``--version`` alone is answered before this is loaded."""
    if version:
        from sidera._version import __version__

        report.say(f"sidera {__version__}")
        raise typer.Exit


def exiting(command: Callable[P, int]) -> Callable[P, None]:
    """A command whose returned number becomes the exit code; Typer itself forgets it."""

    @functools.wraps(command)
    def run_and_exit(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(command(*args, **kwargs))

    return run_and_exit


for named in (
    stack.stack,
    compose.combine,
    finish.finish,
    look.measure,
    look.info,
    make.masters,
    make.simulate,
    look.recipe,
    ui.ui,
    serve.engine,
    warm.warm,
):
    app.command()(exiting(named))

projects = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Remember a night: frames, measurements, verdicts, recipe, results. A second stack measures nothing again.",
)
app.add_typer(projects, name="project")
PROJECT: dict[str, Callable[..., int]] = {
    "new": project.new,
    "add": project.add,
    "remove": project.remove,
    "list": project.frames,
    "status": project.status,
    "reject": project.reject,
    "approve": project.approve,
    "undo": project.undo,
    "set": project.settings,
    "stack": project.stack,
}
for name, command in PROJECT.items():
    projects.command(name)(exiting(command))


def run() -> int:
    """Run the command line; returns the exit code, never a traceback for what a user can mend."""
    try:
        app()
    except SystemExit as stop:  # Typer's own way out, for usage errors and for our exit codes alike
        code = stop.code if isinstance(stop.code, int) else Exit.DONE
    except SideraError as error:
        report.complain(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = Exit.CANCELLED
    except MemoryError:
        report.fail("not enough memory; give a smaller --memory, or close other programs")
        code = Exit.RESOURCES
    except Exception as error:  # noqa: BLE001 (the process's outermost edge: say what happened, exit 1)
        report.crashed(error)
        code = Exit.INTERNAL
    sys.stdout.flush()
    return int(code)
