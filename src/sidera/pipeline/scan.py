"""From files and folders to frames: what there is, what each was taken for, and what was left out."""

import fnmatch
import glob
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from sidera.calibration.overscan import without_overscan
from sidera.errors import FrameError, Refusal, UnreadableError
from sidera.io.read import count_frames, open_frame
from sidera.io.sniff import filter_of_name, is_candidate
from sidera.model.frame import FrameId
from sidera.model.header import Header, Kind
from sidera.pipeline.progress import Progress

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
"""Beside raw frames these are previews: capture programs, cameras and Sidera itself put them there."""
USUAL_FILTERS = {"L", "R", "G", "B", "Ha", "Hb", "OIII", "SII", "NII", "IRCUT", "UVIR", "Clear"}
SAMPLES = 32
"""Blocks of a file that its fingerprint looks at."""
BLOCK = 4096


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
    previews: tuple[str, ...] = ()
    """Pictures beside raw frames, which nobody means to stack."""
    results: tuple[str, ...] = ()
    """Stacks of Sidera's own, from an earlier run: refused as frames, free to be written again."""

    def of(self, *kinds: Kind) -> list[Found]:
        """Frames of some kinds."""
        return [frame for frame in self.found if frame.header.kind in kinds]


def refusal(frame: FrameId, error: FrameError, kind: Kind = Kind.UNKNOWN) -> Refused:
    """A frame that failed, as data."""
    reason = error.what.removeprefix(f"{Path(frame.path).name}: ")
    return Refused(frame, error.code, reason, error.cure, kind)


def scan(
    inputs: Iterable[str | Path],
    kinds: Mapping[Kind, Sequence[str | Path]] | None = None,
    exclude: Sequence[str] = (),
    progress: Progress | None = None,
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
    progress : Progress, optional
        Told of every file.

    Raises
    ------
    UnreadableError
        For an input that does not exist, or a folder that may not be read.
    """
    files = _Files()
    given: dict[Path, Kind] = {}
    for kind, paths in (kinds or {}).items():
        given |= dict.fromkeys(files.named(paths), kind)
    found: list[Found] = []
    refused: list[Refused] = []
    everything = sorted({*given, *files.named(inputs)})
    progress = progress or Progress()
    progress.stage("scan", len(everything))
    for path in everything:
        progress.step(path.name)
        if _excluded(path, exclude):
            kind = given.get(path, Kind.UNKNOWN)
            refused.append(Refused(FrameId(str(path)), Refusal.EXCLUDED, "left out by --exclude", kind=kind))
            continue
        frames = list(_frames(path, given.get(path)))
        found += [one for one in frames if isinstance(one, Found)]
        refused += [one for one in frames if isinstance(one, Refused)]
    refused += files.closed
    odd = {frame.id: reason for frame in found if (reason := _odd(frame.header))}
    refused += [Refused(frame.id, *odd[frame.id], frame.header.kind) for frame in found if frame.id in odd]
    results = [frame.id.path for frame in found if frame.id in odd and _is_ours(frame.header)]
    sound = [frame for frame in found if frame.id not in odd]
    twins = _duplicates(sound)
    refused += twins.values()
    return Scan(
        tuple(frame for frame in sound if frame.id not in twins),
        tuple(refused),
        tuple(map(str, sorted(files.previews))),
        tuple(results),
    )


def _frames(path: Path, kind: Kind | None) -> Iterator[Found | Refused]:
    """Every frame of a file: one, or all of a film; each that fails keeps its index."""
    told = kind or Kind.UNKNOWN
    try:
        count = count_frames(path)
    except FrameError as error:
        yield refusal(FrameId(str(path)), error, told)
        return
    for index in range(count):
        try:
            yield _frame(path, index, kind)
        except FrameError as error:
            yield refusal(FrameId(str(path), index), error, told)


def _frame(path: Path, index: int, kind: Kind | None) -> Found:
    with open_frame(path, index) as reader:
        header = without_overscan(reader.header)
    if kind is not None:
        sources = {**header.sources, "kind": "given by you"}
        header = msgspec.structs.replace(header, kind=kind, sources=sources)
    return Found(FrameId(str(path), index), _with_usual_filter(header))


def _with_usual_filter(header: Header) -> Header:
    """The filter in its one spelling: "Lum" and "Luminance" are "L", "H-alpha" is "Ha"; others stay as they are."""
    if not header.filter:
        return header
    joined = re.sub(r"[ _-]", "", header.filter)
    usual = filter_of_name(joined) or (filter_of_name(joined.capitalize()) if len(joined) > 1 else None)
    return msgspec.structs.replace(header, filter=usual if usual in USUAL_FILTERS else header.filter)


def _odd(header: Header) -> tuple[Refusal, str, str] | None:
    """Why a readable frame has no part in a run."""
    if header.kind is Kind.LIGHT and (header.is_master or header.n_combined > 1):
        maker = " by Sidera" if _is_ours(header) else ""
        many = f" of {header.n_combined} frames" if header.n_combined > 1 else ""
        cure = "it is no raw frame and takes no part; nothing needs to be done"
        return Refusal.ALREADY_STACKED, f"it is a stack{many}, made{maker} already", cure
    if header.kind is Kind.UNKNOWN:
        cure = "put it into a folder lights, darks, flats or biases, or name it with --lights, --darks ..."
        return Refusal.UNKNOWN_KIND, "neither header nor name tells what kind of frame it is", cure
    return None


def _is_ours(header: Header) -> bool:
    """A result of Sidera's."""
    return any(card.keyword == "CREATOR" and str(card.value).startswith("Sidera") for card in header.cards)


def fingerprint(path: Path) -> bytes:
    """Digest of a file's size and of blocks spread over it.

    Names and dates do not count, so a copied or moved file is known again. Two sensor read-outs never agree in
    32 blocks of noise.
    """
    size = path.stat().st_size
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as stream:
        for start in sorted({size * i // SAMPLES // BLOCK * BLOCK for i in range(SAMPLES)}):
            stream.seek(start)
            digest.update(stream.read(BLOCK))
    return digest.digest()


def _duplicates(frames: Sequence[Found]) -> dict[FrameId, Refused]:
    """Lights that are another light's copy: counted twice, they would feign a lower noise than there is.

    Only files of one size and one date are compared, so of a usual night none is read.
    """
    alike: dict[tuple[object, ...], list[Found]] = {}
    for frame in frames:
        if frame.header.kind is Kind.LIGHT:
            size = Path(frame.id.path).stat().st_size
            alike.setdefault((frame.id.index, frame.header.date_obs, size), []).append(frame)
    twins: dict[FrameId, Refused] = {}
    for members in alike.values():
        first: dict[bytes, FrameId] = {}
        for frame in members if len(members) > 1 else ():
            own = first.setdefault(fingerprint(Path(frame.id.path)), frame.id)
            if own != frame.id:
                reason = f"it is a copy of {own.path}"
                cure = "it is used once; delete the copy, or leave it out with --exclude"
                twins[frame.id] = Refused(frame.id, Refusal.DUPLICATE, reason, cure, Kind.LIGHT)
    return twins


class _Files:
    """Files named by paths and globs; folders give the images in them, subfolders included."""

    def __init__(self) -> None:
        self.previews: set[Path] = set()
        self.closed: list[Refused] = []
        """Subfolders that may not be read."""

    def named(self, inputs: Iterable[str | Path]) -> list[Path]:
        """Absolute paths."""
        files: list[Path] = []
        for given in inputs:
            path = Path(given).expanduser()
            if path.is_dir():
                files += self._below(path)
            elif path.is_file():
                files.append(path)
            else:
                files += self._matching(str(path), given)
        return [file.absolute() for file in files]

    def _matching(self, pattern: str, given: str | Path) -> list[Path]:
        """Files of a glob; of its folders the images."""
        matches = sorted(Path(match) for match in glob.glob(pattern, recursive=True))
        if not matches:
            raise UnreadableError(
                f"{given} does not exist", "give a file, a folder or a glob that matches files"
            )
        return [
            file
            for match in matches
            for file in (self._below(match) if match.is_dir() else [match] if match.is_file() else [])
        ]

    def _below(self, folder: Path) -> list[Path]:
        """Images in a folder; hidden files and folders are left alone, and so are pictures beside raw frames.

        Links to folders are followed; a folder that several names lead to is looked into once.
        """
        files: list[Path] = []
        seen = {_identity(folder)}

        def closed(error: OSError) -> None:
            where = Path(error.filename or folder)
            if where == folder:
                raise UnreadableError(
                    f"the folder {where} cannot be read ({error.strerror})", "check that you may open it"
                ) from error
            reason = f"the folder cannot be read ({error.strerror})"
            cure = "check that you may open it"
            self.closed.append(Refused(FrameId(str(where.absolute())), Refusal.UNREADABLE, reason, cure))

        for place, folders, names in os.walk(folder, onerror=closed, followlinks=True):
            open_ones = sorted(name for name in folders if not name.startswith("."))
            folders[:] = _new_ones(Path(place), open_ones, seen)
            images = [path for name in names if is_candidate(path := Path(place, name)) and path.is_file()]
            shown = {path for path in images if path.name.lower().endswith(PICTURES)}
            if len(shown) < len(images):
                self.previews |= {path.absolute() for path in shown}
                images = [path for path in images if path not in shown]
            files += images
        return files


def _identity(folder: Path) -> tuple[object, ...]:
    """What a folder is, whatever name leads to it; the name itself where the system does not tell."""
    try:
        found = folder.stat()
    except OSError:
        return (str(folder),)
    return found.st_dev, found.st_ino


def _new_ones(place: Path, names: Sequence[str], seen: set[tuple[object, ...]]) -> list[str]:
    """The folders that no other name has led to yet: real ones before links beside them, and no loop is entered."""
    new = []
    for name in sorted(names, key=lambda name: (place / name).is_symlink()):
        identity = _identity(place / name)
        if identity not in seen:
            seen.add(identity)
            new.append(name)
    return sorted(new)


def _excluded(path: Path, patterns: Sequence[str]) -> bool:
    return any(
        fnmatch.fnmatch(path.name, pattern) or fnmatch.fnmatch(str(path), pattern) for pattern in patterns
    )
