"""What each command waits for: the least that keeps commands that share bytes in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tvm_tiny.npu.commands import Command, Unit, Waits

Bytes = tuple[tuple[int, int], ...]
"""Runs of addresses, each from its first byte to behind its last."""


@dataclass(frozen=True)
class Touched:
    """The SRAM that a command reads and writes. ``fixed`` is what a load stream has written, which nothing has to wait for."""

    reads: Bytes
    writes: Bytes


def with_waits(commands: Sequence[Command], touched: Sequence[Touched]) -> tuple[Command, ...]:
    """``commands`` with their waits.

    Of each unit the latest command that shares bytes with this one counts: units work in order, so that those before it are
    complete too. Commands of one unit follow each other, but for the array, which begins with a command while the results of the
    one before are still on their way: what reads them waits for them. What another command of the same unit has waited for needs
    not be waited for again, which keeps the search short.
    """
    done: dict[Unit, list[int]] = {unit: [] for unit in Unit}
    known = {unit: dict.fromkeys(Unit, 0) for unit in Unit}
    result = []
    for index, command in enumerate(commands):
        counts = {}
        for unit in Unit:
            counts[unit] = known[command.unit][unit]
            if unit == command.unit and unit != Unit.ARRAY:
                continue
            for position in range(len(done[unit]), known[command.unit][unit], -1):
                if _depends(touched[index], touched[done[unit][position - 1]], unit == command.unit):
                    counts[unit] = position
                    break
        known[command.unit] = counts
        result.append(replace(command, waits=Waits(counts[Unit.DMA], counts[Unit.ARRAY], counts[Unit.VECTOR])))
        done[command.unit].append(index)
    return tuple(result)


def _depends(this: Touched, earlier: Touched, same_unit: bool) -> bool:
    if _share(this.reads, earlier.writes):
        return True
    return not same_unit and (_share(this.writes, earlier.reads) or _share(this.writes, earlier.writes))


def _share(one: Bytes, other: Bytes) -> bool:
    return any(a[0] < b[1] and b[0] < a[1] for a in one for b in other)
