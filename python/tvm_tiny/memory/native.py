"""The planner library of ``src/planner``: global functions ``tvm_tiny.planner.*``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tvm_tiny.memory.lifetimes import Lifetime
from tvm_tiny.resources import library

UNLIMITED = -1

# Elementary steps of the planner in a second of a slow machine. The limit of time is one of work, so that the same problem gets
# the same plan everywhere.
EFFORT_PER_SECOND = 80_000_000


@dataclass(frozen=True)
class Relaxed:
    """A pair of buffers that may share bytes although both are alive, by their positions in the list of buffers.

    In one pool, the first byte of ``output`` lies at least ``before`` bytes before that of ``input``, or at least ``after`` bytes
    behind it, or, where ``same``, exactly on it: `program.Overlap`. That they share no byte is always allowed.
    """

    output: int
    input: int
    before: int
    after: int
    same: bool = False


@dataclass(frozen=True)
class Placed:
    """A plan: for each buffer its pool, -1 for one that fits into none, and its offset in bytes.

    ``optimal`` says that it is proven that no plan is better: fewer bytes without a place, then less cost, then preferred pools,
    then a smaller first pool, then a smaller second one. ``bound`` is proven too: all pools together need at least so many bytes.
    """

    places: list[tuple[int, int]]
    optimal: bool
    bound: int


@cache
def _function(name: str) -> Any:
    import tvm_ffi

    path = library("tvm_tiny_planner")
    # Loading it registers its functions.
    tvm_ffi.load_module(path)
    return tvm_ffi.get_global_func(f"tvm_tiny.planner.{name}")


def algorithms() -> tuple[str, ...]:
    """The names that :func:`place` takes, the best first.

    Raises
    ------
    ToolchainError
        The library is not built.
    """
    return tuple(str(name) for name in _function("algorithms")())


def place(
    algorithm: str,
    buffers: Sequence[Lifetime],
    *,
    alignment: int | Sequence[int],
    relaxed: Sequence[Relaxed] = (),
    capacities: Sequence[int] = (UNLIMITED,),
    costs: Sequence[int] = (),
    pools: Mapping[int, Sequence[int]] | None = None,
    pinned: Mapping[int, int] | None = None,
    time_limit: float = 2.0,
) -> Placed:
    """Pool and offset, in bytes, of each of ``buffers``.

    Parameters
    ----------
    algorithm : str
        One of :func:`algorithms`.
    buffers : sequence of Lifetime
    alignment : int or sequence of int
        Of all offsets, or of each buffer's, in bytes.
    relaxed : sequence of Relaxed
        Pairs that may share bytes. Of a pair that is given twice, both must hold.
    capacities : sequence of int
        The bytes of each pool, the preferred pool first, :data:`UNLIMITED` for one without limit.
    costs : sequence of int
        Of one byte for one step in each pool; all the same if it is empty.
    pools : mapping of int to sequence of int
        By the position of a buffer, the pools that may hold it, the preferred one first; all of them where it says nothing.
    pinned : mapping of int to int
        By the position of a buffer, its offset where the user has fixed it. Two of these that clash are told by pool -1.
    time_limit : float
        Of "exact", in seconds on a slow machine; it is a limit of work, so that results are the same everywhere.

    Raises
    ------
    ToolchainError
        The library is not built.
    ValueError
        ``algorithm`` is unknown, or a number makes no sense.
    """
    alignments = [alignment] * len(buffers) if isinstance(alignment, int) else list(alignment)
    pools, pinned = pools or {}, pinned or {}
    rows = [
        (buffer.size, buffer.first, buffer.last, step, pinned.get(index, -1), *pools.get(index, ()))
        for index, (buffer, step) in enumerate(zip(buffers, alignments, strict=True))
    ]
    pool_rows = list(zip(capacities, costs or [0] * len(capacities), strict=True))
    pairs = [(pair.output, pair.input, pair.before, pair.after, int(pair.same)) for pair in relaxed]
    *places, (optimal, bound) = _function("plan")(algorithm, rows, pool_rows, pairs, int(time_limit * EFFORT_PER_SECOND))
    return Placed([(int(pool), int(offset)) for pool, offset in places], bool(optimal), int(bound))
