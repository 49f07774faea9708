"""Several memories: which of them may hold a buffer, and how much room constants leave in them.

A pool is memory that the firmware hands to the model: tightly coupled RAM, main RAM, external RAM. The planner of ``src/planner``
fills them so that the sum of bytes × layers × cost is smallest; among pools of one cost, the first one given is preferred.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tvm_tiny.errors import CapacityError, TargetError
from tvm_tiny.memory.lifetimes import Lifetime, storage_name
from tvm_tiny.memory.native import UNLIMITED
from tvm_tiny.program import Program

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Pool:
    """One memory of the firmware.

    Attributes
    ----------
    name : str
        A C identifier in lower case: the member of ``struct <model>_pools``.
    size : int or None
        Bytes that the model may use; None where there is no limit.
    cost : int
        Of a byte in use while one layer runs, 0 or more: that of slow memory is higher.

    Raises
    ------
    TargetError
        The name, the size or the cost is none.
    """

    name: str
    size: int | None = None
    cost: int = 0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise TargetError(f"{self.name!r} is no name of a pool", "use lower-case letters, digits and _, a letter first")
        if (self.size is not None and self.size < 0) or self.cost < 0:
            raise TargetError(f"pool {self.name}: size {self.size} and cost {self.cost} must be 0 or more")


@dataclass(frozen=True)
class Pinning:
    """What :class:`Pool` s mean for one program, in terms of the planner.

    ``allowed`` has, by a buffer's name, the index of the only pool that may hold it; ``constants`` the same of constants.
    ``capacities`` are the pools' bytes without those of the constants in them.
    """

    allowed: Mapping[str, int]
    constants: Mapping[str, int]
    capacities: tuple[int, ...]


def pin(program: Program, pools: Sequence[Pool], pins: Mapping[str, str]) -> Pinning:
    """Resolve ``pins``: name → pool. A name is that of a tensor in the model file, of a layer (what it writes), of scratch memory
    ("<layer>.<buffer>"), or of a constant ("<layer>_<role>", as in ``<model>_weights.h`` behind the prefix).

    Raises
    ------
    TargetError
        A name or a pool is not there.
    CapacityError
        Constants are larger than the pool that they are pinned to.
    """
    index = {pool.name: number for number, pool in enumerate(pools)}
    constants = {constant.name: constant.nbytes for constant in program.constants}
    names = _buffer_names(program)
    allowed: dict[str, int] = {}
    placed: dict[str, int] = {}
    for name, pool in pins.items():
        if pool not in index:
            raise TargetError(
                f"{name} is pinned to pool {pool!r}: expected one of {', '.join(index) or 'none, as no pool is given'}"
            )
        if name in constants:
            placed[name] = index[pool]
        elif name in names:
            allowed.update(dict.fromkeys(names[name], index[pool]))
        else:
            near = difflib.get_close_matches(name, [*names, *constants], n=3, cutoff=0.4)
            raise TargetError(
                f"there is no tensor, layer, scratch buffer or constant {name!r} to pin",
                f"the nearest are {', '.join(near)}" if near else "the report lists them: memory.buffers",
            )
    return Pinning(allowed, placed, tuple(_room(pool, constants, placed, number) for number, pool in enumerate(pools)))


def require_places(buffers: Iterable[Lifetime], places: Iterable[tuple[int, int]], pools: Sequence[Pool]) -> None:
    """Make sure that every buffer has a pool.

    Raises
    ------
    CapacityError
        Some fit into none; names them with their bytes.
    """
    homeless = sorted(
        ((buffer.size, buffer.name) for buffer, (pool, _) in zip(buffers, places, strict=True) if pool < 0), reverse=True
    )
    if homeless:
        rooms = ", ".join(f"{pool.name} {'without limit' if pool.size is None else f'{pool.size:,}'}" for pool in pools)
        listed = ", ".join(f"{name} {size:,}" for size, name in homeless[:5])
        more = f" and {len(homeless) - 5} more" if len(homeless) > 5 else ""
        raise CapacityError(
            f"the pools ({rooms}) are too small: {sum(size for size, _ in homeless):,} bytes of buffers find no room in them: "
            f"{listed}{more}",
            "larger pools, or fewer pins",
        )


def _room(pool: Pool, sizes: Mapping[str, int], placed: Mapping[str, int], number: int) -> int:
    if pool.size is None:
        return UNLIMITED
    taken = sum(-(-sizes[name] // 4) * 4 for name, where in placed.items() if where == number)  # arrays start on words
    if taken > pool.size:
        raise CapacityError(
            f"the constants pinned to pool {pool.name} have {taken:,} bytes, {taken - pool.size:,} more than it has"
        )
    return pool.size - taken


def _buffer_names(program: Program) -> dict[str, list[str]]:
    """What users call a buffer → the names of the buffers in the plan."""
    names: dict[str, list[str]] = {}
    for tensor in program.tensors.values():
        if tensor.source:
            names.setdefault(tensor.source, []).append(storage_name(program, tensor.name))
    specs = zip((*program.inputs, *program.outputs), (*program.input_tensors, *program.output_tensors), strict=True)
    for spec, tensor_name in specs:
        names.setdefault(spec.name, []).append(storage_name(program, tensor_name))
    for layer in program.layers:
        names[layer.name] = list(layer.outputs)
        for scratch in layer.scratch:
            names[f"{layer.name}.{scratch.name}"] = [f"{layer.name}.{scratch.name}"]
    return names
