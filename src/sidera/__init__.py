"""Sidera: raw telescope frames in, one calibrated, registered, outlier-free image out.

>>> import sidera
>>> result = sidera.stack("~/M31")  # doctest: +SKIP
>>> result.save("m31.fits")  # doctest: +SKIP
>>> sidera.finish("m31.fits").save("m31.png")  # doctest: +SKIP

Each stage is also a plain function on arrays: `sidera.detection.find.find_stars`,
`sidera.registration.solve.solve`, `sidera.integration.combine.combine` ...
"""

from typing import TYPE_CHECKING, Any

from sidera._version import __version__
from sidera.loading import load

if TYPE_CHECKING:
    from sidera.io.read import read
    from sidera.pipeline.compose import combine_channels
    from sidera.pipeline.finish import Finished, finish
    from sidera.pipeline.recipe import Recipe
    from sidera.pipeline.run import Result, stack

__all__ = ["Finished", "Recipe", "Result", "__version__", "combine_channels", "finish", "read", "stack"]

_HOMES = {
    "Finished": "sidera.pipeline.finish",
    "combine_channels": "sidera.pipeline.compose",
    "finish": "sidera.pipeline.finish",
    "Recipe": "sidera.pipeline.recipe",
    "Result": "sidera.pipeline.run",
    "stack": "sidera.pipeline.run",
    "read": "sidera.io.read",
}
_ROOMS = (
    "calibration",
    "correction",
    "demosaic",
    "detection",
    "integration",
    "io",
    "registration",
    "simulate",
    "stretch",
)


def __getattr__(name: str) -> Any:  # noqa: ANN401 (PEP 562: whatever the name stands for)
    """Load public names when they are asked for, so that importing sidera costs nothing (PEP 562)."""
    if name in _HOMES:
        return getattr(load(_HOMES[name]), name)
    if name in _ROOMS:
        return load(f"sidera.{name}")
    raise AttributeError(f"module 'sidera' has no attribute {name!r}")
