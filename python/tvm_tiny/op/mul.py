"""Multiplication of int8 tensors with scales of their own, with broadcasting (TFLite MUL, ONNX Mul).

``output = clamp(rescale((x - x_zero) * (y - y_zero)) + zero_point)``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.binary import Side, broadcast_shape, definition, loads, sides
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import Site
from tvm_tiny.op.rescale import centred, fixed_point, rescaled
from tvm_tiny.op.rounding import Rounding, clamped

if TYPE_CHECKING:
    from tvm import relax, tirx


@dataclass(frozen=True)
class MulAttrs:
    """``zero_points`` are those of the two operands; ``low`` and ``high`` are the fused activation's limits on the stored value."""

    zero_points: tuple[int, int]
    multiplier: int
    shift: int
    zero_point: int
    low: int
    high: int
    rounding: Rounding


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: MulAttrs) -> Value:
    return Value(broadcast_shape(inputs), "int8")


def _define(node: Node) -> Definition:
    attrs: MulAttrs = node.attrs

    def element(x: tirx.Expr, y: tirx.Expr) -> tirx.Expr:
        product = centred(x, attrs.zero_points[0]) * centred(y, attrs.zero_points[1])
        return clamped(rescaled(product, attrs.multiplier, attrs.shift, attrs.rounding), attrs.zero_point, attrs.low, attrs.high)

    return definition(loads(node), node.output.shape, element)


MUL = register(Operator("mul", MulAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize, dequantize → multiply → activation → quantize)."""
    if site.graph.call(site.producer, "relax.multiply") is None:
        return None
    x, y = sides(site, _constant_unit(site))
    multiplier, shift = fixed_point(_scale(site, x, y), max(x.magnitude * y.magnitude, 1))
    attrs = MulAttrs(
        zero_points=(x.zero_point, y.zero_point),
        multiplier=multiplier,
        shift=shift,
        zero_point=site.output.zero_point,
        low=site.output.low,
        high=site.output.high,
        rounding="double" if site.arithmetic.is_tflite else "even",
    )
    return call(MUL, [x.expr, y.expr], attrs, source=site.source)


def _constant_unit(site: Site) -> float:
    """The largest magnitude of a constant operand: in 20 bits, its product with an int8 fits into 32."""
    for argument in site.producer.args:
        quantized = site.graph.quantized_constant(argument)
        real = quantized.real() if quantized is not None else site.graph.constant(argument)
        if real is not None:
            return float(np.abs(real.astype(np.float64)).max(initial=0.0)) or 1.0
    return 1.0


def _scale(site: Site, x: Side, y: Side) -> float:
    """Product → output scale. LiteRT computes it in float32 (kernels/mul.cc), TFLite Micro in double (mul_common.cc)."""
    if site.arithmetic.style == "litert":
        return float(np.float32(x.scale) * np.float32(y.scale) / np.float32(site.output.scale))
    return x.scale * y.scale / site.output.scale
