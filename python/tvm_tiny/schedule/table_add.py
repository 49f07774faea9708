"""Addition of two int8 tensors where no linear form is exact: one operand through a table of 256 words.

``(table[x] + y * b) >> shift``: for a given b every x asks for a table entry between two bounds, so that the roundings of one
operand are free to be what they are. The numbers are taken only if every pair of values gives the reference's result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from tvm import s_tir, te, tirx

from tvm_tiny.op.add import AddAttrs
from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.schedule.linear_add import INT8, REACH, held, is_elementwise, reference, scales_of, unrolled
from tvm_tiny.target import Core


@dataclass(frozen=True)
class Tabled:
    """``(table[x + 128] + y * b) >> shift``; ``through_table`` is the operand that is called x here."""

    through_table: int
    table: tuple[int, ...]
    b: int
    shift: int


def applies(node: Node, _core: Core) -> bool:
    """Two tensors of the output's shape, and a table that makes the sum exact."""
    return is_elementwise(node) and tabled_form(node.attrs) is not None


@lru_cache(maxsize=64)
def tabled_form(attrs: AddAttrs) -> Tabled | None:
    """The exact form of an addition, None where none is found near its scales."""
    scales = scales_of(attrs)
    wanted = reference(attrs)
    for through_table in (0, 1):
        scale = scales[1 - through_table]
        shift = math.floor(math.log2(REACH / (128 * sum(map(abs, scales)) + 512)))
        if not 1 <= shift <= 30:
            return None
        by_table = wanted if through_table == 0 else wanted.T
        for step in sorted(range(-64, 65), key=abs):
            b = round(scale * 2**shift) + step
            products = INT8[None, :] * b
            least = np.where(by_table > attrs.low, (by_table << shift) - products, -REACH).max(axis=1)
            most = np.where(by_table < attrs.high, ((by_table + 1) << shift) - 1 - products, REACH).min(axis=1)
            table = (least + most) // 2
            if np.all(least <= most) and np.abs(table).max() + 128 * abs(b) < 2**31:
                return Tabled(through_table, tuple(table.tolist()), b, shift)
    return None


def build(node: Node, core: Core) -> Scheduled:
    """One loop over both tensors."""
    form = tabled_form(node.attrs)
    assert form is not None
    size = math.prod(node.output.shape)
    inputs = [te.placeholder((size,), "int8", name) for name in ("x", "y")]
    table = te.placeholder((256,), "int32", "table")

    def element(i: tirx.Var) -> tirx.Expr:
        through, other = (inputs[each][i].astype("int32") for each in (form.through_table, 1 - form.through_table))
        return held((table[through + 128] + other * form.b) >> tirx.const(form.shift, "int32"), node.attrs, core)

    sch = s_tir.Schedule(te.create_prim_func([*inputs, table, te.compute((size,), element, "output")]))
    return Scheduled(unrolled(sch, size, core), {"table": np.array(form.table, np.int32)})


TABLE_ADD = Implementation("table", applies, build)
