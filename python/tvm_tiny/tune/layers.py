"""From a model to what is tuned: its layers, and the workloads that they are."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tvm_tiny.errors import TargetError
from tvm_tiny.op.operator import Node
from tvm_tiny.program import Program
from tvm_tiny.schedule.implementation import Decide, by_default
from tvm_tiny.target import Core
from tvm_tiny.tune.workload import Workload, workload_of

if TYPE_CHECKING:
    from tvm_tiny.model import Model

Rounding = Literal["tflite-micro", "litert"]


def model_program(model: Model, core: Core, rounding: Rounding = "tflite-micro", decide: Decide = by_default) -> Program:
    """``model`` as layers on ``core``, without a plan of the memory.

    Raises
    ------
    ModelError, UnsupportedOperatorError
        As :func:`tvm_tiny.compile`.
    """
    from tvm_tiny.op.qdq import Arithmetic
    from tvm_tiny.schedule.program import schedule_program
    from tvm_tiny.transform.lower_integer import lower_integer
    from tvm_tiny.transform.pipeline import run_passes

    lowered = lower_integer(model, Arithmetic("onnx" if model.source_format == "onnx" else rounding))
    return schedule_program(run_passes(lowered.mod), model, core, decide)


def model_nodes(model: Model, core: Core, rounding: Rounding = "tflite-micro") -> list[tuple[str, Node]]:
    """The layers of :func:`model_program` that are operators of ours and run on the core, by their names."""
    layers = model_program(model, core, rounding).layers
    return [(layer.name, layer.node) for layer in layers if layer.node is not None and layer.offload == "cpu"]


@dataclass(frozen=True)
class Named:
    """A workload, and the layers of the model that are it."""

    workload: Workload
    layers: tuple[str, ...]


def named_workloads(
    nodes: Sequence[tuple[str, Node]], core: Core, *, compiler: str, optimize: str, pattern: str = "*"
) -> list[Named]:
    """The workloads of ``nodes`` that leave something to choose, each once.

    ``pattern`` is of the shell's kind; it is held against a layer's name and its operator's.

    Raises
    ------
    TargetError
        No layer matches.
    """
    names: dict[str, list[str]] = {}
    workloads: dict[str, Workload] = {}
    for name, node in nodes:
        if fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(node.op.name, pattern):
            workload = workload_of(node, core, compiler=compiler, optimize=optimize)
            workloads.setdefault(workload.key, workload)
            names.setdefault(workload.key, []).append(name)
    if not workloads:
        raise TargetError(f"no layer is called {pattern!r}: the model has {', '.join(name for name, _ in nodes)}")
    return [Named(workload, tuple(names[key])) for key, workload in workloads.items() if workload.size > 1]
