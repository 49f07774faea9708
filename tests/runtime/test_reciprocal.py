"""The reciprocal of TFLite's softmax, against gemmlowp's algorithm in Python integers and against the truth."""

import numpy as np

from .native import Runtime
from .numbers import INT32_MAX, half_up, saturate


def newton(x: int) -> int:
    """gemmlowp's one_over_one_plus_x_for_x_in_0_1 of x shifted to the top, in Q0.31."""

    def times(a: int, b: int) -> int:
        return saturate(half_up(a * b, 2**31))

    top = x << (32 - x.bit_length())
    half_denominator = (top - 2**31 + INT32_MAX + 1) // 2
    estimate = 1515870810 + times(half_denominator, -1010580540)
    for _ in range(3):
        residue = 2**29 - times(half_denominator, estimate)
        estimate += saturate(4 * times(estimate, residue))
    return saturate(2 * estimate)


def numbers() -> np.ndarray:
    rng = np.random.default_rng(10)
    powers = 2 ** np.arange(31)
    every = np.concatenate(
        [np.arange(1, 4096), powers, powers[1:] - 1, powers[:-1] + 1, rng.integers(1, INT32_MAX, 20000), [INT32_MAX]]
    )
    return np.unique(every)


def test_it_is_gemmlowps_bit_for_bit(runtime: Runtime) -> None:
    x = numbers()
    assert runtime("tvm_tiny_reciprocal_q0_31", x).tolist() == [newton(int(value)) for value in x]


def test_it_is_the_reciprocal(runtime: Runtime) -> None:
    x = numbers()
    value = runtime("tvm_tiny_reciprocal_q0_31", x).astype(np.float64) / 2**31
    bits = runtime("tvm_tiny_reciprocal_bits", x, 12)
    real = x / 2.0**19  # Q12.19
    assert np.max(np.abs(value / 2.0**bits * real - 1)) < 2e-8


def test_bits_of_one(runtime: Runtime) -> None:
    assert runtime("tvm_tiny_reciprocal_bits", np.array([1 << 19, (1 << 20) - 1, 1 << 20, 1 << 18]), 12).tolist() == [0, 0, 1, -1]
    assert runtime("tvm_tiny_reciprocal_q0_31", 1 << 19).tolist() == [INT32_MAX]
