"""Padding of an int8 tensor with one value (TFLite PAD and PADV2, ONNX Pad): real zeros are the zero point.

``output[i, ...] = x[i - before, ...]`` inside, ``value`` outside
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op import tables_float
from tvm_tiny.op.alike import conversion
from tvm_tiny.op.lookup import emit_lookup
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.qdq import DirectSite, NotInteger, Site

if TYPE_CHECKING:
    from tvm import relax, tirx


@dataclass(frozen=True)
class PadAttrs:
    """``before`` and ``after`` are numbers of elements, one for each axis; ``value`` is stored."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    value: int


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: PadAttrs) -> Value:
    extents = zip(inputs[0].shape, attrs.before, attrs.after, strict=True)
    return Value(tuple(extent + before + after for extent, before, after in extents), "int8")


def _define(node: Node) -> Definition:
    from tvm import te, tirx

    attrs: PadAttrs = node.attrs
    shape = node.value(0).shape
    x = te.placeholder(shape, "int8", "x")

    def element(*at: tirx.Var) -> tirx.Expr:
        inside = []
        for index, extent, before, after in zip(at, shape, attrs.before, attrs.after, strict=True):
            if before:
                inside.append(index >= before)
            if after:
                inside.append(index < before + extent)
        copied = x[tuple(index - before if before else index for index, before in zip(at, attrs.before, strict=True))]
        return tirx.if_then_else(tirx.all(*inside), copied, tirx.const(attrs.value, "int8")) if inside else copied

    return Definition([x], {}, te.compute(node.output.shape, element, "output"))


PAD = register(Operator("pad", PadAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → pad → activation → quantize)."""
    pad = site.graph.call(site.producer, "relax.nn.pad")
    if pad is None:
        return None
    operand = site.operand(0)
    x = emit_lookup(operand.expr, conversion(site, operand), "")
    value = tables_float.quantized(np.array([_constant_value(pad)], np.float32), site.output)
    return _emit(pad, x, int(value[0]), site.source)


def lower_direct(site: DirectSite) -> relax.Expr | None:
    """The rule for a padding of stored values."""
    pad = site.graph.call(site.call, "relax.nn.pad")
    if pad is None:
        return None
    value = _constant_value(pad) - site.offset
    if not (value.is_integer() and -128 <= value <= 127):
        raise NotInteger(f"its value {value:g} is not one of the tensor's dtype")
    return _emit(pad, site.stored(pad.args[0]), int(value), site.source)


def _constant_value(pad: relax.Call) -> float:
    if str(pad.attrs.pad_mode) != "constant":
        raise NotInteger(f"it pads in the mode {pad.attrs.pad_mode}, expected constant")
    return float(pad.attrs.pad_value)


def _emit(pad: relax.Call, x: relax.Expr, value: int, source: str) -> relax.Expr:
    widths = [int(width) for width in pad.attrs.pad_width]
    before, after = tuple(widths[0::2]), tuple(widths[1::2])
    if min(widths) < 0:
        raise NotInteger("it takes elements away (a negative padding)")
    return call(PAD, [x], PadAttrs(before, after, value), source=source) if any(widths) else x
