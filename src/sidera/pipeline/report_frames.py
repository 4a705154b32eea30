"""How the night went, frame by frame: plots and a table."""

from collections.abc import Callable, Sequence
from pathlib import PurePath

from sidera.pipeline.markup import Markup, joined, tag
from sidera.pipeline.report_parts import caption, head, image, scroll
from sidera.pipeline.report_plots import Point, legend, plot
from sidera.pipeline.report_values import FrameFigures, FrameReport
from sidera.pipeline.report_words import NOTHING, mean_of, number, times_100, with_unit

Column = tuple[str, str, Callable[[FrameReport], str]]
"""Heading, unit, and what a cell says."""


def night(frames: Sequence[FrameReport], name: str) -> Markup | None:
    """How the night went, frame by frame; ``name`` says of which stack, where there are several."""
    if not frames:
        return None
    of = f" of {name}" if name else ""
    return tag("section", _plots(frames, of), _frame_table(frames, of))


def _plots(frames: Sequence[FrameReport], of: str) -> Markup | None:
    mean = _mean_weight(frames)
    figures: tuple[tuple[str, str, Callable[[FrameReport], float | None]], ...] = (
        ("Star width (FWHM)", "px", lambda frame: _figures(frame).fwhm),
        ("Sky level", "ADU", lambda frame: mean_of(_figures(frame).sky)),
        ("Stars found", "", lambda frame: _figures(frame).stars),
        ("Weight in the stack", "× the mean", lambda frame: _share(frame, mean)),
    )
    drawn = [plot(title, unit, _points(frames, figure), len(frames)) for title, unit, figure in figures]
    shown = [one for one in drawn if one]
    if not shown:
        return None
    return joined(tag("h2", f"The night{of}"), legend(), tag("div", shown, class_="plots"))


def _figures(frame: FrameReport) -> FrameFigures:
    return frame.figures or FrameFigures()


def _points(frames: Sequence[FrameReport], figure: Callable[[FrameReport], float | None]) -> list[Point]:
    return [
        Point(place, float(value), frame.verdict == "used", PurePath(frame.path).name)
        for place, frame in enumerate(frames, 1)
        if (value := figure(frame)) is not None
    ]


def _frame_table(frames: Sequence[FrameReport], of: str) -> Markup:
    columns = _columns(frames)
    pictures = any(frame.thumbnail for frame in frames)
    heads = [
        *([tag("th", "View", scope="col")] if pictures else []),
        tag("th", "Frame", scope="col"),
        tag("th", "Verdict", scope="col"),
        *(head(name, unit) for name, unit, _ in columns),
    ]
    rows = [_frame_row(frame, columns, pictures) for frame in frames]
    told = caption(
        "Ecc. is eccentricity: 0 is round. Weight 1 is a mean share. Misfit: how far stars miss, rms."
    )
    table = tag("table", told, tag("thead", tag("tr", heads)), tag("tbody", rows))
    return joined(tag("h2", f"Frames{of}"), scroll(table, f"Frames{of}"))


def _columns(frames: Sequence[FrameReport]) -> list[Column]:
    """What is known of the frames; a column in which no frame has anything is left out."""
    mean = _mean_weight(frames)
    columns: list[Column] = [
        ("FWHM", "px", lambda frame: number(_figures(frame).fwhm, 2)),
        ("Ecc.", "", lambda frame: number(_figures(frame).eccentricity, 2)),
        ("Stars", "", lambda frame: number(_figures(frame).stars, 0)),
        ("Sky", "ADU", lambda frame: number(mean_of(_figures(frame).sky), 0)),
        ("SNR", "", lambda frame: number(_figures(frame).snr, 0)),
        ("Weight", "×", lambda frame: number(_share(frame, mean), 2)),
        ("Shift x, y", "px", _shift),
        ("Rotation", "", _degrees),
        (
            "Misfit",
            "px",
            lambda frame: number(None if frame.transform is None else frame.transform.residual, 3),
        ),
        ("Rejected", "%", lambda frame: number(times_100(frame.rejected_fraction), 2)),
    ]
    return [column for column in columns if any(column[2](frame) != NOTHING for frame in frames)]


def _frame_row(frame: FrameReport, columns: Sequence[Column], pictures: bool) -> Markup:
    name = PurePath(frame.path).name + (f" [{frame.index}]" if frame.index else "")
    verdict = tag("span", frame.verdict, class_=f"mark {frame.verdict}", title=frame.reason)
    cells = [tag("td", figure(frame), class_="number") for _, _, figure in columns]
    view = [tag("td", image(frame.thumbnail, f"Small view of {name}"), class_="thumb")] if pictures else []
    return tag(
        "tr",
        view,
        tag("th", name, scope="row", title=frame.path),
        tag("td", verdict),
        cells,
        class_=frame.verdict,
    )


def _mean_weight(frames: Sequence[FrameReport]) -> float:
    return mean_of([frame.weight for frame in frames if frame.verdict == "used"]) or 1.0


def _share(frame: FrameReport, mean: float) -> float | None:
    return None if frame.weight is None else frame.weight / mean


def _shift(frame: FrameReport) -> str:
    shift = frame.transform.shift if frame.transform else None
    return NOTHING if shift is None else f"{number(shift[0], 1)}, {number(shift[1], 1)}"


def _degrees(frame: FrameReport) -> str:
    if frame.transform is None:
        return NOTHING
    return with_unit(number(frame.transform.rotation, 2), "°") + (
        " mirrored" if frame.transform.mirrored else ""
    )
