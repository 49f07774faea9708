import numpy as np

from .native import Runtime
from .numbers import EDGES, INT32_MAX, INT32_MIN, half_away, half_up, saturate, spread


def test_doubling_high_mul(runtime: Runtime) -> None:
    rng = np.random.default_rng(1)
    a = np.concatenate([np.repeat(EDGES, EDGES.size), spread(rng, 20000)])
    b = np.concatenate([np.tile(EDGES, EDGES.size), rng.permutation(spread(rng, 20000))])
    expected = [saturate(half_up(int(x) * int(y), 2**31)) for x, y in zip(a, b, strict=True)]
    assert runtime("tvm_tiny_doubling_high_mul", a, b).tolist() == expected


def test_doubling_high_mul_rounds_ties_up(runtime: Runtime) -> None:
    odd = np.array([1, -1, 3, -3, 5, -5])  # times 2^30 / 2^31: 0.5, -0.5, 1.5, -1.5, ...
    assert runtime("tvm_tiny_doubling_high_mul", odd, 2**30).tolist() == [1, 0, 2, -1, 3, -2]
    assert runtime("tvm_tiny_doubling_high_mul", INT32_MIN, INT32_MIN).tolist() == [INT32_MAX]


def test_rounding_shift_right_for_all_int16(runtime: Runtime) -> None:
    x, n = np.meshgrid(np.arange(-(2**15), 2**15, 3), np.arange(20))
    expected = np.sign(x) * ((2 * np.abs(x) + (1 << n)) >> (n + 1))
    assert np.array_equal(runtime("tvm_tiny_rounding_shift_right", x, n), expected.ravel())


def test_rounding_shift_right_of_any_number(runtime: Runtime) -> None:
    x, n = np.meshgrid(spread(np.random.default_rng(2), 1500), np.arange(32))
    expected = [half_away(int(value), 2 ** int(shift)) for value, shift in zip(x.ravel(), n.ravel(), strict=True)]
    assert runtime("tvm_tiny_rounding_shift_right", x, n).tolist() == expected


def test_saturating_shift_left(runtime: Runtime) -> None:
    x, n = np.meshgrid(spread(np.random.default_rng(3), 1500), np.arange(1, 31))
    expected = [saturate(int(value) * 2 ** int(shift)) for value, shift in zip(x.ravel(), n.ravel(), strict=True)]
    assert runtime("tvm_tiny_saturating_shift_left", x, n).tolist() == expected
