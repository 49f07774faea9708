"""A function of each element of an int8 tensor, as a table of 256 bytes.

``output = table[x + 128]``

Every elementwise operator of one int8 tensor is this, and so is a change of quantisation parameters: the table is computed here, in
whatever arithmetic the reference uses. A table that changes nothing is left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op import tables_float, tables_tflite
from tvm_tiny.op.operator import Definition, NoAttrs, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import DirectSite, Graph, Operand, Site, op_name
from tvm_tiny.tvm_compat import prim_value

if TYPE_CHECKING:
    from tvm import relax

IDENTITY = np.arange(-128, 128, dtype=np.int8)


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: NoAttrs) -> Value:
    return Value(tuple(inputs[0].shape), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    data = node.constant(1)
    x = te.placeholder(node.value(0).flat, "int8", "x")
    table = te.placeholder(data.shape, "int8", "table")
    output = te.compute(node.output.flat, lambda i: table[x[i].astype("int32") + 128], "output")
    return Definition([x], {"table": (table, data)}, output)


LOOKUP = register(Operator("lookup", NoAttrs, _infer, _define))


def emit_lookup(x: relax.Expr, table: np.ndarray, source: str) -> relax.Expr:
    """``table`` applied to ``x``; ``x`` itself where that changes nothing."""
    from tvm import relax

    if np.array_equal(table, IDENTITY):
        return x
    return call(LOOKUP, [x, relax.const(table)], NoAttrs(), source=source)


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize of one tensor → elementwise operators → quantize)."""
    from tvm import relax

    found = _tflite_table(site) if site.arithmetic.is_tflite else _float_table(site)
    if found is None:
        return None
    operand, table = found
    result = emit_lookup(operand.expr, table, site.source)
    if site.shape == operand.shape:
        return result
    if math.prod(site.shape) != math.prod(operand.shape):
        return None
    return relax.op.reshape(result, site.shape)  # a constant of more axes than the tensor has


def lower_direct(site: DirectSite) -> relax.Expr | None:
    """The rule for a clip of stored values."""
    if op_name(site.call) != "relax.clip":
        return None
    bounds = [prim_value(argument) for argument in site.call.args[1:3]]
    if bounds[0] is None or bounds[1] is None:
        return None
    low, high = (min(max(bound - site.offset, -128), 127) for bound in bounds if bound is not None)
    return emit_lookup(site.stored(site.call.args[0]), np.clip(IDENTITY, low, high).astype(np.int8), site.source)


def _float_table(site: Site) -> tuple[Operand, np.ndarray] | None:
    function = tables_float.float_function(site.graph, site.producer)
    return None if function is None else (function.operand, tables_float.quantized(function.values, site.output))


_SQUASHING = {"relax.sigmoid": (1 / 256, -128), "relax.tanh": (1 / 128, 0)}
"""TFLite's functions with an output that TFLite prescribes: scale and zero point."""


def _tflite_table(site: Site) -> tuple[Operand, np.ndarray] | None:
    graph, output = site.graph, site.output
    operand = graph.operand(site.producer)
    if operand is not None:
        table = tables_tflite.rectified if site.activated else tables_tflite.requantized
        return operand, table(operand, output)
    gated = _hard_swish_operand(site)
    if gated is not None:
        return gated, tables_tflite.hard_swish(gated, output)
    curved = _elu_operand(site)
    if curved is not None:
        elu = tables_tflite.elu_micro if site.arithmetic.style == "tflite-micro" else tables_tflite.elu
        return curved, tables_tflite.transformed(curved, output, elu)
    name, args = op_name(site.producer), list(getattr(site.producer, "args", []))
    operand = graph.operand(args[0]) if len(args) == 1 else None
    if operand is None:
        return None
    if name in _SQUASHING and site.arithmetic.style == "tflite-micro" and (output.scale, output.zero_point) == _SQUASHING[name]:
        return operand, {"relax.sigmoid": tables_tflite.logistic, "relax.tanh": tables_tflite.tanh}[name](operand, output)
    if name == "relax.nn.leakyrelu":
        return operand, tables_tflite.leaky_relu(operand, output, float(site.producer.attrs.alpha))
    if name == "relax.log":
        return operand, tables_tflite.transformed(operand, output, tables_tflite.logarithm(operand, output))
    if name in _TRANSFORMS:
        return operand, tables_tflite.transformed(operand, output, _TRANSFORMS[name])
    if name in _KERNELS:
        return operand, _KERNELS[name](operand, output)
    return None


_TRANSFORMS = {
    "relax.sigmoid": tables_tflite.float_logistic,
    "relax.tanh": tables_tflite.float_tanh,
    "relax.exp": tables_tflite.exp,
    "relax.nn.gelu": tables_tflite.gelu,
    "relax.nn.gelu_tanh": tables_tflite.gelu_approximate,
}
_KERNELS = {
    "relax.abs": tables_tflite.absolute,
    "relax.negative": tables_tflite.negated,
    "relax.sqrt": tables_tflite.square_root,
    "relax.rsqrt": tables_tflite.reciprocal_square_root,
}


def _hard_swish_operand(site: Site) -> Operand | None:
    """The operand of ``x * clip(x + 3, 0, 6) / 6``, the form in which HARD_SWISH is imported."""
    graph = site.graph
    division = graph.call(site.producer, "relax.divide")
    product = graph.call(division.args[0], "relax.multiply") if division is not None else None
    clip = graph.call(product.args[1], "relax.clip") if product is not None else None
    addition = graph.call(clip.args[0], "relax.add") if clip is not None else None
    if division is None or product is None or clip is None or addition is None:
        return None
    three, six = graph.constant(addition.args[1]), graph.constant(division.args[1])
    bounds = [prim_value(argument) for argument in clip.args[1:3]]
    if (
        three is None
        or six is None
        or bounds != [0.0, 6.0]
        or (three.size, six.size) != (1, 1)
        or (three.item(), six.item()) != (3, 6)
    ):
        return None
    return _one_operand(graph, product.args[0], addition.args[0])


def _elu_operand(site: Site) -> Operand | None:
    """The operand of ``where(x < 0, exp(x) - 1, x)``, the form in which ELU is imported."""
    graph = site.graph
    choice = graph.call(site.producer, "relax.where")
    less = graph.call(choice.args[0], "relax.less") if choice is not None else None
    difference = graph.call(choice.args[1], "relax.subtract") if choice is not None else None
    power = graph.call(difference.args[0], "relax.exp") if difference is not None else None
    if choice is None or less is None or difference is None or power is None:
        return None
    zero, one = graph.constant(less.args[1]), graph.constant(difference.args[1])
    if zero is None or one is None or not (np.all(zero == 0) and np.all(one == 1)):
        return None
    return _one_operand(graph, less.args[0], power.args[0], choice.args[2])


def _one_operand(graph: Graph, *places: relax.Expr) -> Operand | None:
    """The activation that stands in all of ``places``; None if they are not one."""
    operands = [operand for place in places if (operand := graph.operand(place)) is not None]
    same = len(operands) == len(places) and all(operand.expr.same_as(operands[0].expr) for operand in operands)
    return operands[0] if same else None
