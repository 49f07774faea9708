"""A model in C written by hand, as docs/c-interface.md has it: x → clamp(2x + bias) → clamp(-x), in an arena of 16 bytes.

Variations of its second layer do what generated code must never do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tvm_tiny.codegen.sources import CModule, LayerInfo
from tvm_tiny.model import TensorSpec

ELEMENTS = 8
BIAS = (1, -2, 3, -4, 5, -6, 7, -8)

_HEADER = """\
#ifndef TWICE_H_
#define TWICE_H_
#include <stdint.h>
#define TWICE_ARENA_SIZE 16u
#define TWICE_ARENA_ALIGNMENT 16u
#define TWICE_WEIGHTS_SIZE 8u
#define TWICE_X_SIZE 8u
#define TWICE_X_OFFSET 0u
#define TWICE_Y_SIZE 8u
#define TWICE_Y_OFFSET 0u
enum twice_status { TWICE_OK = 0, TWICE_ERROR_NULL = 1, TWICE_ERROR_ALIGNMENT = 2 };
struct twice_inputs { const int8_t *x; };
struct twice_outputs { int8_t *y; };
enum twice_status twice_run(void *arena, const struct twice_inputs *inputs, const struct twice_outputs *outputs);
#endif
"""

_SOURCE = """\
#include "twice.h"
#include <stddef.h>
#include <string.h>
#include "twice_weights.h"
#ifdef TVM_TINY_TRACE
void tvm_tiny_trace(int layer, const void *output, size_t size);
#else
#define tvm_tiny_trace(layer, output, size) ((void)0)
#endif

static int8_t clamp(int32_t value) {
  return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

__attribute__((noinline)) static void twice_double(const int8_t *in, int8_t *out) {
  for (int32_t i = 0; i < 8; ++i)
    out[i] = clamp(2 * in[i] + twice_bias[i]);
}

@HELPERS@
__attribute__((noinline)) static void twice_negate(const int8_t *in, int8_t *out) {
  @NEGATE@
}

enum twice_status twice_run(void *arena, const struct twice_inputs *inputs, const struct twice_outputs *outputs) {
  int8_t *const memory = (int8_t *)arena;
  if (arena == NULL)
    return TWICE_ERROR_NULL;
  if ((uintptr_t)arena % TWICE_ARENA_ALIGNMENT != 0u)
    return TWICE_ERROR_ALIGNMENT;
  const int8_t *const x = inputs != NULL && inputs->x != NULL ? inputs->x : memory;
  int8_t *const y = outputs != NULL && outputs->y != NULL ? outputs->y : memory;
  twice_double(x, memory + 8);
  tvm_tiny_trace(0, memory + 8, 8u);
  twice_negate(memory + 8, y);
  tvm_tiny_trace(1, y, 8u);
  return TWICE_OK;
}
"""

_WEIGHTS_HEADER = "#include <stdint.h>\nextern const int8_t twice_bias[8];\n"
_WEIGHTS = '#include "twice_weights.h"\nconst int8_t twice_bias[8] = {%s};\n' % ", ".join(map(str, BIAS))  # noqa: UP031

NEGATE = "for (int32_t i = 0; i < 8; ++i)\n    out[i] = clamp(-in[i]);"


def _layer(name: str) -> LayerInfo:
    return LayerInfo(name, f"twice_{name}", name, 0, 0, "default", "cpu", True, name, (ELEMENTS,), "int8", "", None, 0)


def twice(negate: str = NEGATE, helpers: str = "") -> CModule:
    """The model; ``negate`` is the body of its second layer, ``helpers`` what stands before that function."""
    source = _SOURCE.replace("@HELPERS@", helpers).replace("@NEGATE@", negate)
    files = {"twice.h": _HEADER, "twice.c": source, "twice_weights.c": _WEIGHTS, "twice_weights.h": _WEIGHTS_HEADER}
    return CModule(
        name="twice",
        target="c",
        files=files,
        sources=("twice.c", "twice_weights.c"),
        inputs=(TensorSpec("x", (2, 4), "int8"),),
        outputs=(TensorSpec("y", (8,), "int8"),),
        input_members=("x",),
        output_members=("y",),
        arena_size=16,
        arena_alignment=16,
        weights_size=8,
        layers=(_layer("double"), _layer("negate")),
    )


def with_sizes(module: CModule, arena: int, weights: int) -> CModule:
    """``module`` with an arena of ``arena`` bytes and ``weights`` bytes of constants, all of which are used."""
    files = dict(module.files)
    files["twice.h"] = files["twice.h"].replace("ARENA_SIZE 16u", f"ARENA_SIZE {arena}u")
    files["twice_weights.c"] = files["twice_weights.c"].replace("bias[8]", f"bias[{weights}]")
    files["twice_weights.h"] = files["twice_weights.h"].replace("bias[8]", f"bias[{weights}]")
    return replace(module, files=files, arena_size=arena, weights_size=weights)


def samples(count: int) -> list[dict[str, np.ndarray]]:
    """Random inputs, the same ones every time."""
    random = np.random.default_rng(7)
    return [{"x": random.integers(-128, 128, (2, 4), dtype=np.int8)} for _ in range(count)]


def expected_double(sample: dict[str, np.ndarray]) -> np.ndarray:
    return np.clip(2 * sample["x"].reshape(-1).astype(np.int32) + np.array(BIAS), -128, 127).astype(np.int8)


def expected(sample: dict[str, np.ndarray]) -> np.ndarray:
    """What the model computes, by NumPy."""
    return np.clip(-expected_double(sample).astype(np.int32), -128, 127).astype(np.int8)
