"""The static memory plan: every activation and scratch buffer gets a fixed place in one arena at compile time.

The order of execution says when each buffer is alive (`lifetimes`). Two buffers that are alive at one time must not share a byte,
all others may, and so may the output of a layer and an input that dies there, as far as the layer's order of reading and writing
allows (`program.Overlap`). Placing them so that the arena becomes small is a packing problem, rectangles of size × lifetime that
may slide along the axis of addresses; it is NP-hard, and the algorithms for it live in ``src/planner``:

``exact``
    The best of the others, then a search that makes it smaller or proves that this is impossible, within its limit.
``hill-climb``
    ``greedy-by-size`` again and again, with the order changed a little.
``greedy-by-conflicts``
    The buffer with the most others alive at its time first, each at the lowest address that is free during all of its life.
``greedy-by-size``
    The same with the largest buffer first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tvm_tiny.memory import native
from tvm_tiny.memory.lifetimes import border_storage, lifetimes, lower_bound, usable_overlaps
from tvm_tiny.memory.plan import MemoryPlan, Placement, PlannedPool
from tvm_tiny.memory.pools import Pool, pin, require_places
from tvm_tiny.program import Program


def plan_memory(
    program: Program,
    *,
    algorithm: str = "exact",
    alignment: int = 16,
    io: str = "arena",
    overlap: bool = True,
    pools: Sequence[Pool] = (),
    pins: Mapping[str, str] | None = None,
) -> MemoryPlan:
    """Place every tensor and scratch buffer of ``program`` into one arena, or into ``pools``.

    Parameters
    ----------
    program : Program
    algorithm : str
        One of those above.
    alignment : int
        Of the arena and of every offset, in bytes; a power of two. 16 is what MVE's vector loads want, and more than any scalar.
    io : "arena" or "outside"
        Outside: inputs and outputs have no place, but for one of which an output is only a part.
    overlap : bool
        Outputs may run over inputs that nothing needs any more, as far as the layers allow.
    pools, pins
        As in `memory.options.Memory`.

    Returns
    -------
    MemoryPlan
        Names, sizes and offsets in bytes. An alias has no placement of its own.

    Raises
    ------
    ToolchainError
        The planner library is not built.
    CapacityError
        The pools are too small; says for what.
    TargetError
        A pin names what is not there.
    ValueError
        ``algorithm`` is unknown, ``alignment`` is not a power of two, or the program is not well-formed.
    """
    if alignment < 1 or alignment & (alignment - 1):
        raise ValueError(f"the alignment of a memory plan is a power of two: got {alignment}")
    if algorithm not in native.algorithms():
        raise ValueError(f"unknown memory planner {algorithm!r}: expected one of {', '.join(native.algorithms())}")

    outside = border_storage(program) if io == "outside" else frozenset()
    buffers = tuple(buffer for buffer in lifetimes(program) if buffer.name not in outside)
    number = {buffer.name: index for index, buffer in enumerate(buffers)}
    relaxed = [
        native.Relaxed(number[each.output], number[each.input], each.before, each.after, each.same)
        for each in (usable_overlaps(program) if overlap else ())
        if each.input in number and each.output in number
    ]
    memories = pools or (Pool("arena"),)
    pinning = pin(program, pools, pins or {})
    placed = native.place(
        algorithm,
        buffers,
        alignment=alignment,
        relaxed=relaxed,
        capacities=pinning.capacities or (native.UNLIMITED,),
        costs=[pool.cost for pool in memories],
        pools={index: [pinning.allowed[each.name]] for index, each in enumerate(buffers) if each.name in pinning.allowed},
    )
    require_places(buffers, placed.places, memories)
    placements = {
        buffer.name: Placement(buffer.name, offset, buffer.size, buffer.first, buffer.last, pool)
        for buffer, (pool, offset) in zip(buffers, placed.places, strict=True)
    }
    sizes = [
        max((place.offset + place.size for place in placements.values() if place.pool == index), default=0)
        for index in range(len(memories))
    ]
    planned = tuple(PlannedPool(pool.name, size, pool.size, pool.cost) for pool, size in zip(memories, sizes, strict=True))
    return MemoryPlan(
        arena_size=sum(sizes),
        lower_bound=lower_bound(buffers),
        alignment=alignment,
        placements=placements,
        algorithm=algorithm,
        optimal=placed.optimal,
        overlap_bound=placed.bound,
        outside=outside,
        pools=planned if len(planned) > 1 else (),
        constant_pools={name: pools[index].name for name, index in pinning.constants.items()},
    )
