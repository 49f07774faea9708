"""How each operator of ours takes the limits of its operands to those of its output: see :mod:`tvm_tiny.transform.intervals`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from tvm_tiny.op.average_pool2d import AveragePool2dAttrs
from tvm_tiny.op.operator import Node
from tvm_tiny.op.rounding import quantize_multiplier
from tvm_tiny.op.rounding_arrays import Rounded, divided, divided_even, fits, requantized, rescaled, shifted_right_even
from tvm_tiny.transform.limits import Interval, union
from tvm_tiny.transform.taps import inside_taps, taps

Rule = Callable[[Node, Sequence[Interval]], Interval]
Accumulate = Callable[[Node, Interval], Interval]

_ADD_LEFT_SHIFT = 20


def limited(node: Node, ends: Sequence[Rounded]) -> Interval:
    """The output's limits from what a monotone function makes of its operand's: zero point added, held within the activation.

    Where int32 would have lost bits the function is not monotone, and the activation's limits are all that is known.
    """
    attrs = node.attrs
    moved = [end.value + attrs.zero_point for end in ends]
    whole = np.logical_and.reduce([end.whole & fits(value) for end, value in zip(ends, moved, strict=True)])
    whole = np.broadcast_to(whole, node.output.shape[-1] if node.output.shape else 1)
    held = [np.minimum(np.maximum(value, attrs.low), attrs.high) for value in moved]
    low, high = np.minimum.reduce(held), np.maximum.reduce(held)
    return Interval(np.where(whole, low, min(attrs.low, attrs.high)), np.where(whole, high, attrs.high))


def _held(node: Node, interval: Interval) -> Interval:
    """Limits of stored values that the activation cuts."""
    low, high = (np.minimum(np.maximum(each, node.attrs.low), node.attrs.high) for each in (interval.low, interval.high))
    return Interval(low, high)


# ---- weighted sums ---------------------------------------------------------------------------------------------------------------


def weighted(weight: np.ndarray, x: Interval) -> tuple[np.ndarray, np.ndarray]:
    """(lowest, highest) value of ``sum_c weight[..., c] * x[c]``."""
    positive, negative = (each(weight, 0).astype(np.int64) for each in (np.maximum, np.minimum))
    return positive @ x.low + negative @ x.high, positive @ x.high + negative @ x.low


def _accumulate_conv2d(node: Node, x: Interval) -> Interval:
    weight, attrs = node.constant(1), node.attrs
    low, high = (each.transpose(1, 2, 0) for each in weighted(weight, x))  # (O, KH, KW) to (KH, KW, O)
    padding = attrs.pad_value * weight.astype(np.int64).sum(axis=3).transpose(1, 2, 0)
    return _over_places(node, low, high, padding)


def _accumulate_depthwise(node: Node, x: Interval) -> Interval:
    weight, attrs = node.constant(1).astype(np.int64), node.attrs
    multiplicity = weight.shape[2] // len(x.low)
    ends = [weight * np.repeat(end, multiplicity) for end in (x.low, x.high)]
    return _over_places(node, np.minimum(*ends), np.maximum(*ends), attrs.pad_value * weight)


def _over_places(node: Node, low: np.ndarray, high: np.ndarray, padding: np.ndarray) -> Interval:
    """Limits over every place of the window, from those of each tap: arrays (KH, KW, O)."""
    attrs, bias = node.attrs, node.constant(2).astype(np.int64)
    height, width = node.value(0).shape[1:3]
    places = taps((height, width), (low.shape[0], low.shape[1]), attrs.strides, attrs.dilation, attrs.padding)
    return Interval(bias + places.sums(low, padding).min(axis=0), bias + places.sums(high, padding).max(axis=0))


def _accumulate_fully_connected(node: Node, x: Interval) -> Interval:
    bias = node.constant(2).astype(np.int64)
    low, high = weighted(node.constant(1), x)
    return Interval(bias + low, bias + high)


def finish_accumulator(node: Node, accumulator: Interval) -> Interval:
    """The stored output of a convolution or fully connected layer, from its accumulator."""
    return limited(node, [requantized(end, node.constant(3), node.attrs.rounding) for end in (accumulator.low, accumulator.high)])


ACCUMULATORS: dict[str, Accumulate] = {
    "conv2d": _accumulate_conv2d,
    "depthwise_conv2d": _accumulate_depthwise,
    "fully_connected": _accumulate_fully_connected,
}


# ---- two operands ----------------------------------------------------------------------------------------------------------------


def _add(node: Node, operands: Sequence[Interval]) -> Interval:
    attrs = node.attrs
    terms, whole = [], np.array(True)
    for each, zero_point, multiplier, shift in zip(operands, attrs.zero_points, attrs.multipliers, attrs.shifts, strict=True):
        ends = [each.low - zero_point, each.high - zero_point]
        if attrs.exact:
            values = [end * multiplier for end in ends]
        else:
            moved = [rescaled(end << _ADD_LEFT_SHIFT, multiplier, shift, "double") for end in ends]
            values = [end.value for end in moved]
            whole = whole & np.logical_and.reduce([end.whole for end in moved])
        terms.append((np.minimum(*values), np.maximum(*values)))
    (low, high), (other_low, other_high) = terms
    sums = (low - other_high, high - other_low) if attrs.subtract else (low + other_low, high + other_high)
    if attrs.exact:
        results = [Rounded(value, fits(value)) for value in (shifted_right_even(each, attrs.output_shift) for each in sums)]
    else:
        results = [rescaled(each, attrs.output_multiplier, attrs.output_shift, "double") for each in sums]
    return limited(node, [Rounded(each.value, each.whole & whole) for each in results])


def _mul(node: Node, operands: Sequence[Interval]) -> Interval:
    attrs = node.attrs
    first, second = (
        (each.low - zero_point, each.high - zero_point) for each, zero_point in zip(operands, attrs.zero_points, strict=True)
    )
    corners = [x * y for x in first for y in second]
    ends = (np.minimum.reduce(corners), np.maximum.reduce(corners))
    return limited(node, [rescaled(end, attrs.multiplier, attrs.shift, attrs.rounding) for end in ends])


# ---- windows and reductions ------------------------------------------------------------------------------------------------------


def _average_pool2d(node: Node, operands: Sequence[Interval]) -> Interval:
    """Every pair of (elements inside, divisor) that occurs has its own limits."""
    attrs: AveragePool2dAttrs = node.attrs
    size, x = node.value(0).shape[1:3], operands[0]
    padding = 0 if attrs.away else attrs.input_zero_point
    area = math.prod(attrs.kernel)
    along = []
    for axis in (0, 1):
        before, after = attrs.padding[axis], attrs.padding[axis + 2]
        inside = inside_taps(size[axis], attrs.kernel[axis], attrs.strides[axis], attrs.dilation[axis], before, after).sum(axis=1)
        divisors = np.broadcast_to(node.constant(1 + axis), inside.shape)
        along.append({(int(number), int(divisor)) for number, divisor in zip(inside, divisors, strict=True)})
    found = None
    for count, divisor in sorted({(rows * columns, down * across) for rows, down in along[0] for columns, across in along[1]}):
        totals = [count * end + (area - count) * padding for end in (x.low, x.high)]
        if attrs.away:
            offset = attrs.file_offset
            each = _held(node, Interval(*(divided(total + divisor * offset, divisor) - offset for total in totals)))
        else:
            each = limited(node, [_average(attrs, total - area * padding, divisor) for total in totals])
        found = each if found is None else union(found, each)
    assert found is not None
    return found


def _average(attrs: AveragePool2dAttrs, total: np.ndarray, divisor: int) -> Rounded:
    """ONNX's average of a sum from which the zero point has been taken."""
    if attrs.ratio:
        return _divided(total, attrs.ratio, divisor)
    return rescaled(total, *quantize_multiplier(attrs.scale / divisor), "even")


def _divided(total: np.ndarray, ratio: tuple[int, ...], divisor: int = 1) -> Rounded:
    """``total`` times the fraction ``ratio``, divided by ``divisor``, ties to even."""
    product = total * ratio[0]
    return Rounded(divided_even(product, ratio[1] * divisor), fits(product))


def _max_pool2d(node: Node, operands: Sequence[Interval]) -> Interval:
    return _held(node, operands[0])


def _total(node: Node, x: Interval) -> Interval:
    """Limits of the sum over the axes of a reduction, by channel of its output."""
    shape, axes = node.value(0).shape, node.attrs.axes
    count = math.prod(shape[axis] for axis in axes)
    if len(shape) - 1 not in axes:
        return Interval(count * x.low, count * x.high)
    others = count // shape[-1]
    channels = node.output.shape[-1] if node.output.shape else 1
    return Interval.between(int(others * x.low.sum()), int(others * x.high.sum()), channels)


def _mean(node: Node, operands: Sequence[Interval]) -> Interval:
    attrs, total = node.attrs, _total(node, operands[0])
    centred = [end - attrs.sum_zero_point for end in (total.low, total.high)]
    if attrs.ratio:
        return limited(node, [_divided(end, attrs.ratio) for end in centred])
    return limited(node, [rescaled(end, attrs.multiplier, attrs.shift, attrs.rounding) for end in centred])


def _extremum(node: Node, operands: Sequence[Interval]) -> Interval:
    x = operands[0]
    if len(node.value(0).shape) - 1 not in node.attrs.axes:
        return _held(node, x)
    extreme = np.max if node.op.name == "reduce_max" else np.min
    channels = node.output.shape[-1] if node.output.shape else 1
    return _held(node, Interval.between(int(extreme(x.low)), int(extreme(x.high)), channels))


# ---- tables and moves ------------------------------------------------------------------------------------------------------------


def _lookup(node: Node, operands: Sequence[Interval]) -> Interval:
    x, table = operands[0], node.constant(1).astype(np.int64)
    parts = [table[low + 128 : high + 129] for low, high in zip(x.low, x.high, strict=True)]
    return Interval(np.array([part.min() for part in parts]), np.array([part.max() for part in parts]))


def _pad(node: Node, operands: Sequence[Interval]) -> Interval:
    attrs, x = node.attrs, operands[0]
    if any((*attrs.before[:-1], *attrs.after[:-1])):
        x = union(x, Interval.between(attrs.value, attrs.value, len(x.low)))
    ends = (attrs.before[-1], attrs.after[-1])
    return Interval(*(np.pad(each, ends, constant_values=attrs.value) for each in (x.low, x.high)))


def _concatenate(node: Node, operands: Sequence[Interval]) -> Interval:
    if node.attrs.axis == len(node.output.shape) - 1:
        return Interval(*(np.concatenate(each) for each in zip(*((part.low, part.high) for part in operands), strict=True)))
    found = operands[0]
    for part in operands[1:]:
        found = union(found, part)
    return found


def _activation(node: Node, operands: Sequence[Interval]) -> Interval:
    """All that is known is what the operator's own limits allow."""
    return Interval.between(min(node.attrs.low, node.attrs.high), node.attrs.high, node.output.shape[-1])


def _recenter(node: Node, operands: Sequence[Interval]) -> Interval:
    offset = 128 if node.output.dtype == "uint8" else -128
    return Interval(operands[0].low + offset, operands[0].high + offset)


VALUES: dict[str, Rule] = {
    "add": _add,
    "average_pool2d": _average_pool2d,
    "concatenate": _concatenate,
    "lookup": _lookup,
    "max_pool2d": _max_pool2d,
    "mean": _mean,
    "mul": _mul,
    "pad": _pad,
    "recenter": _recenter,
    "reduce_max": _extremum,
    "reduce_min": _extremum,
    "softmax": _activation,
    "sum": _mean,
}
