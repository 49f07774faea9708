"""Default schedules for a core without SIMD: one multiply-accumulate at a time, accumulators in registers.

An operator's blocks tell which form applies: "acc" is a reduction that "output" reads at its own position; "padded" is a padded
copy of the input; "largest", "total" and "inverse" are softmax's numbers of a row. Everything else is computed where it stands.
"""

from __future__ import annotations

from tvm import s_tir, te

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Implementation, Scheduled
from tvm_tiny.target import Core

_ROW_STAGES = ("largest", "total", "inverse")


def build(node: Node, _core: Core) -> Scheduled:
    """Any operator, from its definition."""
    definition = node.op.define(node)
    placeholders = [placeholder for placeholder, _ in definition.constants.values()]
    sch = s_tir.Schedule(te.create_prim_func([*definition.inputs, *placeholders, definition.output]))
    names = [str(sch.get(child).name_hint) for child in sch.get_child_blocks(sch.get_sblock("root"))]
    if "acc" in names:
        _accumulate_in_register(sch)
    if "padded" in names:
        _line_buffer(sch)
    if "total" in names:
        _row_by_row(sch, [name for name in _ROW_STAGES if name in names])
    return Scheduled(sch.mod["main"], {role: data for role, (_, data) in definition.constants.items()})


def _line_buffer(sch: s_tir.Schedule) -> None:
    """Pad only the rows that one output row reads, just before it is computed: no test in the inner loop, a few rows of memory."""
    output = sch.get_sblock("output")
    row = sch.get_loops(output)[1]
    sch.compute_at(sch.get_sblock("padded"), row, preserve_unit_loops=False)


def _accumulate_in_register(sch: s_tir.Schedule) -> None:
    """Compute the sum of one output element just before its epilogue, in a local variable."""
    acc, output = sch.get_sblock("acc"), sch.get_sblock("output")
    innermost = sch.get_loops(output)[-1]
    sch.compute_at(acc, innermost, preserve_unit_loops=False)
    sch.set_scope(acc, 0, "local")
    reduce_loops = sch.get_loops(acc)[len(sch.get_loops(output)) :]
    if reduce_loops:
        sch.decompose_reduction(acc, reduce_loops[0])


def _row_by_row(sch: s_tir.Schedule, stages: list[str]) -> None:
    """Compute the numbers of one row just before the row, in local variables."""
    loops = sch.get_loops(sch.get_sblock("output"))
    for name in reversed(stages):
        stage = sch.get_sblock(name)
        if len(loops) > 1:
            sch.compute_at(stage, loops[-2], preserve_unit_loops=False)
        sch.set_scope(stage, 0, "local")
        reductions = [int(var.iter_type) for var in sch.get(stage).iter_vars].count(2)
        if reductions:
            sch.decompose_reduction(stage, sch.get_loops(stage)[-reductions])


ANY = Implementation("scalar", lambda _node, _core: True, build)
