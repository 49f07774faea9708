"""Softmax over the last axis, int8 → int8, without floating point.

The exponential depends only on how far an input lies below the row's largest one, which is 0 to 255 steps: its 256 values are
computed here and stored as a table of int32. There are two arithmetics:

"tflite"
    TFLite's (reference/softmax.h): exponentials in Q0.31 as gemmlowp's ``exp_on_negative_values`` gives them, their sum with 12
    integer bits, one reciprocal by Newton's method, products rounded twice. The output has scale 1/256 and zero point -128.
"exact"
    ``round_half_even(exponential / sum / scale) + zero_point`` with an exact division of integers, for ONNX, which computes in
    float. Exponentials are in units that let a row's sum just fit into 31 bits, so that only their own rounding is lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tvm_tiny.op import fixed_point
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import NotInteger, Operand, OutputQuantization, Site
from tvm_tiny.op.rounding import clamped, quantize_multiplier

if TYPE_CHECKING:
    from tvm import relax, te, tirx

_SUM_INTEGER_BITS = 12  # TFLite's kAccumulationIntegerBits
_DIFFERENCE_INTEGER_BITS = 5  # TFLite's kScaledDiffIntegerBits


@dataclass(frozen=True)
class SoftmaxAttrs:
    """``low`` and ``high`` are limits of the stored output. "exact": 1 / output scale is ``multiplier / 2^shift``."""

    arithmetic: Literal["tflite", "exact"]
    zero_point: int
    low: int
    high: int
    multiplier: int = 0
    shift: int = 0


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: SoftmaxAttrs) -> Value:
    return Value(tuple(inputs[0].shape), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    attrs: SoftmaxAttrs = node.attrs
    *rows, depth = node.value(0).shape
    data = node.constant(1)
    x = te.placeholder((*rows, depth), "int8", "x")
    exponentials = te.placeholder(data.shape, "int32", "exponentials")

    k = te.reduce_axis((0, depth), "k")
    largest = te.compute(rows, lambda *row: te.max(x[(*row, k)], axis=k), "largest")

    def exponential(*at: tirx.Expr) -> tirx.Expr:
        return exponentials[largest[at[:-1]].astype("int32") - x[at].astype("int32")]

    output = (_tflite_output if attrs.arithmetic == "tflite" else _exact_output)(node, exponential)
    return Definition([x], {"exponentials": (exponentials, data)}, output)


def _tflite_output(node: Node, exponential: te.Tensor) -> te.Tensor:
    from tvm import te, tirx

    attrs: SoftmaxAttrs = node.attrs
    *rows, depth = node.output.shape
    k = te.reduce_axis((0, depth), "k")

    def on_sum_scale(value: tirx.Expr) -> tirx.Expr:
        return tirx.call_pure_extern("int32", "tvm_tiny_rounding_shift_right", value, tirx.const(_SUM_INTEGER_BITS, "int32"))

    total = te.compute(rows, lambda *row: te.sum(on_sum_scale(exponential(*row, k)), axis=k), "total")
    inverse = te.compute(rows, lambda *row: tirx.call_pure_extern("int32", "tvm_tiny_reciprocal_q0_31", total[row]), "inverse")

    def at(*index: tirx.Var) -> tirx.Expr:
        row = index[:-1]
        bits = tirx.call_pure_extern("int32", "tvm_tiny_reciprocal_bits", total[row], tirx.const(_SUM_INTEGER_BITS, "int32"))
        product = tirx.call_pure_extern("int32", "tvm_tiny_doubling_high_mul", inverse[row], exponential(*index))
        shift = bits + 23  # from Q0.31 to 8 bits
        shifted = tirx.call_pure_extern("int32", "tvm_tiny_rounding_shift_right", product, shift)
        # A sum of 512 and more makes every output less than a half.
        return tirx.if_then_else(shift <= 31, shifted, tirx.const(0, "int32")) if depth >= 512 else shifted

    return te.compute(node.output.shape, lambda *index: clamped(at(*index), attrs.zero_point, attrs.low, attrs.high), "output")


def _exact_output(node: Node, exponential: te.Tensor) -> te.Tensor:
    from tvm import te, tirx

    attrs: SoftmaxAttrs = node.attrs
    *rows, depth = node.output.shape
    k = te.reduce_axis((0, depth), "k")
    total = te.compute(rows, lambda *row: te.sum(exponential(*row, k), axis=k), "total")

    def at(*index: tirx.Var) -> tirx.Expr:
        numerator = exponential(*index).astype("int64") * tirx.const(attrs.multiplier, "int64")
        denominator = total[index[:-1]].astype("int64") << tirx.const(attrs.shift, "int64")
        return tirx.call_pure_extern("int32", "tvm_tiny_divide_even", numerator, denominator)

    return te.compute(node.output.shape, lambda *index: clamped(at(*index), attrs.zero_point, attrs.low, attrs.high), "output")


SOFTMAX = register(Operator("softmax", SoftmaxAttrs, _infer, _define))


def tflite_exponentials(scale: float, beta: float) -> np.ndarray:
    """exp(-beta * scale * d) in Q0.31 for d = 0 to 255, int32; 0 below TFLite's ``diff_min``."""
    rescale = min(float(beta) * float(np.float32(scale)) * 2.0 ** (31 - _DIFFERENCE_INTEGER_BITS), 2.0**31 - 1.0)
    if rescale <= 1.0:
        raise NotInteger(f"TFLite's softmax needs beta * scale above 2^-26, found {beta * scale:.3g}")
    multiplier, shift = quantize_multiplier(rescale)
    radius = fixed_point.input_radius(_DIFFERENCE_INTEGER_BITS, shift)
    values = [
        fixed_point.exp_on_negative_values(fixed_point.requantize(-d, multiplier, shift), _DIFFERENCE_INTEGER_BITS)
        if d <= radius
        else 0
        for d in range(256)
    ]
    return np.array(values, dtype=np.int32)


def exact_exponentials(scale: float, beta: float, depth: int) -> np.ndarray:
    """exp(-beta * scale * d) for d = 0 to 255 in the finest power-of-two unit in which ``depth`` of them sum up within int32."""
    unit = 30 - (depth - 1).bit_length()
    if unit < 16:
        raise NotInteger(f"its rows have {depth} elements: expected at most {1 << 14}")
    return np.rint(np.exp(-beta * scale * np.arange(256.0)) * 2.0**unit).astype(np.int32)


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → multiply by a constant → softmax → quantize), over any axis."""
    from tvm import relax

    graph = site.graph
    found = graph.call(site.producer, "relax.nn.softmax")
    if found is None:
        return None
    logits, beta = found.args[0], 1.0
    product = graph.call(logits, "relax.multiply")
    if product is not None:
        factors = [graph.constant(argument) for argument in product.args]
        for factor, other in zip(factors, reversed(product.args), strict=True):
            if factor is not None and factor.size == 1:
                logits, beta = other, float(np.float32(factor.item()))
    operand = graph.operand(logits)
    if operand is None:
        raise NotInteger("its input is not quantised with one scale for the whole tensor")
    if beta <= 0.0:
        raise NotInteger(f"its beta is {beta:g}, expected a positive number")
    rank = len(operand.shape)
    axis = int(found.attrs.axis) % rank
    order = [*(each for each in range(rank) if each != axis), axis]
    attrs, exponentials = (_tflite_form if site.arithmetic.is_tflite else _exact_form)(
        operand, beta, operand.shape[axis], site.output
    )
    x = operand.expr if axis == rank - 1 else relax.op.permute_dims(operand.expr, order)
    y = call(SOFTMAX, [x, relax.const(exponentials)], attrs, source=site.source)
    return y if axis == rank - 1 else relax.op.permute_dims(y, [order.index(each) for each in range(rank)])


def _tflite_form(operand: Operand, beta: float, depth: int, output: OutputQuantization) -> tuple[SoftmaxAttrs, np.ndarray]:
    if output.zero_point != -128 or abs(output.scale * 256 - 1) > 1e-3:
        raise NotInteger(f"TFLite's softmax gives scale 1/256 and zero point -128, found {output.scale:g} and {output.zero_point}")
    if depth >= 1 << _SUM_INTEGER_BITS:
        raise NotInteger(f"its rows have {depth} elements: TFLite's sum can overflow from {1 << _SUM_INTEGER_BITS} on")
    return SoftmaxAttrs("tflite", -128, output.low, output.high), tflite_exponentials(operand.scale, beta)


def _exact_form(operand: Operand, beta: float, depth: int, output: OutputQuantization) -> tuple[SoftmaxAttrs, np.ndarray]:
    # 1 / scale as a fraction with a numerator of 31 bits: numerators stay below 2^61, denominators below 2^60.
    shift = min(30, 30 + math.frexp(output.scale)[1])
    if shift < 0:
        raise NotInteger(f"its output scale is {output.scale:g}, expected at least 2^-30")
    multiplier = int(np.rint(2.0**shift / output.scale))
    attrs = SoftmaxAttrs("exact", output.zero_point, output.low, output.high, multiplier, shift)
    return attrs, exact_exponentials(operand.scale, beta, depth)
