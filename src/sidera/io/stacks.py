"""Stacks, read back: ours with all their maps, others' as the image that they are."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits

from sidera.errors import FrameError, Refusal, UsageError
from sidera.io.read import open_frame, refusals
from sidera.model.stack import Row, Stack
from sidera.types import F32

COUNTS = ("COVERAGE", "REJLOW", "REJHIGH")
HALVES = ("HALF_ODD", "HALF_EVEN")


def read_stack(path: Path | str, *, maps: bool = True) -> Stack:
    """Read a stack that `sidera.io.write.write` wrote, or any linear image as one.

    Parameters
    ----------
    path : Path or str
        FITS with Sidera's extensions, or any image that `sidera.io.read.read` knows.
    maps : bool
        False leaves out all but the image, its coverage and its stars: enough for a picture, at a third of the memory.
        The maps left out have no rows.

    Returns
    -------
    Stack
        Of an image without extensions, coverage is 1 where it was measured, and the other maps say nothing: NaN
        noise, unit weight, no rejections.

    Raises
    ------
    FrameError
        As `sidera.io.read.read`.
    UsageError
        For a raw mosaic of a colour camera, which is no stack.
    """
    path = Path(path)
    with open_frame(path) as reader:
        image, header = reader.window(slice(None), slice(None)), reader.header
    if header.bayer is not None:
        raise UsageError(
            f"{path.name} is a raw frame of a colour camera ({header.bayer.value}), no stack",
            "stack it first: sidera stack",
        )
    found = _extensions(path) if header.format.startswith("FITS") else {}
    counts = {name: _map(path, found, name, image.shape, np.uint16) for name in COUNTS[: 3 if maps else 1]}
    coverage = counts.get("COVERAGE")
    absent = None if maps else np.empty((0, 0), np.float32)
    none = np.zeros(image.shape if maps else (0, 0), np.uint16)
    noise = absent if absent is not None else _map(path, found, "NOISE", image.shape, np.float32)
    weight = absent if absent is not None else _map(path, found, "WEIGHT", image.shape, np.float32)
    low, high = counts.get("REJLOW"), counts.get("REJHIGH")
    return Stack(
        image=image,
        noise=np.full(image.shape, np.nan, np.float32) if noise is None else noise,
        weight=np.ones(image.shape, np.float32) if weight is None else weight,
        coverage=np.isfinite(image).astype(np.uint16) if coverage is None else coverage,
        rejected_low=none if low is None else low,
        rejected_high=none if high is None else high,
        halves=_halves(path, found, image.shape) if maps else None,
        cards=tuple(card for card in header.cards if card.keyword not in ("HISTORY", "ROWORDER")),
        history=tuple(str(card.value) for card in header.cards if card.keyword == "HISTORY"),
        bottom_up=header.bottom_up,
        table=_rows(path, found, "FRAMES"),
        star_colours=_rows(path, found, "STARS"),
    )


def _extensions(path: Path) -> dict[str, int]:
    """Names of the extensions and their numbers."""
    with refusals(path), fits.open(path, memmap=True) as units:
        return {unit.name: number for number, unit in enumerate(units) if number and unit.name}


def _map(path: Path, found: dict[str, int], name: str, shape: tuple[int, ...], kind: type[np.generic]) -> Any:  # noqa: ANN401 (float32 or uint16, as asked)
    """An extension of the image's shape; None where there is none.

    Raises
    ------
    FrameError
        When it has another shape than the image.
    """
    if name not in found:
        return None
    with refusals(path):
        plane: npt.NDArray[Any] = fits.getdata(path, found[name])
    if plane.shape != shape:
        what = f"{path.name}: its {name} measures {plane.shape}, the image {shape}"
        raise FrameError(Refusal.UNREADABLE, what, "Copy it again, or stack anew")
    return np.ascontiguousarray(plane, kind)


def _halves(path: Path, found: dict[str, int], shape: tuple[int, ...]) -> tuple[F32, F32] | None:
    odd, even = (_map(path, found, name, shape, np.float32) for name in HALVES)
    return None if odd is None or even is None else (odd, even)


def _rows(path: Path, found: dict[str, int], name: str) -> tuple[Row, ...]:
    """A table's rows."""
    if name not in found:
        return ()
    with refusals(path):
        table = np.asarray(fits.getdata(path, found[name]))
    names = table.dtype.names or ()
    columns = [table[column].tolist() for column in names]
    return tuple(
        {name: _text(value) for name, value in zip(names, row, strict=True)}
        for row in zip(*columns, strict=True)
    )


def _text(value: str | int | float | bytes) -> str | int | float:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value


__all__ = ["read_stack"]
