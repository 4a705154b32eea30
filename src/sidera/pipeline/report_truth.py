"""Parts of the page that tell how true a simulated stack is, and what the figures mean."""

from collections.abc import Callable, Sequence

from sidera.pipeline.markup import Markup, joined, tag
from sidera.pipeline.report_parts import caption, head, scroll
from sidera.pipeline.report_values import StackReport, TruthChannel, TruthReport
from sidera.pipeline.report_words import number, signed

ROWS: tuple[tuple[str, str, Callable[[TruthChannel], str]], ...] = (
    ("Error of star fluxes, median", "%", lambda one: signed(one.flux_bias, 2)),
    ("Scatter of star fluxes", "× photon limit", lambda one: number(one.flux_scatter, 2)),
    ("The same", "%", lambda one: number(one.flux_scatter_percent, 2)),
    ("Slope of fluxes over the field", "% edge to edge", lambda one: number(one.flux_slope, 2)),
    ("Growth of stars", "%", lambda one: signed(one.fwhm_growth, 2)),
    ("Stars compared", "", lambda one: number(one.stars, 0)),
    ("False pixels beyond 6 σ", "", lambda one: number(one.false_pixels, 0)),
    ("of empty pixels examined", "", lambda one: number(one.empty_pixels, 0)),
    ("Noise of 4 × 4 pixels", "× photon limit", lambda one: number(one.noise_ratio, 3)),
    ("Noise of single pixels", "× photon limit", lambda one: number(one.pixel_noise_ratio, 3)),
    ("Noise map", "× measured noise", lambda one: number(one.noise_map_ratio, 3)),
)
MEANINGS = (
    (
        "Cleaner than one frame",
        "The noise of a typical used frame on the sky, brought onto the stack's grid, over the noise of the stack. "
        "N equal frames give √N; more where the better frames count for more, less where frames were rejected or "
        "differ in quality.",
    ),
    (
        "Efficiency",
        "The noise that the used frames should give together, from the noise and the weight of each, over the noise "
        "that there is. 100 % is all that can be had; a few per cent either way is the error of measuring it.",
    ),
    (
        "Noise",
        "Standard deviation of a pixel where there is only sky, in ADU of the reference. With two half stacks it comes "
        "from their difference: stars and nebulae cancel, and only noise is left. Else it is the noise map's median.",
    ),
    (
        "FWHM",
        "Width of a star at half of its height, in pixels: the smaller, the sharper. It grows with bad seeing, clouds, "
        "poor focus and bad guiding.",
    ),
    (
        "Weight",
        "How much a frame counts: with the square of its signal, against its noise and its star width. The mean is 1.",
    ),
    (
        "Misfit",
        "How far the frame's stars lie from the reference's once it is registered, rms in pixels. Under a quarter of a "
        "pixel is good.",
    ),
    (
        "Rejected",
        "Samples that were left out because they do not agree with the other frames: satellites, aeroplanes, cosmic "
        "rays, hot pixels. One per cent or less is usual.",
    ),
)


def against_truth(stacks: Sequence[StackReport]) -> Markup | None:
    """What a simulated stack got right; nothing for real ones."""
    told = [(stack.name, stack.truth) for stack in stacks if stack.truth]
    if not told:
        return None
    tables = [_compared(truth, name if len(stacks) > 1 else "") for name, truth in told]
    words = "These frames were simulated, so that the perfect result is known. This is how far the stack is from it."
    return tag(
        "section", tag("h2", "Against the truth of the simulation"), tag("p", words, class_="soft"), tables
    )


def _compared(truth: TruthReport, name: str) -> Markup:
    of = f"{name}: " if name else ""
    frames = (
        f"{len(truth.frames)} transforms are right to {number(truth.transform_rms, 4)} px rms over the field"
    )
    told = f"{of}{frames}; the worst to {number(truth.worst_transform_rms, 4)} px."
    heads = [head("Figure", number=False), *(head(channel.band) for channel in truth.channels)]
    rows = [
        tag(
            "tr",
            tag("th", label, tag("span", f" {unit}", class_="unit") if unit else None, scope="row"),
            [tag("td", cell(channel), class_="number") for channel in truth.channels],
        )
        for label, unit, cell in ROWS
    ]
    table = tag("table", caption(told), tag("thead", tag("tr", heads)), tag("tbody", rows))
    return scroll(table, f"{of}against the truth of the simulation")


def explained() -> Markup:
    """The figures in plain words, for who wants them."""
    words = [joined(tag("dt", name), tag("dd", meaning)) for name, meaning in MEANINGS]
    return tag("details", tag("summary", "What the figures mean"), tag("dl", words, class_="meanings"))
