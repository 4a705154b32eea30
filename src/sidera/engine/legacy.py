"""The predecessor's ten commands: their names, their defaults, their stages; behind them our own work."""

import hashlib
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from sidera.engine.desk import Desk
from sidera.engine.failures import RequestError
from sidera.engine.jobs import Ticket
from sidera.engine.protocol import (
    AutoStretch,
    GetHistogram,
    ImageInfo,
    Info,
    Load,
    Pipeline,
    Preview,
    Release,
    ReleaseAll,
    Save,
)
from sidera.engine.values import (
    FrameInfo,
    Histogram,
    ImageSize,
    LoadedImage,
    Nothing,
    OldStretch,
    PreviewFile,
)
from sidera.errors import FrameError
from sidera.io.read import open_frame, read
from sidera.loading import loading
from sidera.model.header import Header, Kind
from sidera.pipeline.progress import Event
from sidera.pipeline.recipe import Recipe

FRAME_TYPES: dict[Kind, Literal["Light", "Dark", "Flat", "Bias", "Unknown"]] = {
    Kind.LIGHT: "Light", Kind.DARK: "Dark", Kind.FLAT: "Flat", Kind.BIAS: "Bias", Kind.FLAT_DARK: "Dark",
    Kind.UNKNOWN: "Unknown",
}  # fmt: skip
METHODS = {
    "mean": ("mean", "none"),
    "median": ("median", "none"),
    "sigma_clip_mean": ("mean", "hybrid"),
    "sigma_clipped_mean": ("mean", "hybrid"),
    "sigma_clip_median": ("median", "hybrid"),
    "sigma_clipped_median": ("median", "hybrid"),
}
"""Name of a stacking method to what is done with the samples kept, and the rejection.

Sigma is that of the noise model: of 6 samples no outlier can lie more than 2.04 standard deviations off their own
mean, so clipping at kappa 3 by those rejects nothing at all.
"""
FORMATS: dict[str, Literal["fits", "tiff", "png"]] = {
    "fits": "fits",
    "tiff": "tiff",
    "tif": "tiff",
    "png": "png",
}
LOADING = {
    Kind.BIAS: "Loading bias frames", Kind.DARK: "Loading dark frames", Kind.FLAT: "Loading flat frames",
}  # fmt: skip
CREATING = {
    Kind.BIAS: "Creating master bias", Kind.DARK: "Creating master dark", Kind.FLAT: "Creating master flat",
}  # fmt: skip
STAGES = {
    "measure": "Registering frames", "register": "Registering frames", "combine": "Stacking",
}  # fmt: skip
"""Ours to theirs."""
BITS = {
    "uint8": 8,
    "int8": 8,
    "uint16": 16,
    "int16": 16,
    "uint32": 32,
    "int32": 32,
    "float32": -32,
    "float64": -64,
}


def info(desk: Desk, request: Info) -> FrameInfo:
    """What a header says, and no pixel read."""
    with open_frame(Path(request.path).expanduser()) as reader:
        header = reader.header
    return FrameInfo(
        id=hashlib.blake2b(request.path.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest(),
        path=request.path,
        width=header.width,
        height=header.height,
        channels=header.planes,
        bitpix=bits_of(header),
        frame_type=FRAME_TYPES[header.kind],
        exposure_time=header.exposure,
        temperature=header.temperature,
        gain=header.gain,
        filter_name=header.filter,
        bayer_pattern=None if header.bayer is None else header.bayer.value,
    )


def bits_of(header: Header) -> int:
    """Bits of a stored value as FITS counts them: negative for floating point."""
    told = next((card.value for card in header.cards if card.keyword == "BITPIX"), None)
    if isinstance(told, int) and not isinstance(told, bool):
        return told
    if header.bits in BITS:
        return BITS[header.bits]
    number = re.search(r"\d+", header.bits)
    sign = -1 if "float" in header.bits else 1
    return sign * int(number[0]) if number else 0


def load(desk: Desk, request: Load) -> LoadedImage:
    """Read an image as it is stored, and hold it."""
    frame = read(Path(request.path).expanduser())
    return LoadedImage(desk.images.add_frame(frame, Path(request.path).name, request.path).id)


def release(desk: Desk, request: Release) -> Nothing:
    """Let go of an image."""
    desk.images.release(request.image_id)
    return Nothing()


def release_all(desk: Desk, request: ReleaseAll) -> Nothing:
    """Let go of every image."""
    desk.images.release_all()
    return Nothing()


def image_info(desk: Desk, request: ImageInfo) -> ImageSize:
    """Size of an image."""
    image = desk.images.get(request.image_id, "$.imageId").image
    return ImageSize(image.shape[-1], image.shape[-2], image.shape[0] if image.ndim == 3 else 1)


def preview(desk: Desk, request: Preview) -> PreviewFile:
    """Write raw RGBA8."""
    with loading:
        from sidera.engine import preview as pictures  # loads Numba, for which `info` does not wait
        from sidera.io.atomic import atomic_write

    picture = pictures.rgba(desk.images.get(request.image_id, "$.imageId"), request.stretch)
    with atomic_write(Path(request.output_path).expanduser(), picture.nbytes) as stream:
        stream.write(picture.data)
    return PreviewFile(request.output_path, picture.shape[1], picture.shape[0])


def histogram(desk: Desk, request: GetHistogram) -> Histogram:
    """Count pixels."""
    with loading:
        from sidera.engine.preview import histogram as count  # as in `preview`

    return count(desk.images.get(request.image_id, "$.imageId").image, request.channel, request.bins)


def auto_stretch(desk: Desk, request: AutoStretch) -> OldStretch:
    """Shadows, midtones, highlights."""
    with loading:
        from sidera.engine.preview import automatic  # as in `preview`

    return automatic(desk.images.get(request.image_id, "$.imageId"))


def save(desk: Desk, request: Save) -> Nothing:
    """Write an image: linear as FITS or TIFF, stretched as PNG."""
    with loading:
        from sidera.engine.preview import curves  # as in `preview`
        from sidera.io.write import write
        from sidera.model.picture import Picture
        from sidera.stretch.apply import stretch

    form = FORMATS.get(request.format.lower())
    if form is None:
        what = f"format {request.format!r} is not known"
        raise RequestError("usage", what, f"give one of {', '.join(FORMATS)}", "$.format")
    held = desk.images.get(request.image_id, "$.imageId")
    target = Path(request.output_path).expanduser()
    spare_source(held.path, target, "$.outputPath")
    if form != "png":
        write(target, held.item(), format=form)
        return Nothing()
    pixels = stretch(held.image, *curves(held, request.stretch))
    upright = pixels[..., ::-1, :].copy() if held.bottom_up else pixels
    write(target, Picture(upright, "screen transfer function"), format=form)
    return Nothing()


def spare_source(source: str | None, target: Path, place: str) -> None:
    """Source frames are never written to."""
    if source is not None and target.exists() and target.samefile(Path(source).expanduser()):
        raise RequestError(
            "usage", f"{target} is the file that the image came from", "name another file", place
        )


# ── pipeline ───────


def recipe_of(request: Pipeline) -> Recipe:
    """The recipe that stands for the old fields.

    Raises
    ------
    RequestError
        For a method or pattern that is not known; the predecessor silently took another.
    """
    if request.stack_method not in METHODS:
        what = f"stacking method {request.stack_method!r} is not known"
        raise RequestError("usage", what, f"give one of {', '.join(METHODS)}", "$.stackMethod")
    combine, rejection = METHODS[request.stack_method]
    tree: dict[str, Any] = {
        "demosaic": {"bayer": _pattern(request.bayer_pattern)},
        "integration": {
            "combine": combine,
            "rejection": rejection,
            "kappa_low": request.kappa,
            "kappa_high": request.kappa,
            "iterations": request.iterations,
        },
    }
    return msgspec.convert(tree, Recipe)


def _pattern(given: str | None) -> str:
    known = {"RGGB", "BGGR", "GRBG", "GBRG"}
    if given is None or given.upper() in known:
        return "auto" if given is None else given.upper()
    if given.lower() == "none":
        return "none"
    what = f"Bayer pattern {given!r} is not known"
    raise RequestError("usage", what, "give RGGB, BGGR, GRBG, GBRG, none, or null", "$.bayerPattern")


def pipeline(desk: Desk, request: Pipeline, ticket: Ticket) -> LoadedImage:
    """Stack, by our own pipeline, under the predecessor's names of stages."""
    with loading:
        from sidera.pipeline.plan import make_plan  # load Numba and more, for which `info` does not wait
        from sidera.pipeline.run import run

    kinds: dict[Kind, tuple[str, ...]] = {
        Kind.LIGHT: request.light_paths,
        Kind.DARK: request.dark_paths,
        Kind.FLAT: request.flat_paths,
        Kind.BIAS: request.bias_paths,
    }
    recipe = recipe_of(request)
    ticket.rename = stages = Stages()
    for kind in LOADING:
        _load_headers(kind, kinds[kind], ticket)
    plan = make_plan([], kinds=kinds, recipe=recipe, progress=ticket.progress)
    ticket.course.expect("combine", len(plan.stacks))
    ticket.course.guess(plan.cost.seconds)
    stages.masters = [group.header.kind for group in plan.calibration.needed()]
    result = run(plan, ticket.progress)
    ticket.progress.stage("Post-processing", 1)
    ticket.progress.check()
    held = desk.images.add_stack(result.stack, "stack", None)
    ticket.progress.stage("Complete", 1)
    ticket.progress.step()
    return LoadedImage(held.id)


def _load_headers(kind: Kind, paths: tuple[str, ...], ticket: Ticket) -> None:
    """The stage in which the predecessor read calibration frames; what cannot be read is told of by the plan."""
    if not paths:
        return
    ticket.progress.stage(LOADING[kind], len(paths))
    for path in paths:
        with suppress(FrameError), open_frame(Path(path).expanduser()):
            pass
        ticket.progress.step(Path(path).name)


class Stages:
    """Events of our pipeline as the predecessor's stages, in its order and never back."""

    ORDER = (
        *LOADING.values(), *CREATING.values(), "Registering frames", "Stacking", "Post-processing", "Complete",
    )  # fmt: skip

    def __init__(self) -> None:
        self.masters: list[Kind] = []
        """Kinds of the masters, in the order in which they are made."""
        self._at = 0

    def __call__(self, event: Event) -> Event | None:
        """The event under its old name; None where that would lead back, or there is none."""
        name = self._name(event)
        if name is None or self.ORDER.index(name) < self._at:
            return None
        self._at = self.ORDER.index(name)
        return replace(event, stage=name)

    def _name(self, event: Event) -> str | None:
        if event.stage == "masters":  # the one just made, or the first that is to be
            number = max(event.done - 1, 0)
            return CREATING.get(self.masters[number]) if number < len(self.masters) else None
        return event.stage if event.stage in self.ORDER else STAGES.get(event.stage)
