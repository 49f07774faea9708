"""Addition of two int8 tensors as one linear form, proven exact over all pairs of values.

TFLite's addition rounds four times, and ONNX's takes a 64-bit sum; both are functions of 2^16 pairs. ``(x * a + y * b + c) >>
shift``, limited to int8, is two multiply-accumulates and a shift. Its numbers are searched for around the real scales and taken
only if no pair gives another result than the reference. Where none are found, the reference's arithmetic stays.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from tvm import s_tir, te, tirx

from tvm_tiny.op.add import LEFT_SHIFT, AddAttrs
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.op.rounding_arrays import rescaled, shifted_right_even
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

INT8 = np.arange(-128, 128, dtype=np.int64)
REACH = 2**30
"""What ``x * a + y * b + c`` may reach."""


@dataclass(frozen=True)
class Linear:
    """``(x * a + y * b + c) >> shift``, to be held within the output's limits."""

    a: int
    b: int
    c: int
    shift: int


def applies(node: Node, _core: Core) -> bool:
    """Two tensors of the output's shape, and a linear form that is exact."""
    return is_elementwise(node) and linear_form(node.attrs) is not None


def is_elementwise(node: Node) -> bool:
    """An addition of two tensors of the output's shape: no constant, no broadcasting."""
    return node.op.name == "add" and all(isinstance(each, Value) and each.shape == node.output.shape for each in node.inputs)


def reference(attrs: AddAttrs) -> np.ndarray:
    """The stored output of every pair, (256, 256) by x and y from -128."""
    x, y = (INT8 - zero for zero in attrs.zero_points)
    if attrs.exact:
        first, second = x[:, None] * attrs.multipliers[0], y[None, :] * attrs.multipliers[1]
        total = shifted_right_even(first - second if attrs.subtract else first + second, attrs.output_shift)
    else:
        terms = [
            rescaled(value << LEFT_SHIFT, multiplier, shift, "double").value
            for value, multiplier, shift in zip((x, y), attrs.multipliers, attrs.shifts, strict=True)
        ]
        both = terms[0][:, None] - terms[1][None, :] if attrs.subtract else terms[0][:, None] + terms[1][None, :]
        total = rescaled(both, attrs.output_multiplier, attrs.output_shift, "double").value
    return np.clip(total + attrs.zero_point, attrs.low, attrs.high)


@lru_cache(maxsize=64)
def linear_form(attrs: AddAttrs) -> Linear | None:
    """The exact linear form of an addition, None where none is found near its scales."""
    scales = scales_of(attrs)
    reach = (
        128 * sum(map(abs, scales)) + 256 + sum(abs(scale * zero) for scale, zero in zip(scales, attrs.zero_points, strict=True))
    )
    shift = math.floor(math.log2(REACH / reach))
    if not 1 <= shift <= 30:
        return None
    wanted = reference(attrs)
    centre = [round(scale * 2**shift) for scale in scales]
    for step_a, step_b in sorted(itertools.product(range(-2, 3), repeat=2), key=lambda steps: sum(map(abs, steps))):
        a, b = centre[0] + step_a, centre[1] + step_b
        c = _offset(a, b, shift, attrs, wanted)
        if c is not None:
            return Linear(a, b, c, shift)
    return None


def _offset(a: int, b: int, shift: int, attrs: AddAttrs, wanted: np.ndarray) -> int | None:
    """The c for which every pair gives what is wanted: each pair bounds it from one or both sides."""
    products = INT8[:, None] * a + INT8[None, :] * b
    least = np.where(wanted > attrs.low, (wanted << shift) - products, -REACH).max()
    most = np.where(wanted < attrs.high, ((wanted + 1) << shift) - 1 - products, REACH).min()
    if least > most:
        return None
    c = int(least + most) // 2
    return c if abs(c) + 128 * (abs(a) + abs(b)) < 2**31 else None


def scales_of(attrs: AddAttrs) -> tuple[float, float]:
    """What a step of each input is worth, in steps of the output."""
    sign = -1 if attrs.subtract else 1
    if attrs.exact:
        unit = 2.0**-attrs.output_shift
        return attrs.multipliers[0] * unit, sign * attrs.multipliers[1] * unit
    output = attrs.output_multiplier * 2.0 ** (attrs.output_shift - 31) * 2.0**LEFT_SHIFT
    first, second = (multiplier * 2.0 ** (shift - 31) for multiplier, shift in zip(attrs.multipliers, attrs.shifts, strict=True))
    return first * output, sign * second * output


def build(node: Node, core: Core) -> Scheduled:
    """One loop over both tensors."""
    attrs, form = node.attrs, linear_form(node.attrs)
    assert form is not None
    size = math.prod(node.output.shape)
    x, y = (te.placeholder((size,), "int8", name) for name in ("x", "y"))

    def element(i: tirx.Var) -> tirx.Expr:
        total = x[i].astype("int32") * form.a + y[i].astype("int32") * form.b + form.c
        return held(total >> tirx.const(form.shift, "int32"), attrs, core)

    sch = s_tir.Schedule(te.create_prim_func([x, y, te.compute((size,), element, "output")]))
    return Scheduled(unrolled(sch, size, core), {})


def held(value: tirx.Expr, attrs: AddAttrs, core: Core) -> tirx.Expr:
    """``value`` within the output's limits, as int8."""
    if core.isa == "dsp" and (attrs.low, attrs.high) == (-128, 127):
        return tirx.call_pure_extern("int32", "tvm_tiny_saturate_s8", value).astype("int8")
    limits = (tirx.const(limit, "int32") for limit in (attrs.low, attrs.high))
    return tirx.call_pure_extern("int32", "tvm_tiny_clamp", value, *limits).astype("int8")


def unrolled(sch: s_tir.Schedule, size: int, core: Core) -> tirx.PrimFunc:
    """The one loop of ``sch``, four elements to a turn."""
    (loop,) = sch.get_loops(sch.get_sblock("output"))
    if size % 4 == 0 and core.unroll >= 4:
        sch.unroll(sch.split(loop, [None, 4])[1])
    return sch.mod["main"]


LINEAR_ADD = Implementation("linear", applies, build)
