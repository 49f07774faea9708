"""The planner library of ``src/planner``: global functions ``tvm_tiny.planner.*``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from tvm_tiny.memory.lifetimes import Lifetime
from tvm_tiny.resources import library

UNLIMITED = -1


@cache
def _function(name: str) -> Any:
    import tvm_ffi

    path = library("tvm_tiny_planner")
    # Loading it registers its functions.
    tvm_ffi.load_module(path)
    return tvm_ffi.get_global_func(f"tvm_tiny.planner.{name}")


def algorithms() -> tuple[str, ...]:
    """The names that :func:`place` takes.

    Raises
    ------
    ToolchainError
        The library is not built.
    """
    return tuple(str(name) for name in _function("algorithms")())


def place(
    algorithm: str, buffers: Sequence[Lifetime], *, alignment: int, capacities: Sequence[int] = (UNLIMITED,)
) -> list[tuple[int, int]]:
    """Pool and offset, in bytes, of each of ``buffers``; pool -1 for one that fits into none.

    ``capacities`` are the bytes of each pool, the preferred pool first, :data:`UNLIMITED` for one without limit.

    Raises
    ------
    ToolchainError
        The library is not built.
    ValueError
        ``algorithm`` is unknown, or a buffer's numbers make no sense.
    """
    rows = [(buffer.size, buffer.first, buffer.last, alignment) for buffer in buffers]
    return [(int(pool), int(offset)) for pool, offset in _function("plan")(algorithm, rows, list(capacities))]
