"""A decision becomes a layer, and many layers become one module that a board measures at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tvm_tiny.codegen.module import generate
from tvm_tiny.codegen.printer import print_layer
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.model import TensorSpec
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.program import Layer, Program, Tensor
from tvm_tiny.schedule.implementation import Decision, Implementation
from tvm_tiny.schedule.layer import layer_of, node_layer
from tvm_tiny.target import Core
from tvm_tiny.tune.workload import Workload

MODULE = "tuning"
"""The name of the module whose layers are candidates."""

_OUTPUT = "y"


@dataclass(frozen=True)
class Candidate:
    """What a decision makes of a workload.

    Attributes
    ----------
    layer : Layer
        From the tensors ``x0``, ``x1``, ... into ``y``.
    digest : str
        Hash of its C and its constants: candidates with the same one need be measured but once.
    """

    decision: Decision
    layer: Layer
    digest: str

    @property
    def scratch(self) -> int:
        """Bytes of working memory."""
        return sum(each.nbytes for each in self.layer.scratch)

    @property
    def constants(self) -> int:
        """Bytes of flash for its constants."""
        return sum(each.nbytes for each in self.layer.constants)

    def grows(self, other: Candidate) -> int:
        """Bytes by which a plan with this one may need more than with ``other``: working memory, and less overlap."""
        more = max(self.scratch - other.scratch, 0)
        mine = {each.input: each for each in self.layer.overlaps}
        for each in other.layer.overlaps:
            own = mine.get(each.input)
            if own is None:
                return more + min(value.nbytes for value in _tensors(self.layer.node).values())
            more += max(own.before - each.before, own.after - each.after, 0) + int(each.same and not own.same)
        return more


def candidate_of(workload: Workload, decision: Decision) -> Candidate:
    """The layer that ``decision`` makes.

    Raises
    ------
    ValueError
        The decision is none of the workload's.
    Exception
        What an implementation or the printer raises on choices that it cannot take.
    """
    layer = node_layer(workload.node, workload.core, "layer", _inputs(workload.node), _OUTPUT, decide=lambda _node, _core: decision)
    if layer.schedule != "tuned":
        raise ValueError(f"{decision} is no way to compute {workload.node.op.name}")
    return _candidate(decision, layer)


def candidate_by(implementation: Implementation, workload: Workload, decision: Decision) -> Candidate:
    """As :func:`candidate_of`, by an implementation that compilation does not know."""
    scheduled = implementation.schedule(workload.node, workload.core, decision.choices)
    layer = layer_of(scheduled, workload.node, workload.core, "layer", _inputs(workload.node), _OUTPUT, tuned=True)
    return _candidate(decision, layer)


def _inputs(node: Node) -> tuple[str, ...]:
    return tuple(name for name in _tensors(node) if name != _OUTPUT)


def _candidate(decision: Decision, layer: Layer) -> Candidate:
    text = print_layer(layer, MODULE).text
    digest = hashlib.sha256(text.encode())
    for constant in layer.constants:
        digest.update(f"{constant.name} {constant.data.dtype} {constant.data.shape}\n".encode())
        digest.update(constant.data.tobytes())
    return Candidate(decision, layer, digest.hexdigest())


def module_of(candidates: Sequence[Candidate], core: Core) -> CModule:
    """A module with one layer for each candidate, all of one workload: they read the same input, and each has an output of its own.

    Its outputs are in the order of ``candidates``, and so are its layers.
    """
    tensors = _tensors(candidates[0].layer.node)
    output = tensors.pop(_OUTPUT)
    layers, outputs = [], {}
    for index, candidate in enumerate(candidates):
        name = f"{_OUTPUT}{index}"
        outputs[name] = replace(output, name=name)
        layers.append(_renamed(candidate.layer, f"c{index}", name))
    program = Program(
        name=MODULE,
        inputs=tuple(_spec(each) for each in tensors.values()),
        outputs=tuple(_spec(each) for each in outputs.values()),
        input_tensors=tuple(tensors),
        output_tensors=tuple(outputs),
        tensors={**tensors, **outputs},
        layers=tuple(layers),
    )
    return generate(program, plan_memory(program, algorithm="greedy-by-size", overlap=False), core)


def _renamed(layer: Layer, name: str, output: str) -> Layer:
    constants = tuple(replace(each, name=f"{name}_{layer.role(each)}") for each in layer.constants)
    return replace(layer, name=name, outputs=(output,), constants=constants, overlaps=(), schedule="default")


def _tensors(node: Node) -> dict[str, Tensor]:
    """The activations of a node: ``x0``, ``x1``, ... and ``y``."""
    values = [each for each in node.inputs if isinstance(each, Value)]
    tensors = {f"x{index}": Tensor(f"x{index}", value.shape, value.dtype) for index, value in enumerate(values)}
    return {**tensors, _OUTPUT: Tensor(_OUTPUT, node.output.shape, node.output.dtype)}


def _spec(tensor: Tensor) -> TensorSpec:
    return TensorSpec(tensor.name, tensor.shape, tensor.dtype)
