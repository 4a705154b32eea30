"""From a FITS file's big-endian words to float32 ADU: byte order, BSCALE, BZERO and BLANK in one pass.

Every kernel takes ``raw`` [row, column], the stored words of one plane (memory-mapped, seen as little-
endian), and fills ``out`` [row, column] from the window that starts at (``top``, ``left``). ``value * scale
+ zero`` is worked out in float64, since 32-bit words and BZERO = 2³¹ do not fit float32. ``blank`` is the
stored value that means "not measured"; NaN, which equals nothing, stands for none.
"""

import numpy as np
import numpy.typing as npt

from sidera.kernels._jit import kernel
from sidera.types import F32, U8, U16

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
NAN = np.float32(np.nan)
LARGEST = float(np.finfo(np.float32).max)


@kernel
def decode_8(raw: U8, top: int, left: int, scale: float, zero: float, blank: float, out: F32) -> None:
    """Fill ``out`` from unsigned bytes (BITPIX 8)."""
    rows, columns = out.shape
    for row in range(rows):
        words, line = raw[top + row, left : left + columns], out[row]
        for column in range(columns):
            value = np.float64(words[column])
            line[column] = NAN if value == blank else np.float32(value * scale + zero)


@kernel
def decode_16(raw: U16, top: int, left: int, scale: float, zero: float, blank: float, out: F32) -> None:
    """Fill ``out`` from 16-bit integers (BITPIX 16; unsigned ones come as BZERO = 32768)."""
    rows, columns = out.shape
    for row in range(rows):
        words, line = raw[top + row, left : left + columns], out[row]
        for column in range(columns):
            word = words[column]
            value = np.float64(np.int16(np.uint16((word << 8) | (word >> 8))))
            line[column] = NAN if value == blank else np.float32(value * scale + zero)


@kernel
def decode_32(raw: U32, top: int, left: int, scale: float, zero: float, blank: float, out: F32) -> None:
    """Fill ``out`` from 32-bit integers (BITPIX 32)."""
    rows, columns = out.shape
    for row in range(rows):
        words, line = raw[top + row, left : left + columns], out[row]
        for column in range(columns):
            value = np.float64(np.int32(_swapped_32(words[column])))
            line[column] = NAN if value == blank else np.float32(value * scale + zero)


@kernel
def decode_64(raw: U64, top: int, left: int, scale: float, zero: float, blank: float, out: F32) -> None:
    """Fill ``out`` from 64-bit integers (BITPIX 64)."""
    rows, columns = out.shape
    for row in range(rows):
        words, line = raw[top + row, left : left + columns], out[row]
        for column in range(columns):
            value = np.float64(np.int64(_swapped_64(words[column])))
            line[column] = NAN if value == blank else np.float32(value * scale + zero)


@kernel
def decode_float(raw: U32, top: int, left: int, scale: float, zero: float, blank: float, out: F32) -> None:
    """Fill ``out`` from IEEE floats (BITPIX -32); NaN and infinity mean "not measured"; no ``blank``."""
    rows, columns = out.shape
    bits = np.empty(columns, np.uint32)  # scratch: one a window, turned round here and then seen as floats
    values = bits.view(np.float32)
    for row in range(rows):
        words, line = raw[top + row, left : left + columns], out[row]
        for column in range(columns):
            bits[column] = _swapped_32(words[column])
        for column in range(columns):
            value = np.float64(values[column]) * scale + zero
            line[column] = np.float32(value) if abs(value) <= LARGEST else NAN


@kernel
def decode_double(raw: U64, top: int, left: int, scale: float, zero: float, blank: float, out: F32) -> None:
    """Fill ``out`` from IEEE doubles (BITPIX -64); NaN and infinity mean "not measured"; no ``blank``."""
    rows, columns = out.shape
    bits = np.empty(columns, np.uint64)
    values = bits.view(np.float64)
    for row in range(rows):
        words, line = raw[top + row, left : left + columns], out[row]
        for column in range(columns):
            bits[column] = _swapped_64(words[column])
        for column in range(columns):
            value = values[column] * scale + zero
            line[column] = np.float32(value) if abs(value) <= LARGEST else NAN


@kernel
def _swapped_32(word: np.uint32) -> np.uint32:
    """The four bytes in the other order (LLVM makes one instruction of it)."""
    high = ((word & np.uint32(0xFF)) << np.uint32(24)) | ((word & np.uint32(0xFF00)) << np.uint32(8))
    low = ((word >> np.uint32(8)) & np.uint32(0xFF00)) | (word >> np.uint32(24))
    return np.uint32(high | low)


@kernel
def _swapped_64(word: np.uint64) -> np.uint64:
    """The eight bytes in the other order."""
    low = np.uint64(_swapped_32(np.uint32(word & np.uint64(0xFFFFFFFF))))
    high = np.uint64(_swapped_32(np.uint32(word >> np.uint64(32))))
    return np.uint64((low << np.uint64(32)) | high)
