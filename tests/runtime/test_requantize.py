import numpy as np
import pytest

from .native import Runtime
from .numbers import INT32_MAX, INT32_MIN, half_away, half_up, saturate, spread, wrap


def double_rounding(acc: int, multiplier: int, shift: int) -> int:
    """gemmlowp's fixed-point requantisation, from its definition."""
    high = saturate(half_up(wrap(acc << max(shift, 0)) * multiplier, 2**31))
    return half_away(high, 2 ** max(-shift, 0))


def single_rounding(acc: int, multiplier: int, shift: int) -> int:
    return half_up(acc * multiplier, 2 ** (31 - shift))


def cases(seed: int, count: int = 30000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    multiplier = rng.integers(2**30, INT32_MAX, count, endpoint=True)
    multiplier[:300] = 2**30  # powers of two: every rounding tie is met
    multiplier[300:320] = INT32_MAX
    multiplier[320:340] = 0
    return spread(rng, count), multiplier, rng.integers(-31, 31, count)


def test_requantize_rounds_twice(runtime: Runtime) -> None:
    acc, multiplier, shift = cases(4)
    expected = [double_rounding(*map(int, case)) for case in zip(acc, multiplier, shift, strict=True)]
    assert runtime("tvm_tiny_requantize", acc, multiplier, shift).tolist() == expected


def test_requantize_of_a_layer_like_accumulators(runtime: Runtime) -> None:
    """Every accumulator of a small layer, scale 1.5 * 2^-8: near each tie the two roundings can be told apart."""
    acc = np.arange(-40000, 40000)
    expected = [double_rounding(int(value), 3 << 29, -7) for value in acc]
    assert runtime("tvm_tiny_requantize", acc, 3 << 29, -7).tolist() == expected


def test_requantize_single_rounds_once(runtime: Runtime) -> None:
    acc, multiplier, shift = cases(5)
    expected = np.array([single_rounding(*map(int, case)) for case in zip(acc, multiplier, shift, strict=True)])
    fits = (expected >= INT32_MIN) & (expected <= INT32_MAX)
    assert fits.sum() > 20000
    assert np.array_equal(runtime("tvm_tiny_requantize_single", acc[fits], multiplier[fits], shift[fits]), expected[fits])


def test_the_roundings_differ_where_they_should(runtime: Runtime) -> None:
    # -1.5 * 2^0: half away from zero gives -2, half up gives -1.
    assert runtime("tvm_tiny_requantize", -3, 2**30, 0).tolist() == [-1]
    assert runtime("tvm_tiny_requantize", -6, 2**30, -1).tolist() == [-2]
    assert runtime("tvm_tiny_requantize_single", -6, 2**30, -1).tolist() == [-1]


@pytest.mark.parametrize("shift", [-31, 0, 30])
def test_extreme_shifts_have_no_undefined_behaviour(runtime: Runtime, shift: int) -> None:
    acc = np.array([INT32_MIN, -1, 0, 1, INT32_MAX])
    expected = [double_rounding(int(value), INT32_MAX, shift) for value in acc]
    assert runtime("tvm_tiny_requantize", acc, INT32_MAX, shift).tolist() == expected
