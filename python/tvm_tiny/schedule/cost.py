"""About how many cycles a layer takes, from its shape and the implementation that is chosen for it.

This is for comparing ways to run a model before any of them is built: within some 30 % of what the emulated cores' cycle models
count for the layers of the MLPerf-Tiny models, closer where only the number of rows differs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule.select import implementations
from tvm_tiny.target import Core

MOVED_BYTE = 0.7
"""Cycles for a byte that is moved in memory, four words at a time."""

CALL = 60
"""Cycles for calling a stage of a chain, with the test whether it is due."""


@dataclass(frozen=True)
class Cost:
    """Cycles of a multiply-accumulate, of an output element, and of an input element.

    Pixels are computed ``group`` at a time: a last group that is not full costs as much as any.
    """

    mac: float
    output: float
    input: float
    group: int = 1


COSTS = {
    # With SMLAD, of a Cortex-M4.
    "gemm": Cost(1.1, 9, 3, 3),
    "line buffer": Cost(1.05, 10, 6),
    "depthwise 3x3": Cost(1.0, 4, 3.5),
    "shallow": Cost(0.75, 6, 2, 8),
    "pool": Cost(0, 10, 1.8),
    # With MVE, of a Cortex-M55.
    "mve gemm": Cost(0.17, 6, 2),
    "mve depthwise": Cost(0.35, 3, 2),
    "mve add": Cost(0, 4.5, 0),
    "mve pool": Cost(0, 3, 2),
    # Without SIMD, of a Cortex-M3.
    "packed": Cost(3.0, 60, 5, 6),
    "depthwise 3x3 by rows": Cost(6, 25, 10),
    # Of any core.
    "dense": Cost(1.4, 40, 5),
    "linear": Cost(0, 12, 0),
    "table": Cost(0, 12, 0),
    "scalar": Cost(12, 80, 8),
}


def cycles(node: Node, core: Core) -> float:
    """An estimate for one run of ``node``, whole or a few rows of it."""
    cost = COSTS.get(implementations(node, core)[0].name, COSTS["scalar"])
    read = sum(math.prod(each.shape) for each in node.inputs if isinstance(each, Value))
    pixels = math.prod(node.output.shape[:-1])
    filled = -(-pixels // cost.group) * cost.group / pixels
    return filled * cost.mac * node.op.macs(node) + cost.output * node.output.size + cost.input * read
