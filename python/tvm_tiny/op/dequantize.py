"""int8 → float32, at the border of a model or before an operator that stays in float (TFLite DEQUANTIZE, ONNX DequantizeLinear).

``output = scale * (x - zero_point)`` in float32, which is exact up to the one rounding of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import Operand

if TYPE_CHECKING:
    from tvm import relax


@dataclass(frozen=True)
class DequantizeAttrs:
    scale: float
    zero_point: int


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: DequantizeAttrs) -> Value:
    return Value(tuple(inputs[0].shape), "float32")


def _define(node: Node) -> Definition:
    from tvm import te, tirx

    attrs: DequantizeAttrs = node.attrs
    x = te.placeholder(node.value(0).flat, "int8", "x")
    scale, zero_point = tirx.const(attrs.scale, "float32"), tirx.const(attrs.zero_point, "int32")
    output = te.compute(
        node.output.flat,
        lambda i: tirx.call_pure_extern("float32", "tvm_tiny_dequantize", x[i].astype("int32"), scale, zero_point),
        "output",
    )
    return Definition([x], {}, output)


DEQUANTIZE = register(Operator("dequantize", DequantizeAttrs, _infer, _define))


def emit_dequantize(operand: Operand, source: str) -> relax.Expr:
    """The call that gives the real values of ``operand``."""
    return call(DEQUANTIZE, [operand.expr], DequantizeAttrs(operand.scale, operand.zero_point), source=source)
