"""Sums of two int8 tensors as the vector unit computes them: it rounds as TFLite does, in several steps.

ONNX rounds once, ties to even. But TFLite carries 20 bits behind the point until its last step, and there are only 65,536 pairs of
operands: all of them are compared, and where parameters of the unit are found with which none differs, the two are the same. What
remains are scales that make ties, such as halves. (A product carries so few bits that its two roundings always differ somewhere.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from tvm_tiny.op.add import LEFT_SHIFT, AddAttrs
from tvm_tiny.op.rounding import quantize_multiplier
from tvm_tiny.op.rounding_arrays import Rounded, rescaled, shifted_right_even

_NEAR = (0, 1, -1, 2, -2)
"""Multipliers that are tried, by their distance from the nearest."""


@dataclass(frozen=True)
class SumScales:
    """What the vector unit is told: multiplier and shift of each operand, and of the result."""

    multipliers: tuple[int, int]
    shifts: tuple[int, int]
    multiplier: int
    shift: int


@cache
def scales_of_sum(attrs: AddAttrs) -> SumScales | None:
    """With which the unit's sum is that of ``attrs`` for every pair; None where none is found."""
    if not attrs.exact:
        return SumScales(attrs.multipliers, attrs.shifts, attrs.output_multiplier, attrs.output_shift)
    x, y = _pairs(attrs.zero_points)
    first, second = attrs.multipliers
    total = x * first + y * (-second if attrs.subtract else second)
    wanted = _stored(shifted_right_even(total, attrs.output_shift), attrs)
    for scales in _candidates(attrs):
        found = _tflite_sum(x, y, scales, attrs.subtract)
        if found.whole.all() and np.array_equal(_stored(found.value, attrs), wanted):
            return scales
    return None


def _pairs(zero_points: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """All values of one operand as a column, all of the other as a row, without their zero points. int64."""
    values = np.arange(-128, 128, dtype=np.int64)
    return (values - zero_points[0])[:, None], (values - zero_points[1])[None, :]


def _stored(value: np.ndarray, attrs: AddAttrs) -> np.ndarray:
    return np.clip(value + attrs.zero_point, attrs.low, attrs.high)


def _candidates(attrs: AddAttrs) -> Iterator[SumScales]:
    """TFLite's parameters for the same scales (op/add.py), and multipliers near to them."""
    scales = [multiplier * 2.0**-attrs.output_shift for multiplier in attrs.multipliers]
    twice = 2 * max(scales)
    if min(scales) <= 0 or twice >= 1 << LEFT_SHIFT:
        return
    (first, first_shift), (second, second_shift) = (quantize_multiplier(scale / twice) for scale in scales)
    multiplier, shift = quantize_multiplier(twice / (1 << LEFT_SHIFT))
    for output, one, other in sorted(product(_NEAR, repeat=3), key=lambda each: sum(map(abs, each))):
        tried = first + one, second + other, multiplier + output
        if all(0 <= each < 1 << 31 for each in tried):
            yield SumScales(tried[:2], (first_shift, second_shift), tried[2], shift)


def _tflite_sum(x: np.ndarray, y: np.ndarray, scales: SumScales, subtract: bool) -> Rounded:
    terms = [
        rescaled(value << LEFT_SHIFT, multiplier, shift, "double")
        for value, multiplier, shift in zip((x, y), scales.multipliers, scales.shifts, strict=True)
    ]
    total = terms[0].value - terms[1].value if subtract else terms[0].value + terms[1].value
    result = rescaled(total, scales.multiplier, scales.shift, "double")
    return Rounded(result.value, result.whole & terms[0].whole & terms[1].whole)
