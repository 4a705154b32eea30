"""What the result says of itself: header cards, history, and a table of its frames."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sidera._version import __version__
from sidera.model.header import Card
from sidera.pipeline.decide import Placed
from sidera.pipeline.groups import StackGroup
from sidera.pipeline.measure import Light
from sidera.pipeline.recipe import Recipe
from sidera.pipeline.samples import Grid
from sidera.types import F64

OF_ONE_FRAME = {
    "EXPTIME", "EXPOSURE", "EXPOINUS", "DATE-OBS", "DATE-STA", "DATE-END", "DATE-AVG", "TIME-OBS", "DATE", "FRAME",
    "IMAGETYP", "FRAMETYP", "SUBTYPE", "TOTALEXP", "CREATOR", "NCOMBINE", "STACKCNT", "XBAYROFF", "YBAYROFF",
    "BAYERPAT", "COLORTYP", "ROWORDER", "FILTER", "OBJECT", "DATAMAX", "DATAMIN", "BUNIT", "AIRMASS", "BIASSEC",
    "TRIMSEC", "DATASEC", "PEDESTAL",
}  # fmt: skip
"""Cards of a single frame that would be wrong, or doubled, in the stack."""


def result_cards(
    group: StackGroup, placed: Sequence[Placed], reference: Light, grid: Grid
) -> tuple[Card, ...]:
    """The reference's cards, world coordinates moved along with the grid, and what the stack adds."""
    kept = [card for card in reference.header.cards if card.keyword not in OF_ONE_FRAME]
    return tuple(_moved(kept, grid, reference.superpixel) + _added(group, placed, reference))


def _moved(cards: Sequence[Card], grid: Grid, half: bool) -> list[Card]:
    """Reference pixel and scale of the world coordinates on the output's grid."""
    offset = {"CRPIX1": grid.left, "CRPIX2": grid.top}
    moved = []
    for card in cards:
        value = card.value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if half and number and card.keyword in offset:
            value = (float(value) - 0.5) / 2 + 0.5  # type: ignore[arg-type]
        if half and number and card.keyword in SCALES:
            value = 2 * float(value)  # type: ignore[arg-type]
        if number and card.keyword in offset:
            value = float(value) - offset[card.keyword]  # type: ignore[arg-type]
        moved.append(Card(card.keyword, value, card.comment))
    return moved


SCALES = (
    "CDELT1",
    "CDELT2",
    "CD1_1",
    "CD1_2",
    "CD2_1",
    "CD2_2",
    "SECPIX1",
    "SECPIX2",
    "PIXSCALE",
    "XPIXSZ",
    "YPIXSZ",
    "PIXSIZE1",
    "PIXSIZE2",
)


def _added(group: StackGroup, placed: Sequence[Placed], reference: Light) -> list[Card]:
    headers = [one.light.header for one in placed]
    exposures = [header.exposure for header in headers if header.exposure is not None]
    dates = sorted(header.date_obs for header in headers if header.date_obs)
    cards = [
        Card("IMAGETYP", "Master Light", "stack of light frames"),
        Card("NCOMBINE", len(placed), "number of frames combined"),
        Card("BUNIT", "adu", "ADU of the reference frame"),
        Card(
            "ROWORDER",
            "BOTTOM-UP" if reference.header.bottom_up else "TOP-DOWN",
            "which end of the image is up",
        ),
        Card("CREATOR", f"Sidera {__version__}", "software"),
    ]
    if exposures:
        cards.append(Card("EXPTIME", float(np.sum(exposures)), "[s] total exposure of the frames combined"))
    if dates:
        cards.append(Card("DATE-OBS", dates[0], "UTC start of the first exposure"))
        cards.append(Card("DATE-END", dates[-1], "UTC start of the last exposure"))
    if group.target:
        cards.append(Card("OBJECT", group.target, "target"))
    if group.filter:
        cards.append(Card("FILTER", group.filter, "filter"))
    return cards


def result_history(recipe: Recipe, placed: Sequence[Placed]) -> tuple[str, ...]:
    """The whole recipe, from which the run can be done again, and the frames it was done with."""
    lines = [f"Sidera {__version__}: {len(placed)} frames combined with this recipe:"]
    lines += [line for line in recipe.to_toml().splitlines() if line]
    lines += [f"frame {index + 1}: {Path(one.light.id.path).name}" for index, one in enumerate(placed)]
    return tuple(lines)


def result_table(placed: Sequence[Placed], rejected: F64) -> tuple[dict[str, str | int | float], ...]:
    """One row a frame that was combined."""
    return tuple(_row(one, float(share)) for one, share in zip(placed, rejected, strict=True))


def _row(one: Placed, rejected: float) -> dict[str, str | int | float]:
    figures, solution = one.found.figures, one.solution
    shift_x, shift_y = solution.transform.shift
    row: dict[str, str | int | float] = {
        "FILE": Path(one.light.id.path).name,
        "INDEX": one.light.id.index,
        "VERDICT": "used",
        "STARS": figures.stars,
        "FWHM": figures.fwhm,
        "HFR": figures.hfr,
        "ECC": figures.eccentricity,
        "SNR": figures.snr,
        "SKY": float(np.mean(figures.sky)),
        "NOISE": float(np.mean(figures.noise)),
        "MODEL": solution.transform.model.value,
        "SHIFT_X": shift_x,
        "SHIFT_Y": shift_y,
        "ROTATION": solution.transform.rotation,
        "SCALE": solution.transform.scale,
        "INLIERS": solution.inliers,
        "RESIDUAL": solution.residual,
        "FLUXSCAL": one.scale.value,
        "WEIGHT": one.weight,
        "REJECTED": rejected,
    }
    return row
