"""Addition on MVE, four elements at a time, in the forms of ``schedule/linear_add.py`` and ``schedule/table_add.py``.

Both forms round down; the vector instruction rounds to the nearest, so half a step less is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from tvm import s_tir, tirx
from tvm.script.ir_builder import IRBuilder
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule import linear_add, table_add
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.mve.intrinsics import Intrinsic, Operand, argument, block, tensorize
from tvm_tiny.target import Core

_ENTRIES = 256
_INT32 = 2**31


def applies(node: Node, core: Core) -> bool:
    """Two tensors of the output's shape, and one of the two forms that is exact."""
    return linear_add.applies(node, core) or table_add.applies(node, core)


def build(node: Node, core: Core) -> Scheduled:
    """One call over both tensors."""
    attrs, size = node.attrs, math.prod(node.output.shape)
    numbers: tuple[int, ...]
    linear = linear_add.linear_form(attrs)
    if linear is not None:
        numbers = (linear.a, linear.b, linear.c - (1 << (linear.shift - 1)), linear.shift, attrs.low, attrs.high)
        reach = 128 * (abs(linear.a) + abs(linear.b)) + abs(numbers[2])
        return Scheduled(_scheduled(size, numbers, 0), {}) if reach < _INT32 else linear_add.build(node, core)
    tabled = table_add.tabled_form(attrs)
    assert tabled is not None
    table = np.array(tabled.table, dtype=np.int64) - (1 << (tabled.shift - 1))
    if int(np.abs(table).max()) + 128 * abs(tabled.b) >= _INT32:
        return table_add.build(node, core)
    numbers = (tabled.b, tabled.shift, attrs.low, attrs.high)
    return Scheduled(_scheduled(size, numbers, tabled.through_table), {"table": table.astype(np.int32)})


def _scheduled(size: int, numbers: tuple[int, ...], first: int) -> tirx.PrimFunc:
    """The function for a form's numbers; ``first`` is the operand that goes through the table."""
    roles = ("x", "y", "table")[: _roles(numbers)]
    with IRBuilder() as builder, T.prim_func(s_tir=True):
        T.func_name("main")
        at = {role: argument(role, *_shape(role, size)) for role in roles}
        output = argument("output", (size,), "int8")
        ordered = [at[role] for role in (roles[first], roles[1 - first], *roles[2:])]
        with T.sblock("root"), block("output", (size,)) as axes:
            _element(axes, ordered, output, numbers)
    sch = s_tir.Schedule(builder.get())
    tensorize(sch, "output", int(size > 1), _row(size, numbers))
    return sch.mod["main"]


def _roles(numbers: tuple[int, ...]) -> int:
    """Operands of a form: a linear one has six numbers, one with a table four."""
    return 2 if len(numbers) == 6 else 3


def _shape(role: str, size: int) -> tuple[tuple[int, ...], str]:
    return ((_ENTRIES,), "int32") if role == "table" else ((size,), "int8")


def _element(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer, numbers: tuple[int, ...]) -> None:
    """The body of a block: an element of the output."""
    x, y = (each[tuple(axes)] for each in inputs[:2])
    constants = [tirx.const(number, "int32") for number in numbers]
    if len(inputs) == 2:
        T.reads(x, y)
        arguments = [x.astype("int32"), y.astype("int32"), *constants]
    else:
        T.reads(x, y, inputs[2][0:_ENTRIES])
        entry = tirx.call_pure_extern("int32", "TVM_TINY_MVE_ENTRY", inputs[2][0], x)
        zero = tirx.const(0, "int32")
        arguments = [zero, y.astype("int32"), zero, constants[0], entry, *constants[1:]]
    T.writes(output[tuple(axes)])
    T.buffer_store(output, tirx.call_pure_extern("int32", "tvm_tiny_mve_linear", *arguments).astype("int8"), list(axes))


@cache
def _row(size: int, numbers: tuple[int, ...]) -> str:
    """The intrinsic for ``size`` elements."""

    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        _element(axes, inputs, output, numbers)

    roles = _roles(numbers)
    return Intrinsic(
        "tvm_tiny_mve_linear_row" if roles == 2 else "tvm_tiny_mve_table_row",
        tuple(Operand(role, *_shape(role, size)) for role in ("x", "y", "table")[:roles]),
        Operand("output", (size,), "int8"),
        (size, *numbers),
        (size,),
        compute,
        in_order=True,
    ).register()


MVE_ADD = Implementation("mve add", applies, build)
