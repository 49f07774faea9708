"""Calls the runtime's inner loops from tests: over arrays, on the host or on an emulated core.

A kernel is the one layer of a program whose C is written here, so that it is built and run as a model's layers are. Its portable
form runs on the host, under sanitizers; the form in assembly on the cores that have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvm_tiny.board import get_board
from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.function import Function
from tvm_tiny.codegen.module import generate
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.model import TensorSpec
from tvm_tiny.program import Layer, Program, Tensor
from tvm_tiny.target import get_core

BOARDS = {"host": "c", "mps2-an385": "cortex-m3", "microbit-xl": "cortex-m0"}
"""Board → target: the portable form, that of Thumb-2 and that of Thumb-1."""


@dataclass(frozen=True)
class Kernel:
    """``call`` is C over the ``inputs`` and the output ``y``: name → shape and dtype of a case."""

    inputs: Mapping[str, tuple[tuple[int, ...], str]]
    output: tuple[tuple[int, ...], str]
    call: str

    def __call__(self, board: str, optimize: str, cases: Sequence[Mapping[str, np.ndarray]]) -> list[np.ndarray]:
        """The output of each case. A sanitizer's report on the host fails the test."""
        device = get_board(board)
        image = device.build(self._module(BOARDS[board]), optimize=optimize, sanitize=board == "host")
        result = device.run(image, [{name: self._padded(name, case[name]) for name in self.inputs} for case in cases])
        return [output["y"] for output in result.outputs]

    def _padded(self, name: str, array: np.ndarray) -> np.ndarray:
        """``array`` at the beginning of one of the input's shape; what follows must not matter."""
        shape, dtype = self.inputs[name]
        whole = np.full(shape, 85, dtype)
        whole.ravel()[: array.size] = array.ravel()
        return whole

    def _module(self, target: str) -> object:
        specs = [TensorSpec(name, shape, dtype) for name, (shape, dtype) in self.inputs.items()]
        result = TensorSpec("y", *self.output)
        tensors = {spec.name: Tensor(spec.name, spec.shape, spec.dtype) for spec in (*specs, result)}
        names = tuple(self.inputs)
        layer = Layer("kernel_0", "kernel", None, names, ("y",))  # type: ignore[arg-type]
        program = Program("m", tuple(specs), (result,), names, ("y",), tensors, (layer,))
        parameters = [f"const {c_type(spec.dtype)} *restrict {spec.name}" for spec in specs]
        function = Function("m_kernel_0", (*parameters, f"{c_type(result.dtype)} *restrict y"), (f"  {self.call}",))
        return generate(program, plan_memory(program), get_core(target), printer=lambda _layer, _prefix: function)


_DEPTH, _GROUPS, _PITCH, _MEMORY = 600, 8, 40, 200

KERNELS = {
    "tvm_tiny_byte_products_8": Kernel(
        {"acc": ((8,), "int32"), "x": ((_DEPTH,), "int8"), "w": ((_DEPTH, 2), "uint32"), "depth": ((1,), "int32")},
        ((8,), "int32"),
        "(void)memcpy(y, acc, 32u); tvm_tiny_byte_products_8(y, x, (const uint8_t *)w, depth[0]);",
    ),
    "tvm_tiny_add_byte_products": Kernel(
        {"sums": ((4,), "int32"), "words": ((4,), "uint32")},
        ((4,), "int32"),
        "(void)memcpy(y, sums, 16u); tvm_tiny_add_byte_products(y, words[0], words[1], words[2], words[3]);",
    ),
    "tvm_tiny_packed_dot_6": Kernel(
        {"acc": ((6,), "int32"), "x": ((_DEPTH, 4), "int32"), "w": ((_DEPTH,), "int8"), "depth": ((1,), "int32")},
        ((6,), "int32"),
        "(void)memcpy(y, acc, 24u); tvm_tiny_packed_dot_6(y, x, w, depth[0]);",
    ),
    "tvm_tiny_add_unpacked": Kernel(
        {"sums": ((3,), "int32"), "words": ((2,), "uint32")},
        ((3,), "int32"),
        "(void)memcpy(y, sums, 12u); tvm_tiny_add_unpacked(y, words[0], words[1]);",
    ),
    "tvm_tiny_rows_move": Kernel(
        {"x": ((_MEMORY,), "int8"), "move": ((3,), "int32")},
        ((_MEMORY,), "int8"),
        f"(void)memcpy(y, x, {_MEMORY}u); tvm_tiny_rows_move(y + move[0], y + move[1], move[2]);",
    ),
    **{
        f"tvm_tiny_depthwise_row_3x3_s{stride}": Kernel(
            {
                "sums": ((4 * _GROUPS,), "int32"),
                "plane": ((3 * stride * _PITCH,), "int32"),
                "taps": ((10,), "int32"),
                "size": ((2,), "int32"),
            },
            ((4 * _GROUPS,), "int32"),
            f"(void)memcpy(y, sums, {16 * _GROUPS}u); tvm_tiny_depthwise_row_3x3_s{stride}(y, plane, taps, size[0], size[1]);",
        )
        for stride in (1, 2)
    },
}
