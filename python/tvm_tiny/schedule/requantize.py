"""Requantisation in two to four instructions, proven exact channel by channel.

An int8 output is a monotone step function of its int32 accumulator, so it is known whole by at most 255 thresholds: the least
accumulator that gives at least q, for each q. Two ways of rounding are the same function exactly when their thresholds are the same
within the range that the accumulator can reach. That makes the search for a cheap form with an exact result a matter of integer
inequalities: for the form ``(((acc * multiplier) >> 32) + offset) >> shift`` a threshold T of q demands

    acc * multiplier >= (q * 2^shift - offset) * 2^32        at acc = T, and not at T - 1.

For a given offset each threshold bounds the multiplier from both sides; where the intersection is not empty, any multiplier in it
is exact. TFLite rounds twice, and the second time away from zero: where negative results count, the offset is one unit of the first
rounding smaller for negative accumulators. Where no offset tried has a multiplier, the caller takes the reference's own arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tvm_tiny.op.rounding import Rounding, quantize_multiplier
from tvm_tiny.op.rounding_arrays import requantized

_OFFSETS = 6
"""Offsets tried on either side of the nominal one."""

_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Step:
    """One channel's function from sum to stored output:

    ``(((sum * factor * multiplier) >> 32) + offset - (unit if sum < 0)) >> shift``
    """

    factor: int
    multiplier: int
    offset: int
    unit: int
    shift: int

    def level(self, q: int, acc: int) -> int:
        """The least value of ``acc * factor * multiplier`` that gives q, for accumulators of the sign of ``acc``."""
        return ((q << self.shift) - self.offset + (self.unit if acc < 0 else 0)) << 32

    def __call__(self, acc: int) -> int:
        high = (acc * self.factor * self.multiplier) >> 32
        return (high + self.offset - (self.unit if acc < 0 else 0)) >> self.shift

    def stays_in_int32(self, acc: int) -> bool:
        """Nothing on the way leaves int32 for this accumulator."""
        scaled = acc * self.factor
        offset = self.offset - (self.unit if acc < 0 else 0)
        return scaled in _INT32 and offset in _INT32 and ((scaled * self.multiplier) >> 32) + offset in _INT32


@dataclass(frozen=True)
class HighWord:
    """The form for every channel: int32 arrays of shape (channels,). ``unit`` is None where no channel needs it."""

    multiplier: np.ndarray
    offset: np.ndarray
    shift: np.ndarray
    unit: np.ndarray | None

    @property
    def common_shift(self) -> int | None:
        """The shift where all channels have the same; it is then part of the saturating instruction."""
        return int(self.shift[0]) if np.all(self.shift == self.shift[0]) else None


@dataclass(frozen=True)
class Channel:
    """What is to be matched: the reference's scale and rounding, the output's zero point and limits, and the reach of the sum."""

    scale: float
    rounding: Rounding
    zero_point: int
    low: int
    high: int
    reach: tuple[int, int]

    def reference(self, acc: np.ndarray) -> np.ndarray:
        """The reference's stored output for int64 accumulators."""
        rounded = requantized(acc, np.array([self.scale]), self.rounding).value + self.zero_point
        return np.clip(rounded, self.low, self.high)

    def thresholds(self) -> dict[int, int]:
        """The smallest accumulator within reach whose output is at least q, for every q that some but not all of them give."""
        wanted = np.arange(self.low + 1, self.high + 1, dtype=np.int64)
        below = np.full(wanted.shape, self.reach[0] - 1, dtype=np.int64)  # an accumulator that is too small, or none
        above = np.full(wanted.shape, self.reach[1] + 1, dtype=np.int64)  # one that is large enough, or none
        while np.any(above - below > 1):
            middle = (below + above) >> 1
            enough = self.reference(middle) >= wanted
            above = np.where(enough, middle, above)
            below = np.where(enough, below, middle)
        inner = (above > self.reach[0]) & (above <= self.reach[1])
        return dict(zip(wanted[inner].tolist(), above[inner].tolist(), strict=True))


def high_word_form(
    scales: np.ndarray,
    rounding: Rounding,
    zero_point: int,
    low: int,
    high: int,
    reach: tuple[np.ndarray, np.ndarray],
    accumulator_scale: int,
) -> HighWord | None:
    """The cheapest exact form for accumulators that are ``accumulator_scale`` times the sum.

    Tried in turn: one shift for all channels, the shift that suits each channel, and both with the correction for negative sums.
    None where a channel has no exact form.

    Parameters
    ----------
    scales : array of shape (channels,)
    reach : pair of int arrays of shape (channels,)
        Smallest and largest sum of each channel.
    """
    channels = tuple(
        Channel(float(scale), rounding, zero_point, low, high, (int(least), int(most)))
        for scale, least, most in zip(scales, *reach, strict=True)
    )
    return _form(channels, rounding, accumulator_scale)


@lru_cache(maxsize=64)  # tuning schedules one node again and again
def _form(channels: tuple[Channel, ...], rounding: Rounding, accumulator_scale: int) -> HighWord | None:
    own = [_largest_shift(channel.scale, accumulator_scale) for channel in channels]
    if not channels or min(own) < 1:
        return None
    for signed in (False, True) if rounding == "double" else (False,):
        for shifts in ([min(own)] * len(own), own):
            steps = _solve_all(channels, shifts, accumulator_scale, signed)
            if steps is not None:
                arrays = {
                    name: np.array([getattr(step, name) for step in steps], np.int32) for name in ("multiplier", "offset", "shift")
                }
                unit = np.array([step.unit for step in steps], np.int32) if signed else None
                return HighWord(**arrays, unit=unit)
    return None


def _solve_all(channels: Sequence[Channel], shifts: list[int], factor: int, signed: bool) -> list[Step] | None:
    steps = []
    for channel, shift in zip(channels, shifts, strict=True):
        step = _solve(channel, factor, shift, signed)
        if step is None:
            return None
        steps.append(step)
    return steps


def _largest_shift(scale: float, factor: int) -> int:
    """The largest shift up to 30 for which multiplier = scale * 2^(32 + shift) / factor fits int32; may be below 1."""
    if scale <= 0:
        return 30
    return min(math.floor(math.log2((2.0**31 - 1) * factor / 2.0**32 / scale)), 30)


def _solve(channel: Channel, factor: int, shift: int, signed: bool) -> Step | None:
    nominal = min(round(channel.scale * 2.0 ** (32 + shift) / factor), 2**31 - 1)
    right = -quantize_multiplier(channel.scale)[1]
    twice = channel.rounding == "double" and 0 <= right < shift
    unit = 1 << (shift - right) if signed and twice else 0
    # Rounding the first time adds half a unit of 2^-right, rounding the second time half a step.
    centre = (channel.zero_point << shift) + (1 << (shift - 1)) + (1 << (shift - 1 - right) if twice else 0)
    thresholds = channel.thresholds()
    for distance in range(_OFFSETS):
        for offset in sorted({centre - distance, centre + distance}):
            bounds = _multiplier_bounds(Step(factor, nominal, offset, unit, shift), thresholds, channel.reach)
            if bounds is None:
                continue
            step = Step(factor, min(max(nominal, bounds[0]), bounds[1]), offset, unit, shift)
            if _proven(step, thresholds, channel):
                return step
    return None


def _multiplier_bounds(step: Step, thresholds: dict[int, int], reach: tuple[int, int]) -> tuple[int, int] | None:
    """The multipliers for which every threshold holds with the step's offset: a closed interval, None if it is empty."""
    least, most = 0, 2**31 - 1
    for q, threshold in thresholds.items():
        for acc, reaches in ((threshold, True), (threshold - 1, False)):
            if not reach[0] <= acc <= reach[1]:
                continue
            level, scaled = step.level(q, acc), acc * step.factor
            # scaled * multiplier >= level must hold, or must not
            if scaled == 0:
                if (level <= 0) != reaches:
                    return None
            elif (scaled > 0) == reaches:
                least = max(least, -(-level // scaled) if reaches else level // scaled + 1)
            else:
                most = min(most, level // scaled if reaches else -(-level // scaled) - 1)
        if least > most:
            return None
    return least, most


def _proven(step: Step, thresholds: dict[int, int], channel: Channel) -> bool:
    """The step has the reference's value on both sides of every threshold and at both ends, and nothing in it leaves int32.

    Both functions are monotone, so nothing can differ in between. (The step with its correction is monotone at zero too: its value
    just below is checked against the one at zero.)
    """
    ends = [acc for acc in (*channel.reach, -1, 0) if channel.reach[0] <= acc <= channel.reach[1]]
    if not all(step.stays_in_int32(acc) for acc in ends):
        return False
    for q, threshold in thresholds.items():
        if step(threshold) < q or (threshold > channel.reach[0] and step(threshold - 1) >= q):
            return False
    held = [min(max(step(acc), channel.low), channel.high) for acc in ends]
    return held == channel.reference(np.array(ends, dtype=np.int64)).tolist()
