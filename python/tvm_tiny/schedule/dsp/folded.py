"""Requantisation by one product and one saturating shift, the zero point and the rounding folded into what a sum begins with.

``((sum * factor + addend) * multiplier) >> (32 + shift)``, saturated to int8, is SMMUL and SSAT. As in
:mod:`tvm_tiny.schedule.requantize` the form is exact if it has the reference's thresholds within the reach of the sum. For a given
addend each threshold bounds the multiplier; addends are a fraction of a unit of the sum apart, so that a few around the nominal one
find a multiplier wherever one can be expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tvm_tiny.op.rounding import Rounding, quantize_multiplier
from tvm_tiny.schedule.requantize import Channel

_DISTANCES = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 128)
"""How far from the nominal addend others are tried."""

_STEEPER = (1, 2, 4, 8, 16, 32, 64, 128)
"""Slopes tried, as multiples of the scale: a channel of few thresholds may have any, and a steep one needs a smaller addend."""

_INT32 = range(-(2**31), 2**31)


@dataclass(frozen=True)
class Folded:
    """Arrays of shape (channels,): ``addend`` is int64, to be taken modulo 2^32, ``multiplier`` int32. One ``shift`` for all."""

    addend: np.ndarray
    multiplier: np.ndarray
    shift: int


@dataclass(frozen=True)
class _Line:
    """One channel's function from sum to stored output, before saturation."""

    factor: int
    addend: int
    multiplier: int
    shift: int

    def __call__(self, acc: int) -> int:
        return ((acc * self.factor + self.addend) * self.multiplier) >> (32 + self.shift)


def folded_form(
    scales: np.ndarray,
    rounding: Rounding,
    zero_point: int,
    reach: tuple[np.ndarray, np.ndarray],
    factor: int,
    shifts: Sequence[int],
) -> Folded | None:
    """The form with the first of ``shifts`` that is exact for every channel; None if there is none.

    Parameters
    ----------
    scales : float array of shape (channels,)
    reach : pair of int arrays of shape (channels,)
        Smallest and largest sum of each channel, bias included.
    factor : int
        The accumulators are this many times the sum.
    """
    channels = tuple(
        Channel(float(scale), rounding, zero_point, -128, 127, (int(least), int(most)))
        for scale, least, most in zip(scales, *reach, strict=True)
    )
    return _form(channels, factor, tuple(shifts))


@lru_cache(maxsize=64)  # tuning schedules one node again and again
def _form(channels: tuple[Channel, ...], factor: int, shifts: tuple[int, ...]) -> Folded | None:
    thresholds = [channel.thresholds() for channel in channels]
    for shift in shifts:
        lines = []
        for channel, steps in zip(channels, thresholds, strict=True):
            line = _solve(channel, steps, factor, shift)
            if line is None:
                break
            lines.append(line)
        else:
            addend = np.array([line.addend for line in lines], np.int64)
            return Folded(addend, np.array([line.multiplier for line in lines], np.int32), shift)
    return None


def _solve(channel: Channel, thresholds: dict[int, int], factor: int, shift: int) -> _Line | None:
    for steeper in _STEEPER:
        nominal = round(channel.scale * steeper * 2.0 ** (32 + shift) / factor)
        if not 0 < nominal < 2**31:
            return None
        centre = _nominal_addend(channel, thresholds, factor, nominal / 2.0 ** (32 + shift), steeper == 1)
        for distance in _DISTANCES:
            for addend in sorted({centre - distance, centre + distance}):
                bounds = _multiplier_bounds(_Line(factor, addend, nominal, shift), thresholds, channel.reach)
                if bounds is not None:
                    line = _Line(factor, addend, min(max(nominal, bounds[0]), bounds[1]), shift)
                    if _proven(line, thresholds, channel):
                        return line
    return None


def _nominal_addend(channel: Channel, thresholds: dict[int, int], factor: int, slope: float, own: bool) -> int:
    """Of the line with ``slope``: that of the reference if the slope is its own, else one through the threshold in the middle."""
    if own:
        right = -quantize_multiplier(channel.scale)[1]
        # Half a step, and where the reference rounds twice half a unit of its first rounding.
        middle = channel.zero_point + 0.5 + (2.0 ** (-1 - right) if channel.rounding == "double" and right >= 0 else 0)
        return round(middle / slope)
    if thresholds:
        q, acc = list(thresholds.items())[len(thresholds) // 2]
        return round(q / slope - (acc - 0.5) * factor)
    acc = sum(channel.reach) // 2
    return round((int(channel.reference(np.array([acc]))[0]) + 0.5) / slope - acc * factor)


def _multiplier_bounds(line: _Line, thresholds: dict[int, int], reach: tuple[int, int]) -> tuple[int, int] | None:
    """The multipliers for which every threshold holds with the line's addend: a closed interval, None if it is empty."""
    least, most = 1, 2**31 - 1
    for q, threshold in thresholds.items():
        level = q << (32 + line.shift)
        for acc, reaches in ((threshold, True), (threshold - 1, False)):
            if not reach[0] <= acc <= reach[1]:
                continue
            scaled = acc * line.factor + line.addend
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


def _proven(line: _Line, thresholds: dict[int, int], channel: Channel) -> bool:
    """The line has the reference's value on both sides of every threshold and at both ends, and its accumulators fit int32.

    Both functions are monotone, so nothing can differ in between.
    """
    if any(acc * line.factor + line.addend not in _INT32 for acc in channel.reach):
        return False
    for q, threshold in thresholds.items():
        if line(threshold) < q or (threshold > channel.reach[0] and line(threshold - 1) >= q):
            return False
    held = [min(max(line(acc), channel.low), channel.high) for acc in channel.reach]
    return held == channel.reference(np.array(channel.reach, dtype=np.int64)).tolist()
