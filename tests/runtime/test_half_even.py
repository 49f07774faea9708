from fractions import Fraction

import numpy as np
import pytest

from tests.runtime.native import Runtime
from tests.runtime.numbers import INT32_MAX, INT32_MIN, spread


def half_even(numerator: int, denominator: int) -> int:
    return round(Fraction(numerator, denominator))  # Python rounds ties to even


@pytest.mark.parametrize(
    ("x", "n", "expected"), [(1, 1, 0), (3, 1, 2), (5, 1, 2), (-1, 1, 0), (-3, 1, -2), (-5, 1, -2), (7, 2, 2), (6, 2, 2)]
)
def test_shift_right_even_by_example(runtime: Runtime, x: int, n: int, expected: int) -> None:
    assert runtime("tvm_tiny_shift_right_even", x, n).tolist() == [expected]


def test_shift_right_even_over_its_range(runtime: Runtime) -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(1, 63, 20000)
    wanted = rng.integers(-(2**20), 2**20, n.size)  # results with their ties, and what lies beside them
    x = np.array(
        [(int(w) << int(shift)) // 2 + int(d) for w, shift, d in zip(wanted, n, rng.integers(-1, 2, n.size), strict=True)],
        dtype=object,
    )
    fits = np.abs(x) <= 2**62
    x, n = x[fits].astype(np.int64), n[fits]
    assert x.size > 10000
    expected = [half_even(int(value), 2 ** int(shift)) for value, shift in zip(x, n, strict=True)]
    assert runtime("tvm_tiny_shift_right_even", x, n).tolist() == expected


def test_requantize_single_even_rounds_once(runtime: Runtime) -> None:
    rng = np.random.default_rng(1)
    acc = spread(rng, 20000)
    multiplier = rng.integers(2**30, INT32_MAX, acc.size, endpoint=True)
    multiplier[:5000] = 2**30  # powers of two: ties are met
    shift = rng.integers(-31, 31, acc.size)
    expected = np.array([half_even(int(a) * int(m), 2 ** (31 - int(s))) for a, m, s in zip(acc, multiplier, shift, strict=True)])
    fits = (expected >= INT32_MIN) & (expected <= INT32_MAX)
    assert fits.sum() > 10000
    assert np.array_equal(runtime("tvm_tiny_requantize_single_even", acc[fits], multiplier[fits], shift[fits]), expected[fits])


def test_weighted_sum_even_of_every_pair(runtime: Runtime) -> None:
    a, b = (each.ravel() for each in np.meshgrid(np.arange(-255, 256, 5), np.arange(-255, 256, 3)))
    for a_multiplier, b_multiplier, n in ((2**29, -(2**29), 30), (715827883, 1073741823, 31), (1, 3, 2), (2**30, 1, 62)):
        sums = a.astype(object) * a_multiplier + b.astype(object) * b_multiplier
        expected = [half_even(int(total), 2**n) for total in sums]
        assert runtime("tvm_tiny_weighted_sum_even", a, a_multiplier, b, b_multiplier, n).tolist() == expected


def test_round_divide_even(runtime: Runtime) -> None:
    total, count = (each.ravel() for each in np.meshgrid(np.arange(-700, 701), np.arange(1, 50)))
    expected = [half_even(int(t), int(c)) for t, c in zip(total, count, strict=True)]
    assert runtime("tvm_tiny_round_divide_even", total, count).tolist() == expected
    assert runtime("tvm_tiny_round_divide_even", INT32_MAX - 7, 7).tolist() == [half_even(INT32_MAX - 7, 7)]


def test_divide_even_in_64_bits(runtime: Runtime) -> None:
    rng = np.random.default_rng(2)
    denominator = rng.integers(1, 2**60, 20000)
    wanted = rng.integers(0, 2, denominator.size)  # quotients of 0 and 1, at their ties and beside them
    numerator = wanted * denominator + denominator // 2 + rng.integers(-1, 2, denominator.size)
    numerator = np.maximum(numerator, 0)
    small, divisor = (each.ravel() for each in np.meshgrid(np.arange(2000), np.arange(1, 40)))
    for above, below in ((numerator, denominator), (small, divisor)):
        expected = [half_even(int(n), int(d)) for n, d in zip(above, below, strict=True)]
        assert runtime("tvm_tiny_divide_even", above, below).tolist() == expected
