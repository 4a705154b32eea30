"""report.json and report.html: what was done to every frame, and how good the stack is."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sidera.io.atomic import write_text
from sidera.pipeline.report_page import html
from sidera.pipeline.report_values import (
    FrameFigures,
    FrameReport,
    MasterReport,
    Report,
    StackReport,
    TransformReport,
    TruthChannel,
    TruthFrame,
    TruthReport,
    figures_of,
    without_images,
)

__all__ = [
    "FrameFigures",
    "FrameReport",
    "MasterReport",
    "Report",
    "StackReport",
    "TransformReport",
    "TruthChannel",
    "TruthFrame",
    "TruthReport",
    "figures_of",
    "html",
    "read_report",
    "schema",
    "write_report",
]


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of ``report.json``; ``docs/report.schema.json`` is this."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Report)))
    return document


def write_report(report: Report, path: Path | str) -> tuple[Path, Path]:
    """Write the report for programs and, beside it, the page for people.

    Parameters
    ----------
    report : Report
        The run. Figures that are NaN or infinite become null.
    path : path
        Of the JSON; the page takes the same name with ``.html``.

    Returns
    -------
    tuple of Path
        The JSON and the page.

    Raises
    ------
    DiskFullError, UnwritableError
        What stood there before is left as it was.
    """
    path = Path(path)
    document = path.with_suffix(".json") if path.suffix.lower() == ".html" else path
    page = document.with_suffix(".html")
    data = msgspec.json.format(msgspec.json.encode(without_images(report), enc_hook=_builtin), indent=1)
    write_text(document, data.decode("utf-8") + "\n")
    write_text(page, html(report))
    return document, page


def _builtin(value: object) -> object:
    """NumPy's numbers as Python's, paths as text."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


def read_report(path: Path | str) -> Report:
    """Read ``report.json`` back, checked against its schema."""
    return msgspec.json.decode(Path(path).read_bytes(), type=Report)
