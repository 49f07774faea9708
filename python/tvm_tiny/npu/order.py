"""In which order the rows of all operations are computed.

A step is some rows of one operation, and becomes one command. Operations in one group run as a cascade: each step of a later one is
preceded by just those steps of the others whose rows it needs, so that of what flows between them only some rows are alive at one
time. A group of one runs from its first row to its last, or backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm_tiny.npu.region import Feature, Graph, Operation
from tvm_tiny.npu.tiling import Tiling


@dataclass(frozen=True)
class Step:
    """Rows ``first`` to ``first + rows - 1`` of the output of operation number ``operation``."""

    operation: int
    first: int
    rows: int


def steps_of(graph: Graph, tilings: Sequence[Tiling], groups: Sequence[Sequence[int]]) -> tuple[Step, ...]:
    """The steps of all groups, one group after the other; ``groups`` cut the operations into runs."""
    steps: list[Step] = []
    for group in groups:
        first = len(steps)
        _Cascade(graph, tilings, group, steps).run()
        if len(group) == 1 and tilings[group[0]].backwards:
            steps[first:] = reversed(steps[first:])
    return tuple(steps)


class _Cascade:
    def __init__(self, graph: Graph, tilings: Sequence[Tiling], group: Sequence[int], steps: list[Step]) -> None:
        self.graph, self.tilings, self.group, self.steps = graph, tilings, group, steps
        self.done = dict.fromkeys(group, 0)
        self.writers: dict[str, list[int]] = {}
        for number in group:
            self.writers.setdefault(graph.operations[number].output.storage, []).append(number)

    def run(self) -> None:
        read = {feature.storage for number in self.group for feature in self._inputs(number)}
        ends = [number for number in self.group if self._operation(number).output.storage not in read or self._last(number)]
        for number in (*ends, *self.group):
            self._compute(number, self._operation(number).output.shape[0])

    def _last(self, number: int) -> bool:
        return self._operation(number).kind == "output"

    def _operation(self, number: int) -> Operation:
        return self.graph.operations[number]

    def _inputs(self, number: int) -> list[Feature]:
        return [] if self._operation(number).kind == "input" else list(self._operation(number).inputs)

    def _compute(self, number: int, end: int) -> None:
        """All steps of an operation that its rows in front of ``end`` need."""
        operation = self._operation(number)
        while self.done[number] < end:
            first = self.done[number]
            rows = min(self.tilings[number].rows, operation.output.shape[0] - first)
            for index, feature in enumerate(operation.inputs):
                for writer in self.writers.get(feature.storage, ()):
                    if writer == number:
                        continue
                    made = self._operation(writer).output
                    alike = made == feature
                    self._compute(writer, operation.rows_read(index, first, rows).stop if alike else made.shape[0])
            self.done[number] = first + rows
            self.steps.append(Step(number, first, rows))


def rolling_rows(graph: Graph, steps: Sequence[Step]) -> dict[str, int]:
    """Rows that are alive at one time of each storage of which that is fewer than all, by the order of ``steps``.

    Such a storage can be a rolling buffer: one operation writes it, and all that read it see it as that one does.
    """
    spans: dict[str, int] = {}
    for storage in graph.storages:
        writers = [each for each in graph.operations if each.kind != "output" and each.output.storage == storage]
        if len(writers) != 1:
            continue
        made = writers[0].output
        readers = [feature for each in graph.operations for feature in each.inputs if feature.storage == storage]
        if made.offset or not made.dense or any(feature != made for feature in readers):
            continue
        span = _span(graph, steps, storage)
        if span < made.shape[0]:
            spans[storage] = span
    return spans


def _span(graph: Graph, steps: Sequence[Step], storage: str) -> int:
    """The largest distance between a row that is written and one that is still read at that time or later, both included."""
    needed = 1 << 30  # the first row that is read from here on
    lowest = [needed] * len(steps)
    for time in range(len(steps) - 1, -1, -1):
        step = steps[time]
        operation = graph.operations[step.operation]
        for index, feature in enumerate(operation.inputs):
            if feature.storage == storage:
                read = operation.rows_read(index, step.first, step.rows)
                needed = min(needed, read.start) if read else needed
        lowest[time] = needed
    span, end = 1, 0
    for time, step in enumerate(steps):
        operation = graph.operations[step.operation]
        if operation.kind != "output" and operation.output.storage == storage:
            end = max(end, step.first + step.rows)
            span = max(span, step.rows)
        if lowest[time] < end:
            span = max(span, end - lowest[time])
    return span
