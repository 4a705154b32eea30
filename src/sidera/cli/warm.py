"""``sidera warm``: compile beforehand."""

import time

from sidera.cli import report
from sidera.cli.stack import showing
from sidera.errors import Exit


def warm() -> int:
    """Compile every loop now, so that no run waits for it: after an installation, or while an image is built.

    [bold]sidera warm[/bold]

    What is compiled is kept for this user, this version and this kind of processor. A second time does nothing.
    """
    from sidera.pipeline.warm import warm as work

    start = time.monotonic()
    with showing() as progress:
        done = work(progress)
    if done:
        report.say(f"compiled in {time.monotonic() - start:.0f} s; runs begin at once from now on")
    else:
        report.say(
            "nothing to compile: all is there, or what is compiled cannot be kept (see NUMBA_CACHE_DIR)"
        )
    return Exit.DONE
