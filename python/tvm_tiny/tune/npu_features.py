"""What the cost model sees of a candidate for an NPU: in what it differs from the search's choice.

For each operation there are numbers of how it is cut: commands, folds, steps, and the cycles of its passes by the closed form.
Their differences from those of the search's choice are summed up over the region, since cycles add up as far as units do not wait;
and how each of the first operations is cut is there by itself, for what lies between neighbours. One row for each candidate:
MetaSchedule would add up the scores of several, but learns from sums of many so fast that it overshoots.
"""

from __future__ import annotations

import numpy as np

from tvm_tiny.npu.knobs import Region
from tvm_tiny.npu.region import Operation
from tvm_tiny.npu.streams import Choice
from tvm_tiny.npu.tiling import Tiling, cycles_of_pass, depth_of
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.npu_workload import RegionWorkload

_OPERATIONS = 96
"""Operations of a region, from the first on, that are described one by one."""
_OWN = 4
"""Of a row of :func:`_cut`, the numbers by which they are."""


def region_features(workload: RegionWorkload, decision: Decision) -> np.ndarray:
    """A float32 array of shape (1, features)."""
    region = workload.region
    choice = region.choice(decision.choices)
    base, cut = (_cuts(region, each) for each in (region.base, choice))
    logarithms = np.log2(1.0 + cut) - np.log2(1.0 + base)
    own = np.zeros((_OPERATIONS, 2 * _OWN))
    described = min(len(cut), _OPERATIONS)
    own[:described, :_OWN], own[:described, _OWN:] = cut[:described, :_OWN], logarithms[:described, :_OWN]
    cascade = float(len(choice.groups[0]) if choice.groups else 0)
    sums = [(cut - base).sum(0), np.abs(cut - base).sum(0), logarithms.sum(0), np.abs(logarithms).sum(0)]
    return np.concatenate([[cascade], *sums, own.ravel()]).astype(np.float32).reshape(1, -1)


def _cuts(region: Region, choice: Choice) -> np.ndarray:
    """(operations, numbers) float64."""
    return np.array([_cut(region, *each) for each in zip(region.graph.operations, choice.tilings, strict=True)], np.float64)


def _cut(region: Region, operation: Operation, tiling: Tiling) -> list[int]:
    height, width, channels = operation.output.shape
    commands = -(-height // tiling.rows)
    last = height - (commands - 1) * tiling.rows
    if not operation.on_array:
        return [tiling.rows, 1, 0, 0, commands, last, 0, 0, 0]
    depth, columns = depth_of(operation), region.npu.size // tiling.split
    folds = -(-depth // tiling.depth_step) * -(-channels // columns)
    steps = -(-tiling.rows * width // tiling.split)
    passes = cycles_of_pass(operation, tiling, region.npu)
    return [tiling.rows, tiling.split, tiling.depth_step, passes, commands, last, folds, steps, folds * commands]
