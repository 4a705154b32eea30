"""Commands about images: answered beside the jobs, in a few milliseconds."""

from pathlib import Path

import numpy as np

from sidera.demosaic.demosaic import demosaic
from sidera.demosaic.mosaic import fill_defects
from sidera.engine import preview
from sidera.engine.desk import Desk
from sidera.engine.images import MAPS, Held
from sidera.engine.protocol import GetPixel, GetStars, GetTile, GetView, Open
from sidera.engine.pyramid import GUTTER, SENTINEL, TILE, Pyramid
from sidera.engine.values import CurveValues, ImageKind, MapImages, Pixels, StarList, Tile, View
from sidera.io.read import open_frame, read
from sidera.io.stacks import read_stack
from sidera.model.frame import Frame
from sidera.model.header import Header, Kind
from sidera.pipeline.finish import without_maps
from sidera.stretch.curves import Curve


def open_image(desk: Desk, request: Open) -> View:
    """Read an image to be looked at; a colour filter array in colour."""
    path = Path(request.path).expanduser()
    with open_frame(path, request.index) as reader:
        if _is_stack(reader.header):
            return view_of(desk, _held_stack(desk, path, request.path).id)
    frame = read(path, request.index)
    pattern = frame.header.bayer
    if request.colour and pattern is not None and frame.image.ndim == 2 and min(frame.image.shape) >= 2:
        filled, _ = fill_defects(frame.image, pattern)
        frame = Frame(demosaic(filled, pattern, "bilinear"), frame.header)
    held = desk.images.add_frame(frame, Path(request.path).name, request.path)
    return view_of(desk, held.id)


def _is_stack(header: Header) -> bool:
    return (header.is_master or header.n_combined > 1) and header.kind is Kind.LIGHT and header.bayer is None


def _held_stack(desk: Desk, path: Path, name: str) -> Held:
    """A stack with the maps that its file has; they stay in it until they are looked at."""
    stack = read_stack(path, lazily=True)
    return desk.images.add_stack(stack if stack.table else without_maps(stack), path.name, name)


def view(desk: Desk, request: GetView) -> View:
    """All that a viewer needs of an image held already."""
    return view_of(desk, request.image)


def view_of(desk: Desk, name: str) -> View:
    """The same, by name."""
    held, pyramid = desk.images.get(name), desk.images.pyramid(name)
    pyramid.prepare()
    desk.images.known_as(pyramid.key, name)
    rows, columns = pyramid.size
    linked, unlinked = _curves(pyramid, _kind(held, name))
    return View(
        image=name,
        key=pyramid.key,
        kind=_kind(held, name),
        name=held.name,
        path=held.path,
        width=columns,
        height=rows,
        channels=pyramid.channels,
        tile=TILE,
        gutter=GUTTER,
        sentinel=SENTINEL,
        levels=pyramid.levels,
        ranges=pyramid.ranges,
        linked=linked,
        unlinked=unlinked,
        solved=preview.is_solved(held.cards),
        maps=maps_of(held) if _kind(held, name) == "stack" else None,
    )


def maps_of(held: Held) -> MapImages | None:
    """What is known of every pixel of a stack; None where some of it is not."""
    return (
        MapImages(**{name: f"{held.id}.{name}" for name in MAPS}) if held.planes.keys() >= set(MAPS) else None
    )


def _curves(pyramid: Pyramid, kind: ImageKind) -> tuple[tuple[CurveValues, ...], tuple[CurveValues, ...]]:
    """The automatic stretch, linked and not; a map is shown as it is, from 0 to its highest values."""
    if kind != "map":
        stored = np.asarray(pyramid.stored, np.float32)
        return preview.curve_values(stored, linked=True), preview.curve_values(stored, linked=False)
    straight = tuple(
        preview.plain_curve(Curve(low=min(one.minimum or 0.0, 0.0), high=one.high if one.high > 0 else 1.0))
        for one in pyramid.ranges
    )
    return straight, straight


def tile(desk: Desk, request: GetTile) -> Tile:
    """Pixels for the screen."""
    pixels = desk.images.pyramid(request.image).tile(request.level, request.x, request.y, request.channel)
    return Tile(
        image=request.image,
        level=request.level,
        x=request.x,
        y=request.y,
        channel=request.channel,
        width=pixels.shape[1],
        height=pixels.shape[0],
        pixels=pixels.tobytes(),
    )


def pixel(desk: Desk, request: GetPixel) -> Pixels:
    """Exact values."""
    pyramid = desk.images.pyramid(request.image)
    x, y, window = pyramid.window(request.x, request.y, request.width, request.height)
    _, height, width = window.shape
    middle = (request.x + (request.width - 1) / 2, request.y + (request.height - 1) / 2)
    values = window.tolist()
    return Pixels(
        x=x,
        y=y,
        width=width,
        height=height,
        values=tuple(tuple(tuple(map(_known, row)) for row in plane) for plane in values),
        sky=preview.sky_at(desk.images.get(request.image), *middle),
    )


def stars(desk: Desk, request: GetStars) -> StarList:
    """Find and measure stars."""
    return preview.star_list(desk.images.get(request.image), request.most)


def _known(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _kind(held: Held, name: str) -> ImageKind:
    return "map" if name.partition(".")[2] else held.kind
