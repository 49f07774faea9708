"""Fully connected layer in int8 (TFLite FULLY_CONNECTED, ONNX Gemm and MatMul with constant weights).

``output[..., o] = clamp(requantize(bias[o] + sum x[..., k] * weight[o, k]) + zero_point)``

The input's zero point is folded into the bias when the operator is made. Weights are held as (O, K). The input may have any number
of leading axes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.fold import folded_bias, integer_bias
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import NotInteger, Operand, QuantizedArray, Site
from tvm_tiny.op.rounding import Rounding, clamped, requantize_constants, requantized
from tvm_tiny.tvm_compat import tensor_constant

if TYPE_CHECKING:
    from tvm import relax


@dataclass(frozen=True)
class FullyConnectedAttrs:
    """``low`` and ``high`` are the fused activation's limits on the stored value."""

    zero_point: int
    low: int
    high: int
    rounding: Rounding


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: FullyConnectedAttrs) -> Value:
    x, weight = inputs[0], inputs[1]
    assert isinstance(x, Value)
    return Value((*x.shape[:-1], weight.shape[0]), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    attrs: FullyConnectedAttrs = node.attrs
    x_value, weight_data, bias_data, scale = node.value(0), node.constant(1), node.constant(2), node.constant(3)
    x = te.placeholder(x_value.shape, x_value.dtype, "x")
    weight = te.placeholder(weight_data.shape, str(weight_data.dtype), "weight")
    bias = te.placeholder(bias_data.shape, "int32", "bias")
    requantize = requantize_constants(scale, attrs.rounding)
    k = te.reduce_axis((0, weight_data.shape[1]), "k")
    acc = te.compute(
        node.output.shape,
        lambda *at: te.sum(x[(*at[:-1], k)].astype("int32") * weight[at[-1], k].astype("int32"), axis=k),
        "acc",
    )
    output = te.compute(
        node.output.shape,
        lambda *at: clamped(
            requantized(acc[at] + bias[at[-1]], at[-1], requantize, attrs.rounding), attrs.zero_point, attrs.low, attrs.high
        ),
        "output",
    )
    return Definition([x], {"weight": (weight, weight_data), "bias": (bias, bias_data), **requantize}, output)


def _macs(node: Node) -> int:
    return math.prod(node.output.shape) * int(node.constant(1).shape[1])


FULLY_CONNECTED = register(Operator("fully_connected", FullyConnectedAttrs, _infer, _define, _macs))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → matmul with a constant → add → activation → quantize)."""
    graph = site.graph
    product, bias_expr = graph.call(site.producer, "relax.matmul"), None
    if product is None and (addition := graph.call(site.producer, "relax.add")) is not None:
        for index in (0, 1):
            product, bias_expr = graph.call(addition.args[index], "relax.matmul"), addition.args[1 - index]
            if product is not None:
                break
    if product is None:
        return None
    operand = graph.operand(product.args[0])
    if operand is None:
        raise NotInteger("its input is not quantised with one scale for the whole tensor")
    kernel = graph.quantized_constant(product.args[1])
    if kernel is None:
        raise NotInteger("its weights are not a quantised constant")
    if kernel.data.ndim != 2:
        raise NotInteger(f"its weights have {kernel.data.ndim} axes, expected 2")
    weight = np.ascontiguousarray(kernel.centred().T)
    channel = kernel.channel_scales(1)
    units = np.float64(np.float32(operand.scale)) * channel.astype(np.float64)
    bias = np.zeros(weight.shape[0], dtype=np.int64)
    if bias_expr is not None:
        constant = integer_bias(graph, bias_expr, units)
        if constant is None:
            raise NotInteger("what is added to it is not constant")
        bias = constant
    attrs = FullyConnectedAttrs(site.output.zero_point, site.output.low, site.output.high, _rounding(site, kernel))
    scales = _scales(site, operand, channel)
    folded = folded_bias(bias, weight, operand.zero_point)
    args = [operand.expr, tensor_constant(weight), tensor_constant(folded), tensor_constant(scales)]
    return call(FULLY_CONNECTED, args, attrs, source=site.source)


def _rounding(site: Site, kernel: QuantizedArray) -> Rounding:
    """LiteRT's reference kernel requantises in float64 (integer_ops/fully_connected.h); TFLite Micro rounds twice as elsewhere."""
    return "real" if site.arithmetic.style == "litert" else site.arithmetic.rounding


def _scales(site: Site, operand: Operand, channel: np.ndarray) -> np.ndarray:
    """Accumulator → output scales, float64, length 1 where the weights have one scale.

    TFLite Micro's per-tensor scale multiplies input and weight scales in float32 before it widens
    (``GetQuantizedConvolutionMultipler``, kernel_util.cc); per-channel ones, and LiteRT's, are in double throughout.
    """
    output = np.float64(np.float32(site.output.scale))
    if np.all(channel == channel[0]):
        channel = channel[:1]
        if site.arithmetic.style == "tflite-micro":
            return (np.float32(operand.scale) * channel.astype(np.float32)).astype(np.float64) / output
    return np.float64(np.float32(operand.scale)) * channel.astype(np.float64) / output
