import numpy as np
import pytest

from .native import Runtime
from .numbers import INT32_MAX, spread


def numbers(bits: int) -> np.ndarray:
    return spread(np.random.default_rng(16), 400).astype(np.int64) * (1 if bits == 32 else 2**31 - 1)


@pytest.mark.parametrize("bits", [32, 64])
def test_floor_division(runtime: Runtime, bits: int) -> None:
    a, b = np.meshgrid(
        np.concatenate([np.arange(-12, 13), numbers(bits)]), np.array([1, 2, 3, 7, 4096, INT32_MAX, -2, -3, -7, -4096])
    )
    assert np.array_equal(runtime(f"tvm_tiny_floor_div_i{bits}", a, b), (a // b).ravel())
    assert np.array_equal(runtime(f"tvm_tiny_floor_mod_i{bits}", a, b), (a % b).ravel())


@pytest.mark.parametrize("bits", [32, 64])
def test_magnitude(runtime: Runtime, bits: int) -> None:
    a = numbers(bits)
    a = a[a > -(2 ** (bits - 1))]
    assert np.array_equal(runtime(f"tvm_tiny_abs_i{bits}", a), np.abs(a))


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [("i32", np.int32), ("i64", np.int64), ("u32", np.uint32), ("u64", np.uint64), ("f32", np.float32), ("f64", np.float64)],
)
def test_extrema(runtime: Runtime, suffix: str, dtype: type) -> None:
    a, b = (values.ravel() for values in np.meshgrid(*[numbers(32)[:60].astype(dtype)] * 2))
    assert np.array_equal(runtime(f"tvm_tiny_min_{suffix}", a, b), np.minimum(a, b))
    assert np.array_equal(runtime(f"tvm_tiny_max_{suffix}", a, b), np.maximum(a, b))
