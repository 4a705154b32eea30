"""Big-endian words to ADU."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidera.kernels import decode
from twins import decode as twin

KERNELS = {
    8: (decode.decode_8, "<u1"),
    16: (decode.decode_16, "<u2"),
    32: (decode.decode_32, "<u4"),
    64: (decode.decode_64, "<u8"),
    -32: (decode.decode_float, "<u4"),
    -64: (decode.decode_double, "<u8"),
}
NONE = math.nan


def decoded(words: bytes, shape, bitpix, scale=1.0, zero=0.0, blank=NONE, top=0, left=0, size=None):
    kernel, dtype = KERNELS[bitpix]
    raw = np.frombuffer(words, dtype).reshape(shape)
    out = np.empty(size or shape, np.float32)
    with np.errstate(all="ignore"):  # without the compiler, NumPy warns of signalling NaN
        kernel(raw, top, left, scale, zero, blank, out)
    return out


@pytest.mark.parametrize("bitpix", KERNELS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_decoding_agrees_with_the_plain_twin(bitpix, data):
    rows, columns = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 40))
    length = rows * columns * abs(bitpix) // 8
    words = data.draw(st.binary(min_size=length, max_size=length))
    scale = data.draw(st.sampled_from([1.0, -2.0, 0.5]))
    zero = data.draw(st.sampled_from([0.0, 32768.0, 2147483648.0]))
    blank = data.draw(st.sampled_from([NONE, 0.0, 255.0]))
    got = decoded(words, (rows, columns), bitpix, scale, zero, blank)
    want = twin.decode(words, bitpix, scale, zero, blank).reshape(rows, columns)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


def test_a_camera_s_unsigned_words_come_out_as_they_were_counted():
    counts = np.array([[0, 1, 255, 256, 32767, 32768, 65535]])
    words = (counts - 32768).astype(">i2").tobytes()
    np.testing.assert_array_equal(decoded(words, (1, 7), 16, zero=32768.0), counts)


def test_a_window_is_that_part_of_the_whole():
    words = np.arange(20, dtype=">i2").tobytes()
    window = decoded(words, (4, 5), 16, top=1, left=2, size=(2, 3))
    np.testing.assert_array_equal(window, [[7, 8, 9], [12, 13, 14]])


def test_blank_and_only_blank_is_missing():
    words = np.array([[-1, 0, 1]], ">i4").tobytes()
    np.testing.assert_array_equal(decoded(words, (1, 3), 32, blank=-1.0), [[np.nan, 0, 1]])


@pytest.mark.parametrize(("bitpix", "dtype"), [(-32, ">f4"), (-64, ">f8")])
def test_nan_and_infinity_are_missing_and_negative_numbers_are_not(bitpix, dtype):
    words = np.array([[np.nan, np.inf, -np.inf, -7.5]], dtype).tobytes()
    np.testing.assert_array_equal(decoded(words, (1, 4), bitpix), [[np.nan, np.nan, np.nan, -7.5]])


def test_a_double_beyond_float32_is_missing():
    words = np.array([[1e300, 1.0]], ">f8").tobytes()
    np.testing.assert_array_equal(decoded(words, (1, 2), -64), [[np.nan, 1.0]])
