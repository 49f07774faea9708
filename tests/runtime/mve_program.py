"""Calls of the inner loops for MVE as one firmware: each call reads arrays, and writes bytes that are then looked at.

What it must leave as it is is looked at too: the bytes that a call may write lie among others of a known value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvm_tiny.codegen.runtime import header_files
from tvm_tiny.codegen.sources import CModule, LayerInfo
from tvm_tiny.model import TensorSpec

UNTOUCHED = 0x55


@dataclass(frozen=True)
class Call:
    """``statement`` is C, with {name} where the address of an array is meant, and {out} for that of the output.

    Attributes
    ----------
    inputs : dict of str to array
        int8, uint8 or int32.
    expected : array
        What lies at {out} afterwards, of any dtype.
    written : array of bool
        Which elements of ``expected`` the call writes, all of them by default.
    """

    statement: str
    inputs: Mapping[str, np.ndarray]
    expected: np.ndarray
    written: np.ndarray | None = None

    @property
    def functions(self) -> set[str]:
        return set(re.findall(r"tvm_tiny_\w+", self.statement))

    def outcome(self) -> np.ndarray:
        """The bytes at {out} afterwards."""
        untouched = np.full(self.expected.nbytes, UNTOUCHED, np.uint8).view(self.expected.dtype).reshape(self.expected.shape)
        written = np.ones(self.expected.shape, bool) if self.written is None else self.written
        return np.where(written, self.expected, untouched).reshape(-1).view(np.uint8)


def _aligned(size: int) -> int:
    return -(-size // 16) * 16


_C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int32": "int32_t"}


def program(calls: Sequence[Call], target: str) -> tuple[CModule, np.ndarray, np.ndarray]:
    """The firmware, its input, and the output that it must have: (bytes,) of int8 each."""
    functions, runs, blob, outcome = [], [], bytearray(), bytearray()
    for index, call in enumerate(calls):
        places = {}
        for name, array in call.inputs.items():
            places[name] = (len(blob), _C_TYPES[str(array.dtype)])
            blob += array.tobytes() + bytes(_aligned(array.nbytes + 1) - array.nbytes)
        bytes_ = call.outcome()
        places["out"] = (len(outcome), _C_TYPES[str(call.expected.dtype)])
        outcome += bytes_.tobytes() + bytes([UNTOUCHED] * (_aligned(bytes_.size + 1) - bytes_.size))
        addresses = {name: f"(({kind} *)(void *)&{'to' if name == 'out' else 'from'}[{at}])" for name, (at, kind) in places.items()}
        functions.append(
            f"static TVM_TINY_NOINLINE void call_{index}(int8_t *from, int8_t *to) {{\n"
            f"  (void)from;\n  {call.statement.format(**addresses)};\n}}\n"
        )
        runs.append(f"  call_{index}(memory, &memory[{{size}}]);\n")
    size, result = len(blob), len(outcome)
    headers = sorted({f"tvm_tiny/runtime/{name}.h" for name in _HEADERS})
    files = {"inner.h": _header(size, result), "inner.c": _source(headers, functions, runs, size, result), **header_files(headers)}
    module = CModule(
        name="inner",
        target=target,
        files=files,
        sources=("inner.c",),
        inputs=(TensorSpec("x", (size,), "int8"),),
        outputs=(TensorSpec("y", (result,), "int8"),),
        input_members=("x",),
        output_members=("y",),
        arena_size=size + result,
        arena_alignment=16,
        weights_size=0,
        layers=(LayerInfo("calls", "call_0", "calls", 0, 0, "default", "cpu", True, "y", (result,), "int8", "", None, 0),),
    )
    return module, np.frombuffer(bytes(blob), np.int8), np.frombuffer(bytes(outcome), np.int8)


_HEADERS = (
    "compiler",
    "mve",
    "mve_add",
    "mve_columns",
    "mve_depthwise",
    "mve_dot",
    "mve_dot_pipelined",
    "mve_pool",
    "mve_requantize",
    "mve_small",
)


def _header(size: int, result: int) -> str:
    return f"""\
#ifndef INNER_H_
#define INNER_H_
#include <stdint.h>
#define INNER_ARENA_SIZE {size + result}u
#define INNER_ARENA_ALIGNMENT 16u
#define INNER_WEIGHTS_SIZE 0u
#define INNER_X_SIZE {size}u
#define INNER_X_OFFSET 0u
#define INNER_Y_SIZE {result}u
#define INNER_Y_OFFSET {size}u
enum inner_status {{ INNER_OK = 0, INNER_ERROR_NULL = 1, INNER_ERROR_ALIGNMENT = 2 }};
struct inner_inputs {{ const int8_t *x; }};
struct inner_outputs {{ int8_t *y; }};
enum inner_status inner_run(void *arena, const struct inner_inputs *inputs, const struct inner_outputs *outputs);
#endif
"""


def _source(headers: Sequence[str], functions: Sequence[str], runs: Sequence[str], size: int, result: int) -> str:
    includes = "".join(f'#include "{header}"\n' for header in headers)
    return f"""\
#include "inner.h"
#include <string.h>
{includes}
{"".join(functions)}
enum inner_status inner_run(void *arena, const struct inner_inputs *inputs, const struct inner_outputs *outputs) {{
  int8_t *const memory = (int8_t *)arena;
  if (memory == NULL) {{
    return INNER_ERROR_NULL;
  }}
  if (((uintptr_t)memory % INNER_ARENA_ALIGNMENT) != 0u) {{
    return INNER_ERROR_ALIGNMENT;
  }}
  if ((inputs != NULL) && (inputs->x != NULL)) {{
    memcpy(memory, inputs->x, {size}u);
  }}
  memset(&memory[{size}], {UNTOUCHED}, {result}u);
{"".join(runs).replace("{size}", str(size))}\
  if ((outputs != NULL) && (outputs->y != NULL)) {{
    memcpy(outputs->y, &memory[{size}], {result}u);
  }}
  return INNER_OK;
}}
"""
