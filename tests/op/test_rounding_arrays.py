"""The roundings on arrays are those of the C: held against exact fractions, and against gemmlowp's arithmetic in integers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from tvm_tiny.op import fixed_point
from tvm_tiny.op.rounding import Rounding, quantize_multiplier
from tvm_tiny.op.rounding_arrays import divided, divided_even, requantized, rescaled, shifted_right_even

RNG = np.random.default_rng(3)
SCALES = [1.0, 0.5, 0.25, 1 / 3, 0.7, 1e-3, 2.0**-20, 1e-9, 3.7, 100.0]


def half_up(value: Fraction) -> int:
    return (value + Fraction(1, 2)).__floor__()


def half_even(value: Fraction) -> int:
    return round(value)


def half_away(value: Fraction) -> int:
    return half_up(value) if value >= 0 else -half_up(-value)


def accumulators(reach: int) -> np.ndarray:
    """Noise of all magnitudes, and small numbers, among which ties are frequent."""
    noise = RNG.integers(-reach, reach, 500) >> RNG.integers(0, reach.bit_length(), 500)
    return np.concatenate([noise, np.arange(-70, 70), [-reach, reach]]).astype(np.int64)


@pytest.mark.parametrize(("rounding", "exact"), [("single", half_up), ("even", half_even)])
@pytest.mark.parametrize("scale", SCALES)
def test_one_rounding_is_that_of_the_fraction(rounding: Rounding, exact: Callable[[Fraction], int], scale: float) -> None:
    multiplier, shift = quantize_multiplier(scale)
    acc = accumulators(min(1 << 30, int((1 << 30) / scale)))
    found = rescaled(acc, multiplier, shift, rounding)
    assert found.whole.all()
    factor = Fraction(multiplier) * Fraction(2) ** (shift - 31)
    assert found.value.tolist() == [exact(int(each) * factor) for each in acc]


@pytest.mark.parametrize("scale", SCALES)
def test_two_roundings_are_gemmlowps(scale: float) -> None:
    multiplier, shift = quantize_multiplier(scale)
    acc = accumulators((1 << 31) - 1 if scale < 1 else int((1 << 29) / scale))
    found = rescaled(acc, multiplier, shift, "double")
    assert found.whole.all()
    assert found.value.tolist() == [fixed_point.requantize(int(each), multiplier, shift) for each in acc]


def test_a_shift_to_the_left_that_loses_bits_is_told() -> None:
    multiplier, shift = quantize_multiplier(100.0)
    acc = np.array([1 << 20, 1 << 24, (1 << 24) - 1, -(1 << 24), -(1 << 24) - 1])
    found = rescaled(acc, multiplier, shift, "double")
    assert shift == 7
    assert found.whole.tolist() == [True, False, True, True, False]
    assert found.value.tolist() == [fixed_point.requantize(int(each), multiplier, shift) for each in acc]


@pytest.mark.parametrize("rounding", ["single", "even", "real"])
def test_a_result_beyond_int32_is_told_or_saturated(rounding: Rounding) -> None:
    acc = np.array([1 << 30, 1 << 24])
    found = requantized(acc, np.array([100.0]), rounding)
    assert found.value[1] == 100 << 24
    if rounding == "real":
        assert found.value[0] == (1 << 31) - 1
        assert found.whole.all()
    else:
        assert found.whole.tolist() == [False, True]


@pytest.mark.parametrize("scale", SCALES)
def test_real_rounding_is_that_of_the_double(scale: float) -> None:
    acc = accumulators(min(1 << 30, int((1 << 30) / scale)))
    found = requantized(acc, np.array([scale]), "real")
    assert found.value.tolist() == [half_away(Fraction(float(each) * scale)) for each in acc]


def test_each_channel_has_a_scale_of_its_own() -> None:
    scales = np.array([0.5, 1e-3, 0.25])
    found = requantized(np.array([1001, 500_500, -6]), scales, "double")
    assert found.value.tolist() == [501, 501, -2]


def test_divisions() -> None:
    totals = np.arange(-50, 51)
    for count in (1, 2, 3, 4, 9, 10):
        assert divided(totals, count).tolist() == [half_away(Fraction(int(each), count)) for each in totals]
        assert divided_even(totals, count).tolist() == [half_even(Fraction(int(each), count)) for each in totals]
    assert shifted_right_even(totals, 3).tolist() == [half_even(Fraction(int(each), 8)) for each in totals]
