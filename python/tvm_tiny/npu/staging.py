"""Weights that the parameter cache has no room for: the DMA engine fetches them while the array works on what is in front of them.

A layer whose weights are not kept gets a "fetch" into a buffer of its own, in the order of the operation on the array before it, so
that two such buffers are alive at one time: one that is read, one that is filled. A layer that is larger than a buffer is cut by
output channels, into operations that write slices of its output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tvm_tiny.npu.pack import aligned
from tvm_tiny.npu.region import Feature, Graph, Operation
from tvm_tiny.npu.tiling import depth_of
from tvm_tiny.target.npu import Npu

_PARAMETERS = 16
_SHARES = (0.25, 0.5, 0.75, 1.0)
"""Parts of what activations leave of the SRAM that the buffers take; the rest is the cache."""


def staged_graphs(graph: Graph, npu: Npu, free: int) -> Iterator[Graph]:
    """Forms of ``graph`` in which some weights are fetched, for ``free`` bytes of SRAM beside the activations.

    The smallest layers stay in the cache, as far as there is room.
    """
    sizes = {number: _size(operation) for number, operation in enumerate(graph.operations) if operation.on_array}
    other = sum(array.nbytes for array in graph.constants.values()) + sum(
        int(each.node.constant(1).nbytes)
        for each in graph.operations
        if each.kind in ("lookup", "softmax") and each.node is not None
    )
    for share in _SHARES:
        buffer = int(free * share) // 2
        room = free - 2 * buffer - other - 16 * len(graph.operations)
        kept = set()
        for number in sorted(sizes, key=lambda each: sizes[each]):
            room -= sizes[number]
            if room >= 0:
                kept.add(number)
        if all(number in kept or _channels(graph.operations[number], npu, buffer) for number in sizes):
            yield _staged(graph, npu, kept, buffer)


def _staged(graph: Graph, npu: Npu, kept: set[int], buffer: int) -> Graph:
    operations: list[Operation] = []
    storages = dict(graph.storages)
    before = 0  # where the latest operation on the array is
    for number, operation in enumerate(graph.operations):
        streamed = operation.on_array and number not in kept
        for part in _parts(operation, _channels(operation, npu, buffer)) if streamed else (operation,):
            if streamed:
                name = f"weights {number}.{len(storages)}"
                storages[name] = _size(part)
                fetched = Feature(name, (1, 1, storages[name]), storages[name], 1)
                operations.insert(before, Operation("fetch", f"fetch {part.name}", (), fetched))
                part = replace(part, staged=name)
            if operation.on_array:
                before = len(operations)
            operations.append(part)
    return replace(graph, operations=tuple(operations), storages=storages)


def _parts(operation: Operation, channels: int) -> Iterator[Operation]:
    """``operation`` for some of its output channels after the other."""
    height, width, count = operation.output.shape
    for first in range(0, count, channels):
        last = min(first + channels, count)
        if last - first == count:
            yield operation
            return
        output = replace(operation.output, shape=(height, width, last - first), offset=operation.output.offset + first)
        inputs = operation.inputs
        if operation.kind == "depthwise_conv2d":
            (given,) = inputs
            inputs = (replace(given, shape=(*given.shape[:2], last - first), offset=given.offset + first),)
        yield replace(operation, inputs=inputs, output=output, channels=(first, last))


def _size(operation: Operation) -> int:
    """Bytes of weights and parameters."""
    channels = operation.output.shape[2]
    return aligned(depth_of(operation) * channels) + _PARAMETERS * channels


def _channels(operation: Operation, npu: Npu, buffer: int) -> int:
    """Output channels whose weights and parameters fit into a buffer: whole folds, 0 if not even one does."""
    one = depth_of(operation) + _PARAMETERS
    most = max(buffer - _PARAMETERS, 0) // one
    return operation.output.shape[2] if most >= operation.output.shape[2] else most // npu.size * npu.size
