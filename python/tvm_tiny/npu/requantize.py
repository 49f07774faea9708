"""Parameters of the requantisation unit, so that it computes what the operator's rounding does.

The unit knows TFLite's double rounding as it is. Any other rounding, and the clamp behind it, is a step function of the accumulator
that never falls: at most 255 thresholds, each the least accumulator that gives a value. With one product and one shift,
``(acc * multiplier + offset) >> bits``, the least accumulator for a value ``v`` is ``t`` exactly if
``(t - 1) * multiplier + offset < v << bits <= t * multiplier + offset``. So for a given multiplier each threshold gives a lower and
an upper limit of ``offset``; where an offset within all of them exists, the two functions are equal on the whole range of the
accumulator. That is a proof, not a test: the range is exact (:attr:`tvm_tiny.op.operator.Node.accumulator`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tvm_tiny.npu.commands import Requantization
from tvm_tiny.op.rounding import Rounding, quantize_multipliers
from tvm_tiny.op.rounding_arrays import requantized

_NEIGHBOURS = (0, 1, -1, 2, -2, 3, -3, 4, -4)
"""Multipliers that are tried, by their distance from the nearest."""

_MOST_BITS = 53
"""Values of 9 bits, moved up by as many, stay within 62; a scale that is smaller than 2^-22 is left to the core."""


Rounded = Callable[[np.ndarray], np.ndarray]
"""Accumulators, int64 of shape (channels, ...) → what they become before the zero point is added."""


@dataclass(frozen=True)
class Rescale:
    """What the unit is told: ``multiplier``, ``nudge`` and ``shift`` are int32 of shape (channels,)."""

    kind: Requantization
    multiplier: np.ndarray
    nudge: np.ndarray
    shift: np.ndarray


def native(scales: np.ndarray, channels: int) -> Rescale:
    """TFLite's double rounding by ``scales``, float64 of shape (channels,) or (1,)."""
    multiplier, shift = quantize_multipliers(np.broadcast_to(scales, (channels,)))
    return Rescale(Requantization.DOUBLE, multiplier, np.zeros(channels, np.int32), shift)


def proved(
    scales: np.ndarray, rounding: Rounding, limits: tuple[np.ndarray, np.ndarray], zero_point: int, low: int, high: int
) -> Rescale | None:
    """One rounding that is equal to ``rounding``, then ``zero_point`` and a clamp, on every accumulator within ``limits``.

    Parameters
    ----------
    scales : np.ndarray
        float64 of shape (channels,) or (1,), not negative.
    limits : (np.ndarray, np.ndarray)
        The lowest and the highest accumulator of each channel, int64 of shape (channels,).
    zero_point, low, high : int
        Of the output's stored values.

    Returns
    -------
    Rescale or None
        None where there is none for some channel.
    """
    scales = np.broadcast_to(scales, limits[0].shape).astype(np.float64)
    ends = [requantized(each.astype(np.int64), scales, rounding) for each in limits]
    if not all(end.whole.all() for end in ends):
        return None

    def rounded(acc: np.ndarray) -> np.ndarray:
        return requantized(acc, scales.reshape(-1, *[1] * (acc.ndim - 1)), rounding).value

    return proved_of(rounded, scales, limits, zero_point, low, high)


def proved_of(
    rounded: Rounded, scales: np.ndarray, limits: tuple[np.ndarray, np.ndarray], zero_point: int, low: int, high: int
) -> Rescale | None:
    """:func:`proved` of any function of accumulators, (channels, ...), that never falls and nearly multiplies by ``scales``."""
    low_end, high_end = (each.astype(np.int64) for each in limits)
    channels = low_end.size
    values = np.arange(low + 1, high + 1, dtype=np.int64) - zero_point
    steps = _Steps(values, _thresholds(rounded, low_end, high_end, values), low_end, high_end)
    nearest, shift = (each.astype(np.int64) for each in quantize_multipliers(scales))
    multiplier, nudge = nearest.copy(), np.zeros(channels, np.int64)
    left = np.ones(channels, dtype=bool)
    for distance in _NEIGHBOURS:
        tried = nearest + distance
        possible, offset = _nudge(tried, shift, steps)
        taken = left & possible
        multiplier[taken], nudge[taken] = tried[taken], offset[taken]
        left &= ~taken
    if left.any():
        return None
    return Rescale(Requantization.SINGLE, multiplier.astype(np.int32), nudge.astype(np.int32), shift.astype(np.int32))


@dataclass(frozen=True)
class _Steps:
    """Output values (steps,) and, for each channel, the least accumulator that reaches them, (channels, steps).

    It is the lowest accumulator where even that reaches the value, and one more than the highest where none does.
    """

    values: np.ndarray
    thresholds: np.ndarray
    low: np.ndarray
    high: np.ndarray


def _thresholds(rounded: Rounded, low: np.ndarray, high: np.ndarray, values: np.ndarray) -> np.ndarray:
    """:attr:`_Steps.thresholds`, by bisection, as the function never falls."""
    shape = (low.size, values.size)
    first = np.broadcast_to(low[:, None], shape).copy()
    last = np.broadcast_to(high[:, None] + 1, shape).copy()
    while (searching := first < last).any():
        middle = (first + last) // 2
        reaches = rounded(np.minimum(middle, high[:, None])) >= values
        last = np.where(searching & reaches, middle, last)
        first = np.where(searching & ~reaches, middle + 1, first)
    return first


def _nudge(multiplier: np.ndarray, shift: np.ndarray, steps: _Steps) -> tuple[np.ndarray, np.ndarray]:
    """For each channel whether some nudge fits all its thresholds, and the one that is nearest to 0."""
    bits = np.minimum(31 - shift, _MOST_BITS)[:, None]
    safe = (31 - shift <= _MOST_BITS) & (multiplier >= 0) & (multiplier < 1 << 31)
    goal = steps.values << bits
    product = steps.thresholds * multiplier[:, None]
    limits = np.iinfo(np.int64)
    reached, above = steps.thresholds <= steps.high[:, None], steps.thresholds > steps.low[:, None]
    least = np.where(reached, goal - product, limits.min).max(axis=1, initial=limits.min)
    most = np.where(above, goal - product + multiplier[:, None] - 1, limits.max).min(axis=1, initial=limits.max)
    half, int32 = (np.int64(1) << (bits - 1))[:, 0], np.iinfo(np.int32)
    lower, upper = np.maximum(least, half + int32.min), np.minimum(most, half + int32.max)
    return safe & (lower <= upper), np.clip(half, lower, np.maximum(upper, lower)) - half
