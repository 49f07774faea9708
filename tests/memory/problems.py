"""What is true of a plan, in plain Python: every pair is looked at, nothing is clever."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from tvm_tiny.memory.native import UNLIMITED, Placed, Relaxed
from tvm_tiny.memory.samples import Problem


def apart(problem: Problem, i: int, j: int, offsets: dict[int, int]) -> bool:
    """Two buffers of one pool at these offsets do each other no harm."""
    a, b = problem.buffers[i], problem.buffers[j]
    if a.last < b.first or b.last < a.first:
        return True
    if offsets[i] + a.size <= offsets[j] or offsets[j] + b.size <= offsets[i] or 0 in (a.size, b.size):
        return True
    pairs = [pair for pair in problem.relaxed if {pair.output, pair.input} == {i, j}]
    return bool(pairs) and all(allows(pair, offsets[pair.output], offsets[pair.input]) for pair in pairs)


def allows(pair: Relaxed, output: int, input: int) -> bool:
    return output + pair.before <= input or output >= input + pair.after or (pair.same and output == input)


def mistakes(problem: Problem, placed: Placed) -> Iterator[str]:
    """What is wrong with a plan; buffers without a place are no mistake."""
    places = placed.places
    yield from ("a place is missing" for _ in range(len(problem.buffers) - len(places)))
    for k, (buffer, (pool, offset)) in enumerate(zip(problem.buffers, places, strict=True)):
        if pool == -1:
            continue
        capacity = problem.capacities[pool]
        if pool not in problem.pools.get(k, range(len(problem.capacities))):
            yield f"{k} is in pool {pool}"
        if offset < 0 or offset % problem.alignments[k] or (capacity != UNLIMITED and offset + buffer.size > capacity):
            yield f"{k} is at {offset} of {capacity}"
        if problem.pinned.get(k, offset) != offset:
            yield f"{k} is at {offset} and not at {problem.pinned[k]}"
    for i, j in combinations(range(len(places)), 2):
        if places[i][0] == places[j][0] != -1 and not apart(problem, i, j, {i: places[i][1], j: places[j][1]}):
            yield f"{i} and {j} clash"


def sizes(problem: Problem, placed: Placed) -> list[int]:
    """Bytes used of each pool."""
    used = [0] * len(problem.capacities)
    for buffer, (pool, offset) in zip(problem.buffers, placed.places, strict=True):
        if pool != -1:
            used[pool] = max(used[pool], offset + buffer.size)
    return used


def value(problem: Problem, placed: Placed) -> tuple[int, int, int, list[int]]:
    """What is to be small: bytes without a place, cost, distance from the preferred pools, sizes of the pools."""
    nowhere = cost = preference = 0
    for k, (buffer, (pool, _)) in enumerate(zip(problem.buffers, placed.places, strict=True)):
        if pool == -1:
            nowhere += buffer.size
        else:
            area = buffer.size * (buffer.last - buffer.first + 1)
            cost += area * problem.costs[pool]
            preference += area * list(problem.pools.get(k, range(len(problem.capacities)))).index(pool)
    return nowhere, cost, preference, sizes(problem, placed)


def smallest(problem: Problem, limit: int) -> int:
    """The smallest size of a single pool, by trying all offsets of all buffers; ``limit`` is one that suffices."""
    order = sorted(range(len(problem.buffers)), key=lambda k: -problem.buffers[k].size)

    def fits(size: int, chosen: dict[int, int]) -> bool:
        if len(chosen) == len(order):
            return True
        k = order[len(chosen)]
        offsets = range(0, size - problem.buffers[k].size + 1, problem.alignments[k])
        if k in problem.pinned:
            offsets = [problem.pinned[k]] if problem.pinned[k] + problem.buffers[k].size <= size else []
        for offset in offsets:
            trial = chosen | {k: offset}
            if all(apart(problem, k, other, trial) for other in chosen) and fits(size, trial):
                return True
        return False

    while limit > 0 and fits(limit - 1, {}):
        limit -= 1
    return limit
