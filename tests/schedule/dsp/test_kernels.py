"""The inner loops of runtime/dsp.h and dsp_dense.h alone: portable twins under sanitizers and assembly on the emulated cores, held
against integer arithmetic in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from tvm_tiny.board import get_board
from tvm_tiny.codegen.runtime import header_files
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.model import TensorSpec

from .products import M4, M33

WORDS = (1, 2, 7, 8, 9, 16, 19, 33)
MAX_WORDS = max(WORDS)
LENGTHS = {"x": 4 * MAX_WORDS * 4, "w": 16 * MAX_WORDS, "acc": 16}
"""Elements of the inputs: int8, int32 and int32."""


@dataclass(frozen=True)
class Kernel:
    """``call`` is C with {words}, {unroll} and {signed} to be put in; ``sums`` accumulators come out, after those in "acc"."""

    call: str
    pixels: int
    channels: int

    @property
    def sums(self) -> int:
        return self.pixels * self.channels


WIDEN = """\
for (int32_t k = 0; k < {words}; ++k) {{
      for (int32_t p = 0; p < {pixels}; ++p) {{
        const uint32_t word = tvm_tiny_load_s8x4(&x[4 * ({words} * p + k)]);
        lanes[{even}] = tvm_tiny_even_lanes(word);
        lanes[{odd}] = tvm_tiny_odd_lanes(word);
      }}
    }}
    """
KERNELS = {
    "dot 3x2": Kernel(
        WIDEN.replace("{pixels}", "3").replace("{even}", "6 * k + p").replace("{odd}", "6 * k + 3 + p")
        + "tvm_tiny_dot_3x2(y, lanes, w, {words}, {unroll}, {signed});",
        3,
        2,
    ),
    "dot rows 4x2": Kernel(
        WIDEN.replace("{pixels}", "4").replace("{even}", "2 * ({words} * p + k)").replace("{odd}", "2 * ({words} * p + k) + 1")
        + "tvm_tiny_dot_rows_4x2(y, lanes, w, 1, {words}, 0, 2 * {words}, {unroll}, {signed});",
        4,
        2,
    ),
    "dense 8": Kernel("tvm_tiny_dense_{sign}8x8(y, x, w, in->acc, {words}, 1);", 1, 8),
    "two blocks of dense 8": Kernel("tvm_tiny_dense_{sign}8x8(y, x, w, in->acc, {words}, 2);", 1, 16),
    "dense 4": Kernel("tvm_tiny_dense_{sign}8x4(y, x, w, in->acc, {words});", 1, 4),
}


def source(kernel: Kernel, signed: bool) -> str:
    """One run of the kernel for each number of words, its sums behind one another."""
    lines = ['#include "tvm_tiny/runtime/dsp_dense.h"', '#include "kernel.h"', "#include <stddef.h>", ""]
    lines += ["enum kernel_status kernel_run(void *arena, const struct kernel_inputs *in, const struct kernel_outputs *out) {"]
    lines += ["  (void)arena;", f"  int32_t lanes[{8 * MAX_WORDS}] = {{0}};", "  const int8_t *const x = in->x;"]
    lines += ["  const int32_t *const w = in->w;", "  (void)lanes;"]
    for index, words in enumerate(WORDS):
        unroll = max(each for each in range(1, 9) if words % each == 0)
        call = kernel.call.format(words=words, unroll=unroll, signed=int(signed), sign="s" if signed else "u")
        lines += ["  {", f"    int32_t *const y = &out->y[{index * kernel.sums}];"]
        lines += [f"    for (int32_t i = 0; i < {kernel.sums}; ++i) {{", "      y[i] = in->acc[i];", "    }", f"    {call}", "  }"]
    return "\n".join([*lines, "  return KERNEL_OK;", "}", ""])


def module_of(kernel: Kernel, signed: bool) -> CModule:
    specs = [TensorSpec(name, (length,), "int8" if name == "x" else "int32") for name, length in LENGTHS.items()]
    output = TensorSpec("y", (len(WORDS) * kernel.sums,), "int32")
    sizes = "".join(f"#define KERNEL_{each.name.upper()}_SIZE {each.nbytes}u\n" for each in (*specs, output))
    fields = " ".join(f"const {each.dtype}_t *{each.name};" for each in specs)
    header = (
        "#ifndef KERNEL_H_\n#define KERNEL_H_\n#include <stdint.h>\n"
        "#define KERNEL_ARENA_SIZE 16u\n#define KERNEL_ARENA_ALIGNMENT 16u\n"
        f"{sizes}enum kernel_status {{ KERNEL_OK = 0 }};\nstruct kernel_inputs {{ {fields} }};\n"
        "struct kernel_outputs { int32_t *y; };\nenum kernel_status kernel_run(void *arena, const struct kernel_inputs *in,\n"
        "    const struct kernel_outputs *out);\n#endif\n"
    )
    return CModule(
        name="kernel",
        target="c",
        files={"kernel.h": header, "kernel.c": source(kernel, signed), **header_files(["tvm_tiny/runtime/dsp_dense.h"])},
        sources=("kernel.c",),
        inputs=tuple(specs),
        outputs=(output,),
        input_members=tuple(LENGTHS),
        output_members=("y",),
        arena_size=16,
        arena_alignment=16,
        weights_size=0,
        layers=(),
    )


@cache
def samples(signed: bool) -> Sequence[dict[str, np.ndarray]]:
    """Any inputs, any words of weights, any accumulators."""
    rng, result = np.random.default_rng(int(signed)), []
    for low, high in ((-128, 127), (-128, -128), (127, 127), (-1, 0)):
        inputs = rng.integers(low, high, LENGTHS["x"], endpoint=True).astype(np.int8)
        weights = rng.integers(low, high, 4 * LENGTHS["w"], endpoint=True).astype(np.int8).view("<i4")
        result.append({"x": inputs, "w": weights, "acc": rng.integers(-(2**31), 2**31, LENGTHS["acc"]).astype(np.int32)})
    return result


def expected(kernel: Kernel, signed: bool, sample: dict[str, np.ndarray]) -> np.ndarray:
    """256 * sum of x * w and what comes on top of it, modulo 2^32; a word of weights is unpacked as two 16-bit lanes."""
    sums = []
    for words in WORDS:
        x = sample["x"][: kernel.pixels * words * 4].reshape(kernel.pixels, words, 2, 2).astype(np.int64)
        block = min(kernel.channels, 8)
        stored = sample["w"][: words * kernel.channels].view("<i2").reshape(-1, words, block, 2).astype(np.int64)
        lanes = stored.transpose(1, 0, 2, 3).reshape(words, kernel.channels, 2)
        odd = lanes.astype(np.int8).astype(np.int64) if signed else lanes & 0xFF
        even = (lanes - odd) // 256
        for c in range(kernel.channels):
            for p in range(kernel.pixels):
                products = (x[p, :, :, 0] * even[:, c] + x[p, :, :, 1] * odd[:, c]).sum()
                sums.append(256 * products + 127 * odd[:, c].sum())
    start = np.tile(sample["acc"][: kernel.sums].astype(np.int64), len(WORDS))
    return (np.array(sums) + start).astype(np.uint64).astype(np.uint32).view(np.int32)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "plus 128"])
@pytest.mark.parametrize("name", KERNELS)
def test_equals_integer_arithmetic(name: str, signed: bool) -> None:
    kernel = KERNELS[name]
    module = module_of(kernel, signed)
    host = get_board("host")
    runs = {"host": host.run(host.build(module, sanitize=True), samples(signed))}
    for board in (get_board(M4), get_board(M33)):
        runs[board.name] = board.run(board.build(module), samples(signed))
    for board_name, run in runs.items():
        for sample, outputs in zip(samples(signed), run.outputs, strict=True):
            np.testing.assert_array_equal(outputs["y"], expected(kernel, signed, sample), err_msg=board_name)
