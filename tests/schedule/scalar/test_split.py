"""A scale and the reach of the sum go in; two or three 32-bit products come out that are the reference everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvm_tiny.op.rounding import Rounding
from tvm_tiny.op.rounding_arrays import requantized
from tvm_tiny.schedule.scalar.split import Split, split_form


def evaluate(form: Split, acc: np.ndarray) -> np.ndarray:
    """What requantize_split.h computes, with every intermediate held in int32."""

    def held(values: np.ndarray) -> np.ndarray:
        assert np.array_equal(values, values.astype(np.int32))
        return values

    multiplier, mask = int(form.multiplier[0]), (1 << form.width) - 1
    rest = np.zeros_like(acc)
    for digit in range(form.digits - 1):
        rest = held(held(acc * (multiplier >> digit * form.width & mask)) + rest) >> form.width
    product = held(held(acc * (multiplier >> (form.digits - 1) * form.width)) + rest)
    offset = int(form.offset[0]) - (np.where(acc < 0, int(form.unit[0]), 0) if form.unit is not None else 0)
    return np.clip(held(product + offset) >> int(form.shift[0]), -128, 127)


def one(scale: float, rounding: Rounding, zero_point: int, reach: int) -> Split | None:
    return split_form(np.array([scale]), rounding, zero_point, -128, 127, (np.array([-reach]), np.array([reach])))


@settings(max_examples=150, deadline=None)
@given(
    scale=st.floats(1e-4, 0.4),
    rounding=st.sampled_from(["double", "single", "real"]),
    zero_point=st.integers(-128, 127),
    reach=st.integers(1, 80_000),
)
def test_a_form_that_is_found_equals_the_reference_for_every_sum(
    scale: float, rounding: Rounding, zero_point: int, reach: int
) -> None:
    form = one(scale, rounding, zero_point, reach)
    if form is None:
        return
    acc = np.arange(-reach, reach + 1, dtype=np.int64)
    expected = np.clip(requantized(acc, np.array([scale]), rounding).value + zero_point, -128, 127)
    assert np.array_equal(evaluate(form, acc), expected)


@pytest.mark.parametrize(("reach", "digits"), [(2_000, 2), (900_000, 3)])
@pytest.mark.parametrize("zero_point", [-128, 0, 40])
def test_scales_of_real_layers_have_a_form(zero_point: int, reach: int, digits: int) -> None:
    scales = np.array([0.0021, 0.0047, 0.0013])
    form = split_form(scales, "double", zero_point, -128, 127, (np.full(3, -reach), np.full(3, reach)))
    assert form is not None
    assert form.digits == digits
    steps = np.arange(-reach, reach + 1, max(1, reach // 50_000), dtype=np.int64)
    for channel, scale in enumerate(scales):
        single = Split(
            *(each[channel : channel + 1] for each in (form.multiplier, form.offset, form.shift)),
            None if form.unit is None else form.unit[channel : channel + 1],
            form.width,
            form.digits,
        )
        expected = np.clip(requantized(steps, np.array([scale]), "double").value + zero_point, -128, 127)
        assert np.array_equal(evaluate(single, steps), expected)


def test_sums_that_leave_no_room_for_a_multiplier_have_none() -> None:
    assert one(0.001, "double", 0, 2**31 - 1) is None


def test_a_scale_of_zero_has_none() -> None:
    assert one(0.0, "double", 0, 1000) is None
