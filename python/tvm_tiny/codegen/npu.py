"""A layer that an NPU computes: a job for its driver, whose files go along with the model's."""

from __future__ import annotations

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.text import size_literal
from tvm_tiny.program import Layer, Program
from tvm_tiny.resources import npu_driver_dir
from tvm_tiny.target import get_npu

FOLDER = "tvm_tiny/npu"
HEADER = f"{FOLDER}/etpu.h"
_FILES = (HEADER, f"{FOLDER}/etpu_hal.h", f"{FOLDER}/registers.h", f"{FOLDER}/etpu.c", f"{FOLDER}/etpu_hal_mmio.c")


def uses_npu(program: Program) -> bool:
    """Whether some layer is an NPU's."""
    return any(layer.npu for layer in program.layers)


def driver_files() -> dict[str, str]:
    """Path → text of the driver and of a HAL for memory-mapped registers."""
    return {name: (npu_driver_dir() / name).read_text(encoding="utf-8") for name in _FILES}


def print_job(layer: Layer, prefix: str, program: Program) -> Function:
    """The function that hands ``layer`` to the device. It takes the layer's inputs and outputs, and returns the driver's status."""
    job = layer.npu
    assert job is not None
    names = [f"input_{index}" for index in range(len(layer.inputs))] + [f"output_{index}" for index in range(len(layer.outputs))]
    tensors = [program.tensors[name] for name in (*layer.inputs, *layer.outputs)]
    parameters = [
        f"{'const ' if index < len(layer.inputs) else ''}{c_type(tensor.dtype)} *{name}"
        for index, (name, tensor) in enumerate(zip(names, tensors, strict=True))
    ]
    stem = f"{prefix}_{layer.name}"
    rows = [f"    {{{stem}_constants, sizeof {stem}_constants, false}},"] if job.constants.size else ["    {NULL, 0u, false},"]
    rows += [
        f"    {{{name}, {size_literal(tensor.nbytes)}, {'true' if index >= len(layer.inputs) else 'false'}}},"
        for index, (name, tensor) in enumerate(zip(names, tensors, strict=True))
    ]
    load = f"{stem}_load, sizeof {stem}_load" if job.load else "NULL, 0u"
    statements = [
        "  const struct etpu_buffer buffers[] = {",
        *rows,
        "  };",
        "  const struct etpu_job job = {",
        f"    {get_npu(job.npu).size}u, {stem}_run, sizeof {stem}_run,",
        f"    {load}, {job.token}u,",
        "    buffers, sizeof buffers / sizeof buffers[0],",
        "  };",
        "  return etpu_submit(&job);",
    ]
    return Function(stem, tuple(parameters), tuple(statements), (f"{layer.name}: {layer.comment}",), returns="enum etpu_status")
