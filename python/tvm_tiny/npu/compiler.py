"""A region of a model → the job of an NPU, as the layer that hands it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.npu.knobs import Lookup
from tvm_tiny.npu.region import Operation, graph_of
from tvm_tiny.npu.search import compile_for
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Compiled
from tvm_tiny.npu.summary import LayerFacts, summarise
from tvm_tiny.program import Constant, Layer, NpuJob
from tvm_tiny.target.npu import Npu

if TYPE_CHECKING:
    import tvm
    from tvm import relax

    from tvm_tiny.schedule.program import Offload


def offload_for(npu: Npu, optimize: str = "speed", known: Lookup = lambda _region: None) -> Offload:
    """What `schedule.program.schedule_program` asks for the layers of regions; ``known`` is what a database knows of them."""

    def offload(mod: tvm.IRModule, function: relax.Function, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Layer:
        graph = graph_of(mod, function)
        compiled = compile_for(graph, npu, optimize, known)
        return layer_of(compiled, npu, name, inputs, outputs)

    return offload


def layer_of(compiled: Compiled, npu: Npu, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Layer:
    """The layer that hands ``compiled`` to the NPU."""
    run = encode(compiled.run)
    load = encode(compiled.load) if compiled.load is not None else b""
    facts = [_facts(operation) for operation in compiled.graph.operations]
    macs = sum(each.live_macs for each in facts)
    report = summarise(npu, run, load, facts, sram=compiled.sram, cache=compiled.constants.nbytes)
    arrays = {"constants": compiled.constants, "run": np.frombuffer(run, np.uint8), "load": np.frombuffer(load, np.uint8)}
    return Layer(
        name,
        npu.name,
        None,
        inputs,
        outputs,
        tuple(Constant(f"{name}_{role}", data) for role, data in arrays.items() if data.size),
        macs=macs,
        live_macs=macs,
        schedule="tuned" if compiled.tuned else "default",
        offload="npu",
        npu=NpuJob(npu.name, run, load, compiled.constants, compiled.run.token, compiled.sram, report),
        comment=f"{sum(1 for each in facts if each.macs)} layers with weights, {report['cycles']:,} cycles of {npu.name}",
    )


def _facts(operation: Operation) -> LayerFacts:
    """What a report tells of an operation."""
    node = operation.node
    macs = node.op.macs(node) if node is not None else 0
    return LayerFacts(operation.name, operation.kind, operation.output.shape, macs, macs)
