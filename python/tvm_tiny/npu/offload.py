"""What the other rooms ask of the NPU's compiler: the layer of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm_tiny.npu.compiler import Compiled
from tvm_tiny.npu.region import graph_of
from tvm_tiny.npu.search import compile_for
from tvm_tiny.npu.stream import encode
from tvm_tiny.program import Layer, NpuJob
from tvm_tiny.target.npu import Npu

if TYPE_CHECKING:
    import tvm
    from tvm import relax

    from tvm_tiny.schedule.program import Offload


def offload_for(npu: Npu, optimize: str = "speed") -> Offload:
    """What `schedule.program.schedule_program` asks for the layers of regions."""

    def offload(mod: tvm.IRModule, function: relax.Function, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Layer:
        graph = graph_of(mod, function)
        compiled = compile_for(graph, npu, optimize)
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
