"""The requantisation unit's one rounding, chosen so that it equals another on every accumulator that can occur."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_tiny.npu.commands import Requantization
from tvm_tiny.npu.requantize import Rescale, native, proved
from tvm_tiny.op.rounding_arrays import requantized


def unit(rescale: Rescale, acc: np.ndarray, channel: int, zero_point: int, low: int, high: int) -> np.ndarray:
    """What the device computes, in Python's integers."""
    multiplier, nudge, shift = (int(each[channel]) for each in (rescale.multiplier, rescale.nudge, rescale.shift))
    values = [(int(each) * multiplier + (1 << (30 - shift)) + nudge) >> (31 - shift) for each in acc]
    return np.clip(np.array(values) + zero_point, low, high)


@pytest.mark.parametrize("rounding", ["real", "even", "single"])
@pytest.mark.parametrize("zero_point", [-128, 3, 127])
def test_every_accumulator_gives_the_same(rounding: str, zero_point: int) -> None:
    scales = np.array([0.00391, 1 / 256, 0.0625, 0.5, 0.75, 1.0, 0.0123456789, 2.5])
    low = np.array([-40_000, -33_000, -2_100, -300, -200, -128, -9_000, -60], np.int64)
    high = -low + 7
    found = proved(scales, rounding, (low, high), zero_point, -128, 127)
    if found is None:  # ties to even go up and down by turns, which no single offset does
        assert rounding == "even"
        return
    assert found.kind == Requantization.SINGLE
    for channel, scale in enumerate(scales):
        acc = np.arange(low[channel], high[channel] + 1)
        wanted = np.clip(requantized(acc, np.array([scale]), rounding).value + zero_point, -128, 127)
        assert np.array_equal(unit(found, acc, channel, zero_point, -128, 127), wanted)


def test_ties_away_from_zero_need_a_nudge_where_the_clamp_keeps_negative_ones() -> None:
    """-0.5 becomes -1 and 0.5 becomes 1: no offset alone does both, but a multiplier that is a little larger does."""
    found = proved(np.array([0.5]), "real", (np.array([-9]), np.array([9])), 0, -128, 127)
    assert found is not None
    values = unit(found, np.arange(-9, 10), 0, 0, -128, 127).tolist()
    assert values == [-5, -4, -4, -3, -3, -2, -2, -1, -1, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


def test_ties_to_even_by_turns_have_no_equal() -> None:
    assert proved(np.array([0.5]), "even", (np.array([-9]), np.array([9])), 0, -128, 127) is None


def test_what_the_accumulator_never_reaches_does_not_matter() -> None:
    """0.5 and 1.5 go to 0 and 2 by ties to even, but only odd accumulators above 3 would show it."""
    found = proved(np.array([0.5]), "even", (np.array([0]), np.array([2])), 0, -128, 127)
    assert found is not None
    assert unit(found, np.arange(3), 0, 0, -128, 127).tolist() == [0, 0, 1]


def test_one_scale_serves_all_channels() -> None:
    assert native(np.array([0.25]), 3).multiplier.shape == (3,)
    found = proved(np.array([0.01]), "real", (np.full(3, -999), np.full(3, 999)), 0, -128, 127)
    assert found is not None
    assert found.nudge.shape == (3,)
