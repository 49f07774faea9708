"""A scale and the reach of the accumulator go in; a form of two to four instructions comes out that is the reference everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvm_tiny.op.rounding import Rounding
from tvm_tiny.op.rounding_arrays import requantized
from tvm_tiny.schedule.requantize import Channel, high_word_form


def evaluate(form: object, acc: np.ndarray, factor: int) -> np.ndarray:
    """What the instructions compute, with every intermediate held in int32."""
    scaled = acc * factor
    assert np.array_equal(scaled, scaled.astype(np.int32))
    offset = np.full(acc.shape, int(form.offset[0]))  # type: ignore[attr-defined]
    if form.unit is not None:  # type: ignore[attr-defined]
        offset = offset - np.where(acc < 0, int(form.unit[0]), 0)  # type: ignore[attr-defined]
    high = ((scaled * int(form.multiplier[0])) >> 32) + offset  # type: ignore[attr-defined]
    assert np.array_equal(high, high.astype(np.int32))
    return np.clip(high >> int(form.shift[0]), -128, 127)  # type: ignore[attr-defined]


@settings(max_examples=150, deadline=None)
@given(
    scale=st.floats(1e-4, 0.4),
    rounding=st.sampled_from(["double", "single", "real"]),
    zero_point=st.integers(-128, 127),
    reach=st.integers(1, 8000),
    factor=st.sampled_from([1, 256]),
)
def test_a_form_that_is_found_equals_the_reference_for_every_accumulator(
    scale: float, rounding: Rounding, zero_point: int, reach: int, factor: int
) -> None:
    bounds = (np.array([-reach]), np.array([reach]))
    form = high_word_form(np.array([scale]), rounding, zero_point, -128, 127, bounds, factor)
    if form is None:
        return
    acc = np.arange(-reach, reach + 1, dtype=np.int64)
    expected = np.clip(requantized(acc, np.array([scale]), rounding).value + zero_point, -128, 127)
    assert np.array_equal(evaluate(form, acc, factor), expected)


@pytest.mark.parametrize("zero_point", [-128, 0, 40])
def test_scales_of_real_layers_have_a_form(zero_point: int) -> None:
    scales = np.array([0.0021, 0.0047, 0.0013])
    reach = (np.full(3, -200_000), np.full(3, 200_000))
    form = high_word_form(scales, "double", zero_point, -128, 127, reach, 256)
    assert form is not None
    assert (form.unit is None) == (zero_point == -128)  # results below the zero point are cut off by the limits there


def test_a_sum_that_would_leave_int32_has_none() -> None:
    reach = (np.array([-(2**24)]), np.array([2**24]))
    assert high_word_form(np.array([0.001]), "double", 0, -128, 127, reach, 256) is None


def test_thresholds_are_where_the_reference_steps() -> None:
    channel = Channel(0.01, "double", 0, -128, 127, (-500, 500))
    thresholds = channel.thresholds()
    assert sorted(thresholds) == list(range(-4, 6))
    for q, acc in thresholds.items():
        assert channel.reference(np.array([acc - 1, acc])).tolist() == [q - 1, q]
