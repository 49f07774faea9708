"""The command streams of a region: order, places, commands, as a choice of tilings and cascades says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.npu import pack
from tvm_tiny.npu.commands import Command, Map, Region, Stream, Transfer
from tvm_tiny.npu.emit import Places, command_of
from tvm_tiny.npu.order import Step, rolling_rows, steps_of
from tvm_tiny.npu.region import Graph
from tvm_tiny.npu.requantize import Rescale
from tvm_tiny.npu.sram import Layout, place
from tvm_tiny.npu.support import rescale_of
from tvm_tiny.npu.tiling import Tiling
from tvm_tiny.npu.waits import with_waits
from tvm_tiny.target.npu import Npu

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Choice:
    """All that the compiler decides about a region: a tiling for each operation, and which operations run as cascades."""

    tilings: tuple[Tiling, ...]
    groups: tuple[tuple[int, ...], ...]
    rolling: bool = False


@dataclass(frozen=True)
class Compiled:
    """A region's streams. ``constants`` is what region 0 holds, uint8; activations take the first ``sram`` bytes of the SRAM."""

    graph: Graph
    choice: Choice
    steps: tuple[Step, ...]
    layout: Layout
    run: Stream
    load: Stream | None
    constants: np.ndarray

    @property
    def sram(self) -> int:
        return self.layout.size


class Packer:
    """The constants of a graph's operations as bytes, each packed once for each way to cut it."""

    def __init__(self, graph: Graph, npu: Npu) -> None:
        self.graph, self.npu = graph, npu
        self._known: dict[tuple[int, int, int], dict[str, np.ndarray]] = {}
        self._rescales: dict[int, Rescale | None] = {}

    def constants(self, number: int, tiling: Tiling) -> dict[str, np.ndarray]:
        """As :func:`pack.constants`."""
        key = (number, tiling.split, tiling.depth_step)
        if key not in self._known:
            operation = self.graph.operations[number]
            if operation.on_array and number not in self._rescales:
                assert operation.node is not None
                self._rescales[number] = rescale_of(operation.node)
            self._known[key] = pack.constants(operation, tiling, self.npu, self._rescales.get(number))
        return self._known[key]


def compile_graph(
    graph: Graph, npu: Npu, choice: Choice, packer: Packer | None = None, *, algorithm: str = "exact", overlap: bool = True
) -> Compiled:
    """The streams of ``graph`` as ``choice`` says; ``algorithm`` and ``overlap`` are those of the plan of its SRAM."""
    steps = steps_of(graph, choice.tilings, choice.groups)
    rolling = rolling_rows(graph, steps) if choice.rolling else {}
    layout = place(graph, steps, rolling, algorithm=algorithm, overlap=overlap)
    blob, constants, maps = _constants(graph, choice.tilings, packer or Packer(graph, npu))
    cache = layout.size
    addresses = {**layout.address, **{name: cache + at for name, at in maps.items()}}
    places = Places(addresses, rolling, {key: (cache + at, size) for key, (at, size) in constants.items()})
    emitted = [command_of(step, graph.operations[step.operation], choice.tilings[step.operation], places) for step in steps]
    commands = with_waits([command for command, _ in emitted], [touched for _, touched in emitted])
    regions = _regions(graph, blob.size)
    sram = cache + blob.size
    token = _token(npu, blob, cache)
    names = tuple(operation.name for operation in graph.operations)
    run = Stream(npu.name, commands, regions, sram, cache, token, layers=names)
    load = Stream(npu.name, _load(blob.size, cache), regions, sram, cache, token, load=True) if blob.size else None
    return Compiled(graph, choice, steps, layout, run, load, blob)


def _token(npu: Npu, blob: np.ndarray, cache: int) -> int:
    """What stands for these constants at this place, 0 for none: 32 bits of a hash."""
    content = hashlib.sha256(f"{npu.name} {cache}\n".encode() + blob.tobytes()).digest()
    return (int.from_bytes(content[:4], "little") or 1) if blob.size else 0


def _constants(
    graph: Graph, tilings: Sequence[Tiling], packer: Packer
) -> tuple[np.ndarray, dict[tuple[int, str], tuple[int, int]], dict[str, int]]:
    """The cache's bytes; in it, (operation, role) → place and size, and constant feature map → place."""
    parts: list[np.ndarray] = []
    end = 0
    found: dict[tuple[int, str], tuple[int, int]] = {}
    maps: dict[str, int] = {}

    def add(data: np.ndarray) -> int:
        nonlocal end
        at, size = end, pack.aligned(data.size)
        parts.append(np.pad(data, (0, size - data.size)))
        end += size
        return at

    for number, tiling in enumerate(tilings):
        for role, data in packer.constants(number, tiling).items():
            found[number, role] = (add(data), data.size)
    for name, array in graph.constants.items():
        maps[name] = add(np.frombuffer(array.astype(np.int8).tobytes(), np.uint8))
    return np.concatenate(parts) if parts else np.zeros(0, np.uint8), found, maps


def _regions(graph: Graph, constants: int) -> tuple[Region, ...]:
    sizes = {each.region: (graph.storages[each.output.storage], each.kind == "output") for each in graph.operations if each.moved}
    return (
        Region("constants", constants),
        *(Region(name, *sizes[index]) for index, name in enumerate(graph.region_names) if index),
    )


def _load(size: int, cache: int) -> tuple[Command, ...]:
    return (Transfer(0, True, 0, 0, 0, Map(cache, size, 1, 1), 0, 1, size),)
