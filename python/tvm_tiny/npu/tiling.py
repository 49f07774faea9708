"""How a layer is cut for the array: the knobs that a tuner turns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tvm_tiny.npu.region import Operation, window_of
from tvm_tiny.target.npu import Npu

_HARDLY_MORE = 1.05
"""Cycles, as a multiple of the fewest."""


@dataclass(frozen=True)
class Tiling:
    """Knobs of one operation. For what does not run on the array only ``rows`` means something.

    Attributes
    ----------
    rows : int
        Rows of the output that one command computes.
    split : int
        Groups of columns that work on different pixels.
    depth_step : int
        Rows of the array that a fold uses: how the depth of the sums is cut.
    backwards : bool
        Commands go from the last rows to the first: then the output may lie a little behind the input instead of in front of it.
        Not in cascades.
    """

    rows: int
    split: int = 1
    depth_step: int = 1
    backwards: bool = False


def depth_of(operation: Operation) -> int:
    """Length of a sum: kh * kw * channels, or taps in depthwise mode."""
    assert operation.node is not None
    weight = operation.node.constant(1)
    if operation.kind == "depthwise_conv2d":
        return int(weight.shape[0] * weight.shape[1])
    return int(weight.size // weight.shape[0])


def cycles_of_pass(operation: Operation, tiling: Tiling, npu: Npu) -> int:
    """Cycles of all folds of the whole operation, without fill and drain: the closed form of the device's timing.

    A fold lasts as long as its inputs take, and no less than the weights of the one behind it.
    """
    height, width, channels = operation.output.shape
    window, depth = window_of(operation), depth_of(operation)
    columns = npu.size // tiling.split
    total = 0
    for rows in _stripes(height, tiling.rows):
        steps = math.ceil(rows * width / tiling.split)
        for first in range(0, depth, tiling.depth_step):
            last = min(first + tiling.depth_step, depth)
            if operation.kind == "depthwise_conv2d":
                busy = rows * _row_cycles(first, last, window.kernel[1], window.strides[1], window.dilation[1], width, npu.feeds)
            else:
                busy = steps * math.ceil(_runs(operation, first, last) / (npu.feeds // tiling.split))
            total += max(busy, last - first)
    folds = math.ceil(channels / columns)
    parameters = math.ceil(16 * min(columns, channels) / npu.size) * len(_stripes(height, tiling.rows))
    return folds * (total + (parameters if depth <= tiling.depth_step else 0))


def best_tiling(operation: Operation, rows: int, npu: Npu) -> Tiling:
    """The split and the depth step of the fewest cycles for commands of ``rows`` rows, or fewer where accumulators are short."""
    return good_tilings(operation, rows, npu)[0]


def good_tilings(operation: Operation, rows: int, npu: Npu) -> list[Tiling]:
    """The best one, and those of other splits that by the closed form, which knows of no neighbours, take hardly more cycles."""
    if not operation.on_array:
        return [Tiling(rows)]
    ranked = []
    for split in splits(operation, npu):
        if math.ceil(operation.output.shape[1] / split) <= npu.accumulators:
            fit = fitting(operation, rows, split, npu)
            tilings = [Tiling(fit, split, step) for step in depth_steps(operation, npu)]
            ranked.append(
                min(
                    ((cycles_of_pass(operation, each, npu), split, -each.depth_step, each) for each in tilings),
                    key=lambda each: each[:3],
                )
            )
    ranked.sort(key=lambda each: each[:3])
    return [each[3] for each in ranked if each[0] <= _HARDLY_MORE * ranked[0][0]]


def fitting(operation: Operation, rows: int, split: int, npu: Npu) -> int:
    """``rows``, or as many as the accumulators hold."""
    return max(1, min(rows, operation.output.shape[0], npu.accumulators * split // operation.output.shape[1]))


def splits(operation: Operation, npu: Npu) -> list[int]:
    """Splits that the array has: powers of two up to its feeds."""
    if operation.kind == "depthwise_conv2d":
        return [1]
    return [1 << power for power in range(npu.feeds.bit_length()) if 1 << power <= npu.feeds and npu.size % (1 << power) == 0]


def depth_steps(operation: Operation, npu: Npu) -> list[int]:
    """Depth steps that can be best: all rows of the array, folds of equal size, and whole runs of bytes."""
    depth = depth_of(operation)
    largest = min(depth, npu.size)
    steps = {largest, math.ceil(depth / math.ceil(depth / npu.size))}
    if operation.kind != "depthwise_conv2d":
        channels = operation.inputs[0].shape[2]
        for run in (channels, channels * window_of(operation).kernel[1]):
            most = largest // run
            steps |= {count * run for count in range(most // 2 + 1, most + 1)}
    return sorted(steps)


def _stripes(height: int, rows: int) -> list[int]:
    return [min(rows, height - first) for first in range(0, height, rows)]


def _runs(operation: Operation, first: int, last: int) -> int:
    """Contiguous runs of bytes that make elements ``first`` to ``last - 1`` of a pixel's depth."""
    feature, window = operation.inputs[0], window_of(operation)
    channels = feature.shape[2]
    together = window.dilation[1] == 1 and feature.pixel_bytes == channels
    run = window.kernel[1] * channels if together else channels
    return (last - 1) // run - first // run + 1


def _row_cycles(first: int, last: int, kernel: int, stride: int, dilation: int, width: int, feeds: int) -> int:
    """Cycles of a row of pixels over taps ``first`` to ``last - 1``: the first pixel brings all, the others what is new to them."""
    fresh = 0
    for row in range(first // kernel, (last - 1) // kernel + 1):
        count = min(last, (row + 1) * kernel) - max(first, row * kernel)
        fresh += stride if dilation == 1 and stride < count else count
    return math.ceil((last - first) / feeds) + (width - 1) * math.ceil(fresh / feeds)
