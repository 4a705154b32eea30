"""Bring frames onto one reference by their stars."""

from sidera.registration.reference import choose_reference
from sidera.registration.solve import Solution, register_all, solve

__all__ = ["Solution", "choose_reference", "register_all", "solve"]
