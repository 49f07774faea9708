"""The order of execution of a branching graph: the one with the smallest peak.

While a layer runs, its outputs and scratch are in use, and every tensor that it or a later layer reads; an output that may lie over
an input that dies counts only with what it adds. A state of the search is the set of layers that have run: what is alive then
does not depend on their order, only the largest sum so far does, and the smallest of those is kept for each set (dynamic
programming over the downsets of the graph, level by level). Two rules keep the sets few:

- A layer that is ready, needs no more than is needed anyway, and leaves no more alive than there was, runs at once. That is never
  worse: whatever runs before it in any other order finds at least as much room after it.
- What already needs as much as the best known order is left.

Where a level still has too many sets, the most promising go on. Small graphs are so solved exactly, large ones well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tvm_tiny.errors import CapacityError
from tvm_tiny.memory.lifetimes import storage_name
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.memory.pools import Pool
from tvm_tiny.program import Layer, Overlap, Program

_EFFORTS = (3_000, 120_000)
"""Steps from a set of layers to the next one that are looked at, about: first a few, so that the others need not go far."""


def plan_in_order(
    program: Program,
    *,
    algorithm: str = "exact",
    alignment: int = 16,
    io: str = "arena",
    overlap: bool = True,
    pools: Sequence[Pool] = (),
    pins: Mapping[str, str] | None = None,
) -> tuple[Program, MemoryPlan]:
    """``program`` in the order of execution that needs the smallest arena, and its plan: see `planner.plan_memory`.

    The model's own order stays where no other is found whose plan is smaller.
    """

    def plan(each: Program) -> MemoryPlan:
        return plan_memory(each, algorithm=algorithm, alignment=alignment, io=io, overlap=overlap, pools=pools, pins=pins)

    other = ordered(program, overlap=overlap)
    if other is program:
        return program, plan(program)
    try:
        first = plan(program)
    except CapacityError:  # the other order may fit
        return other, plan(other)
    try:
        smaller = plan(other)
    except CapacityError:
        return program, first
    return (other, smaller) if smaller.arena_size < first.arena_size else (program, first)


def ordered(program: Program, *, overlap: bool = True) -> Program:
    """``program`` with its layers in the order of the smallest peak; the same object where its own order is as good."""
    graph = _Graph(program, overlap=overlap)
    order = None
    for effort in _EFFORTS:
        order = _search(graph, graph.peak(order or range(graph.count)), effort) or order
    return program if order is None else replace(program, layers=tuple(program.layers[index] for index in order))


@dataclass(frozen=True)
class _State:
    """After the layers of the bit set ``done``: bytes alive, the peak so far, layers that are ready, and the way here."""

    done: int
    alive: int
    peak: int
    ready: int
    last: int = -1
    before: _State | None = None

    def order(self) -> list[int]:
        way = []
        state: _State | None = self
        while state is not None and state.last >= 0:
            way.append(state.last)
            state = state.before
        return way[::-1]


class _Graph:
    """What the search needs of a program: layers and tensors as numbers, sets of layers as bits."""

    def __init__(self, program: Program, *, overlap: bool) -> None:
        layers = program.layers
        self.count = len(layers)
        self.size = {name: tensor.nbytes for name, tensor in program.tensors.items()}
        self.kept = {storage_name(program, name) for name in program.output_tensors} | program.kept
        self.reads = [sorted({storage_name(program, name) for name in layer.inputs}) for layer in layers]
        self.writes = [sorted({storage_name(program, name) for name in layer.outputs}) for layer in layers]
        self.scratch = [sum(scratch.nbytes for scratch in layer.scratch) for layer in layers]
        self.savings = [self._savings(layer) if overlap else [] for layer in layers]
        self.readers = dict.fromkeys(self.size, 0)
        writer = {name: index for index, names in enumerate(self.writes) for name in names}
        self.needs = [0] * self.count
        self.followers: list[list[int]] = [[] for _ in layers]
        for index, names in enumerate(self.reads):
            for name in names:
                self.readers[name] |= 1 << index
                if name in writer and not self.needs[index] >> writer[name] & 1:
                    self.needs[index] |= 1 << writer[name]
                    self.followers[writer[name]].append(index)
        inputs = {storage_name(program, name) for name in program.input_tensors}
        lasting = {name for name in inputs if self.readers[name] or name in self.kept}
        self.unread = sum(self.size[name] for name in inputs - lasting)  # in the way of the first layer only
        ready = sum(1 << index for index in range(self.count) if not self.needs[index])
        self.start = _State(0, sum(self.size[name] for name in lasting), 0, ready)

    def _savings(self, layer: Layer) -> list[tuple[str, int]]:
        return [(each.input, self._saving(each)) for each in layer.overlaps]

    def _saving(self, overlap: Overlap) -> int:
        """Bytes that the pair takes less when it overlaps as far as it may."""
        x, y = self.size[overlap.input], self.size[overlap.output]
        together = [max(x + max(overlap.before, 0), y), max(x, max(overlap.after, 0) + y)]
        return x + y - min(together + [max(x, y)] * overlap.same)

    def dies(self, name: str, layer: int, done: int) -> bool:
        """``layer`` is the last to read ``name``, after ``done``."""
        return name not in self.kept and not self.readers[name] & ~done & ~(1 << layer)

    def use(self, state: _State, layer: int) -> int:
        """Bytes in use while ``layer`` runs in ``state``."""
        saved = max((saving for name, saving in self.savings[layer] if self.dies(name, layer, state.done)), default=0)
        unread = 0 if state.done else self.unread
        return state.alive + unread + sum(self.size[name] for name in self.writes[layer]) + self.scratch[layer] - max(saved, 0)

    def after(self, state: _State, layer: int) -> _State:
        """The state when ``layer`` has run."""
        done = state.done | 1 << layer
        alive = state.alive - sum(self.size[name] for name in self.reads[layer] if self.dies(name, layer, state.done))
        alive += sum(self.size[name] for name in self.writes[layer] if self.readers[name] or name in self.kept)
        ready = state.ready & ~(1 << layer)
        for follower in self.followers[layer]:
            if not self.needs[follower] & ~done:
                ready |= 1 << follower
        return _State(done, alive, max(state.peak, self.use(state, layer)), ready, layer, state)

    def peak(self, order: Iterable[int]) -> int:
        """The peak of an order."""
        state = self.start
        for layer in order:
            state = self.after(state, layer)
        return state.peak


def _search(graph: _Graph, known: int, effort: int) -> list[int] | None:
    """An order whose peak is below ``known``, the smallest that is found; None if there is none."""
    # Alone with what it reads, no layer needs less than this.
    least = max((_alone(graph, layer) for layer in range(graph.count)), default=0)
    if known <= least:
        return None
    level = [graph.start]
    for _ in range(graph.count):
        following: dict[int, _State] = {}
        steps = 0
        for state in sorted(level, key=lambda state: (state.peak, state.alive, state.done)):
            for layer in _moves(graph, state, least):
                steps += 1
                new = graph.after(state, layer)
                if new.peak < known and (new.done not in following or new.peak < following[new.done].peak):
                    following[new.done] = new
            if steps * graph.count > effort:
                break
        level = list(following.values())
    return min(level, key=lambda state: state.peak).order() if level else None


def _alone(graph: _Graph, layer: int) -> int:
    """What ``layer`` needs if nothing else is alive, and all that it reads dies."""
    saved = max((saving for name, saving in graph.savings[layer] if name not in graph.kept), default=0)
    tensors = sum(graph.size[name] for name in (*graph.reads[layer], *graph.writes[layer]))
    return tensors + graph.scratch[layer] - max(saved, 0)


def _moves(graph: _Graph, state: _State, least: int) -> list[int]:
    """The layers that may run next: one if it may as well run at once, else all that are ready, in the model's order."""
    ready = list(_bits(state.ready))
    for layer in ready:
        if graph.use(state, layer) <= max(state.peak, least) and graph.after(state, layer).alive <= state.alive:
            return [layer]
    return ready


def _bits(number: int) -> Iterator[int]:
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest
