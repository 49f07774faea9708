"""Addition and subtraction of int8 tensors with scales of their own, with broadcasting (TFLite ADD and SUB, ONNX Add and Sub).

TFLite's arithmetic (integer_ops/add.h): both operands are moved 20 bits up, brought to twice the larger input scale, added, and
brought to the output's scale, each step with a rounding of its own:

``output = clamp(rescale(rescale((x - x_zero) << 20) ± rescale((y - y_zero) << 20)) + zero_point)``

ONNX's is that of the real numbers, in one rounding of a 64-bit sum, ties to even:

``output = clamp(((x - x_zero) * x_multiplier ± (y - y_zero) * y_multiplier) / 2^shift + zero_point)``
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.binary import Side, broadcast_shape, definition, loads, sides
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import NotInteger, Site
from tvm_tiny.op.rescale import centred, rescaled
from tvm_tiny.op.rounding import clamped, quantize_multiplier

if TYPE_CHECKING:
    from tvm import relax, tirx

LEFT_SHIFT = 20
_HALF = (1 << 30, 0)  # multiplier and shift of 1/2, that of the operand with the larger scale


@dataclass(frozen=True)
class AddAttrs:
    """Zero points, multipliers and shifts are those of the two operands.

    With ``exact`` the shifts are 0 and ``output_shift`` is the number of bits that the sum of products is shifted to the right;
    otherwise each pair (multiplier, shift) is one of TFLite's.
    """

    subtract: bool
    zero_points: tuple[int, int]
    multipliers: tuple[int, int]
    shifts: tuple[int, int]
    output_multiplier: int
    output_shift: int
    zero_point: int
    low: int
    high: int
    exact: bool


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: AddAttrs) -> Value:
    return Value(broadcast_shape(inputs), "int8")


def _define(node: Node) -> Definition:
    attrs: AddAttrs = node.attrs
    total = _exact_sum if attrs.exact else _tflite_sum

    def element(x: tirx.Expr, y: tirx.Expr) -> tirx.Expr:
        return clamped(total(x, y, attrs), attrs.zero_point, attrs.low, attrs.high)

    return definition(loads(node), node.output.shape, element)


def _tflite_sum(x: tirx.Expr, y: tirx.Expr, attrs: AddAttrs) -> tirx.Expr:
    from tvm import tirx

    terms = []
    for value, zero_point, multiplier, shift in zip((x, y), attrs.zero_points, attrs.multipliers, attrs.shifts, strict=True):
        if (multiplier, shift) == _HALF:  # exact: one shift less
            terms.append(centred(value, zero_point) * tirx.const(1 << (LEFT_SHIFT - 1), "int32"))
        else:
            moved = centred(value, zero_point) * tirx.const(1 << LEFT_SHIFT, "int32")
            terms.append(rescaled(moved, multiplier, shift, "double"))
    total = terms[0] - terms[1] if attrs.subtract else terms[0] + terms[1]
    return rescaled(total, attrs.output_multiplier, attrs.output_shift, "double")


def _exact_sum(x: tirx.Expr, y: tirx.Expr, attrs: AddAttrs) -> tirx.Expr:
    from tvm import tirx

    first, second = attrs.multipliers
    return tirx.call_pure_extern(
        "int32",
        "tvm_tiny_weighted_sum_even",
        centred(x, attrs.zero_points[0]),
        tirx.const(first, "int32"),
        centred(y, attrs.zero_points[1]),
        tirx.const(-second if attrs.subtract else second, "int32"),
        tirx.const(attrs.output_shift, "int32"),
    )


ADD = register(Operator("add", AddAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize, dequantize → add or subtract → activation → quantize)."""
    graph, producer = site.graph, site.producer
    if graph.call(producer, "relax.add", "relax.subtract") is None:
        return None
    sums = ("relax.nn.conv2d", "relax.matmul", "relax.nn.conv2d_transpose")
    if any(graph.call(argument, *sums) is not None for argument in producer.args):
        return None  # a bias: the rule of the convolution has said why it cannot be
    subtract = graph.call(producer, "relax.subtract") is not None
    x, y = sides(site, site.output.scale)
    attrs = _tflite_attrs(site, x, y, subtract) if site.arithmetic.is_tflite else _exact_attrs(site, x, y, subtract)
    return call(ADD, [x.expr, y.expr], attrs, source=site.source)


def _tflite_attrs(site: Site, x: Side, y: Side, subtract: bool) -> AddAttrs:
    first, second, output = np.float32(x.scale), np.float32(y.scale), np.float32(site.output.scale)
    twice = np.float32(2) * max(first, second)
    # In double, as LiteRT does throughout. TFLite Micro's subtraction divided in float32 (sub_common.cc) until August 2026 at
    # least; its package of October 2026 agrees with LiteRT.
    ratios = [float(first) / float(twice), float(second) / float(twice), float(twice) / ((1 << LEFT_SHIFT) * float(output))]
    if ratios[2] >= 1.0:
        raise NotInteger(f"its inputs' scale ({float(max(first, second)):.3g}) is over 2^18 times that of its output")
    (x_multiplier, x_shift), (y_multiplier, y_shift), (multiplier, shift) = (quantize_multiplier(ratio) for ratio in ratios)
    return AddAttrs(
        subtract=subtract,
        zero_points=(x.zero_point, y.zero_point),
        multipliers=(x_multiplier, y_multiplier),
        shifts=(x_shift, y_shift),
        output_multiplier=multiplier,
        output_shift=shift,
        zero_point=site.output.zero_point,
        low=site.output.low,
        high=site.output.high,
        exact=False,
    )


def _exact_attrs(site: Site, x: Side, y: Side, subtract: bool) -> AddAttrs:
    """One shift for both, so chosen that the larger multiplier has 30 bits.

    What the multipliers' rounding does to the sum is bounded: less than 1/1000 of an output step.
    """
    ratios, magnitudes = [x.scale / site.output.scale, y.scale / site.output.scale], [x.magnitude, y.magnitude]
    shift = min(30 - math.frexp(max(ratios))[1], 62)
    multipliers = [round(math.ldexp(ratio, shift)) for ratio in ratios]
    reach = sum(ratio * magnitude for ratio, magnitude in zip(ratios, magnitudes, strict=True))
    errors = [abs(math.ldexp(multiplier, -shift) - ratio) for multiplier, ratio in zip(multipliers, ratios, strict=True)]
    error = sum(each * magnitude for each, magnitude in zip(errors, magnitudes, strict=True))
    if shift < 1 or reach >= 1 << 30 or error >= 1e-3:
        raise NotInteger(
            f"its inputs' scales ({x.scale:.3g}, {y.scale:.3g}) are too large beside its output's ({site.output.scale:.3g})"
        )
    return AddAttrs(
        subtract=subtract,
        zero_points=(x.zero_point, y.zero_point),
        multipliers=(multipliers[0], multipliers[1]),
        shifts=(0, 0),
        output_multiplier=0,
        output_shift=shift,
        zero_point=site.output.zero_point,
        low=site.output.low,
        high=site.output.high,
        exact=True,
    )
