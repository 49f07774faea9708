"""Where feature maps lie in the on-chip SRAM: the model's memory planner, with time counted in steps.

Two storages that are alive at one time may still share bytes where the order of rows allows it: what the newer one writes lies in
front of all that is still read of the older one, at every step, or behind it. How far they have to be apart for that is told to the
planner for each such pair (`native.Relaxed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tvm_tiny.memory import native
from tvm_tiny.memory.lifetimes import Lifetime
from tvm_tiny.npu.order import Step
from tvm_tiny.npu.pack import ALIGNMENT, aligned
from tvm_tiny.npu.region import Feature, Graph, Operation

_IN_PLACE = ("add", "mul", "lookup", "softmax")
_NEVER = 1 << 40


@dataclass(frozen=True)
class Layout:
    """``address`` of each storage, ``rows`` of those that are rolling buffers, bytes in all (a multiple of the alignment)."""

    address: Mapping[str, int]
    rolling: Mapping[str, int]
    size: int


def place(
    graph: Graph, steps: Sequence[Step], rolling: Mapping[str, int], *, overlap: bool = True, algorithm: str = "exact"
) -> Layout:
    """A place for each storage, from 0 on, as low as can be.

    Raises
    ------
    ToolchainError
        The planner library is not built.
    """
    uses = {storage: _Uses() for storage in graph.storages}
    for time, step in enumerate(steps):
        operation = graph.operations[step.operation]
        for index, feature in enumerate(operation.inputs):
            rows = operation.rows_read(index, step.first, step.rows)
            if rows and feature.storage in uses:
                uses[feature.storage].reads.append((time, *span(feature, rows.start, len(rows))))
        if operation.staged:
            uses[operation.staged].reads.append((time, 0, graph.storages[operation.staged]))
        if operation.kind != "output":
            uses[operation.output.storage].writes.append((time, *span(operation.output, step.first, step.rows)))
    sizes = {name: _size(graph, name, rolling) for name in graph.storages}
    buffers = [Lifetime(name, sizes[name], *uses[name].life) for name in graph.storages]
    relaxed = list(_pairs(graph, steps, uses, buffers, rolling)) if overlap else []
    placed = native.place(algorithm, buffers, alignment=ALIGNMENT, relaxed=relaxed, time_limit=0.5)
    address = {buffer.name: offset for buffer, (_pool, offset) in zip(buffers, placed.places, strict=True)}
    size = max((address[name] + sizes[name] for name in address), default=0)
    return Layout(address, rolling, aligned(size))


def span(feature: Feature, first: int, rows: int) -> tuple[int, int]:
    """The bytes of its storage from the first to behind the last of rows ``first`` to ``first + rows - 1``."""
    _height, width, channels = feature.shape
    begin = feature.offset + first * feature.row_bytes
    return begin, begin + (rows - 1) * feature.row_bytes + (width - 1) * feature.pixel_bytes + channels


def _size(graph: Graph, name: str, rolling: Mapping[str, int]) -> int:
    if name not in rolling:
        return graph.storages[name]
    made = next(each.output for each in graph.operations if each.kind != "output" and each.output.storage == name)
    return rolling[name] * made.row_bytes


class _Uses:
    """When which bytes of a storage are written and read: (step, first byte, byte behind the last), in order."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, int, int]] = []
        self.reads: list[tuple[int, int, int]] = []

    @property
    def life(self) -> tuple[int, int]:
        times = [time for time, _low, _high in (*self.writes, *self.reads)]
        return min(times, default=0), max(times, default=0)

    def read_from(self, count: int) -> list[tuple[int, int]]:
        """For each step the lowest byte that is read at it or later, and the highest."""
        return _gathered(reversed(range(count)), self.reads, count)

    def written_before(self, count: int) -> list[tuple[int, int]]:
        """For each step the lowest byte that has been written at it or earlier, and the highest."""
        return _gathered(range(count), self.writes, count)


def _gathered(times: Iterator[int] | range, uses: list[tuple[int, int, int]], count: int) -> list[tuple[int, int]]:
    at: dict[int, tuple[int, int]] = {}
    for time, low, high in uses:
        before = at.get(time, (_NEVER, -_NEVER))
        at[time] = (min(low, before[0]), max(high, before[1]))
    ends = [(_NEVER, -_NEVER)] * (count + 1)
    low, high = _NEVER, -_NEVER
    for time in times:
        if time in at:
            low, high = min(low, at[time][0]), max(high, at[time][1])
        ends[time] = (low, high)
    return ends


def _pairs(
    graph: Graph, steps: Sequence[Step], uses: Mapping[str, _Uses], buffers: Sequence[Lifetime], rolling: Mapping[str, int]
) -> Iterator[native.Relaxed]:
    count = len(steps)
    needed = {name: use.read_from(count) for name, use in uses.items()}
    held = {name: use.written_before(count) for name, use in uses.items()}
    for older, a in enumerate(buffers):
        for newer, b in enumerate(buffers):
            apart = a.last < b.first or b.last < a.first
            if older == newer or apart or (a.first, older) > (b.first, newer) or a.name in rolling or b.name in rolling:
                continue
            before = after = -_NEVER
            for time, low, high in uses[b.name].writes:
                alive = needed[a.name][time]
                before, after = max(before, high - alive[0]), max(after, alive[1] - low)
            for time, low, high in uses[a.name].writes:
                bottom = max(held[b.name][time][0], needed[b.name][time][0])
                top = min(held[b.name][time][1], needed[b.name][time][1])
                before, after = max(before, top - low), max(after, high - bottom)
            same = _in_place(graph, steps, a.name, b.name, uses, needed)
            if before < b.size or after < a.size or same:
                yield native.Relaxed(newer, older, min(before, b.size), min(after, a.size), same)


def _in_place(
    graph: Graph,
    steps: Sequence[Step],
    a: str,
    b: str,
    uses: Mapping[str, _Uses],
    needed: Mapping[str, list[tuple[int, int]]],
) -> bool:
    """Whether each step that writes ``b`` may write it over what it reads of ``a``, which nothing else needs any more."""
    if uses[a].writes and uses[b].writes and uses[a].writes[-1][0] >= uses[b].writes[0][0]:
        return False
    for time, low, high in uses[b].writes:
        operation = graph.operations[steps[time].operation]
        if not _elementwise_on(operation, a):
            return False
        later = needed[a][time + 1]
        if later[0] < high and later[1] > low:
            return False
    return True


def _elementwise_on(operation: Operation, storage: str) -> bool:
    """Whether the vector unit may write the operation's output over its input in ``storage``: they lie alike."""
    own = [feature for feature in operation.inputs if feature.storage == storage]
    out = operation.output
    return operation.kind in _IN_PLACE and all(
        (feature.shape, feature.row_bytes, feature.pixel_bytes, feature.offset)
        == (out.shape, out.row_bytes, out.pixel_bytes, out.offset)
        for feature in own
    )
