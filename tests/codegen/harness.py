"""Builds generated C for the host under sanitizers and runs it, with tensors inside and outside the arena."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.model import TensorSpec

from .compilers import HOST_GCC, SANITIZE


def write(module: CModule, folder: Path) -> Path:
    """The module's files in ``folder``."""
    for name, text in module.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def _array(name: str, spec: TensorSpec, value: np.ndarray) -> str:
    numbers = ", ".join(str(number.item() if spec.dtype != "bool" else int(number)) for number in value.ravel())
    return f"static const {c_type(spec.dtype)} {name}[] = {{{numbers}}};\n"


def runner(module: CModule, inputs: Sequence[np.ndarray], outside: int) -> str:
    """A function ``run_<name>_<outside>`` that runs ``module`` once and prints its outputs in hexadecimal.

    Bit i of ``outside`` is set if tensor i, inputs before outputs, lies outside the arena; -1: the structs themselves are NULL.
    Arena and tensors are allocated to the byte, so that AddressSanitizer sees what goes beyond.
    """
    name, upper = module.name, module.name.upper()
    lines = [
        _array(f"{name}_{outside & 0xFFFF}_data_{i}", spec, value)
        for i, (spec, value) in enumerate(zip(module.inputs, inputs, strict=True))
    ]
    lines.append(f"static int run_{name}_{outside & 0xFFFF}(void) {{\n  void *arena = NULL;\n  int status;")
    lines.append(f"  struct {name}_inputs inputs;\n  struct {name}_outputs outputs;")
    lines.append(f"  if (posix_memalign(&arena, 16, {upper}_ARENA_SIZE ? {upper}_ARENA_SIZE : 1) != 0) return 1;")
    lines.append(f"  memset(arena, 0x5a, {upper}_ARENA_SIZE);")
    members = [("inputs", member) for member in module.input_members] + [("outputs", member) for member in module.output_members]
    for i, (kind, member) in enumerate(members):
        macro = f"{upper}_{member.upper()}"
        spec = (*module.inputs, *module.outputs)[i]
        const = "const " if kind == "inputs" else ""
        place = f"(void *)((char *)arena + {macro}_OFFSET)"
        lines.append(f"  void *at_{i} = {f'malloc({macro}_SIZE)' if outside >= 0 and outside >> i & 1 else place};")
        if kind == "inputs":
            lines.append(f"  memcpy(at_{i}, {name}_{outside & 0xFFFF}_data_{i}, {macro}_SIZE);")
        lines.append(
            f"  {kind}.{member} = {f'({const}{c_type(spec.dtype)} *)at_{i}' if outside >= 0 and outside >> i & 1 else 'NULL'};"
        )
    structs = "NULL, NULL" if outside < 0 else "&inputs, &outputs"
    lines.append("  (void)inputs;\n  (void)outputs;")
    lines.append(f"  status = (int){name}_run(arena, {structs});\n  if (status != 0) return status;")
    for i in range(len(module.inputs), len(members)):
        lines.append(f"  dump(at_{i}, {upper}_{members[i][1].upper()}_SIZE);")
    lines += [f"  free(at_{i});" for i in range(len(members)) if outside >= 0 and outside >> i & 1]
    lines.append("  free(arena);\n  return 0;\n}\n")
    return "\n".join(lines)


PROLOGUE = """\
#define _POSIX_C_SOURCE 200112L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void dump(const void *data, size_t size) {
  for (size_t i = 0; i < size; ++i) printf("%02x", ((const uint8_t *)data)[i]);
  printf("\\n");
}

"""


def build_and_run(folder: Path, modules: Sequence[CModule], main: str, *flags: str) -> list[str]:
    """Compile ``modules`` and ``main`` with every warning an error and under sanitizers; the lines that ``main`` prints."""
    sources: list[Path] = []
    for module in modules:
        write(module, folder)
        sources += [folder / source for source in module.sources]
    (folder / "main.c").write_text(main)
    HOST_GCC.check(sources, [folder], *flags)  # apart, because sanitizers make gcc 12 see conversions that are not there
    HOST_GCC.run("-O0", *SANITIZE, *flags, f"-I{folder}", folder / "main.c", *sources, "-o", folder / "main", "-lm")
    result = subprocess.run([folder / "main"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, f"exit code {result.returncode}\n{result.stderr[:3000]}"
    return result.stdout.splitlines()


def main_of(modules: Sequence[CModule], runners: Sequence[str], body: Sequence[str]) -> str:
    """A program that does ``body``."""
    includes = "".join(f'#include "{module.name}.h"\n' for module in modules)
    statements = "\n".join(f"  {line}" for line in body)
    return f"{PROLOGUE}{includes}\n{''.join(runners)}\nint main(void) {{\n{statements}\n  return 0;\n}}\n"


def random_inputs(specs: Sequence[TensorSpec], seed: int = 0) -> list[np.ndarray]:
    """Whole numbers of each dtype; small and positive where the type is floating or bool."""
    rng = np.random.default_rng(seed)
    high = {"bool": 2, "float32": 100, "float64": 100}
    low = {"int8": -128, "int16": -500, "int32": -(2**31), "int64": -5}
    return [rng.integers(low.get(spec.dtype, 0), high.get(spec.dtype, 120), spec.shape).astype(spec.dtype) for spec in specs]
