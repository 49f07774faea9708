"""What the NPU can compute. Each check returns whether a node passes; its docstring is the reason that a user reads if not.

:data:`CHECKS` lists, for each operator of ours that the NPU knows, its checks in the order in which they are asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from tvm_tiny.npu.commands import Requantization
from tvm_tiny.npu.means import SumAttrs, as_depthwise, rescale_of_sums
from tvm_tiny.npu.requantize import Rescale, native, proved
from tvm_tiny.npu.sums import scales_of_sum
from tvm_tiny.op.conv2d import window_extent
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.target.npu import Npu

Check = Callable[[Node, Npu], bool]

NO_OPERATOR = "the NPU has no such operator"

_FIELD = 1 << 16
_FIXED = 1 << 16


def reason(node: Node, npu: Npu) -> str:
    """Why ``npu`` cannot compute ``node``; "" if it can."""
    checks = CHECKS.get(node.op.name)
    if checks is None:
        return NO_OPERATOR
    for check in (int8_tensors, sizes_of_fields, *checks):
        if not check(node, npu):
            return _told(check)
    return ""


def _told(check: Check) -> str:
    """The docstring of a check as the rest of a sentence."""
    text = (check.__doc__ or "").strip()
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def planes(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """``shape`` as (height, width, channels): leading axes become rows."""
    if len(shape) == 4 and shape[0] == 1:
        return shape[1], shape[2], shape[3]
    padded = (1, 1, 1, *shape)
    return math.prod(padded[:-2]), padded[-2], padded[-1]


# ---- every operator --------------------------------------------------------------------------------------------------------------


def int8_tensors(node: Node, npu: Npu) -> bool:
    """A tensor that is not int8"""
    return node.output.dtype == "int8" and all(each.dtype == "int8" for each in node.inputs if isinstance(each, Value))


def sizes_of_fields(node: Node, npu: Npu) -> bool:
    """An axis of 65536 or more elements, which the commands have no room for"""
    shapes = [node.output.shape, *(each.shape for each in node.inputs if isinstance(each, Value))]
    return all(max(planes(tuple(int(extent) for extent in shape))) < _FIELD for shape in shapes)


def one_image(node: Node, npu: Npu) -> bool:
    """A batch of more than one image"""
    return len(node.output.shape) == 4 and node.output.shape[0] == 1


# ---- convolutions ----------------------------------------------------------------------------------------------------------------


def int8_weights(node: Node, npu: Npu) -> bool:
    """Weights that do not fit into int8 once their zero point is taken off"""
    weight = node.inputs[1]
    return isinstance(weight, np.ndarray) and weight.dtype == np.int8


def window_of_fields(node: Node, npu: Npu) -> bool:
    """Strides or dilation of 256 or more"""
    return max(*node.attrs.strides, *node.attrs.dilation) < 256


def depth_multiplier(node: Node, npu: Npu) -> bool:
    """A depth multiplier other than 1"""
    return bool(node.constant(1).shape[2] == node.value(0).shape[3])


def row_of_accumulators(node: Node, npu: Npu) -> bool:
    """An output row of more pixels than the array has accumulators"""
    return planes(node.output.shape)[1] <= npu.accumulators


def requantisation(node: Node, npu: Npu) -> bool:
    """A rounding that the requantisation unit cannot reproduce on these accumulators"""
    return rescale_of(node) is not None


def rescale_of(node: Node) -> Rescale | None:
    """How the requantisation unit computes what a convolution or fully connected layer says; None where it cannot."""
    scales, attrs = node.constant(3).astype(np.float64), node.attrs
    channels = int(node.output.shape[-1])
    if isinstance(attrs, SumAttrs):
        return rescale_of_sums(node)
    if attrs.rounding == "double":
        return native(scales, channels)
    if node.accumulator is None or not (-128 <= attrs.low <= attrs.high <= 127):
        return None
    return proved(scales, attrs.rounding, node.accumulator, attrs.zero_point, attrs.low, attrs.high)


def rescale_kind(node: Node) -> Requantization:
    """How :func:`rescale_of` rounds."""
    return Requantization.DOUBLE if node.attrs.rounding == "double" else Requantization.SINGLE


# ---- the vector unit -------------------------------------------------------------------------------------------------------------


def same_sums(node: Node, npu: Npu) -> bool:
    """ONNX's addition by scales with ties, or nearly, of which it takes the even value: the vector unit rounds as TFLite does"""
    return scales_of_sum(node.attrs) is not None


def operand_scales(node: Node, npu: Npu) -> bool:
    """An operand that is scaled up before it is added"""
    scales = scales_of_sum(node.attrs)
    assert scales is not None, "same_sums"
    return all(shift <= 0 for shift in scales.shifts) and all(each >= 0 for each in scales.multipliers)


def tflite_product(node: Node, npu: Npu) -> bool:
    """ONNX's multiplication, which rounds ties to even: the vector unit rounds as TFLite does"""
    return bool(node.attrs.rounding == "double")


def int8_operands(node: Node, npu: Npu) -> bool:
    """An operand that is a constant of more than 8 bits"""
    return all(each.dtype == np.int8 for each in node.inputs if isinstance(each, np.ndarray))


def broadcasting(node: Node, npu: Npu) -> bool:
    """An operand that is broadcast along the channels"""
    height, width, channels = planes(node.output.shape)
    for each in node.inputs:
        rank = len(node.output.shape)
        shape = planes((1,) * (rank - len(each.shape)) + tuple(int(extent) for extent in each.shape))
        if shape[0] not in (1, height) or shape[1] not in (1, width) or shape[2] != channels:
            return False
    return True


def tflite_average(node: Node, npu: Npu) -> bool:
    """ONNX's average, which rounds ties to even: the vector unit rounds as TFLite does"""
    return bool(node.attrs.away)


def padding_not_counted(node: Node, npu: Npu) -> bool:
    """An average that counts its padding"""
    attrs = node.attrs
    height, width = node.value(0).shape[1:3]
    for axis, size in enumerate((height, width)):
        before, after = attrs.padding[axis], attrs.padding[axis + 2]
        kernel, stride, dilation = attrs.kernel[axis], attrs.strides[axis], attrs.dilation[axis]
        positions = window_extent(size, before, after, kernel, stride, dilation)
        at = np.arange(positions)[:, None] * stride - before + np.arange(kernel)[None, :] * dilation
        inside = ((at >= 0) & (at < size)).sum(axis=1)
        if not np.all(np.broadcast_to(node.constant(1 + axis), inside.shape) == inside):
            return False
    return True


def windows_inside(node: Node, npu: Npu) -> bool:
    """A window that lies in the padding wholly"""
    attrs = node.attrs
    for axis, size in enumerate(node.value(0).shape[1:3]):
        kernel, stride, dilation = attrs.kernel[axis], attrs.strides[axis], attrs.dilation[axis]
        at = np.arange(node.output.shape[1 + axis])[:, None] * stride - attrs.padding[axis] + np.arange(kernel)[None, :] * dilation
        if not ((at >= 0) & (at < size)).any(axis=1).all():
            return False
    return True


def tflite_softmax(node: Node, npu: Npu) -> bool:
    """ONNX's softmax, an exact division: the vector unit computes TFLite's"""
    return bool(node.attrs.arithmetic == "tflite")


def softmax_row(node: Node, npu: Npu) -> bool:
    """Rows of 4096 or more elements, whose sum leaves the vector unit's accumulator"""
    return int(node.output.shape[-1]) < 4096


def whole_planes(node: Node, npu: Npu) -> bool:
    """A mean of other axes than height and width of one image"""
    shape = node.value(0).shape
    return len(shape) == 4 and shape[0] == 1 and tuple(node.attrs.axes) == (1, 2) and shape[1] * shape[2] < _FIELD


def same_means(node: Node, npu: Npu) -> bool:
    """A mean whose rounding the requantisation unit cannot reproduce"""
    return rescale_of_sums(as_depthwise(node)) is not None


def padding_of_planes(node: Node, npu: Npu) -> bool:
    """Padding of another axis than height and width"""
    before, after = node.attrs.before, node.attrs.after
    return one_image(node, npu) and all(before[axis] == after[axis] == 0 for axis in (0, 3))


def fixed_point_resize(node: Node, npu: Npu) -> bool:
    """Rows or columns that no fixed-point scale of 16 bits picks"""
    return all(fixed_scale(places) is not None for places in (node.attrs.rows, node.attrs.columns))


def fixed_scale(places: tuple[int, ...]) -> int | None:
    """The scale for which ``(index * scale) >> 16`` is ``places[index]``, the nearest to a power of two; None if there is none."""
    low, high = 0, (1 << 31) - 1
    for index, place in enumerate(places):
        if index == 0:
            if place != 0:
                return None
            continue
        low = max(low, -(-place * _FIXED // index))
        high = min(high, ((place + 1) * _FIXED - 1) // index)
    return low if low <= high else None


def activations_only(node: Node, npu: Npu) -> bool:
    """An input that is a constant"""
    return all(isinstance(each, Value) for each in node.inputs)


_WEIGHTS: tuple[Check, ...] = (int8_weights, requantisation)
_POOL: tuple[Check, ...] = (one_image, window_of_fields, windows_inside)

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "conv2d": (one_image, window_of_fields, row_of_accumulators, *_WEIGHTS),
    "depthwise_conv2d": (one_image, depth_multiplier, window_of_fields, row_of_accumulators, *_WEIGHTS),
    "fully_connected": (row_of_accumulators, *_WEIGHTS),
    "add": (same_sums, int8_operands, operand_scales, broadcasting),
    "mul": (tflite_product, int8_operands, broadcasting),
    "max_pool2d": _POOL,
    "average_pool2d": (tflite_average, *_POOL, padding_not_counted),
    "mean": (whole_planes, same_means),
    "lookup": (),
    "softmax": (tflite_softmax, softmax_row),
    "pad": (padding_of_planes,),
    "resize_nearest": (one_image, fixed_point_resize),
    "concatenate": (activations_only,),
}
