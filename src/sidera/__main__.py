"""``sidera`` and ``python -m sidera``."""

import sys


def main() -> int:
    """Answer ``--version`` at once; everything else is the command line's."""
    if sys.argv[1:] in (["--version"], ["-V"]):  # before typer and rich load: scripts ask this often
        from sidera._version import __version__

        sys.stdout.write(f"sidera {__version__}\n")
        return 0
    from sidera.cli.main import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
