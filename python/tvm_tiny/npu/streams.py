"""The command streams of a region: order, places, commands, as a choice of tilings and cascades says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Choice:
    """All that the compiler decides about a region: a tiling for each operation, and which operations run as cascades."""

    tilings: tuple[Tiling, ...]
    groups: tuple[tuple[int, ...], ...]
    rolling: bool = False


@dataclass(frozen=True)
class Compiled:
    """A region's streams. ``constants`` is what region 0 holds, uint8; activations take the first ``sram`` bytes of the SRAM.

    ``tuned`` tells that the choice comes from a database.
    """

    graph: Graph
    choice: Choice
    steps: tuple[Step, ...]
    layout: Layout
    run: Stream
    load: Stream | None
    constants: np.ndarray
    tuned: bool = False

    @property
    def sram(self) -> int:
        return self.layout.size


class Packer:
    """The constants of a graph's operations as bytes, each packed once for each way to cut it."""

    def __init__(self, graph: Graph, npu: Npu) -> None:
        self.graph, self.npu = graph, npu
        self._known: dict[tuple[int, int, int], dict[str, np.ndarray]] = {}
        self._rescales: dict[int, Rescale | None] = {}  # by the identity of the node, of which several operations may be parts

    def constants(self, number: int, tiling: Tiling) -> dict[str, np.ndarray]:
        """As :func:`pack.constants`."""
        key = (number, tiling.split, tiling.depth_step)
        if key not in self._known:
            operation = self.graph.operations[number]
            node = id(operation.node)
            if operation.on_array and node not in self._rescales:
                assert operation.node is not None
                self._rescales[node] = rescale_of(operation.node)
            self._known[key] = pack.constants(operation, tiling, self.npu, self._rescales.get(node))
        return self._known[key]


def compile_graph(
    graph: Graph, npu: Npu, choice: Choice, packer: Packer | None = None, *, algorithm: str = "exact", overlap: bool = True
) -> Compiled:
    """The streams of ``graph`` as ``choice`` says; ``algorithm`` and ``overlap`` are those of the plan of its SRAM."""
    steps = steps_of(graph, choice.tilings, choice.groups)
    rolling = rolling_rows(graph, steps) if choice.rolling else {}
    layout = place(graph, steps, rolling, algorithm=algorithm, overlap=overlap)
    packed = _packed(graph, choice.tilings, packer or Packer(graph, npu))
    blob, cache = packed.blob, layout.size
    addresses = {**layout.address, **{name: cache + at for name, at in packed.maps.items()}}
    constants = {}
    for (number, role), (at, size) in packed.places.items():
        staged = graph.operations[number].staged
        constants[number, role] = ((layout.address[staged] if staged else cache) + at, size)
    places = Places(addresses, rolling, constants, packed.fetched)
    emitted = [command_of(step, graph.operations[step.operation], choice.tilings[step.operation], places) for step in steps]
    commands = with_waits([command for command, _ in emitted], [touched for _, touched in emitted])
    regions = _regions(graph, blob.size)
    sram = cache + packed.cached
    token = _token(npu, blob[: packed.cached], cache)
    names = tuple(operation.name for operation in graph.operations)
    run = Stream(npu.name, commands, regions, sram, cache, token, layers=names)
    load = Stream(npu.name, _load(packed.cached, cache), regions, sram, cache, token, load=True) if packed.cached else None
    return Compiled(graph, choice, steps, layout, run, load, blob)


def _token(npu: Npu, blob: np.ndarray, cache: int) -> int:
    """What stands for these constants at this place, 0 for none: 32 bits of a hash."""
    content = hashlib.sha256(f"{npu.name} {cache}\n".encode() + blob.tobytes()).digest()
    return (int.from_bytes(content[:4], "little") or 1) if blob.size else 0


@dataclass(frozen=True)
class _Packed:
    """``blob`` is what region 0 holds: ``cached`` bytes for the parameter cache, then what is fetched in each run.

    Attributes
    ----------
    places : dict
        (operation, role) → place in the cache, or in what is fetched for the operation, and size.
    maps : dict
        Constant feature map → place in the cache.
    fetched : dict
        Storage → place in the blob of what is fetched into it.
    """

    blob: np.ndarray
    cached: int
    places: dict[tuple[int, str], tuple[int, int]]
    maps: dict[str, int]
    fetched: dict[str, int]


class _Blob:
    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []
        self.size = 0

    def add(self, data: np.ndarray) -> int:
        """Where ``data`` is put."""
        at = self.size
        self.parts += [data, np.zeros(pack.aligned(data.size) - data.size, np.uint8)]
        self.size += pack.aligned(data.size)
        return at


def _packed(graph: Graph, tilings: Sequence[Tiling], packer: Packer) -> _Packed:
    kept, streamed = _Blob(), _Blob()
    places: dict[tuple[int, str], tuple[int, int]] = {}
    begins: dict[str, int] = {}
    for number, (operation, tiling) in enumerate(zip(graph.operations, tilings, strict=True)):
        begin = begins[operation.staged] = streamed.size
        for role, data in packer.constants(number, tiling).items():
            at = streamed.add(data) - begin if operation.staged else kept.add(data)
            places[number, role] = (at, data.size)
    maps = {name: kept.add(np.frombuffer(array.astype(np.int8).tobytes(), np.uint8)) for name, array in graph.constants.items()}
    blob = np.concatenate([np.zeros(0, np.uint8), *kept.parts, *streamed.parts])
    fetched = {storage: kept.size + begin for storage, begin in begins.items() if storage}
    return _Packed(blob, kept.size, places, maps, fetched)


def _regions(graph: Graph, constants: int) -> tuple[Region, ...]:
    ends = [each for each in graph.operations if each.kind in ("input", "output")]
    sizes = {each.region: (graph.storages[each.output.storage], each.kind == "output") for each in ends}
    return (
        Region("constants", constants),
        *(Region(name, *sizes[index]) for index, name in enumerate(graph.region_names) if index),
    )


def _load(size: int, cache: int) -> tuple[Command, ...]:
    return (Transfer(0, True, 0, 0, 0, Map(cache, size, 1, 1), 0, 1, size),)
