"""Stacks, read back: ours with all their maps, others' as the image that they are."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sidera.errors import FrameError, Refusal, UsageError
from sidera.io.read import open_frame, refusals
from sidera.loading import loading
from sidera.model.stack import Row, Stack
from sidera.types import F32

HALVES = ("HALF_ODD", "HALF_EVEN")


def read_stack(path: Path | str, *, maps: bool = True, lazily: bool = False) -> Stack:
    """Read a stack that `sidera.io.write.write` wrote, or any linear image as one.

    Parameters
    ----------
    path : Path or str
        FITS with Sidera's extensions, or any image that `sidera.io.read.read` knows.
    maps : bool
        False leaves out all but the image, its coverage and its stars: enough for a picture, at a third of the memory.
        The maps left out have no rows.
    lazily : bool
        Maps stay in the file and are read from it page by page, in its byte order.

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
    shape = image.shape

    def of(name: str, kind: type[np.generic], absent: npt.NDArray[Any]) -> Any:  # noqa: ANN401 (as `_map`)
        """A map; where there is none what is so everywhere, which takes no memory if nobody writes to it."""
        if not maps:
            return np.zeros((0, 0), kind)
        known = _map(path, found, name, shape, kind, lazily)
        same = np.broadcast_to(absent.astype(kind), shape)
        return known if known is not None else same if lazily else same.copy()

    coverage = _map(path, found, "COVERAGE", shape, np.uint16, lazily)
    return Stack(
        image=image,
        noise=of("NOISE", np.float32, np.array(np.nan)),
        weight=of("WEIGHT", np.float32, np.array(1)),
        coverage=np.isfinite(image).astype(np.uint16) if coverage is None else coverage,
        rejected_low=of("REJLOW", np.uint16, np.array(0)),
        rejected_high=of("REJHIGH", np.uint16, np.array(0)),
        halves=_halves(path, found, shape, lazily) if maps else None,
        cards=tuple(card for card in header.cards if card.keyword not in ("HISTORY", "ROWORDER")),
        history=tuple(str(card.value) for card in header.cards if card.keyword == "HISTORY"),
        bottom_up=header.bottom_up,
        table=_rows(path, found, "FRAMES"),
        star_colours=_rows(path, found, "STARS"),
    )


def _extensions(path: Path) -> dict[str, int]:
    """Names of the extensions and their numbers."""
    with loading:
        from astropy.io import fits  # loads slowly; a run imports this module and may read no stack

    with refusals(path), fits.open(path, memmap=True) as units:
        return {unit.name: number for number, unit in enumerate(units) if number and unit.name}


def _map(
    path: Path,
    found: dict[str, int],
    name: str,
    shape: tuple[int, ...],
    kind: type[np.generic],
    lazily: bool,
) -> Any:  # noqa: ANN401 (float32 or uint16, as asked)
    """An extension of the image's shape; None where there is none.

    Raises
    ------
    FrameError
        When it has another shape than the image.
    """
    if name not in found:
        return None
    with loading:
        from astropy.io import fits  # loads slowly; a run imports this module and may read no stack

    with refusals(path):
        plane: npt.NDArray[Any] = fits.getdata(path, found[name])
    if plane.shape != shape:
        what = f"{path.name}: its {name} measures {plane.shape}, the image {shape}"
        raise FrameError(Refusal.UNREADABLE, what, "Copy it again, or stack anew")
    return plane if lazily else np.ascontiguousarray(plane, kind)


def _halves(
    path: Path, found: dict[str, int], shape: tuple[int, ...], lazily: bool
) -> tuple[F32, F32] | None:
    odd, even = (_map(path, found, name, shape, np.float32, lazily) for name in HALVES)
    return None if odd is None or even is None else (odd, even)


def _rows(path: Path, found: dict[str, int], name: str) -> tuple[Row, ...]:
    """A table's rows."""
    if name not in found:
        return ()
    with loading:
        from astropy.io import fits  # loads slowly; a run imports this module and may read no stack

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
