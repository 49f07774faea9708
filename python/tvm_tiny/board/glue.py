"""The header that tells the harness about one model: names, places and sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from tvm_tiny.codegen.sources import CModule
from tvm_tiny.model import TensorSpec

# Bytes at both ends of the buffer outside the arena that must stay as they are.
_MARGIN = 8


@dataclass(frozen=True)
class OutsideBuffer:
    """Places of the model's tensors in one buffer outside the arena, inputs first; ``size`` bytes in all."""

    offsets: tuple[int, ...]
    size: int


def outside_buffer(module: CModule) -> OutsideBuffer:
    """Place each tensor at an address aligned to its element and to nothing more: callers' buffers are no better than that."""
    offsets, end = [], _MARGIN
    for tensor in (*module.inputs, *module.outputs):
        unit = np.dtype(tensor.dtype).itemsize
        start = -(-end // (2 * unit)) * 2 * unit + unit
        offsets.append(start)
        end = start + tensor.nbytes
    return OutsideBuffer(tuple(offsets), end + _MARGIN)


def all_in_arena(module: CModule) -> bool:
    """Whether every input and output has a place in the arena; callers must otherwise bring memory for some."""
    return all(module.in_arena(member) for member in (*module.input_members, *module.output_members))


def _macro(module: CModule, member: str, what: str) -> str:
    return f"{module.name}_{member}_{what}".upper()


def _table(module: CModule, name: str, members: tuple[str, ...], offsets: tuple[int, ...]) -> str:
    rows = []
    for member, outside in zip(members, offsets, strict=True):
        offset = _macro(module, member, "OFFSET") if module.in_arena(member) else "HARNESS_NO_PLACE"
        rows.append(f"    {{{_pool_of(module, member)}u, {offset}, {_macro(module, member, 'SIZE')}, {outside}u}},\n")
    return f"static const struct harness_tensor {name}[] = {{\n{''.join(rows)}}};\n"


def _pool_of(module: CModule, member: str) -> int:
    """The index of the pool that holds the tensor which the header calls ``member``."""
    size = _macro(module, member, "SIZE")
    found = re.search(rf", in pool (\w+)\. \*/\n#define {size} ", module.files[f"{module.name}.h"])
    return [pool.name for pool in module.pools].index(found[1]) if found and module.pools else 0


def _pools(module: CModule) -> str:
    """The memories of the model, each of exactly its size, and what <model>_run is given of them."""
    upper, alignment = module.name.upper(), f"{module.name.upper()}_ARENA_ALIGNMENT"
    sizes = {f"harness_{pool.name}_pool": f"{upper}_POOL_{pool.name.upper()}_BYTES" for pool in module.pools}
    sizes = sizes or {"harness_arena": f"{upper}_ARENA_SIZE"}
    definitions = "\n".join(f"HARNESS_POOL({name}, {size}, {alignment})" for name, size in sizes.items())
    rows = "\n".join(f"    HARNESS_POOL_ROW({name}, {size}, {alignment})," for name, size in sizes.items())
    body = "  return harness_pools[0].start;\n"
    if module.pools:
        assignments = "".join(f"  pools.{pool.name} = harness_pools[{index}].start;\n" for index, pool in enumerate(module.pools))
        body = f"  static struct {module.name}_pools pools;\n{assignments}  return &pools;\n"
    return f"""\
{definitions}
static const struct harness_pool harness_pools[] = {{
{rows}
}};

/* What {module.name}_run is given to work in. */
static void *harness_memory(void) {{
{body}}}
"""


def _writes(module: CModule) -> str:
    """The bytes that each layer may write; only builds that check the arena read them."""
    rows = [
        f"    {{{layer}u, {buffer.pool}u, {buffer.offset}u, {buffer.size}u, {int(buffer.bound)}}},\n"
        for layer, buffer in sorted(
            ((layer, buffer) for buffer in module.buffers for layer in buffer.writers), key=lambda row: (row[0], row[1].offset)
        )
    ]
    none = "    {0u, 0u, 0u, 0u, 0},\n"
    return f"""\
#define TVM_TINY_MODEL_LAYERS {len(module.layers)}u
#define TVM_TINY_MODEL_WRITES {len(rows)}u
#if defined(TVM_TINY_CHECK_ARENA)
static const struct allowed_write harness_writes[] = {{
{"".join(rows) or none}}};
#endif
"""


def _checks(module: CModule) -> str:
    """The sizes that the header states are those that the Python side packs and unpacks."""
    upper = module.name.upper()
    sizes = [(f"{upper}_POOL_{pool.name.upper()}_BYTES", pool.size) for pool in module.pools]
    sizes = sizes or [(f"{upper}_ARENA_SIZE", module.arena_size)]
    tensors: list[tuple[TensorSpec, str]] = [
        *zip(module.inputs, module.input_members, strict=True),
        *zip(module.outputs, module.output_members, strict=True),
    ]
    sizes += [(_macro(module, member, "SIZE"), tensor.nbytes) for tensor, member in tensors]
    return "".join(f"typedef char harness_check_{i}[({macro}) == {size} ? 1 : -1];\n" for i, (macro, size) in enumerate(sizes))


def glue_header(module: CModule, *, outside: bool) -> str:
    """The text of ``model_glue.h``; ``outside`` says whether the board has room for a buffer outside the arena."""
    name = module.name
    buffer = outside_buffer(module)
    input_offsets, output_offsets = buffer.offsets[: len(module.inputs)], buffer.offsets[len(module.inputs) :]
    ports = [("input", member) for member in module.input_members] + [("output", member) for member in module.output_members]
    assignments = []
    for (kind, member), offset in zip(ports, buffer.offsets, strict=True):
        place = f"(void *)(outside + {offset})"
        choice = f"is_outside ? {place} : 0" if module.in_arena(member) else place
        assignments.append(f"  harness_{kind}_pointers.{member} = {choice};\n")
    return f"""\
/* Generated: what the harness must know of the model {name}. */
#ifndef TVM_TINY_MODEL_GLUE_H_
#define TVM_TINY_MODEL_GLUE_H_

#include "arena_check.h"
#include "harness.h"
#include "measure.h"
#include "model/{name}.h"
#include "pool.h"

#define TVM_TINY_MODEL_ALL_IN_ARENA {int(all_in_arena(module))}
#define TVM_TINY_MODEL_INPUTS {len(module.inputs)}u
#define TVM_TINY_MODEL_OUTPUTS {len(module.outputs)}u
#define TVM_TINY_MODEL_OUTSIDE_SIZE {buffer.size if outside else 0}u

{_checks(module)}
{_pools(module)}
{_writes(module)}
{_table(module, "harness_inputs", module.input_members, input_offsets)}
{_table(module, "harness_outputs", module.output_members, output_offsets)}
static struct {name}_inputs harness_input_pointers;
static struct {name}_outputs harness_output_pointers;

/* Points at the tensors in the buffer outside the arena, or leaves those that can be at their places in the arena. */
static void harness_point(uint8_t *outside, int is_outside) {{
  (void)outside;
  (void)is_outside;
{"".join(assignments)}}}

#define TVM_TINY_MODEL_STREAM {int(module.streaming)}
#define harness_reset(arena) {f"((uint32_t){name}_reset(arena))" if module.streaming else "0u"}

#if defined(__arm__)
/* The function itself, so that nothing but it is measured: arguments and result are passed alike. */
#define harness_function ((measured_function)(void (*)(void)){name}_run)
#else
static uint32_t harness_function(void *arena, const void *inputs, const void *outputs) {{
  return (uint32_t){name}_run(arena, inputs, outputs);
}}
#endif

#endif /* TVM_TINY_MODEL_GLUE_H_ */
"""
