"""Requantisation in four vector instructions, proven exact channel by channel.

The form is ``saturate((((acc << left) + bias - (unit if that is negative)) * multiplier / 2^31 + offset) / 2^shift)``: a shift, an
addition, VQDMLASH, which rounds down, and VQRSHRN, which rounds to the nearest. What holds for the whole layer (left, offset,
shift) is part of an instruction or lies in a core register; what is the channel's own are vectors.

Shifting the accumulator to the left leaves fractions of its unit below it. They hold the reference's bias, and half a unit of its
first rounding, so finely that one shift and one offset serve channels whose scales differ. The output is known by its thresholds,
the least accumulator that gives at least q (see :mod:`tvm_tiny.schedule.requantize`). For a given multiplier every threshold T
bounds the bias from both sides:

    (T << left) + bias >= X   and   ((T - 1) << left) + bias < X,   X = ceil(((q - 1/2) * 2^shift - offset) * 2^31 / multiplier)

Where the bounds of all thresholds have an integer in common, it is exact for every accumulator that can occur. TFLite rounds ties
away from zero the second time. Where negative results count, negative accumulators get a bias of their own: the difference is
"unit".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tvm_tiny.op.rounding import Rounding, quantize_multipliers
from tvm_tiny.op.rounding_arrays import requantized

_MOST_LEFT = 10
_MOST_SHIFT = 16  # of VQSHRN.S32
_NUDGES = (0.0, *(sign * step / 4 for step in range(1, 65) for sign in (1, -1)))
"""Multipliers tried, as distances from the nominal one."""
_EARLY = 16
"""Where so many multipliers leave most channels without a form, the others would leave some."""
_WIDE = 1 << 40  # beyond any bias
_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class VectorForm:
    """The form of a layer: int32 arrays of shape (channels,); ``unit`` is None where no channel needs it."""

    bias: np.ndarray
    multiplier: np.ndarray
    unit: np.ndarray | None
    left: int
    offset: int
    shift: int

    def __call__(self, acc: np.ndarray) -> np.ndarray:
        """What the instructions make of int64 accumulators of shape (channels, n), before it is held within int8."""
        total = self._sum(acc)
        high = ((total * self.multiplier[:, None].astype(np.int64)) >> 31) + self.offset
        return (high + (1 << (self.shift - 1))) >> self.shift

    def _sum(self, acc: np.ndarray) -> np.ndarray:
        total = (acc << self.left) + self.bias[:, None].astype(np.int64)
        return total if self.unit is None else total - np.where(total < 0, self.unit[:, None].astype(np.int64), 0)

    def stays_in_int32(self, acc: np.ndarray) -> bool:
        """Nothing on the way leaves int32 for these accumulators: VQDMLASH does not saturate."""
        total = self._sum(acc)
        high = ((total * self.multiplier[:, None].astype(np.int64)) >> 31) + self.offset
        shifted = (acc << self.left) + self.bias[:, None].astype(np.int64)
        return all(_fits(each) for each in (total, shifted, high, high + (1 << (self.shift - 1))))


@dataclass(frozen=True)
class Reference:
    """What is to be matched.

    Attributes
    ----------
    scales : array (channels,)
        With ``rounding``, ``zero_point`` and the limits ``low`` and ``high`` of the stored output.
    bias : array (channels,)
        Part of the accumulator to the reference, but not to the form, which adds it.
    reach : pair of arrays (channels,)
        Smallest and largest accumulator, bias included.
    """

    scales: np.ndarray
    rounding: Rounding
    zero_point: int
    low: int
    high: int
    bias: np.ndarray
    reach: tuple[np.ndarray, np.ndarray]

    def __call__(self, acc: np.ndarray) -> np.ndarray:
        """Stored outputs of int64 accumulators of shape (channels, n), bias included."""
        rounded = requantized(acc, self.scales[:, None], self.rounding)
        return np.clip(rounded.value + self.zero_point, self.low, self.high)

    def rows(self, channels: np.ndarray) -> Reference:
        """That of some channels."""
        reach = (self.reach[0][channels], self.reach[1][channels])
        return replace(self, scales=self.scales[channels], bias=self.bias[channels], reach=reach)

    def representable(self) -> bool:
        """No accumulator within reach leaves int32 in the reference's own arithmetic."""
        ends = np.stack(self.reach, axis=1).astype(np.int64)
        return bool(np.all(requantized(ends, self.scales[:, None], self.rounding).whole))

    def thresholds(self) -> np.ndarray:
        """For each channel and each q above ``low``, the least accumulator within reach that gives at least q; where none does, one
        more than the largest. Shape (channels, high - low).
        """
        wanted = np.arange(self.low + 1, self.high + 1, dtype=np.int64)[None, :]
        shape = (len(self.scales), wanted.shape[1])
        below = np.broadcast_to(self.reach[0].astype(np.int64)[:, None] - 1, shape).copy()
        above = np.broadcast_to(self.reach[1].astype(np.int64)[:, None] + 1, shape).copy()
        while np.any(above - below > 1):
            open_ = above - below > 1
            middle = np.where(open_, (below + above) >> 1, self.reach[0].astype(np.int64)[:, None])
            enough = self(middle) >= wanted
            above = np.where(open_ & enough, middle, above)
            below = np.where(open_ & ~enough, middle, below)
        return above


def vector_form(reference: Reference) -> VectorForm | None:
    """The form that is the reference for every accumulator within reach, without a unit where that is possible; None if none is."""
    if not len(reference.scales) or not np.all(reference.scales > 0) or not reference.representable():
        return None
    thresholds = reference.thresholds()
    largest = max(int(np.abs(end.astype(np.int64)).max()) for end in reference.reach)
    most_left = min(_MOST_LEFT, 29 - largest.bit_length())
    for signed in (False, True) if reference.rounding == "double" else (False,):
        for left in range(most_left, -1, -1):
            form = _solve(reference, thresholds, left, signed)
            if form is not None:
                return form
    return None


def _solve(reference: Reference, thresholds: np.ndarray, left: int, signed: bool) -> VectorForm | None:
    scales = _exact_scales(reference)
    shift = min(left + int(np.floor(np.log2((2.0**31 - 1) / 2.0**31 / scales)).min()), _MOST_SHIFT)
    if shift < 1:
        return None
    offset = reference.zero_point << shift
    nominal = np.minimum(np.rint(scales * 2.0 ** (31 + shift - left)), 2.0**31 - 1)
    # A multiplier that is larger by this much moves the farthest threshold by one unit of the bias.
    largest = np.maximum(np.abs(reference.reach[0]), np.abs(reference.reach[1])).astype(np.float64)
    nudge = nominal / np.maximum(largest, 1.0) * 2.0**-left
    multiplier, bias, unit = (np.zeros(len(scales), np.int64) for _ in range(3))
    remaining = np.arange(len(scales))
    for attempt, steps in enumerate(_NUDGES):
        tried = np.clip(np.rint(nominal + steps * nudge), 1, 2**31 - 1).astype(np.int64)[remaining]
        bounds = _Bounds(reference.rows(remaining), thresholds[remaining], tried, left, offset, shift)
        found, bias[remaining], unit[remaining] = bounds.signed() if signed else bounds.plain()
        multiplier[remaining] = tried
        remaining = remaining[~found]
        if not len(remaining):
            break
        if attempt == _EARLY and 2 * len(remaining) > len(scales):
            return None
    bias += reference.bias.astype(np.int64) << left
    if len(remaining) or not _fits(bias):
        return None
    units = unit.astype(np.int32) if signed else None
    form = VectorForm(bias.astype(np.int32), multiplier.astype(np.int32), units, left, offset, shift)
    return form if _proven(form, reference, thresholds) else None


@dataclass(frozen=True)
class _Bounds:
    """The biases for which every threshold holds with a given multiplier, without the reference's bias in them."""

    reference: Reference
    thresholds: np.ndarray
    multiplier: np.ndarray
    left: int
    offset: int
    shift: int

    def plain(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By channel: whether there is one, the middle one, and no unit."""
        least, most = self._of(np.ones(self.thresholds.shape, bool))
        return least <= most, (least + most) >> 1, np.zeros_like(least)

    def signed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By channel: whether each sign of the accumulator has one, that of the positive ones, and how much less the other is."""
        negative = self.thresholds <= 0  # an accumulator of -1 belongs to them
        below, above = self._of(negative), self._of(~negative)
        least, most = np.maximum(above[0], 0), np.minimum(above[1], (1 << self.left) - 1)  # so that the sign is the accumulator's
        bias = (least + most) >> 1
        unit = np.maximum(bias - ((below[0] + below[1]) >> 1), 0)
        return (least <= most) & (below[0] <= below[1]), bias, unit

    def _of(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Least and largest bias for which the ``chosen`` thresholds hold."""
        q = np.arange(self.reference.low + 1, self.reference.high + 1, dtype=np.int64)[None, :]
        level = -((-(((q << self.shift) - (1 << (self.shift - 1)) - self.offset) << 31)) // self.multiplier[:, None])
        smallest, largest = (end.astype(np.int64)[:, None] for end in self.reference.reach)
        reached = chosen & (self.thresholds <= largest)
        missed = chosen & (self.thresholds > smallest)
        least = np.where(reached, level - (self.thresholds << self.left), -_WIDE).max(axis=1, initial=-_WIDE)
        most = np.where(missed, level - 1 - ((self.thresholds - 1) << self.left), _WIDE).min(axis=1, initial=_WIDE)
        # Where no threshold bounds it, any value near zero will do.
        return np.where(least == -_WIDE, np.minimum(most, 0), least), np.where(most == _WIDE, np.maximum(least, 0), most)


def _exact_scales(reference: Reference) -> np.ndarray:
    """The real numbers that the reference multiplies with: 31-bit fixed point, but where it computes in float64."""
    if reference.rounding == "real":
        return reference.scales.astype(np.float64)
    multiplier, shift = quantize_multipliers(reference.scales)
    exact = multiplier.astype(np.float64) * 2.0 ** (shift.astype(np.float64) - 31)
    return np.maximum(exact, 2.0**-62)


def _proven(form: VectorForm, reference: Reference, thresholds: np.ndarray) -> bool:
    """The form has the reference's value on both sides of every threshold, around zero and at both ends; nothing leaves int32.

    Both are monotone, so that nothing differs in between.
    """
    low, high = (end.astype(np.int64)[:, None] for end in reference.reach)
    around_zero = np.broadcast_to(np.array([-1, 0]), (len(low), 2))
    points = np.clip(np.concatenate([thresholds, thresholds - 1, around_zero, low, high], axis=1), low, high)
    sums = points - reference.bias.astype(np.int64)[:, None]
    held = np.clip(np.clip(form(sums), -128, 127), reference.low, reference.high)
    return form.stays_in_int32(sums) and bool(np.array_equal(held, reference(points)))


def _fits(values: np.ndarray) -> bool:
    return bool(np.all((values >= _INT32.min) & (values <= _INT32.max)))
