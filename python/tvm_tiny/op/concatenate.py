"""Int8 tensors behind one another along an axis (TFLite CONCATENATION, ONNX Concat).

The operator copies stored values. Inputs that are quantised otherwise than the output are converted first, each by a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op import tables_float
from tvm_tiny.op.alike import conversion
from tvm_tiny.op.lookup import emit_lookup
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import DirectSite, Graph, NotInteger, Site

if TYPE_CHECKING:
    from tvm import relax, te, tirx


@dataclass(frozen=True)
class ConcatenateAttrs:
    axis: int


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: ConcatenateAttrs) -> Value:
    shape = list(inputs[0].shape)
    shape[attrs.axis] = sum(int(each.shape[attrs.axis]) for each in inputs)
    return Value(tuple(shape), "int8")


def _define(node: Node) -> Definition:
    from tvm import te, tirx

    axis: int = node.attrs.axis
    inputs: list[te.Tensor] = []
    constants: dict[str, tuple[te.Tensor, np.ndarray]] = {}
    sources: list[tuple[te.Tensor, int]] = []
    end = 0
    for index, argument in enumerate(node.inputs):
        placeholder = te.placeholder(argument.shape, "int8", f"x{index}")
        if isinstance(argument, np.ndarray):
            constants[f"part{index}"] = (placeholder, argument)
        else:
            inputs.append(placeholder)
        sources.append((placeholder, end))
        end += int(argument.shape[axis])

    def element(*at: tirx.Var) -> tirx.Expr:
        value = None
        for source, begin in sources:  # the last input whose beginning is reached
            where = tuple(index - begin if position == axis and begin else index for position, index in enumerate(at))
            value = source[where] if value is None else tirx.if_then_else(at[axis] >= begin, source[where], value)
        return value

    return Definition(inputs, constants, te.compute(node.output.shape, element, "output"))


CONCATENATE = register(Operator("concatenate", ConcatenateAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize, ... → concat → activation → quantize)."""
    concat = site.graph.call(site.producer, "relax.concat")
    if concat is None:
        return None
    parts = [_converted(site, index, part) for index, part in enumerate(_parts(concat, site.graph))]
    return _emit(concat, parts, site.shape, site.source)


def lower_direct(site: DirectSite) -> relax.Expr | None:
    """The rule for a concatenation of stored values."""
    concat = site.graph.call(site.call, "relax.concat")
    if concat is None:
        return None
    return _emit(concat, [site.stored(part) for part in _parts(concat, site.graph)], site.shape, site.source)


def _parts(concat: relax.Call, graph: Graph) -> list[relax.Expr]:
    return list(graph.resolve(concat.args[0]).fields)


def _converted(site: Site, index: int, part: relax.Expr) -> relax.Expr:
    """The input ``part`` in the output's quantisation."""
    from tvm import relax

    operand = site.graph.operand(part)
    if operand is not None:
        return emit_lookup(operand.expr, conversion(site, operand), "")
    quantized = site.graph.quantized_constant(part)
    real = quantized.real() if quantized is not None else site.graph.constant(part)
    if real is None:
        raise NotInteger(f"input {index} is not quantised with one scale for the whole tensor")
    return relax.const(tables_float.quantized(real.astype(np.float32), site.output))


def _emit(concat: relax.Call, parts: list[relax.Expr], shape: tuple[int, ...], source: str) -> relax.Expr:
    axis = 0 if concat.attrs.axis is None else int(concat.attrs.axis) % len(shape)
    return parts[0] if len(parts) == 1 else call(CONCATENATE, parts, ConcatenateAttrs(axis), source=source)
