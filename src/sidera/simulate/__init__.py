"""A night whose truth is known: for the demo, tests, benchmarks and docs."""

from sidera.simulate.draw import truth_of
from sidera.simulate.night import NightSettings, Truth, truth_from_json
from sidera.simulate.sky import truth_image

__all__ = ["NightSettings", "Truth", "truth_from_json", "truth_image", "truth_of"]
