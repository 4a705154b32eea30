"""Finish: from a linear stack to a corrected one and a picture; the corridor of the corrections."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from sidera._version import __version__
from sidera.correction.gradient import Gradient
from sidera.errors import ShapeError, UsageError
from sidera.io.stacks import read_stack
from sidera.io.write import Format, format_of, write
from sidera.model.finishing import ExportSettings
from sidera.model.frame import Frame
from sidera.model.header import Card, Header
from sidera.model.picture import Picture, Strips
from sidera.model.stack import Stack
from sidera.pipeline.corrections import Bench, correct
from sidera.pipeline.progress import Progress
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.report_values import FinishingStep
from sidera.stretch.apply import Parameters, clipped_by, joined
from sidera.stretch.auto import strips
from sidera.stretch.choose import choose
from sidera.types import F32, plain

STAGES = ("crop", "gradient", "neutralise", "whitebalance", "starcolour", "scnr", "denoise", "stretch")
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
    parameters : Parameters
        The stretch that makes a picture of it.
    steps : tuple of FinishingStep
        What each stage found and did.
    gradient : Gradient or None
        The sky's light that was taken away.
    """

    stack: Stack
    parameters: Parameters
    steps: tuple[FinishingStep, ...]
    gradient: Gradient | None
    recipe: Recipe

    @property
    def image(self) -> F32:
        """Pixels of the corrected stack: float32, linear, NaN where no frame saw the sky."""
        return self.stack.image

    @cached_property
    def picture(self) -> Picture:
        """The stretched image, whole; `save` needs less memory."""
        return self._strips().whole()

    def _strips(self) -> Strips:
        stack, told = self.stack, self.stack.history
        kept = [card for card in stack.cards if not (stack.bottom_up and card.keyword.startswith(PLACES))]
        made = strips(stack.image, self.parameters, stack.bottom_up)
        return replace(made, cards=joined(tuple(kept), self.parameters), history=told)

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
        item = self.stack if is_linear(form, settings) else self._strips()
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


def finish(
    source: Stack | str | Path | object,
    recipe: Recipe | None = None,
    progress: Progress | None = None,
    *,
    maps: bool = True,
    parameters: Parameters | None = None,
) -> Finished:
    """Correct a linear stack, and make a picture of it.

    Parameters
    ----------
    source : Stack, path or array
        A stack of `sidera.stack`, a file of one, or any linear image, ``[row, column]`` or ``[3, row, column]``. It is
        left as it is.
    recipe : Recipe, optional
        Its stages from ``crop`` to ``stretch``, and ``export``.
    progress : Progress, optional
        Told of every step; its ``cancel`` stops at the next.
    maps : bool
        False leaves the maps out of the result: enough for a picture, at a third of the memory.
    parameters : Parameters, optional
        The stretch, moved by hand, in place of the one that the recipe finds.

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
    own = isinstance(source, str | Path)
    done = finish_stack(_opened(source), recipe, progress.step, maps=maps, own=own, parameters=parameters)
    progress.finish()
    return done


def _opened(source: object) -> Stack:
    if isinstance(source, Stack):
        return source
    if isinstance(source, str | Path):
        return read_stack(Path(source).expanduser(), lazily=True)
    image = plain(source)
    if image.ndim not in (2, 3) or image.size == 0 or (image.ndim == 3 and len(image) != 3):
        raise ShapeError(f"an image is (rows, columns) or (3, rows, columns); got shape {image.shape}")
    counts = np.isfinite(image).astype(np.uint16)
    none = np.zeros((0, 0), np.uint16)
    empty = np.empty((0, 0), np.float32)
    return Stack(image, empty, empty, counts, none, none)


def finish_stack(
    stack: Stack,
    recipe: Recipe,
    tick: Callable[[str], None],
    *,
    maps: bool = True,
    own: bool = False,
    parameters: Parameters | None = None,
) -> Finished:
    """As `finish`; ``tick`` is called with the name of each stage that is done, and may raise.

    With ``own`` the stack's image is used up, and no copy of it made.
    """
    bench = Bench(stack, recipe, own=own)
    del stack  # of a file nobody else holds it: its image goes as soon as the bench has its own
    correct(bench, tick)
    done = _finished(bench, maps, parameters)
    tick("stretch")
    return done


def _finished(bench: Bench, maps: bool, by_hand: Parameters | None) -> Finished:
    stack, settings = bench.stack, bench.recipe.stretch
    parameters = by_hand or bench.curve or choose(stack.image, settings, stack.coverage)
    dark, bright = clipped = clipped_by(stack.image, parameters)
    method = settings.method if by_hand is None else "by hand"
    told = f"{method}; {100 * dark:.2f} % of the samples are black, {100 * bright:.2f} % white"
    bench.note("stretch", told, clipped=clipped)
    lines = [f"Sidera {__version__}: finished by"]
    lines += [f"{step.name}: {step.told}" for step in bench.steps]
    history = (*stack.history, *lines, *_recipe_lines(bench.recipe, stretched=by_hand is None))
    stack = replace(stack, cards=joined(stack.cards, parameters), history=history)
    stack = replace(stack, noise=_scaled(stack.noise, bench.factors)) if maps else without_maps(stack)
    return Finished(stack, parameters, tuple(bench.steps), bench.taken, bench.recipe)


def without_maps(stack: Stack) -> Stack:
    """A stack of image, coverage and tables alone."""
    nothing, uncounted = np.empty((0, 0), np.float32), np.zeros((0, 0), np.uint16)
    return replace(
        stack, noise=nothing, weight=nothing, rejected_low=uncounted, rejected_high=uncounted, halves=None
    )


def _scaled(noise: F32, factors: tuple[float, ...]) -> F32:
    """The noise map of a scaled image."""
    if noise.ndim != 3 or all(factor == 1 for factor in factors):
        return noise
    return noise * np.array(factors, np.float32)[:, None, None]


def _recipe_lines(recipe: Recipe, *, stretched: bool) -> list[str]:
    """The stages' settings, from which the finishing can be done again; of a stretch by hand the cards tell."""
    wanted = {*STAGES, "export"} - (set() if stretched else {"stretch"})
    tree = {name: settings for name, settings in recipe.as_dict().items() if name in wanted}
    return [
        f"{stage}.{name} = {str(value).lower() if isinstance(value, bool) else value}"
        for stage, settings in tree.items()
        for name, value in settings.items()
    ]
