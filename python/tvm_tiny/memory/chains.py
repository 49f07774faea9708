"""Which layers to run row by row, so that the arena becomes as small as it can at a bearable cost.

Every run of consecutive layers that can be chained is a candidate, with several numbers of rows at a time. A program is then a way
from its first layer to its last, in steps that are single layers or chains; the arena needs as much as the worst step on the way,
and the cost is what all its chains cost more than their layers. The smallest limit is looked for under which a way exists that
costs no more than allowed. Both are estimates made from shapes; the chains of the best way are then scheduled, and what that tells
of their memory makes the next estimate better, until the best way is one of which all is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tvm_tiny.memory.lifetimes import lifetimes, storage_name
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.program import Layer, Overlap, Program
from tvm_tiny.schedule.chain import ChainPlan, chain_of, chain_overlaps, stage_layer, with_chain, work_bytes
from tvm_tiny.schedule.cost import CALL, MOVED_BYTE, cycles
from tvm_tiny.schedule.rows import reach_of, row_node
from tvm_tiny.target import Core

MOST_EXTRA = 0.15
"""Cycles that chains may cost, as a part of all."""

_LONGEST = 12
_ROWS = range(1, 9)
_ROUNDS = 12


@dataclass(frozen=True)
class _Step:
    """Layers ``first`` to ``last``, one alone or as a chain: bytes in use while they run, and what they cost more than alone."""

    first: int
    last: int
    demand: int
    extra: float
    chain: ChainPlan | None = None


def with_chains(
    program: Program, core: Core, planned: Callable[[Program], tuple[Program, MemoryPlan]], *, most_extra: float = MOST_EXTRA
) -> tuple[Program, MemoryPlan]:
    """``program`` with those chains that make its arena smallest, and its plan; without any where none makes it smaller.

    Parameters
    ----------
    planned : callable
        A program in its best order, and its memory plan: `order.plan_in_order`.
    most_extra : float
        How many more cycles the program may take, as a part of all.
    """
    program, plan = planned(program)
    search = _Search(program, core, plan.outside)
    chosen: list[ChainPlan] = []
    for _ in range(_ROUNDS):
        found = [step.chain for step in search.best_way(most_extra) if step.chain is not None]
        if found == chosen:
            break
        chosen = found
        for chain in chosen:
            search.schedule(chain)
    chained = program
    for chain in chosen:
        chained = with_chain(chained, chain, search.stage)
    smaller = planned(chained) if chosen else (program, plan)
    return smaller if smaller[1].arena_size < plan.arena_size else (program, plan)


@dataclass
class _Search:
    program: Program
    core: Core
    outside: frozenset[str] = frozenset()
    stages: dict[tuple[str, int], Layer] = field(default_factory=dict)
    estimates: dict[tuple[str, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lives = {buffer.name: (buffer.first, buffer.last) for buffer in lifetimes(self.program)}
        self.kept = {storage_name(self.program, name) for name in self.program.output_tensors}
        self.whole = [0.0 if layer.node is None else cycles(layer.node, self.core) for layer in self.program.layers]
        self.candidates = self._candidates()

    def stage(self, layer: Layer, rows: int) -> Layer:
        """``layer`` for so many rows; scheduled once."""
        key = (layer.name, rows)
        if key not in self.stages:
            self.stages[key] = stage_layer(layer, rows, self.core)
        return self.stages[key]

    def schedule(self, chain: ChainPlan) -> None:
        for layer in chain.layers:
            self.stage(layer, chain.firing.paces[layer.outputs[0]].rows)

    # ---- the way -----------------------------------------------------------------------------------------------------------------

    def best_way(self, most_extra: float) -> list[_Step]:
        """The cheapest of those ways that need least, among all that cost no more than ``most_extra`` of the program."""
        steps = self._single_layers() + [self._chained(*each) for each in self.candidates]
        limits = sorted({step.demand for step in steps})
        allowed = most_extra * sum(self.whole)
        low, high = 0, len(limits) - 1  # the largest limit allows the way of single layers, which costs nothing
        while low < high:
            middle = (low + high) // 2
            way = self._cheapest(steps, limits[middle])
            if way is not None and sum(step.extra for step in way) <= allowed:
                high = middle
            else:
                low = middle + 1
        way = self._cheapest(steps, limits[low])
        assert way is not None
        return way

    def _cheapest(self, steps: Sequence[_Step], limit: int) -> list[_Step] | None:
        """The cheapest way of which no step needs more than ``limit`` bytes."""
        count = len(self.program.layers)
        ways: list[tuple[float, _Step | None] | None] = [(0.0, None), *[None] * count]
        for step in sorted(steps, key=lambda each: (each.first, each.last)):
            begin, end = ways[step.first], ways[step.last + 1]
            if step.demand > limit or begin is None:
                continue
            cost = begin[0] + step.extra
            if end is None or cost < end[0]:
                ways[step.last + 1] = (cost, step)
        way: list[_Step] = []
        position = count
        while position:
            at = ways[position]
            if at is None or at[1] is None:
                return None
            way.insert(0, at[1])
            position = at[1].first
        return way

    # ---- the steps ---------------------------------------------------------------------------------------------------------------

    def _single_layers(self) -> list[_Step]:
        return [
            _Step(index, index, self._demand(index, index, layer.overlaps, [each.nbytes for each in layer.scratch]), 0.0)
            for index, layer in enumerate(self.program.layers)
        ]

    def _candidates(self) -> list[tuple[int, int, ChainPlan, float]]:
        """First and last layer, the chain, and what it costs more than its layers."""
        found = []
        count = len(self.program.layers)
        for first in range(count):
            for last in range(first, min(first + _LONGEST, count)):
                node = self.program.layers[last].node
                if node is None or reach_of(node) is None:
                    break  # no chain goes on behind it
                for rows in _ROWS:
                    chain = chain_of(self.program, first, last, rows)
                    if chain is not None:
                        found.append((first, last, chain, self._extra(first, chain)))
        return found

    def _chained(self, first: int, last: int, chain: ChainPlan, extra: float) -> _Step:
        scratch = [*(band.nbytes for band in chain.bands), self._work(chain)]
        ends = self.stages.get((chain.layers[-1].name, chain.firing.paces[chain.output].rows))
        return _Step(first, last, self._demand(first, last, chain_overlaps(chain, ends), scratch), extra, chain)

    def _work(self, chain: ChainPlan) -> int:
        """Memory that the stages work in: as scheduled, else about what the whole layers want."""
        sizes = []
        for layer in chain.layers:
            rows = chain.firing.paces[layer.outputs[0]].rows
            made = self.stages.get((layer.name, rows))
            size = work_bytes(made or layer)
            if made is None and layer.op == "depthwise_conv2d":  # its planes are as high as its input
                size = size * rows // layer.node.output.shape[1]
            sizes.append(size)
        return max(sizes)

    def _extra(self, first: int, chain: ChainPlan) -> float:
        """Cycles of the chain less those of its layers; never less than what its calls cost."""
        alone = self.whole[first : first + len(chain.layers)]
        work, moved, calls = 0.0, 0, 0
        for layer, whole in zip(chain.layers, alone, strict=True):
            pace = chain.firing.paces[layer.outputs[0]]
            work += max(pace.count * self._cycles(layer, pace.rows) - whole, 0.0)
            calls += pace.count
        for band in chain.bands:
            pace = chain.firing.paces[band.tensor]
            firings = pace.count + pace.padding
            moved += firings // band.cycle * (band.nbytes - band.cycle * pace.rows * band.row_bytes)
            moved += firings * pace.rows * band.row_bytes if band.tensor in chain.inputs else 0
        return work + moved * MOVED_BYTE + calls * CALL

    def _cycles(self, layer: Layer, rows: int) -> float:
        """Of ``layer`` for so many rows; estimated once."""
        key = (layer.name, rows)
        if key not in self.estimates:
            self.estimates[key] = cycles(row_node(layer.node, rows), self.core)
        return self.estimates[key]

    # ---- memory ------------------------------------------------------------------------------------------------------------------

    def _demand(self, first: int, last: int, overlaps: Sequence[Overlap], scratch: Sequence[int]) -> int:
        """Bytes in use while layers ``first`` to ``last`` run as one: what is alive, less the best overlap."""
        inner = {layer.outputs[0] for layer in self.program.layers[first:last]}
        sizes = {
            name: self.program.tensors[name].nbytes
            for name, (born, dead) in self.lives.items()
            if name in self.program.tensors and name not in inner | self.outside and born <= last and dead >= first
        }
        saved = [
            _saved(sizes[each.input], sizes[each.output], each)
            for each in overlaps
            if self.lives[each.input][1] <= last and each.input not in self.kept and {each.input, each.output} <= set(sizes)
        ]
        return sum(sizes.values()) + sum(scratch) - max(saved, default=0)


def _saved(given: int, made: int, overlap: Overlap) -> int:
    """Bytes that an input of ``given`` and an output of ``made`` bytes take less when they overlap as far as they may."""
    extents = [max(made, given + max(overlap.before, 0)), max(given, made + max(overlap.after, 0))]
    if overlap.same:
        extents.append(max(given, made))
    return max(given + made - min(extents), 0)
