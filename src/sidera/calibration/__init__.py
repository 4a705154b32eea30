"""Masters, defects, and which frame calibrates which."""

from sidera.calibration.apply import Calibrator, calibrate, prepare
from sidera.calibration.defects import cosmetic, find_defects
from sidera.calibration.masters import combine_calibration, make_master, normalise_flat
from sidera.calibration.match import plan_calibration

__all__ = [
    "Calibrator",
    "calibrate",
    "combine_calibration",
    "cosmetic",
    "find_defects",
    "make_master",
    "normalise_flat",
    "plan_calibration",
    "prepare",
]
