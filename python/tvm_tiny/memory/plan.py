"""Where every tensor and scratch buffer of a program lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Placement:
    """A buffer's place: ``size`` bytes at ``offset`` of the arena, in use from layer ``first`` to layer ``last``, both included.

    Time 0 is the first layer. A model input has ``first`` 0, a model output ``last`` = number of layers - 1 (it must survive to
    the end). ``name`` is a tensor's name, or "<layer>.<scratch>" for scratch memory. ``pool`` is the index of the memory where the
    plan has several.
    """

    name: str
    offset: int
    size: int
    first: int
    last: int
    pool: int = 0


@dataclass(frozen=True)
class PlannedPool:
    """``size`` bytes of a pool of ``capacity``, None without limit, hold buffers; ``cost`` is that of `memory.pools.Pool`."""

    name: str
    size: int
    capacity: int | None = None
    cost: int = 0


@dataclass(frozen=True)
class MemoryPlan:
    """The static plan of one program.

    Attributes
    ----------
    arena_size : int
        Bytes of the arena, with those inputs and outputs that have a place in it.
    lower_bound : int
        The largest number of bytes alive at one time: no plan without overlap can be smaller.
    alignment : int
        Alignment of the arena and of every offset, in bytes.
    placements : dict of str to Placement
    algorithm : str
        What placed them, for the report.
    optimal : bool
        It is proven that no plan is smaller.
    overlap_bound : int
        No plan is smaller than this, with all the overlap that the layers allow; 0 where nothing is proven.
    pools : tuple of PlannedPool
        The memories, where there is more than one; ``arena_size`` is then their sum. With one, or none, it is the arena.
    constant_pools : mapping of str to str
        Constants that shall lie in a pool: name → pool.
    outside : frozenset of str
        Inputs and outputs that have no place in the arena: the caller brings memory for them.
    """

    arena_size: int
    lower_bound: int
    alignment: int
    placements: dict[str, Placement]
    algorithm: str
    optimal: bool = False
    overlap_bound: int = 0
    outside: frozenset[str] = frozenset()
    pools: tuple[PlannedPool, ...] = ()
    constant_pools: Mapping[str, str] = field(default_factory=dict)

    def pool_sizes(self) -> list[int]:
        """Bytes of each memory, also where there is but one."""
        return [pool.size for pool in self.pools] or [self.arena_size]

    def share(self, first: str, second: str) -> bool:
        """Whether the places of two buffers have a byte in common. One that has no place shares none."""
        if first not in self.placements or second not in self.placements:
            return False
        a, b = self.placements[first], self.placements[second]
        return a.pool == b.pool and max(a.offset, b.offset) < min(a.offset + a.size, b.offset + b.size)
