"""Finds commands that touch the same bytes, one of them writing, in an order that nothing guarantees.

The device model executes in the order of the list, so that a forgotten wait leaves its results as they are, where a device would
compute something else. The compiler asserts that there is none.

What is guaranteed:

- A unit begins its commands in the order of the list, and its results leave it in that order. The vector unit and the DMA engine
  begin one when the one before has completed; the array while the results of the one before are still on their way, and its loader
  fetches a command's weights and parameters as soon as the one before has begun.
- A command begins when those that it waits for have completed. The loader heeds the wait for the DMA engine alone.

So for each command it is known how many commands of each unit have completed when it begins, and when its loader does: what they
wrote may be read, and what they read may be overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tvm_tiny.npu.accesses import Accesses, Area, accesses
from tvm_tiny.npu.commands import Command, Unit

Counts = tuple[int, ...]
"""For each unit, how many of its first commands are known to have completed."""


@dataclass(frozen=True)
class Hazard:
    """Commands ``first`` and ``second`` of the list share bytes of ``area``; ``kind`` is what must not overtake what."""

    first: int
    second: int
    kind: str
    area: Area

    def __str__(self) -> str:
        where = "SRAM" if self.area.place < 0 else f"region {self.area.place}"
        return (
            f"command {self.second} does not wait for command {self.first}: {self.kind} in {where} "
            f"[{self.area.address}, {self.area.end})"
        )


def find_hazards(commands: Sequence[Command]) -> list[Hazard]:
    """Every pair of commands that touch the same bytes in an order that is not guaranteed, at least one of them writing."""
    return list(_hazards(commands))


@dataclass(frozen=True)
class _Known:
    """A command, its place in the list and in its unit, and what has completed when it begins and when its loader does."""

    place: int
    unit: Unit
    number: int
    begin: Counts
    load: Counts
    accesses: Accesses


def _hazards(commands: Sequence[Command]) -> Iterator[Hazard]:
    units: dict[Unit, list[_Known]] = {unit: [] for unit in Unit}
    active: list[_Known] = []  # what may not have completed yet when some unit begins its next command
    for place, command in enumerate(commands):
        current = _known(place, command, units)
        for earlier in active:
            yield from _pair(earlier, current)
        units[current.unit].append(current)
        active = [each for each in (*active, current) if not all(_done(each, unit) for unit in units.values())]


def _done(earlier: _Known, unit: Sequence[_Known]) -> bool:
    """Whether all of a unit from its latest command on begins behind the end of ``earlier``."""
    return bool(unit) and min(unit[-1].load[earlier.unit], unit[-1].begin[earlier.unit]) > earlier.number


def _pair(earlier: _Known, current: _Known) -> Iterator[Hazard]:
    completed = current.begin[earlier.unit] > earlier.number
    fetchable = current.load[earlier.unit] > earlier.number
    # A unit's results leave it in order, and behind what it read for earlier ones.
    behind = completed or earlier.unit == current.unit
    now, then = current.accesses, earlier.accesses
    checks = [
        ("a read of what that writes", then.writes, now.reads, completed),
        ("a fetch of weights or parameters that that writes", then.writes, now.loads, fetchable),
        ("a write over what that writes", then.writes, now.writes, behind),
        ("a write over what that reads", then.reads + then.loads, now.writes, behind),
    ]
    for kind, before, after, ordered in checks:
        if not ordered:
            shared = next((area for area in after if any(area.overlaps(other) for other in before)), None)
            if shared is not None:
                yield Hazard(earlier.place, current.place, kind, shared)


def _known(place: int, command: Command, units: Mapping[Unit, Sequence[_Known]]) -> _Known:
    """What is known to have completed when ``command`` begins."""
    waits, own = command.waits, units[command.unit]
    begin = _with((waits.dma, waits.array, waits.vector), units)
    load = _with((waits.dma, 0, 0), units)
    if own:
        # The loader is one fold ahead: it begins with a command when the one before has begun.
        begin, load = _both(begin, own[-1].begin), _both(load, own[-1].begin)
        if command.unit != Unit.ARRAY:
            begin = _both(begin, _completed(own[-1]))
    return _Known(place, command.unit, len(own), begin, load if command.unit == Unit.ARRAY else begin, accesses(command))


def _completed(known: _Known) -> Counts:
    """What has completed when ``known`` has: itself, those of its unit before it, and what it knew."""
    return tuple(max(count, known.number + 1) if unit == known.unit else count for unit, count in enumerate(known.begin))


def _with(waits: Counts, units: Mapping[Unit, Sequence[_Known]]) -> Counts:
    """``waits``, and all that the commands which are waited for knew."""
    found = waits
    for unit, count in zip(Unit, waits, strict=True):
        if count > len(units[unit]):
            raise ValueError(f"a command waits for {count} commands of {unit.name}: {len(units[unit])} lie before it")
        if count:
            found = _both(found, _completed(units[unit][count - 1]))
    return found


def _both(one: Counts, other: Counts) -> Counts:
    return tuple(max(pair) for pair in zip(one, other, strict=True))
