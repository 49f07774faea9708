"""Random placement problems, to compare planners and to test them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tvm_tiny.memory.lifetimes import Lifetime
from tvm_tiny.memory.native import UNLIMITED, Placed, Relaxed, place


@dataclass(frozen=True)
class Problem:
    """What :func:`native.place` takes, as a value; ``alignments`` has one for each buffer."""

    buffers: tuple[Lifetime, ...]
    alignments: tuple[int, ...]
    relaxed: tuple[Relaxed, ...] = ()
    capacities: tuple[int, ...] = (UNLIMITED,)
    costs: tuple[int, ...] = (0,)
    pools: dict[int, tuple[int, ...]] = field(default_factory=dict)
    pinned: dict[int, int] = field(default_factory=dict)

    def place(self, algorithm: str, time_limit: float = 0.2) -> Placed:
        """:func:`native.place` of this problem."""
        return place(
            algorithm,
            self.buffers,
            alignment=self.alignments,
            relaxed=self.relaxed,
            capacities=self.capacities,
            costs=self.costs,
            pools=self.pools,
            pinned=self.pinned,
            time_limit=time_limit,
        )


def random_problem(
    seed: int,
    count: int,
    *,
    largest: int = 1000,
    steps: int | None = None,
    life: int = 6,
    alignments: tuple[int, ...] = (1,),
    relaxed: float = 0.0,
    pools: int = 1,
    pinned: float = 0.0,
) -> Problem:
    """``count`` buffers of up to ``largest`` bytes that live up to ``life`` of ``steps`` steps.

    Of the pairs where one begins at the step at which the other ends, a part of ``relaxed`` may overlap. With several ``pools``,
    all but the last have a capacity, and some buffers may not be everywhere. A part of ``pinned`` has a fixed offset.
    """
    random = np.random.default_rng(seed)
    steps = steps or max(count // 2, 1)
    first = random.integers(0, steps, count)
    last = np.minimum(first + random.integers(0, life, count), steps - 1)
    sizes = random.integers(1, largest + 1, count)
    buffers = tuple(Lifetime(f"b{k}", int(sizes[k]), int(first[k]), int(last[k])) for k in range(count))
    pairs = []
    for i in range(count):
        for j in range(count):
            if i != j and first[i] == last[j] and first[j] < first[i] and random.random() < relaxed:
                before = int(random.integers(-sizes[j] // 4, sizes[i] + 1))
                after = int(random.integers(0, sizes[j] + 1))
                pairs.append(Relaxed(i, j, before, after, bool(random.integers(0, 2))))
    align = tuple(int(a) for a in random.choice(alignments, count))
    capacities: tuple[int, ...] = (UNLIMITED,)
    allowed = {}
    if pools > 1:
        capacities = (*(int(random.integers(largest, 4 * largest)) for _ in range(pools - 1)), UNLIMITED)
        allowed = {
            k: tuple(int(p) for p in random.permutation(pools)[: random.integers(1, pools + 1)])
            for k in range(count)
            if random.random() < 0.2
        }
    fixed = {k: align[k] * int(random.integers(0, 2 * largest // align[k] + 1)) for k in range(count) if random.random() < pinned}
    return Problem(buffers, align, tuple(pairs), capacities, tuple(range(pools)), allowed, fixed)
