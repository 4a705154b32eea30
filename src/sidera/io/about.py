"""What a picture's file says of itself: object, exposure, software, and all that was done."""

from collections.abc import Sequence
from dataclasses import dataclass

from sidera._version import __version__
from sidera.model.header import Card


@dataclass(frozen=True)
class About:
    """Metadata that every picture format has a place for."""

    title: str = ""
    """The object."""
    exposure: float | None = None
    """Total, in seconds."""
    date: str = ""
    """UTC, start of the first exposure, ISO 8601."""
    details: tuple[str, ...] = ()
    """Frames, camera, stretch, recipe: a line each."""

    @property
    def software(self) -> str:
        """Which program, which version."""
        return f"Sidera {__version__}"

    def text(self) -> str:
        """Everything, for people."""
        head = [self.title, f"total exposure {self.exposure:g} s" if self.exposure is not None else ""]
        return "\n".join(line for line in (*head, *self.details) if line)


def about(cards: Sequence[Card], stretch: str = "", history: Sequence[str] = ()) -> About:
    """What cards and history tell."""
    found = {card.keyword: card.value for card in reversed(cards)}
    names = {"NCOMBINE": "frames", "FILTER": "filter", "INSTRUME": "camera", "TELESCOP": "telescope"}
    told = [
        f"{name}: {found[keyword]}" for keyword, name in names.items() if found.get(keyword) not in (None, "")
    ]
    return About(
        str(found.get("OBJECT") or ""),
        _seconds(found.get("EXPTIME")),
        str(found.get("DATE-OBS") or ""),
        (*told, *([stretch] if stretch else []), *history),
    )


def _seconds(value: object) -> float | None:
    """A number above 0, or nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < float(value) < float("inf") else None
