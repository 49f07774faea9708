"""Rounding of floats, against exact rational arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest

from .native import Runtime
from .numbers import INT32_MAX, INT32_MIN, half_away, saturate, spread


def away(x: float) -> int:
    if math.isnan(x):
        return 0
    if math.isinf(x):
        return INT32_MAX if x > 0 else INT32_MIN
    exact = Fraction(x)
    return saturate(half_away(exact.numerator, exact.denominator))


def even(x: float) -> int:
    if math.isnan(x):
        return 0
    if math.isinf(x):
        return INT32_MAX if x > 0 else INT32_MIN
    return saturate(round(Fraction(x)))


def interesting(dtype: type) -> np.ndarray:
    """Halves, their neighbours, the limits of exactness and of int32, and everything in between."""
    rng = np.random.default_rng(6)
    halves = np.concatenate(
        [np.arange(-2000, 2000) / 2, [2**22 + 0.5, 2**23 - 0.5, 2**23, 2**24 + 1, 2**31 - 1, 2**31 - 0.5, 2**31, 2**32]]
    )
    halves = np.concatenate([halves, -halves]).astype(dtype)
    near = np.concatenate([halves, np.nextafter(halves, dtype(np.inf)), np.nextafter(halves, dtype(-np.inf))])
    wide = (rng.standard_normal(5000) * 2.0 ** rng.integers(-20, 40, 5000)).astype(dtype)
    return np.concatenate([near, wide, np.array([0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(dtype).tiny, 1e30, -1e30], dtype)])


@pytest.mark.parametrize(
    ("function", "reference", "dtype"),
    [
        ("tvm_tiny_round_f64", away, np.float64),
        ("tvm_tiny_round_f32", away, np.float32),
        ("tvm_tiny_round_even_f32", even, np.float32),
    ],
)
def test_rounding(runtime: Runtime, function: str, reference: object, dtype: type) -> None:
    x = interesting(dtype)
    assert runtime(function, x).tolist() == [reference(float(value)) for value in x]  # type: ignore[operator]


def test_requantize_real_is_litert_fully_connected(runtime: Runtime) -> None:
    """round(double(acc) * scale). The product is rounded to double before it is rounded to an integer."""
    rng = np.random.default_rng(7)
    acc = spread(rng, 20000)
    scale = rng.uniform(1e-6, 0.05, acc.size)
    scale[:4000] = 2.0 ** rng.integers(-12, 0, 4000)
    scale[4000:8000] = 0.3  # acc = 5, 15, ...: the exact product lies below the tie that the rounded one hits
    acc[4000:8000] = np.arange(-20000, 20000, 10) + 5
    with np.errstate(all="ignore"):
        product = acc.astype(np.float64) * scale
    expected = [away(float(value)) for value in product]
    assert runtime("tvm_tiny_requantize_real", acc, scale).tolist() == expected


def test_a_fused_multiplication_would_be_seen() -> None:
    """The cases above hold ties that only the rounded product has: as a double, 0.3 is a little less than 3/10."""
    ties = [acc for acc in range(5, 20000, 10) if Fraction(acc * 0.3) * 2 % 2 == 1 and acc * Fraction(0.3) < Fraction(acc * 0.3)]
    assert len(ties) > 100


def test_requantize_even_is_onnx_runtime(runtime: Runtime) -> None:
    rng = np.random.default_rng(8)
    acc = spread(rng, 20000)
    scale = rng.uniform(1e-6, 0.05, acc.size).astype(np.float32)
    scale[:8000] = 2.0 ** rng.integers(-12, 0, 8000)
    expected = np.rint(acc.astype(np.float32) * scale).astype(np.int64)
    assert np.array_equal(runtime("tvm_tiny_requantize_even", acc, scale), expected)
