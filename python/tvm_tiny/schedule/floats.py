"""Default schedule for what stays in float32: TVM's own legalised and fused functions, made lean.

Elementwise stages are computed where they are read, and sums in a local variable in front of their epilogue, so that intermediate
tensors take no memory where that is possible.
"""

from __future__ import annotations

import contextlib

from tvm import s_tir, tirx
from tvm.s_tir import ScheduleError

from tvm_tiny.errors import UnsupportedOperatorError


def schedule_float(func: tirx.PrimFunc, name: str = "main") -> tirx.PrimFunc:
    """Schedule a function that ``LegalizeOps`` and ``FuseTIR`` made; a step that does not apply is left out.

    ``name`` is what a message calls it.

    Raises
    ------
    UnsupportedOperatorError
        TVM made loops without blocks of it, which nothing here can lower.
    """
    sch = s_tir.Schedule(func)
    try:
        sch.get_sblock("root")
    except ScheduleError as error:
        raise UnsupportedOperatorError(
            f"operator {name} cannot be compiled to C: TVM's loops for it have no blocks",
            "replace it in the model, or split the model there",
        ) from error
    for block in sch.get_child_blocks(sch.get_sblock("root")):
        with contextlib.suppress(ScheduleError):
            sch.compute_inline(block)
    for block in reversed(sch.get_child_blocks(sch.get_sblock("root"))):
        if not _is_reduction(sch, block):
            continue
        trial = sch.copy()
        try:
            _reduce_in_front_of_consumer(trial, trial.get_sblock(str(sch.get(block).name_hint)))
        except ScheduleError:
            continue
        sch = trial
    for block in sch.get_child_blocks(sch.get_sblock("root")):
        if _is_reduction(sch, block):
            with contextlib.suppress(ScheduleError):
                _decompose(sch, block)
    return sch.mod["main"]


def _is_reduction(sch: s_tir.Schedule, block: s_tir.schedule.SBlockRV) -> bool:
    return sch.get(block).init is not None


def _reduce_in_front_of_consumer(sch: s_tir.Schedule, block: s_tir.schedule.SBlockRV) -> None:
    consumers = sch.get_consumers(block)
    if len(consumers) != 1 or _is_reduction(sch, consumers[0]):
        raise ScheduleError("not one elementwise consumer")
    shape = [int(extent) for extent in sch.get(block).writes[0].source.shape]
    consumer_shape = [int(extent) for extent in sch.get(consumers[0]).writes[0].source.shape]
    if shape != consumer_shape:
        raise ScheduleError("the consumer reads an element of the sum more than once")
    loops = sch.get_loops(consumers[0])
    if not loops:
        raise ScheduleError("the consumer is one element, without loops")
    sch.compute_at(block, loops[-1], preserve_unit_loops=False)
    if len(sch.get(block).writes) == 1:
        sch.set_scope(block, 0, "local")


def _decompose(sch: s_tir.Schedule, block: s_tir.schedule.SBlockRV) -> None:
    """Take the initialisation out of the reduction's loops."""
    kinds = [int(var.iter_type) for var in sch.get(block).iter_vars]
    loops = sch.get_loops(block)
    first = next((index for index, kind in enumerate(kinds) if kind == 2), None)  # 2: a reduction axis
    if first is not None and loops:
        sch.decompose_reduction(block, loops[len(loops) - len(kinds) + first] if len(loops) >= len(kinds) else loops[-1])
