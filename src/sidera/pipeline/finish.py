"""Finish: from a linear stack to a corrected one and a picture; the corridor of the corrections."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from sidera._version import __version__
from sidera.correction.crop import best_rectangle, crop
from sidera.correction.denoise import denoise
from sidera.correction.gradient import Gradient, find_gradient
from sidera.correction.neutralise import add_to, find_neutral
from sidera.correction.scnr import scnr
from sidera.correction.whitebalance import Balance, manual_balance, scale_light, star_balance
from sidera.errors import ShapeError, UsageError
from sidera.io.stacks import read_stack
from sidera.io.write import Format, format_of, write
from sidera.model.finishing import ExportSettings
from sidera.model.frame import Frame
from sidera.model.header import Card, Header
from sidera.model.picture import Picture
from sidera.model.stack import Stack
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.report_values import FinishingStep
from sidera.pipeline.star_light import star_light
from sidera.stretch.apply import Parameters, joined
from sidera.stretch.choose import choose
from sidera.stretch.choose import stretch as stretched
from sidera.types import F32, plain

STAGES = ("crop", "gradient", "neutralise", "whitebalance", "scnr", "denoise", "stretch")
"""Stages of the recipe that finish a stack, in the order in which they run."""
PLACES = (
    "CTYPE",
    "CRVAL",
    "CRPIX",
    "CDELT",
    "CROTA",
    "CD1_",
    "CD2_",
    "PC1_",
    "PC2_",
    "A_",
    "B_",
    "AP_",
    "BP_",
    "LTV",
)
"""Beginnings of the cards that are false once a picture's rows are turned."""


@dataclass(frozen=True)
class Finished:
    """A finished stack.

    Attributes
    ----------
    stack : Stack
        Linear and corrected, with the maps that there were.
    picture : Picture
        The same, stretched.
    steps : tuple of FinishingStep
        What each stage found and did.
    gradient : Gradient or None
        The sky's light that was taken away.
    """

    stack: Stack
    picture: Picture
    steps: tuple[FinishingStep, ...]
    gradient: Gradient | None
    recipe: Recipe

    @property
    def image(self) -> F32:
        """Pixels of the corrected stack: float32, linear, NaN where no frame saw the sky."""
        return self.stack.image

    def save(self, path: str | Path, *, format: Format | None = None) -> tuple[float, float]:
        """Write the linear stack (FITS, XISF) or the picture (PNG, JPEG, TIFF), as the name asks.

        ``export.linear`` puts the linear stack into TIFF too; ``export.bits`` and ``export.quality`` are obeyed.

        Returns
        -------
        pair of float
            Shares of the samples that were clipped to black and to white.
        """
        form, settings = format_of(path, format), self.recipe.export
        bits: dict[str, Literal[8, 16, 32] | None] = {"auto": None, "8": 8, "16": 16, "32": 32}
        item = self.stack if is_linear(form, settings) else self.picture
        return write(path, item, format=form, bits=bits[settings.bits], quality=settings.quality)

    def save_model(self, path: str | Path) -> None:
        """Write the sky's light that was taken away, as an image on the finished stack's grid.

        Raises
        ------
        UsageError
            When none was taken.
        """
        if self.gradient is None:
            raise UsageError("no gradient was extracted", "set gradient.enabled=true, or leave --model out")
        image = self.gradient.image()
        planes = 3 if image.ndim == 3 else 1
        cards = (
            *(card for card in self.stack.cards if card.keyword.startswith(PLACES)),
            Card("BUNIT", "adu"),
        )
        header = Header(
            width=image.shape[-1],
            height=image.shape[-2],
            planes=planes,
            bottom_up=self.stack.bottom_up,
            cards=(*cards, Card("HISTORY", f"Sidera {__version__}: {self.gradient.name}")),
        )
        write(path, Frame(image, header), bits=32 if format_of(path) == "tiff" else None)


def is_linear(form: Format, settings: ExportSettings) -> bool:
    """THE rule for what goes into a file: linear light, or the picture."""
    return form in ("fits", "xisf") or (form == "tiff" and settings.linear)


def save_format(path: Path, named: str | None, *, linear: bool = False) -> Format:
    """The format that a name, or ``named``, asks for; with ``linear`` only those that hold linear light.

    Raises
    ------
    UsageError
        For a format that is not known, contradicts the name, or cannot hold it.
    """
    form = format_of(path, named)  # type: ignore[arg-type] # it refuses what is no format
    if linear and form not in ("fits", "xisf", "tiff"):
        raise UsageError(
            f"{path.name}: {form.upper()} cannot hold linear light", "name it .fits, .xisf or .tif"
        )
    return form


class _Bench:
    """The stack under work; its image is our own copy and is corrected in place."""

    def __init__(self, stack: Stack, recipe: Recipe) -> None:
        self.stack, self.recipe = stack, recipe
        self.sky: Gradient | None = None
        self.taken: Gradient | None = None
        self.stars = stack.star_colours
        """Of the whole stack: those that the crop cuts off know the camera's colours too."""
        self.levels: tuple[float, ...] = ()
        self.factors: tuple[float, ...] = (1.0,) * (3 if stack.image.ndim == 3 else 1)
        self.raw: F32 | None = None
        self.curve: Parameters | None = None
        """The cropped image as it came, where the halves are still to be corrected as it was."""
        self.steps: list[FinishingStep] = []

    def note(self, name: str, told: str, applied: bool = True, **figures: Sequence[float]) -> None:
        """Keep what a stage did."""
        known = {key: tuple(_number(value) for value in values) for key, values in figures.items()}
        self.steps.append(FinishingStep(name=name, applied=applied, told=told, figures=known))

    def known_sky(self) -> Gradient:
        """The sky, found once."""
        if self.sky is None:
            self.sky = find_gradient(self.stack.image, self.recipe.gradient)
            self.levels = self.sky.levels
        return self.sky


def finish(
    source: Stack | str | Path | object,
    recipe: Recipe | None = None,
    progress: Progress | None = None,
    *,
    maps: bool = True,
) -> Finished:
    """Correct a linear stack, and make a picture of it.

    Parameters
    ----------
    source : Stack, path or array
        A stack of `sidera.stack`, a file of one, or any linear image, ``[row, column]`` or ``[3, row, column]``. It is
        left as it is.
    recipe : Recipe, optional
        Its stages ``crop``, ``gradient``, ``neutralise``, ``whitebalance``, ``scnr``, ``stretch`` and ``export``.
    progress : Progress, optional
        Told of every step; its ``cancel`` stops at the next.
    maps : bool
        False leaves the maps of a file unread: enough for a picture, at a third of the memory.

    Returns
    -------
    Finished
        ``stack`` (linear, corrected), ``picture``, ``steps``, ``save``.

    Raises
    ------
    SideraError
        FrameError for a file that cannot be read, ShapeError for an array that is no image, Cancelled.
    """
    recipe, progress = recipe or Recipe(), progress or Progress()
    wanted = [name for name in STAGES if getattr(recipe, name).enabled or name == "stretch"]
    progress.stage("finish", len(wanted))
    done = finish_stack(_opened(source, maps), recipe, progress.step)
    progress.finish()
    return done


def _opened(source: object, maps: bool) -> Stack:
    if isinstance(source, Stack):
        return source
    if isinstance(source, str | Path):
        return read_stack(Path(source).expanduser(), maps=maps)
    image = plain(source)
    if image.ndim not in (2, 3) or image.size == 0 or (image.ndim == 3 and len(image) != 3):
        raise ShapeError(f"an image is (rows, columns) or (3, rows, columns); got shape {image.shape}")
    counts = np.isfinite(image).astype(np.uint16)
    none = np.zeros((0, 0), np.uint16)
    empty = np.empty((0, 0), np.float32)
    return Stack(image, empty, empty, counts, none, none)


def finish_stack(stack: Stack, recipe: Recipe, tick: Callable[[str], None]) -> Finished:
    """As `finish`; ``tick`` is called with the name of each stage that is done, and may raise."""
    bench = _Bench(stack, recipe)
    del stack  # of a file nobody else holds it: its image goes as soon as the bench has its own
    _crop(bench)
    if recipe.crop.enabled:
        tick("crop")
    if recipe.denoise.enabled and bench.stack.halves is not None:
        bench.raw = bench.stack.image
    bench.stack = replace(bench.stack, image=np.array(bench.stack.image, np.float32, order="C"))
    for name, work in (
        ("gradient", _gradient),
        ("neutralise", _neutralise),
        ("whitebalance", _white_balance),
        ("scnr", _scnr),
        ("denoise", _denoise),
    ):
        if getattr(recipe, name).enabled:
            work(bench)
            tick(name)
    picture = _picture(bench)
    tick("stretch")
    return Finished(bench.stack, picture, tuple(bench.steps), bench.taken, recipe)


def _crop(bench: _Bench) -> None:
    settings, stack = bench.recipe.crop, bench.stack
    if not settings.enabled:
        return
    rectangle = best_rectangle(stack.coverage, settings)
    rows, columns = stack.image.shape[-2:]
    share = rectangle.area / (rows * columns)
    told = (
        f"{rectangle.shape[1]} x {rectangle.shape[0]} of {columns} x {rows} pixels kept, {100 * share:.1f} %"
    )
    if share == 1:
        bench.note("crop", f"nothing to cut: {told}", applied=False)
        return
    bench.stack = crop(stack, rectangle)
    edges = (rectangle.top, rectangle.left, rectangle.bottom, rectangle.right)
    bench.note("crop", told, edges=edges, share=(share,))


def _gradient(bench: _Bench) -> None:
    settings = bench.recipe.gradient
    found = bench.known_sky()
    flat = not any(span > 0 for span in found.span)
    if flat:
        bench.note("gradient", f"left alone: the sky is even ({found.name})", applied=False)
        return
    found.take_from(bench.stack.image, settings.method)
    bench.taken = found
    verb = "divided by" if settings.method == "divide" else "taken away:"
    sigma = max(_ratio(span, noise) for span, noise in zip(found.span, found.noise, strict=True))
    told = (
        f"{verb} {found.name}, up to {sigma:.1f} sigma from end to end; "
        f"{100 * found.masked:.0f} % of the field was masked as objects"
    )
    bench.note(
        "gradient", told, span=found.span, left=found.residual, noise=found.noise, masked=(found.masked,)
    )


def _neutralise(bench: _Bench) -> None:
    if bench.stack.image.ndim == 2:
        return
    found = find_neutral(bench.stack.image, bench.recipe.neutralise, bench.known_sky())
    add_to(bench.stack.image, found.added)
    bench.levels = tuple(level + more for level, more in zip(found.before, found.added, strict=True))
    moved = ", ".join(f"{name} {more:+.4g}" for name, more in zip("RGB", found.added, strict=True))
    bench.note(
        "neutralise",
        f"sky brought to {found.level:.5g} ADU: {moved}",
        before=found.before,
        after=bench.levels,
    )


def _white_balance(bench: _Bench) -> None:
    settings = bench.recipe.whitebalance
    if bench.stack.image.ndim == 2:
        return
    if settings.method == "manual":
        balance, where = manual_balance(settings), "by hand"
    else:
        fluxes, where = star_light(bench.stack, bench.stars, bench.recipe)
        balance = star_balance(fluxes, settings)
    if balance.method == "none":
        bench.note("whitebalance", f"left alone: {balance.reason} ({where})", applied=False)
        return
    bench.known_sky()
    scale_light(bench.stack.image, balance.factors, bench.levels)
    bench.factors = balance.factors
    bench.stack = replace(bench.stack, noise=_scaled(bench.stack.noise, balance))
    factors = ", ".join(f"{name} {factor:.3f}" for name, factor in zip("RGB", balance.factors, strict=True))
    stars = f" from {balance.stars} stars, {where}" if balance.stars else f" {where}"
    bench.note(
        "whitebalance",
        f"{factors}{stars}",
        factors=balance.factors,
        stars=(balance.stars,),
        scatter=(balance.scatter,),
    )


def _scaled(noise: F32, balance: Balance) -> F32:
    """The noise map of a scaled image."""
    if noise.ndim != 3:
        return noise
    return noise * np.array(balance.factors, np.float32)[:, None, None]


def _scnr(bench: _Bench) -> None:
    if bench.stack.image.ndim == 2:
        return
    settings = bench.recipe.scnr
    before = bench.stack.image[1]
    image = scnr(bench.stack.image, settings=settings)
    changed = float(np.count_nonzero(image[1] != before) / max(before.size, 1))
    bench.stack = replace(bench.stack, image=image)
    bench.note(
        "scnr",
        f"{settings.colour} taken back by {settings.method} neutral in {100 * changed:.1f} % of the pixels",
        changed=(changed,),
    )


def _denoise(bench: _Bench) -> None:
    settings = bench.recipe.denoise
    # A curve found on a smooth sky would bring out what noise is left: the picture keeps that of the measured one.
    bench.curve = choose(bench.stack.image, bench.recipe.stretch, bench.stack.coverage)
    done = denoise(bench.stack.image, None, settings, halves=_halves(bench))
    bench.stack = replace(bench.stack, image=done.image)
    before, after = done.before, done.after
    told = (
        f"{settings.method}, strength {done.strength:.2f}: the sky's noise went from "
        f"{_each(before.noise)} to {_each(after.noise)} ADU, its pixels' correlation from "
        f"{_each(before.correlation)} to {_each(after.correlation)}"
    )
    bench.note(
        "denoise",
        told,
        strength=(done.strength,),
        noise_before=before.noise,
        noise_after=after.noise,
        correlation_before=before.correlation,
        correlation_after=after.correlation,
    )


def _halves(bench: _Bench) -> tuple[F32, F32] | None:
    """The halves, brought to where the image is now: what sets them apart from it is light and was only scaled."""
    if bench.raw is None or bench.stack.halves is None:
        return None
    factors = np.array(bench.factors, np.float32)[:, None, None]
    shape, image = bench.stack.image.shape, bench.stack.image
    odd, even = (
        image + (factors * (half - bench.raw).reshape(-1, *shape[-2:])).reshape(shape)
        for half in bench.stack.halves
    )
    return odd.astype(np.float32), even.astype(np.float32)


def _picture(bench: _Bench) -> Picture:
    stack, settings = bench.stack, bench.recipe.stretch
    parameters = bench.curve or choose(stack.image, settings, stack.coverage)
    picture = stretched(
        stack.image, coverage=stack.coverage, bottom_up=stack.bottom_up, parameters=parameters
    )
    dark, bright = picture.clipped
    told = f"{settings.method}; {100 * dark:.2f} % of the samples are black, {100 * bright:.2f} % white"
    bench.note("stretch", told, clipped=picture.clipped)
    lines = [f"Sidera {__version__}: finished by"]
    lines += [f"{step.name}: {step.told}" for step in bench.steps]
    history = (*stack.history, *lines, *_recipe_lines(bench.recipe))
    bench.stack = replace(stack, cards=joined(stack.cards, parameters), history=history)
    kept = [card for card in stack.cards if not (stack.bottom_up and card.keyword.startswith(PLACES))]
    return replace(picture, cards=joined(tuple(kept), parameters), history=history)


def _recipe_lines(recipe: Recipe) -> list[str]:
    """The stages' settings, from which the finishing can be done again."""
    tree = {name: settings for name, settings in recipe.as_dict().items() if name in (*STAGES, "export")}
    return [
        f"{stage}.{name} = {str(value).lower() if isinstance(value, bool) else value}"
        for stage, settings in tree.items()
        for name, value in settings.items()
    ]


def _each(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def _ratio(span: float, noise: float) -> float:
    return span / noise if np.isfinite(span) and noise > 0 else 0.0


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
