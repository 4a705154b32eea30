"""Sidera: raw telescope frames in, one calibrated, registered, outlier-free image out.

>>> import sidera
>>> result = sidera.stack("~/M31")  # doctest: +SKIP
>>> result.save("m31.fits")  # doctest: +SKIP

Each stage is also a plain function on arrays: `sidera.detection.find.find_stars`,
`sidera.registration.solve.solve`, `sidera.integration.combine.combine` ...
"""

import importlib
from typing import TYPE_CHECKING, Any

from sidera._version import __version__

if TYPE_CHECKING:
    from sidera.io.read import read
    from sidera.pipeline.recipe import Recipe
    from sidera.pipeline.run import Result, stack

__all__ = ["Recipe", "Result", "__version__", "read", "stack"]

_HOMES = {
    "Recipe": "sidera.pipeline.recipe",
    "Result": "sidera.pipeline.run",
    "stack": "sidera.pipeline.run",
    "read": "sidera.io.read",
}
_ROOMS = ("calibration", "demosaic", "detection", "integration", "io", "registration", "simulate", "stretch")


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562: whatever the name stands for)
    """Load public names when they are asked for, so that importing sidera costs nothing (PEP 562)."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"sidera.{name}")
    raise AttributeError(f"module 'sidera' has no attribute {name!r}")
