"""uint8 ↔ int8 by an offset of 128, where a model's own inputs or outputs are uint8.

Between its borders a model holds uint8 tensors as int8 (value - 128, zero point - 128), which leaves every real value as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.operator import Definition, NoAttrs, Node, Operator, Value, call, register

if TYPE_CHECKING:
    from tvm import relax

_OTHER = {"uint8": "int8", "int8": "uint8"}


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: NoAttrs) -> Value:
    return Value(tuple(inputs[0].shape), _OTHER[str(inputs[0].dtype)])


def _define(node: Node) -> Definition:
    from tvm import te, tirx

    dtype = node.value(0).dtype
    x = te.placeholder(node.value(0).flat, dtype, "x")
    offset = tirx.const(128 if dtype == "int8" else -128, "int32")
    output = te.compute(node.output.flat, lambda i: (x[i].astype("int32") + offset).astype(_OTHER[dtype]), "output")
    return Definition([x], {}, output)


RECENTER = register(Operator("recenter", NoAttrs, _infer, _define))


def emit_recenter(x: relax.Expr, source: str = "") -> relax.Expr:
    """The call that makes the int8 tensor of a uint8 one, or the other way about."""
    return call(RECENTER, [x], NoAttrs(), source=source)
