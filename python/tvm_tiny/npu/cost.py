"""What a choice costs: it is compiled, and the device model counts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tvm_tiny.npu.device import count
from tvm_tiny.npu.region import Graph
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Choice, Packer, compile_graph
from tvm_tiny.target.npu import Npu


@dataclass(frozen=True)
class Cost:
    """Cycles of the run stream, and bytes of SRAM that activations take."""

    cycles: int
    sram: int


def cost_of(graph: Graph, npu: Npu, choice: Choice, packer: Packer, *, overlap: bool) -> Cost:
    """Of ``graph`` compiled as ``choice`` says, on a machine with as much SRAM as that takes; ``overlap`` as for its plan."""
    compiled = compile_graph(graph, npu, choice, packer, overlap=overlap)
    wide = replace(npu, sram=max(npu.sram, compiled.run.sram))
    return Cost(count(wide, encode(compiled.run)).cycles, compiled.sram)
