"""The report as one page for people: no script, no link, nothing fetched; every string escaped."""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from sidera.pipeline.markup import Markup, joined, style, tag
from sidera.pipeline.report_plots import Point, legend, plot
from sidera.pipeline.report_values import FrameFigures, FrameReport, MasterReport, Report, StackReport

NOTHING = "–"
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html(report: Report) -> str:
    """A self-contained page: open it anywhere, years from now, offline.

    Parameters
    ----------
    report : Report
        The run; thumbnails and pictures are shown where it carries them.

    Returns
    -------
    str
        An HTML 5 document.
    """
    title = _title(report)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} · Sidera report"),
        style(files("sidera.pipeline").joinpath("report.css").read_text(encoding="utf-8")),
    )
    alone = len(report.stacks) == 1
    parts = [
        tag("p", "Sidera · stacking report", class_="brand"),
        tag("h1", title),
        *(_result(stack, alone) for stack in report.stacks),
        _nothing(report),
        _warnings(report),
        _left_out(report),
        *(_night(_frames_of(stack, report), "" if alone else stack.name) for stack in report.stacks),
        _night(_strays(report), "other frames"),
        _calibration(report),
        _times(report),
        _folded(report),
        _footer(report),
    ]
    body = tag("body", tag("main", [part for part in parts if part]))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _title(report: Report) -> str:
    targets = list(dict.fromkeys(stack.target or stack.name for stack in report.stacks))
    return ", ".join(targets) or "Nothing was stacked"


def _result(stack: StackReport, alone: bool) -> Markup:
    return tag(
        "section",
        None if alone else tag("h2", stack.name),
        tag("p", _sentence(stack), class_="lead"),
        _hero(stack),
        _cards(stack),
        _remarks(stack.warnings),
    )


def _night(frames: Sequence[FrameReport], name: str) -> Markup | None:
    """How the night went, frame by frame; ``name`` says of which stack, where there are several."""
    if not frames:
        return None
    of = f" of {name}" if name else ""
    return tag("section", _plots(frames, of), _frame_table(frames, of))


def _frames_of(stack: StackReport, report: Report) -> list[FrameReport]:
    """The lights of a stack, refused ones included; of an only stack, all there are."""
    lights = [frame for frame in report.frames if frame.kind == "light" and frame.verdict != "master"]
    return _in_order(f for f in lights if len(report.stacks) == 1 or f.group == stack.name)


def _strays(report: Report) -> list[FrameReport]:
    """Lights that belong to none of several stacks."""
    if len(report.stacks) == 1:
        return []
    names = {stack.name for stack in report.stacks}
    return _in_order(
        f for f in report.frames if f.kind == "light" and f.group not in names and f.verdict != "master"
    )


def _sentence(stack: StackReport) -> str:
    """What was stacked, in one sentence."""
    used, total = stack.frames_used, stack.frames_used + stack.frames_refused
    frames = f"{used} of {total} frames" if stack.frames_refused else f"{used} frame{'s' * (used != 1)}"
    through = f" through {stack.filter}" if stack.filter else ""
    light = f", {_duration(stack.exposure)} of light in all" if stack.exposure else ""
    onto = f", on the grid of {PurePath(stack.reference).name}" if stack.reference else ""
    return f"{frames} of {stack.target or stack.name}{through}{light}{onto}."


def _hero(stack: StackReport) -> Markup | None:
    picture = _image(stack.picture, f"The stacked image of {stack.name}, stretched for viewing")
    if picture is None:
        return None
    colour = "colour" if stack.channels == 3 else "one channel"
    caption = (
        f"{stack.width} × {stack.height} pixels, {colour}. Stretched for viewing; the file itself is linear."
    )
    path = tag("code", stack.path) if stack.path else None
    return tag("figure", picture, tag("figcaption", caption, " " if path else None, path), class_="hero")


def _image(data: str | None, text: str) -> Markup | None:
    """A picture inside the page; nothing where the data are not base64 of a PNG or JPEG."""
    if not data or not BASE64.fullmatch(data):
        return None
    kind = {"iVBOR": "png", "/9j/": "jpeg"}
    found = next((name for start, name in kind.items() if data.startswith(start)), None)
    return tag("img", src=f"data:image/{found};base64,{data}", alt=text) if found else None


def _cards(stack: StackReport) -> Markup | None:
    ideal = f"the square root of {stack.frames_used} frames would be {math.sqrt(stack.frames_used):.1f}"
    rejected = [value for value in (stack.rejected_low, stack.rejected_high) if value is not None]
    parts = f"{_number(stack.rejected_high, 2)} % too bright, {_number(stack.rejected_low, 2)} % too dark"
    cards = (
        _card(
            "Total exposure",
            _duration(stack.exposure),
            "",
            f"{stack.frames_used} frames went in",
            stack.exposure,
        ),
        _card("Cleaner than one frame", f"{_number(stack.gain, 1)}", "×", f"less noise; {ideal}", stack.gain),
        _card(
            "Efficiency",
            _percent(stack.efficiency),
            "%",
            "of what these frames can give at best",
            stack.efficiency,
        ),
        _card(
            "Sharpness",
            _number(stack.fwhm, 2),
            "px",
            "width of its stars at half their height (FWHM)",
            stack.fwhm,
        ),
        _card("Stars", _number(stack.stars, 0), "", "found in the stack", stack.stars),
        _card("Rejected", _number(sum(rejected), 2), "%", f"of all samples: {parts}", rejected or None),
        _card(
            "Coverage",
            _number(stack.coverage_median, 0),
            "frames",
            "see the typical pixel",
            stack.coverage_median,
        ),
        _card("Noise", _each(stack.noise, 2), "ADU", _noise_note(stack), stack.noise or None),
    )
    shown = [card for card in cards if card]
    return tag("dl", shown, class_="cards") if shown else None


def _card(label: str, value: str, unit: str, note: str, present: object) -> Markup | None:
    if present is None:
        return None
    size = tag(
        "dd",
        value,
        tag("small", f" {unit}") if unit else None,
        class_="value long" if len(value) > 9 else "value",
    )
    return tag("div", tag("dt", label), size, tag("dd", note, class_="note"), class_="card")


def _noise_note(stack: StackReport) -> str:
    told = "per pixel" + (", red / green / blue" if len(stack.noise) == 3 else "")
    if stack.noise_single:
        told += f"; one frame: {_each(stack.noise_single, 2)}"
    if stack.noise_halves:
        told += f"; from two half stacks: {_each(stack.noise_halves, 2)}"
    return told


def _plots(frames: Sequence[FrameReport], of: str) -> Markup | None:
    mean = _mean_weight(frames)
    figures: tuple[tuple[str, str, Callable[[FrameReport], float | None]], ...] = (
        ("Star width (FWHM)", "px", lambda frame: _figures(frame).fwhm),
        ("Sky level", "ADU", lambda frame: _mean(_figures(frame).sky)),
        ("Stars found", "", lambda frame: _figures(frame).stars),
        ("Weight in the stack", "", lambda frame: _share(frame, mean)),
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


Column = tuple[str, Callable[[FrameReport], str]]


def _frame_table(frames: Sequence[FrameReport], of: str) -> Markup:
    columns = _columns(frames)
    pictures = any(frame.thumbnail for frame in frames)
    heads = [
        *([tag("th", "View", scope="col")] if pictures else []),
        tag("th", "Frame", scope="col"),
        tag("th", "Verdict", scope="col"),
        *(tag("th", name, scope="col", class_="number") for name, _ in columns),
    ]
    rows = [_frame_row(frame, columns, pictures) for frame in frames]
    told = tag(
        "caption",
        "Lengths in pixels, levels in ADU. Ecc. is eccentricity: 0 is round. Weight 1 is a mean share.",
    )
    table = tag("table", told, tag("thead", tag("tr", heads)), tag("tbody", rows))
    return joined(tag("h2", f"Frames{of}"), _scroll(table, f"Frames{of}"))


def _columns(frames: Sequence[FrameReport]) -> list[Column]:
    """What is known of the frames; a column in which no frame has anything is left out."""
    mean = _mean_weight(frames)
    columns: list[Column] = [
        ("FWHM", lambda frame: _number(_figures(frame).fwhm, 2)),
        ("Ecc.", lambda frame: _number(_figures(frame).eccentricity, 2)),
        ("Stars", lambda frame: _number(_figures(frame).stars, 0)),
        ("Sky", lambda frame: _number(_mean(_figures(frame).sky), 0)),
        ("SNR", lambda frame: _number(_figures(frame).snr, 0)),
        ("Weight", lambda frame: _number(_share(frame, mean), 2)),
        ("Shift", _shift),
        ("Rotation", _degrees),
        ("Misfit", lambda frame: _number(None if frame.transform is None else frame.transform.residual, 3)),
        ("Rejected %", lambda frame: _number(_times_100(frame.rejected_fraction), 2)),
    ]
    return [column for column in columns if any(column[1](frame) != NOTHING for frame in frames)]


def _frame_row(frame: FrameReport, columns: Sequence[Column], pictures: bool) -> Markup:
    name = PurePath(frame.path).name + (f" [{frame.index}]" if frame.index else "")
    verdict = tag("span", frame.verdict, class_=f"mark {frame.verdict}", title=frame.reason)
    cells = [tag("td", figure(frame), class_="number") for _, figure in columns]
    view = [tag("td", _image(frame.thumbnail, f"Small view of {name}"), class_="thumb")] if pictures else []
    return tag(
        "tr",
        view,
        tag("th", name, scope="row", title=frame.path),
        tag("td", verdict),
        cells,
        class_=frame.verdict,
    )


def _mean_weight(frames: Sequence[FrameReport]) -> float:
    return _mean([frame.weight for frame in frames if frame.verdict == "used"]) or 1.0


def _share(frame: FrameReport, mean: float) -> float | None:
    return None if frame.weight is None else frame.weight / mean


def _shift(frame: FrameReport) -> str:
    shift = frame.transform.shift if frame.transform else None
    return NOTHING if shift is None else f"{_number(shift[0], 1)}, {_number(shift[1], 1)}"


def _degrees(frame: FrameReport) -> str:
    if frame.transform is None:
        return NOTHING
    return _with(_number(frame.transform.rotation, 2), "°") + (
        " mirrored" if frame.transform.mirrored else ""
    )


def _nothing(report: Report) -> Markup | None:
    if report.stacks:
        return None
    return tag(
        "p", "No light frame was left to stack. Below is why, frame by frame, and what to do.", class_="lead"
    )


def _warnings(report: Report) -> Markup | None:
    return joined(tag("h2", "To look at"), _remarks(report.warnings)) if report.warnings else None


def _remarks(warnings: Sequence[str]) -> Markup | None:
    return tag("ul", [tag("li", told) for told in warnings], class_="left-out") if warnings else None


def _left_out(report: Report) -> Markup | None:
    """The refused, with why and what to do; frames refused for one reason stand together."""
    refused = [frame for frame in report.frames if frame.verdict == "refused"]
    if not refused:
        return None
    alike: dict[tuple[str | None, str | None, str | None], list[FrameReport]] = {}
    for frame in refused:
        alike.setdefault((frame.code, frame.reason, frame.cure), []).append(frame)
    count = f"{len(refused)} frame was" if len(refused) == 1 else f"{len(refused)} frames were"
    return joined(
        tag("h2", "Left out"),
        tag("p", f"{count} left out. The files themselves were not touched.", class_="soft"),
        tag("ul", [_refusal(*key, frames) for key, frames in alike.items()], class_="left-out"),
    )


def _refusal(code: str | None, reason: str | None, cure: str | None, frames: Sequence[FrameReport]) -> Markup:
    names = ", ".join(PurePath(frame.path).name for frame in frames[:12])
    more = f" and {len(frames) - 12} more" if len(frames) > 12 else ""
    return tag(
        "li",
        tag("strong", names + more),
        tag("code", code) if code else None,
        tag("p", _ended(reason or "No reason was given")),
        tag("p", _ended(cure), class_="soft") if cure else None,
    )


def _ended(sentence: str) -> str:
    """A sentence that begins with a capital and ends with a full stop."""
    told = sentence.strip()
    return told[:1].upper() + told[1:] + ("" if told.endswith((".", "!", "?")) else ".")


def _calibration(report: Report) -> Markup | None:
    formulae = Counter(
        (frame.group or "", frame.calibration)
        for frame in report.frames
        if frame.verdict == "used" and frame.calibration
    )
    masters = list(dict.fromkeys(_master_row(master) for stack in report.stacks for master in stack.masters))
    if not formulae and not masters:
        return None
    uses = [
        (str(count), group or NOTHING, formula or NOTHING) for (group, formula), count in formulae.items()
    ]
    return joined(
        tag("h2", "Calibration"),
        _plain_table("What was done to the lights", ("Lights", "Stack", "Formula"), uses),
        _plain_table(
            "Masters", ("Master", "Frames", "Exposure", "Gain", "Temperature", "Filter", "Remarks"), masters
        ),
    )


def _master_row(master: MasterReport) -> tuple[str, ...]:
    return (
        master.kind,
        str(master.frames),
        NOTHING if master.exposure is None else f"{master.exposure:g} s",
        NOTHING if master.gain is None else f"{master.gain:g}",
        NOTHING if master.temperature is None else f"{_number(master.temperature, 1)} °C",
        master.filter or NOTHING,
        "; ".join(master.warnings) or NOTHING,
    )


def _plain_table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup | None:
    if not rows:
        return None
    head = tag("thead", tag("tr", [tag("th", name, scope="col") for name in heads]))
    body = tag(
        "tbody",
        [
            tag("tr", [tag("td", cell, class_="wrap" if len(cell) > 40 else None) for cell in row])
            for row in rows
        ],
    )
    return _scroll(tag("table", tag("caption", caption), head, body), caption)


def _scroll(table: Markup, label: str) -> Markup:
    """A box that scrolls by keyboard too."""
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def _times(report: Report) -> Markup | None:
    if not report.timings:
        return None
    longest = max([*report.timings.values(), 1e-9])
    rows = [
        joined(
            tag("dt", stage),
            tag(
                "dd", tag("div", tag("i", style=f"width:{100 * max(spent, 0) / longest:.1f}%"), class_="bar")
            ),
            tag("dd", _seconds(spent), class_="number"),
        )
        for stage, spent in report.timings.items()
    ]
    total = f"{_seconds(sum(report.timings.values()))} in all."
    return joined(
        tag("h2", "Where the time went"), tag("p", total, class_="soft"), tag("dl", rows, class_="times")
    )


def _folded(report: Report) -> Markup:
    """What experts unfold."""
    command = (
        tag("details", tag("summary", "Command"), tag("pre", report.command)) if report.command else None
    )
    return joined(
        tag("h2", "To do it again"),
        command,
        _unfold("Recipe: every setting", report.recipe),
        _unfold("Plan", report.plan),
        _unfold("Versions", report.versions),
    )


def _unfold(title: str, value: dict[str, Any] | dict[str, str]) -> Markup | None:
    if not value:
        return None
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return tag("details", tag("summary", title), tag("pre", text))


def _footer(report: Report) -> Markup:
    version = report.versions.get("sidera")
    made = f"Made by Sidera{f' {version}' if version else ''} on {report.created}. "
    return tag("footer", made, "The same figures, for programs, are in report.json.")


def _in_order(frames: Iterable[FrameReport]) -> list[FrameReport]:
    """By time where every frame tells it, else as they came."""
    found = list(frames)
    dates = [frame.date for frame in found]
    return sorted(found, key=lambda frame: frame.date or "") if all(dates) else found


def _number(value: float | None, decimals: int) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    shown = f"{value:,.{decimals}f}".replace(",", "\u202f")
    return shown.lstrip("-") if not any(digit in shown for digit in "123456789") else shown.replace("-", "−")


def _each(values: Sequence[float | None], decimals: int) -> str:
    return " / ".join(_number(value, decimals) for value in values) or NOTHING


def _percent(value: float | None) -> str:
    return _number(_times_100(value), 0)


def _times_100(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _with(number: str, unit: str) -> str:
    return number if number == NOTHING else number + unit


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return sum(known) / len(known) if known else None


def _seconds(spent: float) -> str:
    return f"{spent:.1f} s" if spent < 90 else _duration(spent)


def _duration(seconds: float | None) -> str:
    """Seconds as people say them: "45 s", "48 min", "3 h 12 min"."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 90:
        return f"{seconds:g} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"
