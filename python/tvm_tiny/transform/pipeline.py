"""The Relax passes in their order, as data, between the integer lowering and the schedules."""

from __future__ import annotations

from collections.abc import Callable

import tvm
from tvm import relax

from tvm_tiny.transform.accumulators import note_accumulators
from tvm_tiny.transform.channels_last import channels_last
from tvm_tiny.transform.dead_channels import remove_dead_channels
from tvm_tiny.transform.legalize import legalize

Pass = Callable[[tvm.IRModule], tvm.IRModule]


def passes() -> tuple[Pass, ...]:
    """What remains in float becomes TVM's own loops, fused; our operators and views are left as they are."""
    transform = relax.transform
    return (
        transform.CanonicalizeBindings(),
        transform.DeadCodeElimination(),
        channels_last,
        remove_dead_channels,
        note_accumulators,
        legalize,
        transform.FoldConstant(),
        transform.AnnotateTIROpPattern(),
        transform.FuseOps(),
        transform.FuseTIR(),
        transform.DeadCodeElimination(),
    )


def run_passes(mod: tvm.IRModule) -> tvm.IRModule:
    """All of :func:`passes` over ``mod``."""
    for each in passes():
        mod = each(mod)
    return mod
