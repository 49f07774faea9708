"""Programs for the tests of this room.

Their layers are written by hand rather than lowered from TIRx, so that what stands around the layers is tested by itself: each
layer mixes every byte of all its inputs into its outputs, and works through its scratch memory. A wrong pointer anywhere changes
the result, and NumPy says what the result should be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.module import generate
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.memory.plan import MemoryPlan, Placement
from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Constant, Layer, Program, Scratch, Tensor
from tvm_tiny.target import get_core


def mixing_printer(tensors: Mapping[str, Tensor]) -> Callable[[Layer, str], Function]:
    """A printer of layers that compute :func:`mixed`."""

    def print_layer(layer: Layer, prefix: str) -> Function:
        buffers = [(tensors[name].dtype, f"x{i}", "const ") for i, name in enumerate(layer.inputs)]
        buffers += [(tensors[name].dtype, f"y{i}", "") for i, name in enumerate(layer.outputs)]
        buffers += [(scratch.dtype, f"s{i}", "") for i, scratch in enumerate(layer.scratch)]
        parameters = tuple(f"{const}{c_type(dtype)} *restrict {name}" for dtype, name, const in buffers)
        lines: list[str] = []
        for i, scratch in enumerate(layer.scratch):
            lines.append(f"  (void)memset(s{i}, {i + 1}, {scratch.nbytes}u);")
        lines.append(f"  uint32_t sum = {_seed(layer)}u;")
        for i, name in enumerate(layer.inputs):
            size = tensors[name].nbytes // np.dtype(tensors[name].dtype).itemsize
            lines += _summed(f"x{i}", size)
        for constant in layer.constants:
            lines += _summed(f"{prefix}_{constant.name}", constant.data.size)
        for i, scratch in enumerate(layer.scratch):
            size = scratch.nbytes // np.dtype(scratch.dtype).itemsize
            lines += _summed(f"s{i}", size)
        for i, name in enumerate(layer.outputs):
            dtype, size = tensors[name].dtype, tensors[name].nbytes // np.dtype(tensors[name].dtype).itemsize
            lines.append(f"  for (uint32_t i = 0u; i < {size}u; ++i) {{\n    sum = sum * 1664525u + 1013904223u;")
            lines.append(f"    y{i}[i] = ({c_type(dtype)})(sum >> 25);\n  }}")
        return Function(f"{prefix}_{layer.name}", parameters, tuple(lines))

    return print_layer


def _summed(array: str, size: int) -> list[str]:
    lines = [f"  for (uint32_t i = 0u; i < {size}u; ++i) {{", f"    const uint32_t value = (uint32_t){array}[i];"]
    return [*lines, "    sum = sum * 31u + value;", "  }"]


def _seed(layer: Layer) -> int:
    return sum(layer.name.encode())


def mixed(program: Program, inputs: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Every tensor of ``program`` by its name, in NumPy; outputs lie in [0, 127], whatever the dtype."""
    values = dict(zip(program.input_tensors, inputs, strict=True))
    for layer in program.layers:
        streams = [values[name].ravel() for name in layer.inputs] + [constant.data.ravel() for constant in layer.constants]
        for i, scratch in enumerate(layer.scratch):
            filled = np.frombuffer(bytes([i + 1]) * scratch.nbytes, np.uint8)
            streams.append(filled.view(scratch.dtype))
        total = _seed(layer)
        for number in (int(value) for stream in streams for value in stream):
            total = (total * 31 + number) % 2**32
        for name in layer.outputs:
            tensor = program.tensors[name]
            numbers = []
            for _ in range(tensor.nbytes // np.dtype(tensor.dtype).itemsize):
                total = (total * 1664525 + 1013904223) % 2**32
                numbers.append(total >> 25)
            values[name] = np.array(numbers, tensor.dtype).reshape(tensor.shape)
    return values


def output_values(program: Program, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The outputs of ``program``; a view that is smaller than what it views is its beginning."""
    values = mixed(program, inputs)
    storage = [program.aliases.get(name, name) for name in program.output_tensors]
    return [values[name].ravel()[: spec.size].reshape(spec.shape) for name, spec in zip(storage, program.outputs, strict=True)]


def stacked_plan(program: Program, alignment: int = 16) -> MemoryPlan:
    """A plan that shares nothing: every buffer behind the one before. Tests of this room need no planner."""
    sizes = {name: tensor.nbytes for name, tensor in program.tensors.items() if name not in program.aliases}
    sizes |= {f"{layer.name}.{scratch.name}": scratch.nbytes for layer in program.layers for scratch in layer.scratch}
    placements, end = {}, 0
    for name, size in sizes.items():
        placements[name] = Placement(name, end, size, 0, max(len(program.layers) - 1, 0))
        end = -(-(end + size) // alignment) * alignment
    arena = max((place.offset + place.size for place in placements.values()), default=0)
    return MemoryPlan(arena, arena, alignment, placements, "stacked")


def generated(program: Program, plan: MemoryPlan | None = None, target: str = "cortex-m4") -> CModule:
    """The C of ``program`` with mixing layers."""
    return generate(program, plan or stacked_plan(program), get_core(target), printer=mixing_printer(program.tensors))


def tensor_table(*tensors: Tensor) -> dict[str, Tensor]:
    """Tensors by their names."""
    return {tensor.name: tensor for tensor in tensors}


def every_kind() -> Program:
    """All that a program can have: several dtypes, inputs and outputs, scratch, constants, and names that no C compiler likes."""
    rng = np.random.default_rng(11)
    tensors = tensor_table(
        Tensor("image", (1, 3, 5, 2), "int8", "serving_default_x:0"),
        Tensor("gain", (4,), "float32", "int"),
        Tensor("mask", (), "bool", "mask"),
        Tensor("conv", (1, 3, 5, 4), "int8", 'model/*weird*/conv "one";model/second'),
        Tensor("sums", (7,), "int32"),
        Tensor("scaled", (2, 4), "float32", "scaled\nacross lines"),
        Tensor("wide", (3,), "int16", "wide"),
        Tensor("flat", (60,), "int8", "flat"),
        Tensor("answer", (5,), "int64", "inputs"),
    )
    layers = (
        Layer(
            "conv2d_0",
            "conv2d",
            None,
            ("image",),
            ("conv",),
            (
                Constant("conv2d_0_weight", rng.integers(-127, 128, (4, 3, 3, 2), np.int8)),
                Constant("conv2d_0_bias", rng.integers(-(2**31), 2**31, 4, np.int32)),
            ),
            (Scratch("rows", 30), Scratch("sums", 16, "int32")),
            macs=1080,
            live_macs=1080,
        ),
        Layer("split_1", "split", None, ("conv", "gain"), ("sums", "scaled"), macs=0),
        Layer("mix_2", "mix", None, ("conv", "mask", "sums"), ("wide",), (Constant("mix_2_table", np.arange(5, dtype=np.uint8)),)),
        Layer("end_3", "end", None, ("wide", "scaled"), ("answer",), integer=False),
    )
    return Program(
        "every",
        (
            TensorSpec("serving_default_x:0", (1, 3, 5, 2), "int8", 0.0235294122248888, -3),
            TensorSpec("int", (4,), "float32"),
            TensorSpec("mask", (), "bool"),
        ),
        (
            TensorSpec("inputs", (5,), "int64"),
            TensorSpec("Serving default x 0", (1, 3, 5, 4), "int8", 1 / 256, 127),
            TensorSpec("", (60,), "int8", 1 / 256, 127),
            TensorSpec("7", (3,), "int16"),
        ),
        ("image", "gain", "mask"),
        ("answer", "conv", "flat", "wide"),
        tensors,
        layers,
        {"flat": "conv"},
    )
