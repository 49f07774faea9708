"""How much smaller the plans of "exact" are than those of the other planners, on random problems.

From Python, for the figures of the documentation::

    from tvm_tiny.memory.comparison import compare
    print(compare(1000))
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from tvm_tiny.memory.native import algorithms
from tvm_tiny.memory.samples import Problem, random_problem


@dataclass(frozen=True)
class Comparison:
    """Over ``instances`` problems: how often "exact" proved its plan the smallest, and how often it was worse than another planner.

    ``median_gap`` and ``largest_gap`` tell of each other planner by which part of exact's arena its own is larger, and ``smallest``
    how often it is just as small.
    """

    instances: int
    proven: int
    worse: int
    median_gap: dict[str, float]
    largest_gap: dict[str, float]
    smallest: dict[str, int]


def instance(seed: int, buffers: int) -> Problem:
    """Lives of up to 6 to 20 steps, at alignments of 1, 4 and 16 bytes; in half of the problems some pairs may overlap."""
    life = 6 + seed % 15
    return random_problem(seed, buffers, largest=4096, life=life, alignments=((1, 4, 16)[seed % 3],), relaxed=0.5 * (seed // 3 % 2))


def compare(instances: int, *, buffers: int = 60, time_limit: float = 0.2) -> Comparison:
    """Run all planners on the same random problems.

    Raises
    ------
    ToolchainError
        The planner library is not built.
    """
    others = [algorithm for algorithm in algorithms() if algorithm != "exact"]
    gaps: dict[str, list[float]] = {algorithm: [] for algorithm in others}
    proven = worse = 0
    for seed in range(instances):
        problem = instance(seed, buffers)
        placed = problem.place("exact", time_limit)
        exact = _size(problem, placed.places)
        sizes = {algorithm: _size(problem, problem.place(algorithm).places) for algorithm in others}
        proven += placed.optimal
        worse += exact > min(sizes.values())
        for algorithm, size in sizes.items():
            gaps[algorithm].append(size / exact - 1)
    return Comparison(
        instances,
        proven,
        worse,
        {algorithm: median(values) for algorithm, values in gaps.items()},
        {algorithm: max(values) for algorithm, values in gaps.items()},
        {algorithm: sum(value == 0 for value in values) for algorithm, values in gaps.items()},
    )


def _size(problem: Problem, places: list[tuple[int, int]]) -> int:
    return max(offset + buffer.size for buffer, (_, offset) in zip(problem.buffers, places, strict=True))
