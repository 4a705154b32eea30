"""Sorting networks: which values to compare and swap, whatever they are, so that many lists are sorted side by side."""

from functools import lru_cache

import numpy as np

from sidera.types import I32


@lru_cache(maxsize=64)
def network(size: int) -> I32:
    """Pairs ``(i, j)``, i < j, that sort ``size`` values when compared and swapped in order.

    Batcher's merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2 M): n log² n / 4
    pairs, for any n. 97 pairs sort 20 values. The pairs of one pass do not touch one another.
    """
    passes = []
    top = 1 << max(size - 1, 0).bit_length() >> 1
    p = top
    while p > 0:
        q, r, distance = top, 0, p
        while True:
            first = np.arange(max(size - distance, 0))
            first = first[(first & p) == r]
            passes.append(np.stack([first, first + distance], axis=1))
            if q == p:
                break
            q, r, distance = q >> 1, p, q - p
        p >>= 1
    pairs = np.concatenate(passes) if passes else np.empty((0, 2))
    return np.ascontiguousarray(pairs, np.int32)
