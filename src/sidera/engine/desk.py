"""What the commands work with."""

from dataclasses import dataclass

import psutil

from sidera.engine.images import Images
from sidera.engine.pyramid import LevelCache


@dataclass(frozen=True)
class Desk:
    """One engine's things."""

    images: Images


def new_desk(limit: int | None) -> Desk:
    """An empty desk; without a limit images may take a quarter of the memory that there is."""
    room = psutil.virtual_memory().total // 4 if limit is None else limit
    return Desk(Images(room, LevelCache()))
