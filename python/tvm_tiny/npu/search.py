"""Which tilings, order and cascades a region gets: candidates are compiled, and the device model counts their cycles.

"speed": from the best of some uniform tilings, the rows of one operation after the other are tried, as long as cycles become fewer.
"ram": of many combinations, a cascade of the first operations or of all, rows forwards or to and fro, the one that needs the least
SRAM among those that cost bearably more cycles than the fastest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tvm_tiny.errors import CapacityError
from tvm_tiny.npu.cost import Cost, cost_of
from tvm_tiny.npu.device import count
from tvm_tiny.npu.hazards import find_hazards
from tvm_tiny.npu.knobs import Lookup, Region
from tvm_tiny.npu.region import Graph, Operation
from tvm_tiny.npu.staging import staged_graphs
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Choice, Compiled, Packer, compile_graph
from tvm_tiny.npu.tiling import Tiling, best_tiling, good_tilings
from tvm_tiny.target.npu import Npu

MOST_EXTRA = 0.2
MOST_DRAINS = 2
"""What a plan for little SRAM may cost: a part of the fastest plan's cycles, and for each operation the array filled and drained so
many times more."""

_PIXELS = (0.5, 1, 2, 4, 8, 16)
"""Pixels of a command, as multiples of the array's size: fewer than one do not hide the loading of the next weights."""

_MOVES = (1, 2, 8)
"""Commands for a transfer of a feature map: what is small is there sooner as a whole."""

_STRIPES = (1, 2, 3, 4, 5, 6, 8, 12)
_ROUNDS = 3
_WORTH = 0.02
"""Of the cycles that a round has to save for another one to be made."""


def found_region(graph: Graph, npu: Npu, optimize: str = "speed") -> Region:
    """``graph`` with the choice that the search finds: for speed, or with ``optimize`` "ram" for little SRAM."""
    search = _Search(graph, npu)
    fastest = search.fastest()
    return Region(graph, npu, optimize, search.smallest(fastest) if optimize == "ram" else fastest)


def tuned_choice(region: Region, known: Lookup) -> Choice | None:
    """What ``known`` says of a region, where that costs fewer cycles than the search's choice and no more SRAM; else None."""
    values = known(region)
    if values is None:
        return None
    before, now = region.cost({}), region.cost(values)
    return region.choice(values) if now.cycles < before.cycles and now.sram <= before.sram else None


def compile_for(graph: Graph, npu: Npu, optimize: str = "speed", known: Lookup = lambda _region: None) -> Compiled:
    """``graph`` compiled for speed, or with ``optimize`` "ram" for little SRAM; as ``known`` says, where that is better.

    Raises
    ------
    CapacityError
        The SRAM is too small.
    """
    region = found_region(graph, npu, optimize)
    tuned = tuned_choice(region, known)
    compiled = compile_graph(graph, npu, tuned or region.base, region.packer, overlap=optimize == "ram")
    compiled = replace(compiled, tuned=tuned is not None)
    if compiled.run.sram > npu.sram and optimize != "ram":
        compiled = compile_graph(graph, npu, _Search(graph, npu).smallest(region.base), region.packer)
    if compiled.run.sram > npu.sram:
        compiled = _with_fetches(graph, npu, compiled)
    hazards = find_hazards(compiled.run.commands)
    assert not hazards, hazards[0]
    return compiled


def _with_fetches(graph: Graph, npu: Npu, whole: Compiled) -> Compiled:
    """``graph`` with some of its weights fetched in each run, in the fewest cycles that are found; ``whole`` does not fit."""
    best: tuple[int, Compiled] | None = None
    for staged in staged_graphs(graph, npu, npu.sram - whole.sram):
        packer = Packer(staged, npu)
        for pixels in _PIXELS:
            tried = compile_graph(staged, npu, Choice(uniform(staged, npu, pixels, fro=True), alone(staged)), packer)
            if tried.run.sram <= npu.sram:
                cycles = count(npu, encode(tried.run)).cycles
                best = (cycles, tried) if best is None or cycles < best[0] else best
    if best is None:
        raise CapacityError(
            f"{npu.name} has {npu.sram:,} bytes of SRAM: {whole.sram:,} for activations leave too few for weights and "
            f"parameters, {whole.constants.size:,} bytes, even where they are fetched one part after the other",
            "choose a larger NPU or a smaller model",
        )
    return best[1]


def uniform(graph: Graph, npu: Npu, pixels: float, *, moves: int = _MOVES[-1], fro: bool = False) -> tuple[Tiling, ...]:
    """Tilings of commands of about ``pixels`` times the array's size; with ``fro`` every other operation runs backwards."""
    tilings = []
    back = False
    for operation in graph.operations:
        height, width, _ = operation.output.shape
        rows = -(-height // moves) if operation.moved else min(height, max(1, int(pixels * npu.size) // width))
        back = fro and not back and not operation.moved
        tilings.append(replace(best_tiling(operation, rows, npu), backwards=back))
    return tuple(tilings)


def alone(graph: Graph) -> tuple[tuple[int, ...], ...]:
    """Every operation after the other."""
    return tuple((number,) for number in range(len(graph.operations)))


def cascaded(graph: Graph, end: int) -> tuple[tuple[int, ...], ...]:
    """The operations in front of number ``end`` as one cascade."""
    return (tuple(range(end)), *alone(graph)[end:])


class _Search:
    def __init__(self, graph: Graph, npu: Npu) -> None:
        self.graph, self.npu = graph, npu
        self.packer = Packer(graph, npu)

    def fastest(self) -> Choice:
        groups = alone(self.graph)
        seeds = [Choice(uniform(self.graph, self.npu, pixels, moves=moves), groups) for pixels in _PIXELS for moves in _MOVES]
        best = min(seeds, key=self.cycles)
        least = self.cycles(best)
        for _ in range(_ROUNDS):
            before = least
            for number, operation in enumerate(self.graph.operations):
                for tiling in self._variants(operation):
                    tried = replace(best, tilings=(*best.tilings[:number], tiling, *best.tilings[number + 1 :]))
                    if tiling != best.tilings[number] and (found := self.cycles(tried)) < least:
                        best, least = tried, found
            if least > (1 - _WORTH) * before:
                break
        return best

    def smallest(self, fastest: Choice) -> Choice:
        drains = MOST_DRAINS * 2 * self.npu.size * len(self.graph.operations)
        limit = (1 + MOST_EXTRA) * self.cycles(fastest) + drains
        found = [(self.cost(choice), choice) for choice in self._frugal(fastest)]
        bearable = [each for each in found if each[0].cycles <= limit] or found
        return min(bearable, key=lambda each: (each[0].sram, each[0].cycles))[1]

    def _frugal(self, fastest: Choice) -> Iterator[Choice]:
        count = len(self.graph.operations)
        ends = sorted({*range(2, min(count, 8) + 1), *range(10, count, 4), count})
        yield fastest
        for pixels in _PIXELS:
            tilings = uniform(self.graph, self.npu, pixels, fro=True)
            yield Choice(tilings, alone(self.graph))
            for end in ends:
                yield Choice(tilings, cascaded(self.graph, end), rolling=True)

    def _variants(self, operation: Operation) -> Sequence[Tiling]:
        height = operation.output.shape[0]
        rows = sorted({-(-height // stripes) for stripes in _STRIPES})
        return [tiling for each in rows for tiling in good_tilings(operation, each, self.npu)]

    def cycles(self, choice: Choice) -> int:
        return self.cost(choice, overlap=False).cycles

    def cost(self, choice: Choice, *, overlap: bool = True) -> Cost:
        return cost_of(self.graph, self.npu, choice, self.packer, overlap=overlap)
