"""What lies in the arena, for those who draw it and those who watch it."""

from __future__ import annotations

from tvm_tiny.codegen.ports import Ports
from tvm_tiny.codegen.sources import BufferInfo
from tvm_tiny.memory.plan import MemoryPlan, Placement
from tvm_tiny.program import Program


def buffers_of(program: Program, plan: MemoryPlan, ports: Ports) -> tuple[BufferInfo, ...]:
    """A row for each buffer of ``plan``, in the order in which they come into use."""
    writers: dict[str, list[int]] = {}
    for index, layer in enumerate(program.layers):
        for name in (*layer.outputs, *(f"{layer.name}.{scratch.name}" for scratch in layer.scratch)):
            writers.setdefault(name, []).append(index)
    inputs = {port.storage for port in ports.inputs}
    outputs = {port.storage for port in ports.outputs}

    def row(place: Placement) -> BufferInfo:
        tensor = program.tensors.get(place.name)
        kind = "input" if place.name in inputs else "output" if place.name in outputs else "tensor" if tensor else "scratch"
        by = writers.get(place.name, [])
        return BufferInfo(
            name=place.name,
            kind=kind,
            offset=place.offset,
            size=place.size,
            first=place.first,
            last=place.last,
            writers=tuple(by),
            bound=ports.owner(place.name, place.size) is not None,
            source=_source(program, place.name, ports),
            pool=place.pool,
            producer=program.layers[by[0]].name if by else "",
        )

    return tuple(sorted(map(row, plan.placements.values()), key=lambda each: (each.first, each.last, each.offset)))


def _source(program: Program, name: str, ports: Ports) -> str:
    """A port's name in the file is that of the port: what stores it may be another tensor, of which it is a view."""
    port = next((port for port in ports.all if port.storage == name), None)
    tensor = program.tensors.get(name)
    return port.spec.name if port else tensor.source if tensor else ""
