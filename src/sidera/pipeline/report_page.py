"""The report as one page for people: no script, no link, nothing fetched; every string escaped."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from sidera.pipeline.markup import Markup, joined, style, tag
from sidera.pipeline.report_frames import night
from sidera.pipeline.report_parts import caption, head, image, plain_table, scroll
from sidera.pipeline.report_truth import against_truth, explained
from sidera.pipeline.report_values import FrameReport, MasterReport, Report, StackReport
from sidera.pipeline.report_words import NOTHING, duration, each, number, percent, seconds, significant

NOT_NEEDED = "not_needed"
"""Code of calibration frames that were left out, though nothing is wrong with them."""
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
    preamble = tag(
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
        _verdict(report),
        None if alone else _overview(report.stacks),
        _results(report.stacks),
        _nothing(report),
        _warnings(report),
        _left_out(report),
        *(night(_frames_of(stack, report), "" if alone else stack.name) for stack in report.stacks),
        night(_strays(report), "other frames"),
        against_truth(report.stacks),
        _calibration(report),
        explained(),
        _times(report),
        _folded(report),
        _footer(report),
    ]
    body = tag("body", tag("main", [part for part in parts if part]))
    return f"<!doctype html>\n{tag('html', preamble, body, lang='en')}\n"


def _title(report: Report) -> str:
    targets = list(dict.fromkeys(stack.target or stack.name for stack in report.stacks))
    return ", ".join(targets) or "Nothing was stacked"


def _verdict(report: Report) -> Markup | None:
    """The night at a glance: how many lights made it, and which did not."""
    lights = [frame for frame in report.frames if frame.kind == "light"]
    if not lights:
        return None
    left = [frame for frame in lights if frame.verdict == "refused"]
    if not left:
        told = f"All {len(lights)} lights were used." if len(lights) > 1 else "The only light was used."
        return tag("p", told, class_="verdict good")
    why = Counter((frame.code or "refused").replace("_", " ") for frame in left)
    reasons = ", ".join(code if len(why) == 1 else f"{count} × {code}" for code, count in why.most_common(4))
    names = ", ".join(PurePath(frame.path).name for frame in left[:3]) + (" …" if len(left) > 3 else "")
    used = f"{len(lights) - len(left)} of {len(lights)} lights were used"
    told = f"{used}; {len(left)} left out: {names} ({reasons})."
    return tag("p", told, class_="verdict some" if len(left) < len(lights) else "verdict none")


def _overview(stacks: Sequence[StackReport]) -> Markup | None:
    """Several stacks side by side."""
    if not stacks:
        return None
    heads = (("Stack", ""), ("Lights", ""), ("Exposure", ""), ("Cleaner", "×"), ("FWHM", "px"), ("Stars", ""))
    rows = [
        tag(
            "tr",
            tag("th", stack.name, scope="row"),
            tag("td", _of_all(stack), class_="number"),
            tag("td", duration(stack.exposure), class_="number"),
            tag("td", number(stack.gain, 1), class_="number"),
            tag("td", number(stack.fwhm, 2), class_="number"),
            tag("td", number(stack.stars, 0), class_="number"),
        )
        for stack in stacks
    ]
    top = tag("thead", tag("tr", [head(name, unit, name != "Stack") for name, unit in heads]))
    told = f"{len(stacks)} stacks, all on the grid of {PurePath(stacks[0].reference or NOTHING).name}"
    return scroll(tag("table", caption(told), top, tag("tbody", rows)), told)


def _of_all(stack: StackReport) -> str:
    total = stack.frames_used + stack.frames_refused
    return f"{stack.frames_used} of {total}" if stack.frames_refused else str(stack.frames_used)


def _results(stacks: Sequence[StackReport]) -> Markup | None:
    """One stack takes the whole width; several stand two by two."""
    if len(stacks) < 2:
        return joined(*(_result(stack, True) for stack in stacks)) if stacks else None
    return tag("div", [_result(stack, False) for stack in stacks], class_="several")


def _result(stack: StackReport, alone: bool) -> Markup:
    return tag(
        "section",
        None if alone else tag("h2", stack.name),
        tag("p", _sentence(stack), class_="lead"),
        _hero(stack),
        _cards(stack),
        _finishing(stack),
        _remarks(stack.warnings),
    )


def _finishing(stack: StackReport) -> Markup | None:
    """How the picture was made of the linear stack."""
    rows = [
        (step.name, step.told if step.applied else f"not applied: {step.told}") for step in stack.finishing
    ]
    return plain_table(
        "How the picture was made; the stack itself is as it was integrated", ("stage", "what"), rows
    )


def _frames_of(stack: StackReport, report: Report) -> list[FrameReport]:
    """The lights of a stack, refused ones included; of an only stack, all there are."""
    lights = [frame for frame in report.frames if frame.kind == "light"]
    return _in_order(f for f in lights if len(report.stacks) == 1 or f.group == stack.name)


def _strays(report: Report) -> list[FrameReport]:
    """Lights that belong to none of several stacks."""
    if len(report.stacks) == 1:
        return []
    names = {stack.name for stack in report.stacks}
    return _in_order(f for f in report.frames if f.kind == "light" and f.group not in names)


def _sentence(stack: StackReport) -> str:
    """What was stacked, in one sentence."""
    used, total = stack.frames_used, stack.frames_used + stack.frames_refused
    frames = f"{used} of {total} frames" if stack.frames_refused else f"{used} frame{'s' * (used != 1)}"
    through = f" through {stack.filter}" if stack.filter else ""
    light = f", {duration(stack.exposure)} of light in all" if stack.exposure else ""
    onto = f", on the grid of {PurePath(stack.reference).name}" if stack.reference else ""
    return f"{frames} of {stack.target or stack.name}{through}{light}{onto}."


def _hero(stack: StackReport) -> Markup | None:
    picture = image(stack.picture, f"The stacked image of {stack.name}, stretched for viewing")
    if picture is None:
        return None
    colour = "colour" if stack.channels == 3 else "one channel"
    caption = (
        f"{stack.width} × {stack.height} pixels, {colour}. Stretched for viewing; the file itself is linear."
    )
    path = tag("code", stack.path) if stack.path else None
    return tag("figure", picture, tag("figcaption", caption, " " if path else None, path), class_="hero")


def _cards(stack: StackReport) -> Markup | None:
    ideal = f"{stack.frames_used} equal frames would give {math.sqrt(stack.frames_used):.1f}"
    rejected = [value for value in (stack.rejected_low, stack.rejected_high) if value is not None]
    parts = f"{number(stack.rejected_high, 2)} % too bright, {number(stack.rejected_low, 2)} % too dark"
    cards = (
        _card(
            "Total exposure",
            duration(stack.exposure),
            "",
            f"{stack.frames_used} frames went in",
            stack.exposure,
        ),
        _card(
            "Cleaner than one frame",
            number(stack.gain, 1),
            "×",
            f"less noise than a typical frame; {ideal}",
            stack.gain,
        ),
        _card(
            "Efficiency",
            percent(stack.efficiency),
            "%",
            "of what frames of this noise can give together",
            stack.efficiency,
        ),
        _card(
            "Sharpness",
            number(stack.fwhm, 2),
            "px",
            "width of its stars at half their height (FWHM)",
            stack.fwhm,
        ),
        _card("Stars", number(stack.stars, 0), "", "found in the stack", stack.stars),
        _card("Rejected", number(sum(rejected), 2), "%", f"of all samples: {parts}", rejected or None),
        _card(
            "Coverage",
            number(stack.coverage_median, 0),
            "frames" if stack.coverage_median != 1 else "frame",
            "saw the typical pixel",
            stack.coverage_median,
        ),
        _card(
            "Noise",
            each(stack.noise, significant(stack.noise)),
            "ADU",
            _noise_note(stack),
            stack.noise or None,
        ),
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
        told += f"; one frame: {each(stack.noise_single, 2)}"
    if stack.noise_halves:
        told += f"; from two half stacks: {each(stack.noise_halves, 2)}"
    return told


def _nothing(report: Report) -> Markup | None:
    if report.stacks:
        return None
    return tag(
        "p", "No light frame was left to stack. Below is why, frame by frame, and what to do.", class_="lead"
    )


def _warnings(report: Report) -> Markup | None:
    return joined(tag("h2", "To look at"), _remarks(report.warnings)) if report.warnings else None


def _remarks(warnings: Sequence[str]) -> Markup | None:
    return tag("ul", [tag("li", _ended(told)) for told in warnings], class_="left-out") if warnings else None


def _left_out(report: Report) -> Markup | None:
    """The refused, with why and what to do; frames refused for one reason stand together."""
    refused = [frame for frame in report.frames if frame.verdict == "refused" and frame.code != NOT_NEEDED]
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
    idle: dict[tuple[str, str], list[str]] = {}
    for frame in report.frames:
        if frame.code == NOT_NEEDED:
            idle.setdefault((frame.kind, frame.reason or ""), []).append(PurePath(frame.path).name)
    unneeded = [
        (kind, str(len(names)), f"{names[0]} …" if len(names) > 1 else names[0], reason)
        for (kind, reason), names in idle.items()
    ]
    masters = list(dict.fromkeys(_master_row(master) for stack in report.stacks for master in stack.masters))
    if not formulae and not masters and not unneeded:
        return None
    uses = [
        (str(count), group or NOTHING, formula or NOTHING) for (group, formula), count in formulae.items()
    ]
    return joined(
        tag("h2", "Calibration"),
        plain_table("What was done to the lights", ("Lights", "Stack", "Formula"), uses),
        plain_table(
            "Masters", ("Master", "Frames", "Exposure", "Gain", "Temperature", "Filter", "Remarks"), masters
        ),
        plain_table("Calibration frames that no light needed", ("Kind", "Frames", "File", "Why"), unneeded),
    )


def _master_row(master: MasterReport) -> tuple[str, ...]:
    return (
        master.kind,
        str(master.frames),
        NOTHING if master.exposure is None else f"{master.exposure:g} s",
        NOTHING if master.gain is None else f"{master.gain:g}",
        NOTHING if master.temperature is None else f"{number(master.temperature, 1)} °C",
        master.filter or NOTHING,
        "; ".join(master.warnings) or NOTHING,
    )


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
            tag("dd", seconds(spent), class_="number"),
        )
        for stage, spent in report.timings.items()
    ]
    total = f"{seconds(sum(report.timings.values()))} in all."
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
    when = re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\+00:00|Z)$", r"\1 at \2 UTC", report.created)
    made = f"Made by Sidera{f' {version}' if version else ''} on {when}. "
    return tag("footer", made, "The same figures, for programs, are in report.json.")


def _in_order(frames: Iterable[FrameReport]) -> list[FrameReport]:
    """By time where every frame tells it, else as they came."""
    found = list(frames)
    dates = [frame.date for frame in found]
    return sorted(found, key=lambda frame: frame.date or "") if all(dates) else found
