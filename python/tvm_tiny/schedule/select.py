"""Which implementation computes a node on a core: the first of its instruction set's list that applies."""

from __future__ import annotations

from collections.abc import Iterator

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule import scalar
from tvm_tiny.schedule.dsp.blocks import BLOCKS, BLOCKS_WITH_ZEROS
from tvm_tiny.schedule.dsp.dense import DENSE as DSP_DENSE
from tvm_tiny.schedule.dsp.dense_blocks import DENSE_BLOCKS
from tvm_tiny.schedule.dsp.depthwise import DEPTHWISE as DSP_DEPTHWISE
from tvm_tiny.schedule.dsp.gemm import GEMM
from tvm_tiny.schedule.dsp.line_buffer import LINE_BUFFER
from tvm_tiny.schedule.dsp.pool import DSP_POOL
from tvm_tiny.schedule.dsp.shallow import SHALLOW
from tvm_tiny.schedule.dsp.winograd import WINOGRAD
from tvm_tiny.schedule.implementation import Implementation
from tvm_tiny.schedule.linear_add import LINEAR_ADD
from tvm_tiny.schedule.mve.add import MVE_ADD
from tvm_tiny.schedule.mve.depthwise import MVE_DEPTHWISE
from tvm_tiny.schedule.mve.gemm import MVE_GEMM
from tvm_tiny.schedule.mve.pool import MVE_POOL
from tvm_tiny.schedule.scalar.dense import DENSE
from tvm_tiny.schedule.scalar.depthwise import DEPTHWISE
from tvm_tiny.schedule.scalar.packed import PACKED
from tvm_tiny.schedule.table_add import TABLE_ADD
from tvm_tiny.target import Core

SCALAR: tuple[Implementation, ...] = (PACKED, DENSE, DEPTHWISE, LINEAR_ADD, TABLE_ADD, scalar.ANY)
DSP: tuple[Implementation, ...] = (
    SHALLOW,
    LINE_BUFFER,
    GEMM,
    DSP_DENSE,
    DSP_DEPTHWISE,
    BLOCKS,
    DENSE_BLOCKS,
    WINOGRAD,
    DSP_POOL,
    *SCALAR,
    BLOCKS_WITH_ZEROS,  # behind those that apply to everything: never the default
)
MVE: tuple[Implementation, ...] = (
    MVE_GEMM,
    MVE_DEPTHWISE,
    MVE_ADD,
    MVE_POOL,
    *SCALAR,
)

_BY_ISA = {"scalar": SCALAR, "dsp": DSP, "mve": MVE}


def implementations(node: Node, core: Core) -> list[Implementation]:
    """Every implementation that applies to ``node`` on ``core``, best first; never empty."""
    return list(applying(node, core))


def applying(node: Node, core: Core, name: str | None = None) -> Iterator[Implementation]:
    """:func:`implementations` one by one, or only the one called ``name``: whether one applies may take a while to find out."""
    for each in _BY_ISA[core.isa]:
        if name in (None, each.name) and each.applies(node, core):
            yield each
