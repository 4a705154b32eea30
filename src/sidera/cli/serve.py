"""``sidera engine``: the engine by hand, and as a child of other programs."""

import os
import signal
from types import FrameType
from typing import Annotated, Literal, NoReturn

import typer

from sidera.cli.values import memory_size
from sidera.errors import Exit


def engine(
    log_format: Annotated[
        Literal["text", "json"], typer.Option(help="How the log on stderr is written.", show_default=True)
    ] = "text",
    images: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Memory for images held, for example 2G; more of them wait on disk. Default: a quarter of all.",
        ),
    ] = None,
) -> int:
    """Answer commands, one JSON object a line, on stdin and stdout: for other programs, and for scripts.

    [bold]echo '{"id": 1, "cmd": "info", "path": "light.fits"}' | sidera engine[/bold]   asks for a header.

    It ends with the end of its input, when all that was asked for is done. docs/protocol.schema.json has every command.
    """
    from sidera.engine import logs
    from sidera.engine.engine import Engine
    from sidera.engine.wire import take_stdout

    limit = None if images is None else memory_size(images)
    output = take_stdout()
    journal = logs.start(log_format)
    logs.catch_faults()
    running = Engine(output, journal, limit)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _stop)
    try:
        code = running.run(0)
    except KeyboardInterrupt:
        running.end(finish=False)
        code = Exit.CANCELLED
    os._exit(code)  # a kernel in its middle, and its thread pool, would hold the process for seconds


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
