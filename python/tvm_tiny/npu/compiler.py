"""A region of a model → the job of an NPU: tiling, order, places, commands."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.npu import pack
from tvm_tiny.npu.commands import Command, Map, Region, Stream, Transfer
from tvm_tiny.npu.emit import Places, command_of
from tvm_tiny.npu.hazards import find_hazards
from tvm_tiny.npu.order import Step, rolling_rows, steps_of
from tvm_tiny.npu.region import Graph, graph_of
from tvm_tiny.npu.sram import Layout, place
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.tiling import Tiling, best_tiling
from tvm_tiny.npu.waits import with_waits
from tvm_tiny.program import Layer, NpuJob
from tvm_tiny.target.npu import Npu

if TYPE_CHECKING:
    import tvm
    from tvm import relax

    from tvm_tiny.schedule.program import Offload


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


def compile_graph(graph: Graph, npu: Npu, choice: Choice) -> Compiled:
    """The streams of ``graph`` as ``choice`` says."""
    steps = steps_of(graph, choice.tilings, choice.groups)
    rolling = rolling_rows(graph, steps) if choice.rolling else {}
    layout = place(graph, steps, rolling)
    blob, constants, maps = _constants(graph, npu, choice.tilings)
    cache = layout.size
    addresses = {**layout.address, **{name: cache + at for name, at in maps.items()}}
    places = Places(addresses, rolling, {key: (cache + at, size) for key, (at, size) in constants.items()})
    emitted = [command_of(step, graph.operations[step.operation], choice.tilings[step.operation], places) for step in steps]
    commands = with_waits([command for command, _ in emitted], [touched for _, touched in emitted])
    hazards = find_hazards(commands)
    assert not hazards, hazards[0]
    regions = _regions(graph, blob.size)
    sram = cache + blob.size
    token = (zlib.crc32(blob.tobytes()) or 1) if blob.size else 0
    names = tuple(operation.name for operation in graph.operations)
    run = Stream(npu.name, commands, regions, sram, cache, token, layers=names)
    load = Stream(npu.name, _load(blob.size, cache), regions[:1], sram, cache, token, load=True) if blob.size else None
    return Compiled(graph, choice, steps, layout, run, load, blob)


def _constants(
    graph: Graph, npu: Npu, tilings: Sequence[Tiling]
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

    for number, operation in enumerate(graph.operations):
        for role, data in pack.constants(operation, tilings[number], npu).items():
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


def default_choice(graph: Graph, npu: Npu, optimize: str) -> Choice:
    """Stripes that hide the array's fill and drain; inputs come in beside the first operation."""
    tilings = []
    for operation in graph.operations:
        height, width, _ = operation.output.shape
        rows = max(1, min(height, -(-4 * npu.size // width)))
        if operation.moved:
            rows = max(1, -(-height // 8))
        tilings.append(best_tiling(operation, rows, npu))
    numbers = range(len(graph.operations))
    return Choice(tuple(tilings), tuple((number,) for number in numbers))


def offload_for(npu: Npu, optimize: str = "speed") -> Offload:
    """What `schedule.program.schedule_program` asks for the layers of regions."""

    def offload(mod: tvm.IRModule, function: relax.Function, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Layer:
        graph = graph_of(mod, function)
        compiled = compile_graph(graph, npu, default_choice(graph, npu, optimize))
        return layer_of(compiled, npu, name, inputs, outputs)

    return offload


def layer_of(compiled: Compiled, npu: Npu, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Layer:
    """The layer that hands ``compiled`` to the NPU."""
    nodes = [operation.node for operation in compiled.graph.operations if operation.node is not None]
    macs = sum(node.op.macs(node) for node in nodes)
    job = NpuJob(
        npu.name,
        encode(compiled.run),
        encode(compiled.load) if compiled.load is not None else b"",
        compiled.constants,
        compiled.run.token,
        compiled.sram,
        {"layers": [operation.name for operation in compiled.graph.operations]},
    )
    return Layer(
        name,
        npu.name,
        None,
        inputs,
        outputs,
        macs=macs,
        live_macs=macs,
        offload="npu",
        npu=job,
        comment=f"{len(nodes)} operators on {npu.name}",
    )
