"""ONNX's sum, one rounding with ties to even, by the vector unit: for all pairs of operands, or not at all."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.npu.bench import ETPU_16, Bench
from tvm_tiny.npu.commands import Clamp, Elementwise
from tvm_tiny.npu.sums import SumScales, scales_of_sum
from tvm_tiny.op.add import AddAttrs


def onnx(scales: tuple[float, float], zero_points: tuple[int, int] = (3, -7), zero_point: int = 5, **options: object) -> AddAttrs:
    """As op/add.py makes it of scales over that of the output."""
    shift = 30 - math.frexp(max(scales))[1]
    multipliers = round(math.ldexp(scales[0], shift)), round(math.ldexp(scales[1], shift))
    given = {"subtract": False, "low": -128, "high": 127, **options}
    return AddAttrs(
        zero_points=zero_points, multipliers=multipliers, shifts=(0, 0), output_multiplier=0, output_shift=shift,
        zero_point=zero_point, exact=True, **given,
    )  # fmt: skip


def exact(attrs: AddAttrs) -> np.ndarray:
    """Of every pair, (256, 256): numbers of 42 bits in float64 lose nothing, and NumPy rounds ties to even."""
    values = np.arange(-128, 128, dtype=np.int64)
    one, other = (
        multiplier * (values - zero_point) for multiplier, zero_point in zip(attrs.multipliers, attrs.zero_points, strict=True)
    )
    total = np.subtract.outer(one, other) if attrs.subtract else np.add.outer(one, other)
    return np.clip(np.rint(total / 2.0**attrs.output_shift) + attrs.zero_point, attrs.low, attrs.high)


def on_the_device(attrs: AddAttrs, scales: SumScales) -> np.ndarray:
    """(256, 256): every pair."""
    values = np.arange(-128, 128, dtype=np.int8)
    bench = Bench(ETPU_16)
    x = bench.filled(np.repeat(values[:, None, None], 256, axis=1))
    y = bench.filled(np.repeat(values[None, :, None], 256, axis=0))
    out = bench.map((256, 256, 1))
    kind = "sub" if attrs.subtract else "add"
    clamp = Clamp(attrs.zero_point, attrs.low, attrs.high)
    bench.run(
        Elementwise(
            0, kind, (x, y), out, 256, 1, 0, 256, attrs.zero_points, scales.multipliers, scales.shifts, scales.multiplier,
            scales.shift, clamp,
        )
    )  # fmt: skip
    return bench.view(out, (256, 256, 1))[..., 0].copy()


@pytest.mark.parametrize(
    "attrs",
    [
        onnx((0.7310586, 0.4769363)),
        onnx((0.0213757, 1.9130121), (-128, 0), -128),
        onnx((0.3102881, 0.2903319), subtract=True),
        onnx((3.7067013, 0.9038971), low=-20, high=100),
    ],
    ids=["sum", "small and large", "difference", "scaled up and clamped"],
)
def test_every_pair_is_that_of_exact_numbers(attrs: AddAttrs) -> None:
    scales = scales_of_sum(attrs)
    assert scales is not None
    np.testing.assert_array_equal(on_the_device(attrs, scales), exact(attrs))


def test_ties_are_left_to_the_core() -> None:
    """Halves of odd sums, or 0.731 x + 0.477 y: ONNX takes the even value of two, the unit the one further from 0."""
    assert scales_of_sum(onnx((0.5, 0.5))) is None
    assert scales_of_sum(onnx((0.731, 0.477))) is None


def test_tflite_s_own_parameters_are_taken_as_they_are() -> None:
    attrs = AddAttrs(False, (1, 2), (1 << 30, 1 << 29), (0, -1), 1 << 30, -18, 0, -128, 127, False)
    assert scales_of_sum(attrs) == SumScales((1 << 30, 1 << 29), (0, -1), 1 << 30, -18)
