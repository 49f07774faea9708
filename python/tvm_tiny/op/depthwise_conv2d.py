"""Depthwise 2-D convolution in int8, NHWC (TFLite DEPTHWISE_CONV_2D, ONNX Conv with one group per input channel).

``output[n, y, x, c*M + m] = clamp(requantize(bias + sum padded[n, y*sh + i*dh, x*sw + j*dw, c] * weight[i, j, c*M + m]) + zero)``

with a depth multiplier M. Attributes and the folding of the zero point are those of :mod:`tvm_tiny.op.conv2d`; weights are held
as (KH, KW, C*M).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.conv2d import Conv2dAttrs, convolution_bias, emit_convolution, match_convolution, window_extent
from tvm_tiny.op.fold import effective_scales
from tvm_tiny.op.operator import Definition, Node, Operator, Value, register
from tvm_tiny.op.padding import padded
from tvm_tiny.op.qdq import NotInteger, QuantizedArray, Site
from tvm_tiny.op.rounding import clamped, requantize_constants, requantized
from tvm_tiny.tvm_compat import tensor_constant

if TYPE_CHECKING:
    from tvm import relax


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: Conv2dAttrs) -> Value:
    x, weight = inputs[0], inputs[1]
    assert isinstance(x, Value)
    n, height, width, _ = x.shape
    kernel_h, kernel_w, out_channels = weight.shape
    top, left, bottom, right = attrs.padding
    rows = window_extent(height, top, bottom, kernel_h, attrs.strides[0], attrs.dilation[0])
    columns = window_extent(width, left, right, kernel_w, attrs.strides[1], attrs.dilation[1])
    return Value((n, rows, columns, out_channels), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    attrs: Conv2dAttrs = node.attrs
    x_value, weight_data, bias_data, scale = node.value(0), node.constant(1), node.constant(2), node.constant(3)
    kernel_h, kernel_w, out_channels = weight_data.shape
    multiplicity = out_channels // x_value.shape[3]
    x = te.placeholder(x_value.shape, x_value.dtype, "x")
    weight = te.placeholder(weight_data.shape, str(weight_data.dtype), "weight")
    bias = te.placeholder(bias_data.shape, "int32", "bias")
    requantize = requantize_constants(scale, attrs.rounding)

    source = padded(x, attrs.padding, attrs.pad_value)
    (stride_h, stride_w), (dilation_h, dilation_w) = attrs.strides, attrs.dilation
    kh = te.reduce_axis((0, kernel_h), "kh")
    kw = te.reduce_axis((0, kernel_w), "kw")
    acc = te.compute(
        node.output.shape,
        lambda n, oh, ow, c: te.sum(
            source[n, oh * stride_h + kh * dilation_h, ow * stride_w + kw * dilation_w, c // multiplicity].astype("int32")
            * weight[kh, kw, c].astype("int32"),
            axis=[kh, kw],
        ),
        "acc",
    )
    output = te.compute(
        node.output.shape,
        lambda n, oh, ow, c: clamped(
            requantized(acc[n, oh, ow, c] + bias[c], c, requantize, attrs.rounding), attrs.zero_point, attrs.low, attrs.high
        ),
        "output",
    )
    return Definition([x], {"weight": (weight, weight_data), "bias": (bias, bias_data), **requantize}, output)


def _macs(node: Node) -> int:
    kernel_h, kernel_w, _ = node.constant(1).shape
    return math.prod(node.output.shape) * int(kernel_h * kernel_w)


DEPTHWISE_CONV2D = register(Operator("depthwise_conv2d", Conv2dAttrs, _infer, _define, _macs))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → conv2d with a group per input channel → add → activation → quantize)."""
    from dataclasses import replace

    found = match_convolution(site)
    if found is None or found.groups == 1:
        return None
    in_channels = found.operand.shape[1 if found.channels_first else 3]
    per_group, last = found.weight.data.shape[2:]
    total = per_group * last
    # Relax's HWOI of a depthwise kernel is (KH, KW, C, M): "O" is the group there and "I" the multiplier; OIHW is (C*M, 1, KH, KW).
    if found.groups != in_channels or total % in_channels:
        raise NotInteger(
            f"it has {found.groups} groups for {in_channels} input channels: expected 1 (a plain convolution) "
            f"or {in_channels} (a depthwise one)"
        )
    flat = QuantizedArray(
        *(_channels_last(each, total) for each in (found.weight.data, found.weight.scale, found.weight.zero_point))
    )
    weight = np.ascontiguousarray(flat.centred())
    matched = replace(found, weight=flat)
    scales = effective_scales(found.operand, flat, 2, site.output)
    bias = convolution_bias(site, matched, np.ascontiguousarray(weight.transpose(2, 0, 1)), 2)
    constants = [tensor_constant(each) for each in (weight, bias, scales)]
    return emit_convolution(site, matched, DEPTHWISE_CONV2D, constants)


def _channels_last(array: np.ndarray, total: int) -> np.ndarray:
    """(KH, KW, I, O) to (KH, KW, C*M), channel c's multiples side by side."""
    kernel_h, kernel_w, _, _ = array.shape
    return array.transpose(0, 1, 3, 2).reshape(kernel_h, kernel_w, total)
