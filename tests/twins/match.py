"""Matching, as plainly as can be."""

import numpy as np


def mutual_pairs(seen, stars, radius):
    """All pairs (i, j) that are each other's nearest, within ``radius``."""
    distance = np.hypot(*(seen[:, None] - stars[None]).transpose(2, 0, 1))
    return [
        (i, j)
        for i, j in np.ndindex(distance.shape)
        if distance[i, j] <= radius and j == distance[i].argmin() and i == distance[:, j].argmin()
    ]
