"""From files and folders to frames: what there is, what each was taken for, and what was left out."""

import fnmatch
import glob
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from sidera.errors import FrameError, Refusal, UnreadableError
from sidera.io.read import count_frames, open_frame
from sidera.io.sniff import SUFFIXES
from sidera.model.frame import FrameId
from sidera.model.header import Header, Kind


class Found(msgspec.Struct, frozen=True):
    """A frame whose header was read."""

    id: FrameId
    header: Header


class Refused(msgspec.Struct, frozen=True):
    """A frame that is left out: a code, the reason with its values, and the cure."""

    id: FrameId
    code: Refusal
    reason: str
    cure: str = ""
    kind: Kind = Kind.UNKNOWN


class Scan(msgspec.Struct, frozen=True):
    """Everything that was found, in the order of paths."""

    found: tuple[Found, ...]
    refused: tuple[Refused, ...]

    def of(self, *kinds: Kind) -> list[Found]:
        """Frames of some kinds."""
        return [frame for frame in self.found if frame.header.kind in kinds]


def refusal(frame: FrameId, error: FrameError, kind: Kind = Kind.UNKNOWN) -> Refused:
    """A frame that failed, as data."""
    return Refused(frame, error.code, error.what, error.cure, kind)


def scan(
    inputs: Iterable[str | Path],
    kinds: Mapping[Kind, Sequence[str | Path]] | None = None,
    exclude: Sequence[str] = (),
) -> Scan:
    """Read the headers of every image in files, folders (with their subfolders) and globs.

    Parameters
    ----------
    inputs : paths or globs
        Frames whose kind is read from headers and names.
    kinds : paths or globs by kind
        Frames whose kind the user gave; it wins over what the header says.
    exclude : globs
        Matched against file names and whole paths.

    Raises
    ------
    UnreadableError
        For an input that does not exist.
    """
    given = {path: kind for kind, paths in (kinds or {}).items() for path in _files(paths)}
    files = sorted({*given, *_files(inputs)})
    found: list[Found] = []
    refused: list[Refused] = []
    for path in files:
        if _excluded(path, exclude):
            refused.append(Refused(FrameId(str(path)), Refusal.EXCLUDED, "left out by --exclude"))
            continue
        try:
            for index in range(count_frames(path)):
                found.append(_frame(path, index, given.get(path)))
        except FrameError as error:
            refused.append(refusal(FrameId(str(path)), error, given.get(path, Kind.UNKNOWN)))
    sorted_out = [frame for frame in found if (reason := _odd(frame.header)) is None]
    odd = [Refused(frame.id, *reason, frame.header.kind) for frame in found if (reason := _odd(frame.header))]
    return Scan(tuple(sorted_out), tuple(refused + odd))


def _frame(path: Path, index: int, kind: Kind | None) -> Found:
    with open_frame(path, index) as reader:
        header = reader.header
    if kind is not None:
        header = msgspec.structs.replace(
            header, kind=kind, sources={**header.sources, "kind": "given by you"}
        )
    return Found(FrameId(str(path), index), header)


def _odd(header: Header) -> tuple[Refusal, str, str] | None:
    """Why a readable frame has no part in a run."""
    if header.kind is Kind.UNKNOWN:
        cure = "put it into a folder lights, darks, flats or biases, or name it with --lights, --darks ..."
        return Refusal.UNKNOWN_KIND, "neither header nor name tells what kind of frame it is", cure
    if header.kind is Kind.LIGHT and (header.is_master or header.n_combined > 1):
        said = (
            f"it is a stack of {header.n_combined} frames already"
            if header.n_combined > 1
            else "it is a master"
        )
        return Refusal.ALREADY_STACKED, said, "stack raw frames"
    return None


def _files(inputs: Iterable[str | Path]) -> list[Path]:
    """Files named by paths and globs; folders give the images in them, subfolders included."""
    files: list[Path] = []
    for given in inputs:
        path = Path(given).expanduser()
        if path.is_dir():
            files += (entry for entry in path.rglob("*") if _image(entry))
        elif path.is_file():
            files.append(path)
        else:
            matches = [Path(match) for match in glob.glob(str(path), recursive=True)]
            if not matches:
                raise UnreadableError(
                    f"{given} does not exist", "give a file, a folder or a glob that matches files"
                )
            files += _files(matches)
    return [file.absolute() for file in files]


def _image(path: Path) -> bool:
    name = path.name.lower()
    hidden = any(part.startswith(".") for part in path.parts[-2:])
    return not hidden and name.endswith(SUFFIXES) and path.is_file()


def _excluded(path: Path, patterns: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(str(path), pattern) for pattern in patterns
    )
