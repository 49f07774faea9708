"""Models in assembly, whose instructions can be counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tvm_tiny.codegen.sources import CModule, LayerInfo
from tvm_tiny.model import TensorSpec

_HEADER = """\
#ifndef HAND_H_
#define HAND_H_
#include <stdint.h>
#define HAND_ARENA_SIZE 16u
#define HAND_ARENA_ALIGNMENT 16u
#define HAND_X_SIZE 1u
#define HAND_X_OFFSET 0u
#define HAND_Y_SIZE 1u
#define HAND_Y_OFFSET 0u
enum hand_status { HAND_OK = 0 };
struct hand_inputs { const int8_t *x; };
struct hand_outputs { int8_t *y; };
enum hand_status hand_run(void *arena, const struct hand_inputs *inputs, const struct hand_outputs *outputs);
#endif
"""

SAMPLE = {"x": np.zeros(1, np.int8)}


@dataclass(frozen=True)
class Function:
    """A function in Thumb assembly; it ends with its own return."""

    name: str
    body: str

    def text(self) -> str:
        return f"__attribute__((naked, noinline, used)) static void {self.name}(void) {{\n{_assembly(self.body)}}}\n"


def _assembly(body: str) -> str:
    lines = "".join(f'    "{line.strip()}\\n"\n' for line in (".syntax unified", *body.strip().splitlines()))
    return f"  __asm volatile(\n{lines}  );\n"


def hand(functions: Sequence[Function], layers: Sequence[str], run: str | None = None) -> CModule:
    """A model of ``functions``; ``layers`` names those that are layers, in the order in which ``hand_run`` calls them.

    ``run`` is the body of ``hand_run``; by default it takes one instruction for each layer and three of its own.
    """
    calls = "\n".join(f"bl {layer}" for layer in layers)
    body = run or f"push {{r4, lr}}\n{calls}\nmovs r0, #0\npop {{r4, pc}}"
    source = '#include "hand.h"\n' + "".join(function.text() for function in functions)
    source += "__attribute__((naked)) enum hand_status hand_run(void *arena, const struct hand_inputs *inputs,\n"
    source += f"    const struct hand_outputs *outputs) {{\n{_assembly(body)}}}\n"
    return CModule(
        name="hand",
        target="c",
        files={"hand.h": _HEADER, "hand.c": source},
        sources=("hand.c",),
        inputs=(TensorSpec("x", (1,), "int8"),),
        outputs=(TensorSpec("y", (1,), "int8"),),
        input_members=("x",),
        output_members=("y",),
        arena_size=16,
        arena_alignment=16,
        weights_size=0,
        layers=tuple(_layer(f"{index}", function) for index, function in enumerate(layers)),
    )


def _layer(name: str, function: str) -> LayerInfo:
    return LayerInfo(name, function, "test", 0, 0, "default", "cpu", True, name, (1,), "int8", "", None, 0)
