"""Linear in, linear out: what stands between a stack and a picture."""

from sidera.correction.crop import Rectangle, best_rectangle, crop
from sidera.correction.denoise import denoise
from sidera.correction.gradient import Gradient, find_gradient, remove_gradient
from sidera.correction.neutralise import neutralise
from sidera.correction.scnr import scnr
from sidera.correction.starcolour import Unified, unify_colours
from sidera.correction.whitebalance import Balance, star_balance, white_balance

__all__ = [
    "Balance",
    "Gradient",
    "Rectangle",
    "Unified",
    "best_rectangle",
    "crop",
    "denoise",
    "find_gradient",
    "neutralise",
    "remove_gradient",
    "scnr",
    "star_balance",
    "unify_colours",
    "white_balance",
]
