"""Requantisation for cores that multiply 32 by 32 bits to 32 (Cortex-M0, M0+).

It is proven exact as in :mod:`tvm_tiny.schedule.requantize`. The form is that of a core with long products,
``(((sum * multiplier) >> drop) + offset - (unit if sum < 0)) >> shift``, with the multiplier cut into two or three digits of
``width`` bits so that a sum times a digit fits 32 bits. The floor of the whole product is reached digit by digit, from the lowest:

    floor(sum * (upper * 2^width + lower) / 2^width) = sum * upper + floor(sum * lower / 2^width)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from tvm_tiny.op.rounding import Rounding, quantize_multiplier
from tvm_tiny.schedule.requantize import Channel

_OFFSETS = 6
"""Offsets tried on either side of the nominal one."""

_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Step:
    """One channel's function from sum to stored output, before the limits."""

    multiplier: int
    offset: int
    unit: int
    width: int
    digits: int
    shift: int

    @property
    def drop(self) -> int:
        """Bits of the product that are cut off before the offset is added."""
        return self.width * (self.digits - 1)

    def __call__(self, acc: int) -> int:
        return (((acc * self.multiplier) >> self.drop) + self._added(acc)) >> self.shift

    def stays_in_int32(self, acc: int) -> bool:
        """Nothing on the way leaves int32 for this sum."""
        rest, mask = 0, (1 << self.width) - 1
        for digit in range(self.digits):
            last = digit == self.digits - 1
            product = acc * ((self.multiplier >> (digit * self.width)) & (-1 if last else mask))
            if product not in _INT32 or product + rest not in _INT32:
                return False
            rest = product + rest if last else (product + rest) >> self.width
        return rest + self._added(acc) in _INT32

    def level(self, q: int, acc: int) -> int:
        """The least value of ``acc * multiplier`` that gives q."""
        return ((q << self.shift) - self._added(acc)) << self.drop

    def _added(self, acc: int) -> int:
        return self.offset - (self.unit if acc < 0 else 0)


@dataclass(frozen=True)
class Split:
    """The form for every channel: int32 arrays of shape (channels,). ``unit`` is None where no channel needs it."""

    multiplier: np.ndarray
    offset: np.ndarray
    shift: np.ndarray
    unit: np.ndarray | None
    width: int
    digits: int


def split_form(
    scales: np.ndarray, rounding: Rounding, zero_point: int, low: int, high: int, reach: tuple[np.ndarray, np.ndarray]
) -> Split | None:
    """The cheapest exact form; None where a channel has none.

    Tried in turn: two digits with one shift for all channels, with each channel's own, three digits likewise, then all of these
    with the correction for negative sums. Parameters are those of :func:`tvm_tiny.schedule.requantize.high_word_form`.
    """
    channels = [
        Channel(float(scale), rounding, zero_point, low, high, (int(least), int(most)))
        for scale, least, most in zip(scales, *reach, strict=True)
    ]
    if not channels or any(channel.scale <= 0 for channel in channels):
        return None
    thresholds = [channel.thresholds() for channel in channels]
    width = min(31 - max(_magnitude(channel) for channel in channels).bit_length(), 15)
    for signed in (False, True) if rounding == "double" else (False,):
        for digits in (2, 3):
            own = [_largest_shift(channel, width * (digits - 1)) for channel in channels]
            if width < 1 or min(own) < 1:
                return None
            for shifts in ([min(own)] * len(own), own):
                steps = _solve_all(channels, thresholds, [Step(0, 0, 0, width, digits, shift) for shift in shifts], signed)
                if steps is not None:
                    return _gathered(steps, signed)
    return None


def _magnitude(channel: Channel) -> int:
    return max(-channel.reach[0], channel.reach[1], 1)


def _largest_shift(channel: Channel, drop: int) -> int:
    """The shift for which the multiplier fits 31 bits, and what is shifted at last stays below 2^30."""
    scaled = math.ceil(math.log2(_magnitude(channel) * channel.scale + 256))
    return min(math.floor(31 - 1e-9 - drop - math.log2(channel.scale)), 29 - scaled)


def _gathered(steps: list[Step], signed: bool) -> Split:
    multiplier, offset, shift, unit = (
        np.array([getattr(step, name) for step in steps], np.int32) for name in ("multiplier", "offset", "shift", "unit")
    )
    return Split(multiplier, offset, shift, unit if signed else None, steps[0].width, steps[0].digits)


def _solve_all(channels: list[Channel], thresholds: list[dict[int, int]], forms: list[Step], signed: bool) -> list[Step] | None:
    steps = []
    for channel, each, form in zip(channels, thresholds, forms, strict=True):
        step = _solve(channel, each, form, signed)
        if step is None:
            return None
        steps.append(step)
    return steps


def _solve(channel: Channel, thresholds: dict[int, int], form: Step, signed: bool) -> Step | None:
    shift = form.shift
    nominal = round(channel.scale * 2.0 ** (form.drop + shift))
    right = -quantize_multiplier(channel.scale)[1]
    twice = channel.rounding == "double" and 0 <= right < shift
    unit = 1 << (shift - right) if signed and twice else 0
    # Rounding the first time adds half a unit of 2^-right, rounding the second time half a step.
    centre = (channel.zero_point << shift) + (1 << (shift - 1)) + (1 << (shift - 1 - right) if twice else 0)
    for distance in range(_OFFSETS):
        for offset in sorted({centre - distance, centre + distance}):
            tried = replace(form, offset=offset, unit=unit)
            bounds = _multiplier_bounds(tried, thresholds, channel.reach)
            if bounds is None:
                continue
            step = replace(tried, multiplier=min(max(nominal, bounds[0]), bounds[1]))
            if _proven(step, thresholds, channel):
                return step
    return None


def _multiplier_bounds(step: Step, thresholds: dict[int, int], reach: tuple[int, int]) -> tuple[int, int] | None:
    """The multipliers for which every threshold holds with the step's offset: an interval, None if it is empty."""
    least, most = 0, 2**31 - 1
    for q, threshold in thresholds.items():
        for acc, reaches in ((threshold, True), (threshold - 1, False)):
            if not reach[0] <= acc <= reach[1]:
                continue
            level = step.level(q, acc)
            # acc * multiplier >= level must hold, or must not
            if acc == 0:
                if (level <= 0) != reaches:
                    return None
            elif (acc > 0) == reaches:
                least = max(least, -(-level // acc) if reaches else level // acc + 1)
            else:
                most = min(most, level // acc if reaches else -(-level // acc) - 1)
        if least > most:
            return None
    return least, most


def _proven(step: Step, thresholds: dict[int, int], channel: Channel) -> bool:
    """The reference's value on both sides of every threshold, at both ends of the reach and around zero; nothing leaves int32."""
    ends = [acc for acc in (*channel.reach, -1, 0) if channel.reach[0] <= acc <= channel.reach[1]]
    if not all(step.stays_in_int32(acc) for acc in ends):
        return False
    for q, threshold in thresholds.items():
        if step(threshold) < q or (threshold > channel.reach[0] and step(threshold - 1) >= q):
            return False
    held = [min(max(step(acc), channel.low), channel.high) for acc in ends]
    return bool(held == channel.reference(np.array(ends, dtype=np.int64)).tolist())
