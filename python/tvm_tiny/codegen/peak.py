"""When a model needs the most memory, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvm_tiny.codegen.sources import BufferInfo, CModule
from tvm_tiny.errors import CapacityError


@dataclass(frozen=True)
class Peak:
    """The layers at which the most bytes are in use; ``buffers`` are those in use at the first of them, the largest first."""

    bytes: int
    layers: tuple[str, ...]
    buffers: tuple[BufferInfo, ...]

    def sentence(self) -> str:
        """As in: at its peak, layer conv2d_1, 49,152 bytes are in use: conv2d_1 32,768, conv2d_0 16,384."""
        if not self.layers:
            return f"its inputs and outputs take {self.bytes:,} bytes"
        named = ", ".join(self.layers[:_MOST]) + (f" and {len(self.layers) - _MOST} more" if len(self.layers) > _MOST else "")
        held = [f"{buffer.label} {buffer.size:,}" for buffer in self.buffers[:_MOST]]
        if len(self.buffers) > _MOST:
            held.append(f"{len(self.buffers) - _MOST} more {sum(each.size for each in self.buffers[_MOST:]):,}")
        return f"at its peak, layer{'s' * (len(self.layers) > 1)} {named}, {self.bytes:,} bytes are in use: {', '.join(held)}"


_MOST = 5


def used_bytes(buffers: Sequence[BufferInfo], layers: int) -> list[int]:
    """For each of ``layers`` layers, how many bytes hold something while it runs; bytes that two buffers share count once."""
    used = [0] * max(layers, 1)
    for pool in {buffer.pool for buffer in buffers}:
        alive: list[list[tuple[int, int]]] = [[] for _ in used]
        for buffer in sorted((each for each in buffers if each.pool == pool), key=lambda each: each.offset):
            for time in range(buffer.first, buffer.last + 1):
                alive[time].append((buffer.offset, buffer.offset + buffer.size))
        used = [count + _union(spans) for count, spans in zip(used, alive, strict=True)]
    return used


def peak_of(module: CModule) -> Peak:
    """The peak of ``module``'s arena."""
    used = used_bytes(module.buffers, len(module.layers))
    most = max(used)
    times = [time for time, count in enumerate(used) if count == most]
    alive = [buffer for buffer in module.buffers if buffer.first <= times[0] <= buffer.last and buffer.size]
    largest = sorted(alive, key=lambda each: (-each.size, each.offset))
    return Peak(most, tuple(module.layers[time].name for time in times if module.layers), tuple(largest))


def check_limit(module: CModule, limit: int) -> None:
    """Make sure that the arena of ``module`` has at most ``limit`` bytes.

    Raises
    ------
    CapacityError
        It has more; says how many more, and which layers need them for what.
    """
    if module.arena_size > limit:
        raise CapacityError(
            f"{module.name} needs an arena of {module.arena_size:,} bytes, {module.arena_size - limit:,} more than the {limit:,} "
            f"that are allowed: {peak_of(module).sentence()}",
            "--optimize ram, or a smaller input or fewer channels at these layers",
        )


def _union(spans: Sequence[tuple[int, int]]) -> int:
    """Bytes of ``spans``, which are in the order of their starts."""
    total = end = 0
    for start, stop in spans:
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total
