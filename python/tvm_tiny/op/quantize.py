"""float32 → int8, at the border of a model or behind an operator that stays in float (TFLite QUANTIZE, ONNX QuantizeLinear).

``output = clamp(round(x / scale) + zero_point, low, high)``

The division is in float32. TFLite rounds halves away from zero, ONNX to even. uint8 tensors of a file are made as int8 with
their zero point moved by 128.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import Arithmetic, OutputQuantization

if TYPE_CHECKING:
    from tvm import relax

_FUNCTIONS = {"away": "tvm_tiny_quantize_f32", "even": "tvm_tiny_quantize_even_f32"}


@dataclass(frozen=True)
class QuantizeAttrs:
    """``halves`` is where halves are rounded to: "away" from zero or to "even"."""

    scale: float
    zero_point: int
    low: int
    high: int
    halves: Literal["away", "even"]


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: QuantizeAttrs) -> Value:
    return Value(tuple(inputs[0].shape), "int8")


def _define(node: Node) -> Definition:
    from tvm import te, tirx

    attrs: QuantizeAttrs = node.attrs
    x = te.placeholder(node.value(0).flat, "float32", "x")
    numbers = [tirx.const(number, "int32") for number in (attrs.zero_point, attrs.low, attrs.high)]

    scale = tirx.const(attrs.scale, "float32")
    output = te.compute(
        node.output.flat,
        lambda i: tirx.call_pure_extern("int32", _FUNCTIONS[attrs.halves], x[i], scale, *numbers).astype("int8"),
        "output",
    )
    return Definition([x], {}, output)


QUANTIZE = register(Operator("quantize", QuantizeAttrs, _infer, _define))


def emit_quantize(x: relax.Expr, output: OutputQuantization, arithmetic: Arithmetic, source: str) -> relax.Expr:
    """The call that quantises ``x``, float32 of any shape; the result has the shape of ``x``."""
    attrs = QuantizeAttrs(output.scale, output.zero_point, output.low, output.high, "away" if arithmetic.is_tflite else "even")
    return call(QUANTIZE, [x], attrs, source=source)
