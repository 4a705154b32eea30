"""FITS words as numbers, the plain way: `struct`, one pixel at a time."""

import struct

import numpy as np

CODES = {8: "B", 16: "h", 32: "i", 64: "q", -32: "f", -64: "d"}


def decode(words: bytes, bitpix: int, scale: float, zero: float, blank: float) -> np.ndarray:
    count = len(words) // (abs(bitpix) // 8)
    out = np.empty(count, np.float32)
    for index, value in enumerate(struct.unpack(f">{count}{CODES[bitpix]}", words)):
        adu = value * scale + zero
        missing = not abs(adu) <= float(np.finfo(np.float32).max) if bitpix < 0 else value == blank
        out[index] = np.nan if missing else adu
    return out
