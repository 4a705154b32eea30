"""What the commands work with."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

from sidera.engine.images import Images
from sidera.engine.pyramid import LevelCache

if TYPE_CHECKING:  # or a header could not be asked for before the pipeline is loaded
    from sidera.session import Project


@dataclass(frozen=True)
class Desk:
    """One engine's things."""

    images: Images
    projects: "dict[str, Project]" = field(default_factory=dict)
    """Open, by folder; see `sidera.engine.project`."""

    def close(self) -> None:
        """Put everything away."""
        self.images.release_all()
        for project in self.projects.values():
            project.close()
        self.projects.clear()


def new_desk(limit: int | None) -> Desk:
    """An empty desk; without a limit images may take a quarter of the memory that there is."""
    room = psutil.virtual_memory().total // 4 if limit is None else limit
    return Desk(Images(room, LevelCache()))
