"""Every layer is told the exact limits of its accumulator, for what comes after: which requantisation is exact, and what fits."""

from __future__ import annotations

import tvm
from tvm import relax

from tvm_tiny.op.operator import with_notes
from tvm_tiny.transform.intervals import analyse
from tvm_tiny.transform.rebuild import rebuild


def note_accumulators(mod: tvm.IRModule) -> tvm.IRModule:
    """``mod`` with the limits of each accumulator on its call: what :attr:`tvm_tiny.op.operator.Node.accumulator` gives.

    ``main`` must be a function of one dataflow block; other functions of the module are not carried over.
    """
    accumulators = analyse(mod).accumulators
    if not accumulators:
        return mod

    def rewrite(var: relax.Var, value: relax.Expr) -> tuple[relax.Expr, str]:
        limits = accumulators.get(var)
        if limits is None:
            return value, var.name
        return with_notes(value, accumulator_low=limits.low.tolist(), accumulator_high=limits.high.tolist()), var.name

    return rebuild(mod, rewrite)
