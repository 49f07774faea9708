"""Mean and sum over axes of an int8 tensor (TFLite MEAN and SUM; ONNX ReduceMean, GlobalAveragePool, ReduceSum).

``output = clamp(rescale(sum - count * x_zero) + zero_point)``

TFLite's multiplier for a mean is that of the scales divided by the count in integers (reference/reduce.h, in LiteRT and in TFLite
Micro alike). A sum is computed as TFLite Micro does; LiteRT's default kernel agrees up to float rounding, but its reference kernel
reads int8 as uint8 (kernels/reduce.cc, August 2026). ONNX's arithmetic is that of the real numbers, rounded once, ties to even.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import NotInteger, Site
from tvm_tiny.op.reduction import accumulated, kept_shape, match_axes, refuse_nothing_reduced
from tvm_tiny.op.rescale import divided, exact_ratio, fixed_point, rescaled
from tvm_tiny.op.rounding import Rounding, clamped, quantize_multiplier

if TYPE_CHECKING:
    from tvm import relax, tirx


@dataclass(frozen=True)
class MeanAttrs:
    """``axes`` are those that are summed over, ascending; ``sum_zero_point`` is the count times the input's zero point.

    ``ratio`` is the fraction (numerator, denominator) that the sum is multiplied by, ties to even; where it is empty,
    ``multiplier`` and ``shift`` are what the sum is rescaled by.
    """

    axes: tuple[int, ...]
    keepdims: bool
    sum_zero_point: int
    ratio: tuple[int, ...]
    multiplier: int
    shift: int
    zero_point: int
    low: int
    high: int
    rounding: Rounding


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: MeanAttrs) -> Value:
    return Value(kept_shape(tuple(inputs[0].shape), attrs.axes, attrs.keepdims), "int8")


def _define(node: Node) -> Definition:
    from tvm import te, tirx

    attrs: MeanAttrs = node.attrs
    x = te.placeholder(node.value(0).shape, "int8", "x")
    acc = accumulated(x, attrs.axes, attrs.keepdims, te.sum)

    def scaled(total: tirx.Expr) -> tirx.Expr:
        shifted = total - tirx.const(attrs.sum_zero_point, "int32") if attrs.sum_zero_point else total
        if attrs.ratio:
            return divided(shifted, *attrs.ratio)
        return rescaled(shifted, attrs.multiplier, attrs.shift, attrs.rounding)

    output = te.compute(node.output.shape, lambda *at: clamped(scaled(acc[at]), attrs.zero_point, attrs.low, attrs.high), "output")
    return Definition([x], {}, output)


MEAN = register(Operator("mean", MeanAttrs, _infer, _define))
SUM = register(Operator("sum", MeanAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → mean or sum → activation → quantize)."""
    reduction = site.graph.call(site.producer, "relax.mean", "relax.sum")
    if reduction is None:
        return None
    operand = site.operand(0)
    axes, keepdims = match_axes(reduction, len(operand.shape))
    refuse_nothing_reduced(axes)
    count = math.prod(operand.shape[axis] for axis in axes)
    mean = site.graph.call(reduction, "relax.mean") is not None
    scale, reach = operand.scale / site.output.scale, 255 * count
    if reach > 1 << 30:
        raise NotInteger(f"the int32 sum of {count} elements can overflow")
    ratio: tuple[int, ...] = ()
    if site.arithmetic.is_tflite:
        fixed_point(scale / count if mean else scale, 4 * reach)  # its multiplier of a mean has two bits less
        multiplier, shift = _tflite_multiplier(scale, count) if mean else quantize_multiplier(scale)
    else:
        divisor = count if mean else 1
        ratio = exact_ratio(operand.scale, site.output.scale, divisor, reach) or ()
        multiplier, shift = fixed_point(scale / divisor, reach)
    attrs = MeanAttrs(
        axes=axes,
        keepdims=keepdims,
        sum_zero_point=count * operand.zero_point,
        ratio=ratio,
        multiplier=multiplier,
        shift=shift,
        zero_point=site.output.zero_point,
        low=site.output.low,
        high=site.output.high,
        rounding="double" if site.arithmetic.is_tflite else "even",
    )
    return call(MEAN if mean else SUM, [operand.expr], attrs, source=site.source)


def _tflite_multiplier(scale: float, count: int) -> tuple[int, int]:
    """TFLite's multiplier and shift of ``scale / count``: the multiplier is divided in integers, towards zero."""
    multiplier, shift = quantize_multiplier(scale)
    extra = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << extra) // count, shift - extra
