"""From a scheduled TIRx function with blocks to plain loops over flat buffers, ready to print."""

from __future__ import annotations

import tvm
from tvm import s_tir, tirx

from tvm_tiny.target import Core, tvm_target


def lower_function(func: tirx.PrimFunc, core: Core) -> tirx.PrimFunc:
    """``func`` without blocks, multi-dimensional buffers, or arithmetic on loop bounds that can be settled now."""
    block, plain = s_tir.transform, tirx.transform
    passes = [
        plain.BindTarget(tvm_target(core)),
        block.CanonicalizeLoop(),
        block.LowerInitBlock(),
        block.PlanAndUpdateBufferAllocationLocation(),
        block.ConvertBlocksToOpaque(),
        block.CompactBufferAllocation(),
        block.LowerMatchBuffer(),
        block.StmtSimplify(),
        block.LowerOpaqueBlock(),
        plain.FlattenBuffer(),
        plain.NarrowDataType(32),
        block.LoopPartition(),
        plain.VectorizeLoop(False),
        plain.StorageRewrite(),
        plain.UnrollLoop(),
        block.RenormalizeSplitPattern(),
        plain.StmtSimplify(),
        plain.RemoveNoOp(),
        block.RewriteUnsafeSelect(),
        plain.CommonSubexprElim(),
    ]
    module = tvm.IRModule({"main": func.with_attr("global_symbol", "main")})
    return tvm.ir.transform.Sequential(passes)(module)["main"]
