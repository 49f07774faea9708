"""The example of a package: ``<model>_example``, which runs the model on a bundled sample and checks what comes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.text import comment
from tvm_tiny.codegen.weights import initializer
from tvm_tiny.model import TensorSpec
from tvm_tiny.package.memory import memory_text
from tvm_tiny.package.part import Part


def example_files(part: Part) -> dict[str, str]:
    """``<model>_example.h`` and ``.c``: needs the model's own files, and no library."""
    name = part.name
    return {f"{name}_example.h": _header(name), f"{name}_example.c": _source(part)}


def _header(name: str) -> str:
    upper = name.upper()
    return f"""\
{comment(f"An example of the model {name}: one sample, and what the model must make of it.")}
#ifndef {upper}_EXAMPLE_H_
#define {upper}_EXAMPLE_H_

#ifdef __cplusplus
extern "C" {{
#endif

/* Runs the model on the sample: 0 if every output is as expected, else 1 + the number of elements that are not. */
long {name}_example(void);

#ifdef __cplusplus
}}
#endif

#endif /* {upper}_EXAMPLE_H_ */
"""


def _source(part: Part) -> str:
    module, name = part.module, part.name
    upper, memory = name.upper(), memory_text(module)
    inputs = list(zip(module.inputs, module.input_members, strict=True))
    outputs = list(zip(module.outputs, module.output_members, strict=True))
    samples = [_array(f"input_{member}", spec, part.sample[spec.name]) for spec, member in inputs]
    expected = [_array(f"expected_{member}", spec, part.expected[spec.name]) for spec, member in outputs]
    results = [f"static {c_type(spec.dtype)} output_{member}[{spec.size}];" for spec, member in outputs]
    kinds = sorted({spec.dtype for spec in module.outputs})
    counters = "\n\n".join(_counter(dtype) for dtype in kinds)
    checks = [f"  wrong += count_{spec.dtype}(output_{member}, expected_{member}, {spec.size});" for spec, member in outputs]
    return f"""\
{comment(f"An example of the model {name}: one sample, and what the model must make of it.")}
#include "{name}_example.h"

#include <stddef.h>
#include <stdint.h>

#include "{name}.h"
#include "tvm_tiny/runtime/compiler.h"

{_joined(samples)}

{_joined(expected)}

{memory.definitions}

{_joined(results, gap=1)}

{counters}

long {name}_example(void) {{
  const struct {name}_inputs inputs = {{{", ".join(f"input_{member}" for _, member in inputs) or "NULL"}}};
  const struct {name}_outputs outputs = {{{", ".join(f"output_{member}" for _, member in outputs)}}};
{_joined([*memory.lines, "  long wrong = 0;"], gap=1)}

  if ({name}_run({memory.argument}, &inputs, &outputs) != {upper}_OK) {{
    return 1;
  }}
{_joined(checks, gap=1)}
  return (wrong == 0) ? 0 : 1 + wrong;
}}
"""


def _counter(dtype: str) -> str:
    """A function that counts the elements which are not as expected; floats of two compilers may differ in their last digits."""
    kind = c_type(dtype)
    head = f"static long count_{dtype}(const {kind} *found, const {kind} *expected, long size) {{"
    if dtype.startswith("float"):
        test = f"""\
    const {kind} difference = (found[i] > expected[i]) ? found[i] - expected[i] : expected[i] - found[i];
    const {kind} magnitude = (expected[i] < 0) ? -expected[i] : expected[i];

    if (!(difference <= ({kind})1e-5 + (({kind})1e-4 * magnitude))) {{
      ++wrong;
    }}"""
    else:
        test = "    if (found[i] != expected[i]) {\n      ++wrong;\n    }"
    return f"{head}\n  long wrong = 0;\n\n  for (long i = 0; i < size; ++i) {{\n{test}\n  }}\n  return wrong;\n}}"


def _array(name: str, spec: TensorSpec, values: np.ndarray) -> str:
    data = np.asarray(values).reshape(spec.shape)
    return f"static const {c_type(spec.dtype)} {name}[{spec.size}] = {{\n{initializer(data)}\n}};"


def _joined(texts: Sequence[str], gap: int = 2) -> str:
    return ("\n" * gap).join(texts)
