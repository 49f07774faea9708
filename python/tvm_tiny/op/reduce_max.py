"""Maximum and minimum over axes of an int8 tensor (TFLite REDUCE_MAX and REDUCE_MIN; ONNX ReduceMax, ReduceMin, GlobalMaxPool).

``output = clamp(max(x))`` on stored values
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.alike import conversion, limits_of
from tvm_tiny.op.lookup import emit_lookup
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import DirectSite, Site, shape_of
from tvm_tiny.op.reduction import accumulated, kept_shape, match_axes, refuse_nothing_reduced
from tvm_tiny.op.rounding import held

if TYPE_CHECKING:
    from tvm import relax

_NAMES = ("relax.max", "relax.min")


@dataclass(frozen=True)
class ReduceMaxAttrs:
    """``axes`` are those that are reduced, ascending; ``low`` and ``high`` the fused activation's limits on the stored value."""

    axes: tuple[int, ...]
    keepdims: bool
    low: int
    high: int


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: ReduceMaxAttrs) -> Value:
    return Value(kept_shape(tuple(inputs[0].shape), attrs.axes, attrs.keepdims), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    attrs: ReduceMaxAttrs = node.attrs
    x = te.placeholder(node.value(0).shape, "int8", "x")
    acc = accumulated(x, attrs.axes, attrs.keepdims, te.max if node.op is REDUCE_MAX else te.min)
    output = te.compute(node.output.shape, lambda *at: held(acc[at], attrs.low, attrs.high), "output")
    return Definition([x], {}, output)


REDUCE_MAX = register(Operator("reduce_max", ReduceMaxAttrs, _infer, _define))
REDUCE_MIN = register(Operator("reduce_min", ReduceMaxAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → max or min over axes → activation → quantize)."""
    reduction = site.graph.call(site.producer, *_NAMES)
    if reduction is None:
        return None
    operand = site.operand(0)
    table = conversion(site, operand)
    limits = limits_of(table)
    if limits is not None:
        return _emit(site.graph.call(reduction, _NAMES[0]) is not None, reduction, operand.expr, limits, site.source)
    return emit_lookup(
        _emit(site.graph.call(reduction, _NAMES[0]) is not None, reduction, operand.expr, (-128, 127), ""), table, site.source
    )


def lower_direct(site: DirectSite) -> relax.Expr | None:
    """The rule for a maximum or minimum of stored values."""
    reduction = site.graph.call(site.call, *_NAMES)
    if reduction is None:
        return None
    largest = site.graph.call(reduction, _NAMES[0]) is not None
    return _emit(largest, reduction, site.stored(reduction.args[0]), (-128, 127), site.source)


def _emit(largest: bool, reduction: relax.Call, x: relax.Expr, limits: tuple[int, int], source: str) -> relax.Expr:
    axes, keepdims = match_axes(reduction, len(shape_of(reduction.args[0])))
    refuse_nothing_reduced(axes)
    attrs = ReduceMaxAttrs(axes, keepdims, *limits)
    return call(REDUCE_MAX if largest else REDUCE_MIN, [x], attrs, source=source)
