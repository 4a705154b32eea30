"""The sRGB colour profile, for colour and for grey, built here so that its bytes never change.

Sources: ICC.1:2010 (profile version 4.3), clauses 7, 9.2 and 10; IEC 61966-2-1 (sRGB). A monitor's white is D65, a
profile's D50: the primaries are carried over by the Bradford transform, whose matrix is the tag ``chad``.
"""

import struct
from functools import cache

import numpy as np

from sidera.types import F64

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
RED, GREEN, BLUE, D65 = (0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290)
D50 = np.array([0.9642, 1.0, 0.8249])
CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""sRGB to linear light: (a x + b)^g from d on, below it c x; as g, a, b, c, d."""
NAME = "sRGB IEC61966-2.1"


@cache
def srgb_profile(grey: bool = False) -> bytes:
    """An ICC profile of sRGB; for grey pictures, of its tone curve and white alone."""
    adaptation, primaries = _adapted()
    tags = {
        b"desc": _text(NAME),
        b"cprt": _text("No copyright, use freely"),
        b"wtpt": _xyz(D50),
        b"chad": b"sf32" + bytes(4) + _fixed(adaptation),
    }
    if grey:
        tags[b"kTRC"] = _curve()
    else:
        for letter, column in zip((b"r", b"g", b"b"), primaries.T, strict=True):
            tags[letter + b"XYZ"] = _xyz(column)
            tags[letter + b"TRC"] = _curve()
    return _profile(tags, b"GRAY" if grey else b"RGB ")


def _adapted() -> tuple[F64, F64]:
    """The matrix from D65 to D50, and the primaries' XYZ (in columns) after it."""
    white = _white(D65)
    cones, wanted = BRADFORD @ white, BRADFORD @ D50
    adaptation = np.linalg.inv(BRADFORD) @ np.diag(wanted / cones) @ BRADFORD
    corners = np.array([_white(one) for one in (RED, GREEN, BLUE)]).T
    return adaptation, adaptation @ (corners * np.linalg.solve(corners, white))


def _white(place: tuple[float, float]) -> F64:
    """XYZ at Y = 1 of a chromaticity."""
    x, y = place
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _fixed(values: F64) -> bytes:
    """Signed 16.16 numbers."""
    return np.rint(np.asarray(values) * 65_536).astype(">i4").tobytes()


def _xyz(values: F64) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _curve() -> bytes:
    """A parametric curve of type 3."""
    return b"para" + bytes(4) + struct.pack(">HH", 3, 0) + _fixed(np.array(CURVE))


def _text(words: str) -> bytes:
    """Text in one language."""
    data = words.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


def _profile(tags: dict[bytes, bytes], space: bytes) -> bytes:
    """Header, table of tags, data; equal data are stored once."""
    places: dict[bytes, int] = {}
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        if data not in places:
            body += bytes(-len(body) % 4)
            places[data] = start + len(body)
            body += data
        table += name + struct.pack(">II", places[data], len(data))
    body += bytes(-len(body) % 4)
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(4 + 4 + 4 + 4 + 8 + 4)
    return (head + _fixed(D50) + bytes(48)) + table + body
