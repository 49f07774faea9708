import numpy as np
import pytest

from .native import Runtime


def test_clamp_holds_within_limits(runtime: Runtime) -> None:
    x = np.arange(-300, 300)
    assert np.array_equal(runtime("tvm_tiny_clamp", x, -128, 127), np.clip(x, -128, 127))
    extremes = np.array([-(2**31), 2**31 - 1])
    assert runtime("tvm_tiny_clamp", extremes, -128, 127).tolist() == [-128, 127]


def test_round_divide_rounds_halves_away_from_zero(runtime: Runtime) -> None:
    total, count = np.meshgrid(np.arange(-700, 701), np.arange(1, 50))
    magnitude = (2 * np.abs(total) + count) // (2 * count)  # floor(|total| / count + 1/2)
    assert np.array_equal(runtime("tvm_tiny_round_divide", total, count), (np.sign(total) * magnitude).ravel())


@pytest.mark.parametrize(
    ("total", "count", "expected"), [(1, 2, 1), (-1, 2, -1), (3, 2, 2), (-3, 2, -2), (0, 9, 0), (4, 9, 0), (5, 9, 1)]
)
def test_round_divide_by_example(runtime: Runtime, total: int, count: int, expected: int) -> None:
    assert runtime("tvm_tiny_round_divide", total, count).tolist() == [expected]


def test_leading_zeros(runtime: Runtime) -> None:
    x = np.concatenate([2 ** np.arange(32, dtype=np.uint64), 2 ** np.arange(1, 33, dtype=np.uint64) - 1])
    expected = [32 - int(value).bit_length() for value in x]
    assert runtime("tvm_tiny_leading_zeros", x).tolist() == expected
