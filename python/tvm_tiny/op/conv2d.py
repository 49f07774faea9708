"""2-D convolution in int8, NHWC, per-tensor or per-channel scales (TFLite CONV_2D, ONNX Conv with group 1).

``output[n, y, x, o] = clamp(requantize(bias[o] + sum padded[n, y*sh + i*dh, x*sw + j*dw, c] * weight[o, i, j, c]) + zero_point)``

The input's zero point is folded into the bias when the operator is made, so that the sum is over stored values; padding is then
filled with the input's zero point. Weights are held as (O, KH, KW, I): the order in which the inner loop reads them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.fold import effective_scales, folded_bias, integer_bias
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.padding import padded
from tvm_tiny.op.qdq import NotInteger, Operand, QuantizedArray, Site
from tvm_tiny.op.rounding import Rounding, clamped, requantize_constants, requantized
from tvm_tiny.tvm_compat import tensor_constant

if TYPE_CHECKING:
    from tvm import relax


@dataclass(frozen=True)
class Conv2dAttrs:
    """``padding`` is (top, left, bottom, right); ``low`` and ``high`` are the fused activation's limits on the stored value."""

    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    pad_value: int
    zero_point: int
    low: int
    high: int
    rounding: Rounding


def window_extent(size: int, before: int, after: int, kernel: int, stride: int, dilation: int) -> int:
    """Number of output positions along one axis."""
    return (size + before + after - ((kernel - 1) * dilation + 1)) // stride + 1


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: Conv2dAttrs) -> Value:
    x, weight = inputs[0], inputs[1]
    assert isinstance(x, Value)
    n, height, width, _ = x.shape
    out_channels, kernel_h, kernel_w, _ = weight.shape
    top, left, bottom, right = attrs.padding
    rows = window_extent(height, top, bottom, kernel_h, attrs.strides[0], attrs.dilation[0])
    columns = window_extent(width, left, right, kernel_w, attrs.strides[1], attrs.dilation[1])
    return Value((n, rows, columns, out_channels), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    attrs: Conv2dAttrs = node.attrs
    x_value, weight_data, bias_data, scale = node.value(0), node.constant(1), node.constant(2), node.constant(3)
    _, kernel_h, kernel_w, in_channels = weight_data.shape
    x = te.placeholder(x_value.shape, x_value.dtype, "x")
    weight = te.placeholder(weight_data.shape, str(weight_data.dtype), "weight")
    bias = te.placeholder(bias_data.shape, "int32", "bias")
    requantize = requantize_constants(scale, attrs.rounding)

    source = padded(x, attrs.padding, attrs.pad_value)
    (stride_h, stride_w), (dilation_h, dilation_w) = attrs.strides, attrs.dilation
    kh = te.reduce_axis((0, kernel_h), "kh")
    kw = te.reduce_axis((0, kernel_w), "kw")
    ic = te.reduce_axis((0, in_channels), "ic")
    acc = te.compute(
        node.output.shape,
        lambda n, oh, ow, oc: te.sum(
            source[n, oh * stride_h + kh * dilation_h, ow * stride_w + kw * dilation_w, ic].astype("int32")
            * weight[oc, kh, kw, ic].astype("int32"),
            axis=[kh, kw, ic],
        ),
        "acc",
    )
    output = te.compute(
        node.output.shape,
        lambda n, oh, ow, oc: clamped(
            requantized(acc[n, oh, ow, oc] + bias[oc], oc, requantize, attrs.rounding), attrs.zero_point, attrs.low, attrs.high
        ),
        "output",
    )
    return Definition([x], {"weight": (weight, weight_data), "bias": (bias, bias_data), **requantize}, output)


def _macs(node: Node) -> int:
    _, kernel_h, kernel_w, in_channels = node.constant(1).shape
    return math.prod(node.output.shape) * int(kernel_h * kernel_w * in_channels)


CONV2D = register(Operator("conv2d", Conv2dAttrs, _infer, _define, _macs))


@dataclass(frozen=True)
class Convolution:
    """A matched convolution: its operand, its weights as (KH, KW, I, O) and the rest of what the float operator says."""

    operand: Operand
    weight: QuantizedArray
    bias: relax.Expr | None
    strides: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]
    groups: int
    channels_first: bool


def match_convolution(site: Site) -> Convolution | None:
    """The site's producer as conv2d, with or without a bias added to it; None if it is something else.

    Raises
    ------
    NotInteger
        It is a convolution, but its weights are not constant or not quantised.
    """
    graph = site.graph
    convolution, bias = graph.call(site.producer, "relax.nn.conv2d"), None
    if convolution is None and (addition := graph.call(site.producer, "relax.add")) is not None:
        for index in (0, 1):
            convolution, bias = graph.call(addition.args[index], "relax.nn.conv2d"), addition.args[1 - index]
            if convolution is not None:
                break
        else:
            return None
    if convolution is None:
        return None
    operand = graph.operand(convolution.args[0])
    if operand is None:
        raise NotInteger("its input is not quantised with one scale for the whole tensor")
    weight = graph.quantized_constant(convolution.args[1])
    if weight is None:
        raise NotInteger("its weights are not a quantised constant")
    attrs = convolution.attrs
    return Convolution(
        operand,
        _as_hwio(weight, str(attrs.kernel_layout)),
        bias,
        _pair(attrs.strides),
        _four(attrs.padding),
        _pair(attrs.dilation),
        int(attrs.groups),
        str(attrs.data_layout) == "NCHW",
    )


def _pair(values: relax.Expr) -> tuple[int, int]:
    first, second = (int(value) for value in values)
    return first, second


def _four(values: relax.Expr) -> tuple[int, int, int, int]:
    """Relax's padding of one, two or four numbers as (top, left, bottom, right)."""
    numbers = [int(value) for value in values]
    if len(numbers) == 1:
        numbers *= 4
    if len(numbers) == 2:
        numbers *= 2
    top, left, bottom, right = numbers
    return top, left, bottom, right


def _as_hwio(weight: QuantizedArray, layout: str) -> QuantizedArray:
    axes = tuple(layout.index(letter) for letter in "HWIO")
    shape = weight.data.shape
    return QuantizedArray(
        weight.data.transpose(axes),
        np.broadcast_to(weight.scale, shape).transpose(axes),
        np.broadcast_to(weight.zero_point, shape).transpose(axes),
    )


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → conv2d → add → activation → quantize) with group 1."""
    found = match_convolution(site)
    if found is None or found.groups != 1:
        return None
    weight = np.ascontiguousarray(found.weight.centred().transpose(3, 0, 1, 2))
    scales = effective_scales(found.operand, found.weight, 3, site.output)
    bias = convolution_bias(site, found, weight, 3)
    return emit_convolution(site, found, CONV2D, [tensor_constant(weight), tensor_constant(bias), tensor_constant(scales)])


def convolution_bias(site: Site, found: Convolution, weight: np.ndarray, axis: int) -> np.ndarray:
    """Bias of a matched convolution with the zero point folded in; ``weight`` is (O, ...), ``axis`` that of the scales in HWIO."""
    channels = weight.shape[0]
    if found.bias is None:
        bias = np.zeros(channels, dtype=np.int64)
    else:
        units = np.float64(np.float32(found.operand.scale)) * found.weight.channel_scales(axis).astype(np.float64)
        constant = integer_bias(site.graph, found.bias, units)
        if constant is None:
            raise NotInteger("what is added to it is not constant")
        bias = constant
    return folded_bias(bias, weight, found.operand.zero_point)


def emit_convolution(site: Site, found: Convolution, operator: Operator, constants: list[relax.Expr]) -> relax.Expr:
    """The call of ``operator`` for a matched convolution, between transposes where the graph is channels-first."""
    from tvm import relax

    attrs = Conv2dAttrs(
        strides=found.strides,
        padding=found.padding,
        dilation=found.dilation,
        pad_value=found.operand.zero_point,
        zero_point=site.output.zero_point,
        low=site.output.low,
        high=site.output.high,
        rounding=site.arithmetic.rounding,
    )
    x = found.operand.expr
    if found.channels_first:
        x = relax.op.permute_dims(x, [0, 2, 3, 1])
    y = call(operator, [x, *constants], attrs, source=site.source)
    return relax.op.permute_dims(y, [0, 3, 1, 2]) if found.channels_first else y
