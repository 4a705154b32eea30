"""Master frames of a run: built in bounded memory, kept by content key, found again."""

import hashlib
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec
import platformdirs

from sidera._version import __version__
from sidera.calibration.apply import Calibrator, prepare
from sidera.calibration.defects import find_defects
from sidera.calibration.groups import Group, group_frames
from sidera.calibration.masters import combine_frames, master_header, normalise_flat
from sidera.calibration.match import FlatPairing, Pairing, pair_flat, plan_calibration
from sidera.calibration.match import Plan as CalibrationPlan
from sidera.errors import FrameError, Refusal, UnwritableError
from sidera.io.masters import read_master, unmade, write_master, written
from sidera.io.read import open_frame
from sidera.io.write import KEY, NO_BIAS
from sidera.model.frame import FrameId
from sidera.model.header import Header, Kind
from sidera.model.masters import Master
from sidera.pipeline.progress import Progress
from sidera.pipeline.readers import Readers
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.scan import Refused, fingerprint, refusal, scan
from sidera.pipeline.store import digest
from sidera.pipeline.workers import default_threads, spread
from sidera.types import F32

CALIBRATION = (Kind.BIAS, Kind.DARK, Kind.FLAT, Kind.FLAT_DARK)


def masters_folder() -> Path:
    """Where masters are kept when no folder is named: the user's cache; SIDERA_MASTERS moves it."""
    given = os.environ.get("SIDERA_MASTERS")
    return Path(given) if given else Path(platformdirs.user_cache_dir("sidera", appauthor=False)) / "masters"


class MasterStore:
    """Builds and keeps the masters of one run."""

    def __init__(self, folder: Path, readers: Readers, recipe: Recipe, threads: int = 1) -> None:
        self._folder = folder
        self._readers = readers
        self.recipe = recipe
        self.spread = partial(spread, threads=threads)
        self.built: dict[str, Master] = {}
        """Masters of this run, by key of their group."""
        self.reused: set[str] = set()
        self.keys: dict[str, str] = {}
        """What each master's pixels depend on, by key of its group."""
        self.refused: list[Refused] = []
        """Frames of groups that could not be built."""
        self._failed: set[str] = set()

    def build(self, group: Group, pedestal: Group | None = None, black: float = 0.0) -> Master:
        """The master of a group, from the folder when it was built before; then its pedestal is not even read.

        Raises
        ------
        FrameError
            When one of its frames cannot be read. A pedestal that cannot be built is done without.
        """
        if group.key in self.built:
            return self.built[group.key]
        master = _ready(group) if group.header.is_master else self._kept_or_made(group, pedestal, black)
        self.built[group.key] = master
        self.keys[group.key] = master.key or fingerprint(Path(group.frames[0].path)).hex()
        return master

    def try_build(self, group: Group, pedestal: Group | None = None, black: float = 0.0) -> Master | None:
        """`build`; where it fails, None, and the group's frames are among the `refused`."""
        if group.key in self._failed:
            return None
        try:
            return self.build(group, pedestal, black)
        except FrameError as error:
            self._failed.add(group.key)
            self.refused += [refusal(frame, error, group.kind) for frame in group.frames]
            return None

    def key_of(self, pairing: Pairing) -> str:
        """Content key of all that calibrates a light of this pairing."""
        masters = [self.keys.get(name or "", "") for name in (pairing.bias, pairing.dark, pairing.flat)]
        return digest([pairing, masters, self.recipe.calibration])

    def _kept_or_made(self, group: Group, pedestal: Group | None, black: float) -> Master:
        if pedestal is not None and pedestal.key in self._failed:
            pedestal = None
        key = self._key(group, "" if pedestal is None else self._content(pedestal), black)
        path = self._folder / f"{group.kind.value}-{key}.fits"
        if path.is_file():
            try:
                kept = read_master(path)
            except FrameError:  # damaged since: build it anew
                kept = None
            if kept is not None and kept.key == key:
                self.reused.add(group.key)
                return kept
        below = None if pedestal is None else self.try_build(pedestal)
        if pedestal is not None and below is None:
            return self._kept_or_made(group, None, black)
        return self._made(group, below, black, path, key)

    def _content(self, group: Group) -> str:
        """What a group's master depends on, without building it."""
        if group.key in self.keys:
            return self.keys[group.key]
        try:
            return self._key(group, "", 0.0) if not group.header.is_master else self._ready_key(group)
        except OSError as error:
            raise FrameError(
                Refusal.UNREADABLE, f"it cannot be read ({error})", "see that it is there"
            ) from error

    def _ready_key(self, group: Group) -> str:
        self.try_build(group)
        return self.keys.get(group.key, "")

    def _made(self, group: Group, below: Master | None, black: float, path: Path, key: str) -> Master:
        """Combine the group's frames; the master goes band by band into its file, and is used from there."""
        header = master_header(group.kind, group.header, len(group.frames))
        master = unmade(group.kind, header, bias_removed=group.kind is Kind.FLAT, key=key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with write_master(path, master) as file:
                combine_frames(
                    group.kind,
                    [self._rows(frame) for frame in group.frames],
                    group.header,
                    file.put,
                    pedestal=black if below is None else below,
                    kappa=None if group.kind is Kind.FLAT else self.recipe.calibration.master_kappa,
                    spread=self.spread,
                )
        except OSError as error:
            raise UnwritableError(
                f"the master folder {path.parent} cannot be written: {error}", "name another with --masters"
            ) from error
        return written(path, master)

    def _rows(self, frame: FrameId) -> "_Rows":
        return _Rows(self._readers, frame)

    def _key(self, group: Group, below: str, black: float) -> str:
        digest = hashlib.blake2b(digest_size=12)
        facts = [__version__, group.kind, group.header.bayer, self.recipe.calibration.master_kappa, black]
        digest.update(repr(facts).encode())
        digest.update(below.encode())
        for frame in group.frames:
            digest.update(fingerprint(Path(frame.path)) + str(frame.index).encode())
        return digest.hexdigest()


class _Rows:
    """Rows top to bottom of a raw frame."""

    def __init__(self, readers: Readers, frame: FrameId) -> None:
        self._readers, self._frame = readers, frame

    def __call__(self, top: int, bottom: int) -> F32:
        return self._readers.window(self._frame, slice(top, bottom))


def _ready(group: Group) -> Master:
    """A master that was there: ours as it is; others' flats are brought to a mean of 1."""
    master = read_master(Path(group.frames[0].path))
    master = _of_kind(master, group)
    if group.kind is Kind.FLAT and not master.key and master.image.ndim == 2:
        pattern = group.header.bayer if group.header.planes == 1 else None
        master = Master(master.kind, normalise_flat(master.image, pattern), master.variance, master.header)
    return master


def _of_kind(master: Master, group: Group) -> Master:
    """The master, of the kind that its group says."""
    header = msgspec.structs.replace(master.header, kind=group.kind)
    return Master(
        group.kind,
        master.image,
        master.variance,
        header,
        group.bias_removed or master.bias_removed,
        master.key,
    )


def build_masters(
    plan: CalibrationPlan, store: MasterStore, progress: Progress
) -> tuple[dict[Pairing, Calibrator], list[Refused]]:
    """Every master that the plan needs, and the calibrator of every pairing.

    A group that cannot be built is left out: its frames are refused, and the lights go on without it.
    """
    needed = plan.needed()
    progress.stage("masters", len(needed))
    serving = {key for pair in plan.pairings.values() for key in (pair.bias, pair.dark, pair.flat)}
    for group in needed:
        flat = plan.flats.get(group.key, FlatPairing(flat=group.key))
        pedestal = plan.group(flat.pedestal) if flat.pedestal else None
        if group.key in serving:  # what serves flats alone is built when a flat is
            store.try_build(group, pedestal, flat.black)
        progress.step(group.key)
    made = {
        pairing: _calibrator(_without(pairing, store.built), store) for pairing in set(plan.pairings.values())
    }
    store.built.clear()  # lights need the calibrators alone: biases, flats and variances would stay for nothing
    return made, store.refused


def _without(pairing: Pairing, built: dict[str, Master]) -> Pairing:
    """The pairing without the masters that could not be built."""
    there = {
        name: key if (key := getattr(pairing, name)) in built else None for name in ("bias", "dark", "flat")
    }
    return msgspec.structs.replace(pairing, **there)


def _calibrator(pairing: Pairing, store: MasterStore) -> Calibrator:
    dark, flat = (store.built[key] if key else None for key in (pairing.dark, pairing.flat))
    defects = None
    if dark is not None or flat is not None:
        header = (dark or flat).header  # type: ignore[union-attr]
        pattern = header.bayer if header.planes == 1 else None
        defects = find_defects(
            dark, flat, pattern, store.recipe.calibration.defect_sigma, spread=store.spread
        )
    return prepare(pairing, store.built, defects=defects, spread=store.spread)


def known_masters(folder: Path) -> dict[FrameId, Header]:
    """Headers of the masters in a folder, ours and others'; what is no master is passed over."""
    found: dict[FrameId, Header] = {}
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        try:
            with open_frame(path) as reader:
                header = reader.header
        except FrameError:
            continue
        if header.is_master and header.kind in CALIBRATION:
            found[FrameId(str(path.absolute()))] = header
    return found


def without_bias(headers: Mapping[FrameId, Header]) -> list[FrameId]:
    """The ready master darks among them that say that their bias is gone."""
    return [
        frame
        for frame, header in headers.items()
        if header.is_master
        and header.kind is Kind.DARK
        and any(card.keyword == NO_BIAS and card.value is True for card in header.cards)
    ]


def not_made_from(
    ready: Mapping[FrameId, Header], raw: Mapping[FrameId, Header], tolerance: float
) -> dict[FrameId, Header]:
    """The masters that are not our own of the very frames at hand: those are found by their content key."""
    groups = [group for group in group_frames(raw, tolerance) if not group.header.is_master]
    return {
        frame: header
        for frame, header in ready.items()
        if not (_key_of(header) and any(_same(header, group) for group in groups))
    }


def _key_of(header: Header) -> str:
    """Content key of a master of ours; empty for others'."""
    return next((str(card.value) for card in header.cards if card.keyword == KEY), "")


def _same(header: Header, group: Group) -> bool:
    """A master that has every fact of a group of raw frames, and as many frames."""
    other = group.header
    facts = ("kind", "width", "height", "bayer", "gain", "offset", "camera", "filter", "readout", "binning")
    return header.n_combined == len(group.frames) and all(
        _alike(getattr(header, name), getattr(other, name)) for name in (*facts, "exposure", "temperature")
    )


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-4, abs_tol=0.05 if abs(one) > 1 else 1e-6)
    return one == other


def list_masters(folder: Path) -> list[tuple[str, ...]]:
    """The masters in a folder as rows for a table."""
    return [_listed(frame, header) for frame, header in known_masters(folder).items()]


def _listed(frame: FrameId, header: Header) -> tuple[str, ...]:
    values = (header.exposure, header.gain, header.temperature)
    told = ["" if value is None else f"{value:g}" for value in values]
    size = f"{header.width}x{header.height}"
    filtered = header.filter or ("colour" if header.bayer or header.planes == 3 else "")
    name = Path(frame.path).name
    return (header.kind.value, str(header.n_combined), *told, filtered, size, header.camera or "", name)


def build_all(
    inputs: Sequence[str | Path] | Iterable[str | Path],
    folder: Path,
    *,
    recipe: Recipe | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> list[Refused]:
    """Build a master of every group of calibration frames that is found; returns what was left out.

    Raises
    ------
    UnreadableError, UnwritableError
        For inputs that do not exist, or a folder that takes no files.
    """
    recipe, progress = recipe or Recipe(), progress or Progress()
    seen = scan(inputs, progress=progress)
    kinds = (Kind.BIAS, Kind.DARK, Kind.FLAT_DARK, Kind.FLAT)
    frames = {frame.id: frame.header for frame in seen.of(*kinds) if not frame.header.is_master}
    plan = plan_calibration({}, frames, recipe.calibration)
    refused = list(seen.refused)
    with Readers() as readers:
        store = MasterStore(folder, readers, recipe, threads or default_threads())
        progress.stage("masters", len(plan.groups))
        first = [group for group in plan.groups if group.kind is not Kind.FLAT]
        for group in first + [group for group in plan.groups if group.kind is Kind.FLAT]:
            _build_alone(group, plan, store, recipe)
            progress.step(group.key)
    return refused + store.refused


def _build_alone(group: Group, plan: CalibrationPlan, store: MasterStore, recipe: Recipe) -> None:
    flat = pair_flat(group, plan.groups, recipe.calibration) if group.kind is Kind.FLAT else None
    pedestal = plan.group(flat.pedestal) if flat and flat.pedestal else None
    store.try_build(group, pedestal, flat.black if flat else 0.0)
