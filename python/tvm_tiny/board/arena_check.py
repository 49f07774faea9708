"""What a build that checks the arena found: bytes that a layer changed outside its outputs and its scratch memory.

The harness compares the whole arena and the guards around it before and after each layer (``src/firmware/harness/arena_check.c``).
It therefore sees every write that changes a byte anywhere: behind a buffer, in one that a later layer needs, in a free gap.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tvm_tiny.board.harness import DAMAGE, TRACE
from tvm_tiny.codegen.sources import BufferInfo, CModule
from tvm_tiny.errors import FirmwareError, ModelError

_MAGIC = 0x4B435454
_RECORD = struct.Struct("<5I2i3I")


@dataclass(frozen=True)
class Touch:
    """One layer's stray writes in one run: ``bytes`` of them, from ``offset`` to ``last``, negative in front of the arena.

    ``before`` and ``after`` are what the first of these bytes held. ``place`` says in words where they lie. Writes beside tensors
    outside the arena are told by ``place`` alone.
    """

    sample: int
    layer: str
    offset: int
    last: int
    bytes: int
    before: int
    after: int
    place: str

    def sentence(self) -> str:
        """Who wrote what where."""
        if not self.bytes:
            return f"{self.layer}, at sample {self.sample}: {self.place}"
        count = "1 byte" if self.bytes == 1 else f"{self.bytes:,} bytes"
        until = "" if self.bytes == 1 else f" to {self.last:,}"
        return (
            f"{self.layer} wrote {count} outside its outputs and scratch memory at sample {self.sample}: "
            f"offset {self.offset:,}{until} of the arena, {self.place} (0x{self.before:02x} became 0x{self.after:02x})"
        )


@dataclass(frozen=True)
class ArenaCheck:
    """The outcome: over ``samples`` runs of ``layers`` layers each, in an arena of ``arena`` bytes between guards.

    ``checked`` counts the comparisons that were made: one after each layer of each run, and one behind the last. ``missing`` counts
    those that were not made although the layer ran: a call that only takes a frame in runs but some of the layers.
    """

    samples: int
    layers: int
    arena: int
    touched: tuple[Touch, ...]
    checked: int
    missing: int = 0

    def require_all(self) -> None:
        """Make sure that every layer of every run was checked: that nothing was found proves something only then.

        Raises
        ------
        FirmwareError
            Some are missing.
        """
        if self.missing:
            expected = self.checked + self.missing
            raise FirmwareError(f"the check of the arena is not whole: {self.checked} of {expected} layers were checked")

    def report(self) -> dict[str, Any]:
        """The key ``arena_check`` of a report."""
        return {
            "samples": self.samples,
            "layers": self.layers,
            "arena": self.arena,
            "touched": [asdict(touch) for touch in self.touched],
        }


def require_buffers(module: CModule) -> None:
    """Make sure that ``module`` says who may write where.

    Raises
    ------
    ModelError
        It was compiled by a version that did not write that down.
    """
    if module.arena_size and not module.buffers:
        raise ModelError(f"{module.name} was compiled by a version that did not tell its buffers", "compile the model again")


def read_check(folder: Path, module: CModule, samples: int) -> ArenaCheck:
    """What the harness wrote down, as far as it got.

    Raises
    ------
    FirmwareError
        What was written is garbled.
    """
    path = folder / TRACE
    data = path.read_bytes() if path.exists() else b""
    checked = len(data) // _RECORD.size
    touched: list[Touch] = []
    closed = 0
    for magic, *row in _RECORD.iter_unpack(data[: checked * _RECORD.size]):
        if magic != _MAGIC:
            raise FirmwareError(f"the check of the arena of {module.name} is garbled")
        touched += _touches(module, row)
        closed += row[1] == len(module.layers)
    # Of a call that takes a frame in, only that it ended can be asked for.
    missing = samples - closed if module.streaming else samples * (len(module.layers) + 1) - checked
    return ArenaCheck(samples, len(module.layers), module.arena_size, tuple(touched), checked, missing)


def _touches(module: CModule, row: Sequence[int]) -> list[Touch]:
    sample, index, damage, pool, first, last, count, before, after = row
    layer = module.layers[index].name if index < len(module.layers) else f"{module.name}_run, behind its layers,"
    places = [_place(module, index, pool, first)] if count else []
    touches = [Touch(sample, layer, first, last, count, before, after, place) for place in places]
    return touches + [Touch(sample, layer, 0, 0, 0, 0, 0, text) for bit, text in DAMAGE.items() if damage & bit]


def _place(module: CModule, layer: int, pool: int, offset: int) -> str:
    """What is at ``offset`` while ``layer`` runs, and what of the layer's own lies just in front of it."""
    size, where = module.pool_sizes[pool], f" of pool {module.pools[pool].name}" if module.pools else ""
    if offset < 0:
        return f"{-offset:,} bytes in front{where or ' of it'}"
    if offset >= size:
        return f"{offset - size + 1:,} bytes behind {f'the end{where}' if where else 'its end'}"
    buffers = [buffer for buffer in module.buffers if buffer.pool == pool]
    alive = [buffer for buffer in buffers if buffer.first <= layer <= buffer.last and _holds(buffer, offset)]
    held = (f"in {alive[0].kind} {alive[0].name}" if alive else "in a free gap") + where
    own = [buffer for buffer in buffers if layer in buffer.writers and buffer.offset + buffer.size <= offset]
    if not own:
        return held
    nearest = max(own, key=lambda buffer: buffer.offset + buffer.size)
    return f"{held}, byte {offset - nearest.offset - nearest.size + 1:,} behind the end of its {nearest.name}"


def _holds(buffer: BufferInfo, offset: int) -> bool:
    return buffer.offset <= offset < buffer.offset + buffer.size
