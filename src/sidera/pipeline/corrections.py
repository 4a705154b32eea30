"""The corrections of a stack, one after the other, each noting what it found and did."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from msgspec import structs

from sidera.correction.crop import Rectangle, best_rectangle, crop
from sidera.correction.denoise import denoise
from sidera.correction.gradient import Gradient, find_gradient
from sidera.correction.neutralise import add_to, find_neutral
from sidera.correction.noise import Noise, middles, noise_of
from sidera.correction.scnr import scnr_in_place
from sidera.correction.starcolour import unify_colours
from sidera.correction.whitebalance import manual_balance, scale_light, star_balance
from sidera.detection.find import find_stars
from sidera.model.picture import ROWS
from sidera.model.stack import Stack
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.report_values import FinishingStep
from sidera.pipeline.star_light import star_light, typical_width
from sidera.stretch.apply import Parameters
from sidera.stretch.choose import choose
from sidera.types import F32

STARS = 20_000
"""Stars whose colours are mended at most: registration needs fewer than a picture shows."""


class Bench:
    """The stack under work; its image is our own and is corrected in place.

    Parameters
    ----------
    stack : Stack
        What is to be corrected; its maps may lie in a file.
    recipe : Recipe
        Which corrections, and how.
    own : bool
        The image is ours to change: no copy of it is made.
    """

    def __init__(self, stack: Stack, recipe: Recipe, *, own: bool = False) -> None:
        self.stack, self.recipe, self.own = stack, recipe, own
        self.sky: Gradient | None = None
        self.taken: Gradient | None = None
        self.stars = stack.star_colours
        """Of the whole stack: those that the crop cuts off know the camera's colours too."""
        self.levels: tuple[float, ...] = ()
        self.factors: tuple[float, ...] = (1.0,) * (3 if stack.image.ndim == 3 else 1)
        self.halves: tuple[F32, F32] | None = None
        """What sets the halves' middles apart from the image's, as it came."""
        self.curve: Parameters | None = None
        """The stretch of the image before its noise was reduced."""
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

    def noise(self) -> Noise | None:
        """Of the image as it is now, by the stack's own map; None where the stack has none."""
        given = self.stack.noise
        if given.shape != self.stack.image.shape:
            return None
        planes = given.reshape(-1, *given.shape[-2:])
        known = noise_of(self.stack.image.reshape(planes.shape), planes)
        return known.scaled(self.factors) if all(sigma > 0 for sigma in known.sigma) else None


def correct(bench: Bench, tick: Callable[[str], None]) -> None:
    """Do the recipe's corrections; ``tick`` is called with the name of each that is done, and may raise."""
    recipe = bench.recipe
    if recipe.crop.enabled:
        _crop(bench)
        tick("crop")
    if recipe.denoise.enabled and bench.stack.halves is not None:
        bench.halves = _apart(bench.stack, bench.stack.halves)
    if not bench.own:
        bench.stack = replace(bench.stack, image=np.array(bench.stack.image, np.float32, order="C"))
    _forget_infinite(bench.stack.image)
    for name, work in (
        ("gradient", _gradient),
        ("neutralise", _neutralise),
        ("whitebalance", _white_balance),
        ("starcolour", _star_colour),
        ("scnr", _scnr),
        ("denoise", _denoise),
    ):
        if getattr(recipe, name).enabled:
            work(bench)
            tick(name)


def _forget_infinite(image: F32) -> None:
    """Make NaN of infinite pixels, which other programs write where they divide by zero: nobody measured them."""
    for top in range(0, image.shape[-2], ROWS):
        rows = image[..., top : top + ROWS, :]
        np.copyto(rows, np.float32(np.nan), where=np.isinf(rows))


def _crop(bench: Bench) -> None:
    settings, stack = bench.recipe.crop, bench.stack
    rectangle = best_rectangle(stack.coverage, settings)
    rows, columns = stack.image.shape[-2:]
    share = rectangle.area / (rows * columns)
    told = (
        f"{rectangle.shape[1]} x {rectangle.shape[0]} of {columns} x {rows} pixels kept, {100 * share:.1f} %"
    )
    if share == 1:
        bench.note("crop", f"nothing to cut: {told}", applied=False)
        return
    image = stack.image
    bench.stack = crop(stack, rectangle)
    if bench.own:
        bench.stack = replace(bench.stack, image=_moved_together(image, rectangle))
    edges = (rectangle.top, rectangle.left, rectangle.bottom, rectangle.right)
    bench.note("crop", told, edges=edges, share=(share,))


def _moved_together(image: F32, rectangle: Rectangle) -> F32:
    """A part of an image at the beginning of the image's own memory, which is lost as a whole.

    Every row moves towards the beginning, none onto one that is still to be moved.
    """
    rows, columns = rectangle.shape
    flat = image.reshape(-1)
    channels = image.reshape(-1, *image.shape[-2:])
    place = 0
    for plane in channels:
        for row in range(rectangle.top, rectangle.bottom):
            flat[place : place + columns] = plane[row, rectangle.left : rectangle.right]
            place += columns
    return flat[:place].reshape(*image.shape[:-2], rows, columns)


def _gradient(bench: Bench) -> None:
    settings = bench.recipe.gradient
    found = bench.known_sky()
    if not any(span > 0 for span in found.span):
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


def _neutralise(bench: Bench) -> None:
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


def _white_balance(bench: Bench) -> None:
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
    factors = ", ".join(f"{name} {factor:.3f}" for name, factor in zip("RGB", balance.factors, strict=True))
    stars = f" from {balance.stars} stars, {where}" if balance.stars else f" {where}"
    bench.note(
        "whitebalance",
        f"{factors}{stars}",
        factors=balance.factors,
        stars=(balance.stars,),
        scatter=(balance.scatter,),
    )


def _star_colour(bench: Bench) -> None:
    image = bench.stack.image
    if image.ndim == 2:
        return
    noise = [sigma * factor for sigma, factor in zip(bench.known_sky().noise, bench.factors, strict=True)]
    settings = structs.replace(bench.recipe.detection, maximum=max(bench.recipe.detection.maximum, STARS))
    stars = find_stars(image[1], settings)
    done = unify_colours(image, stars, (noise[0], noise[1], noise[2]), bench.recipe.starcolour)
    if not done.stars:
        bench.note("starcolour", f"left alone: none of {len(stars)} stars is clear enough", applied=False)
        return
    cores = f", {done.saturated} of them saturated" if done.saturated else ""
    told = f"{done.stars} stars given one colour each, from core to rim{cores}"
    bench.note("starcolour", told, stars=(done.stars,), saturated=(done.saturated,))


def _scnr(bench: Bench) -> None:
    if bench.stack.image.ndim == 2:
        return
    settings = bench.recipe.scnr
    changed = scnr_in_place(bench.stack.image, bench.noise(), settings)
    bench.note(
        "scnr",
        f"{settings.colour} taken back by {settings.method} neutral in {100 * changed:.1f} % of the pixels",
        changed=(changed,),
    )


def _denoise(bench: Bench) -> None:
    settings, image = bench.recipe.denoise, bench.stack.image
    # A curve found on a smooth sky would bring out what noise is left: the picture keeps that of the measured one.
    bench.curve = choose(image, bench.recipe.stretch, bench.stack.coverage)
    sharp = middles(image.reshape(-1, *image.shape[-2:]))
    done = denoise(image, bench.noise(), settings, halves=_halves(bench, sharp), in_place=True)
    smooth = middles(image.reshape(-1, *image.shape[-2:]))
    widths = typical_width(sharp[len(sharp) // 2], smooth[len(smooth) // 2], bench.recipe)
    before, after = done.before, done.after
    told = (
        f"{settings.method}, strength {done.strength:.2f}: the sky's noise went from "
        f"{_each(before.noise)} to {_each(after.noise)} ADU, its pixels' correlation from "
        f"{_each(before.correlation)} to {_each(after.correlation)}"
    )
    told += f", the FWHM of stars from {widths[0]:.3f} to {widths[1]:.3f} px" if widths else ""
    bench.note(
        "denoise",
        told,
        strength=(done.strength,),
        noise_before=before.noise,
        noise_after=after.noise,
        correlation_before=before.correlation,
        correlation_after=after.correlation,
        fwhm_before=widths[:1],
        fwhm_after=widths[1:],
    )


def _apart(stack: Stack, halves: tuple[F32, F32]) -> tuple[F32, F32]:
    """What sets the halves apart from the image, in its middle: light that is only scaled on the way."""
    image = middles(stack.image.reshape(-1, *stack.image.shape[-2:]))
    odd, even = (middles(half.reshape(-1, *half.shape[-2:])) - image for half in halves)
    return odd, even


def _halves(bench: Bench, image: F32) -> tuple[F32, F32] | None:
    """The halves' middles, brought to where the image's is now."""
    if bench.halves is None:
        return None
    factors = np.array(bench.factors, np.float32)[:, None, None]
    shape = (*bench.stack.image.shape[:-2], *image.shape[-2:])
    odd, even = ((image + factors * apart).reshape(shape) for apart in bench.halves)
    return odd, even


def _each(values: Sequence[float]) -> str:
    return " ".join(f"{value:.3g}" for value in values)


def _ratio(span: float, noise: float) -> float:
    return span / noise if np.isfinite(span) and noise > 0 else 0.0


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
