"""Runs layers on this machine with their tensors wherever a test puts them in one memory."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tvm_tiny.codegen.ctypes import c_type
from tvm_tiny.codegen.printer import print_layer
from tvm_tiny.codegen.runtime import header_files, headers_for
from tvm_tiny.codegen.weights import print_weights, print_weights_header
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.program import Layer, Program
from tvm_tiny.schedule.program import schedule_program
from tvm_tiny.target import get_core
from tvm_tiny.transform.lower_integer import lower_integer
from tvm_tiny.transform.pipeline import run_passes


def program_of(model: bytes, target: str) -> Program:
    """The scheduled program of a TFLite model."""
    loaded = load_tflite(model, "m", "m.tflite")
    return schedule_program(run_passes(lower_integer(loaded, Arithmetic("tflite-micro")).mod), loaded, get_core(target))


class Library:
    """The C functions of some programs, compiled as they are where outputs overlap inputs."""

    def __init__(self, programs: Mapping[str, Program], folder: Path, *flags: str) -> None:
        """``programs`` by the prefix of their functions."""
        printed, entries, weights, declarations = [], [], [], []
        for prefix, program in programs.items():
            weights.append(print_weights(prefix, program.constants) if program.constants else "")
            declarations.append(print_weights_header(prefix, program.constants))
            for layer in program.layers:
                printed.append(print_layer(layer, prefix).text)
                entries.append(_entry(prefix, program, layer))
        text = "\n".join([*declarations, *printed, *entries])
        headers = headers_for(text)
        for name, content in header_files(headers).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        includes = [f'#include "{name}"' for name in headers] + ["#include <string.h>", "#include <math.h>"]
        body = "\n".join([*includes, text, *(each.split('runtime/compiler.h"', 1)[-1] for each in weights)])
        (folder / "layers.c").write_text(body)
        command = ["gcc", "-std=c99", "-O2", "-shared", "-fPIC", f"-I{folder}", *flags, "layers.c", "-o", "layers.so", "-lm"]
        subprocess.run(command, cwd=folder, check=True)
        self.functions = ctypes.CDLL(str(folder / "layers.so"))

    def run(self, prefix: str, program: Program, layer: Layer, values: Mapping[str, np.ndarray], distance: int | None) -> bytes:
        """The bytes of the first output for inputs ``values``.

        ``distance`` is that of the first of ``layer.overlaps``: so many bytes behind its input the output begins in memory. None:
        all tensors are apart.
        """
        sizes = {name: program.tensors[name].nbytes for name in (*layer.inputs, *layer.outputs)}
        pair = layer.overlaps[0] if distance is not None else None
        memory = np.zeros(sum(sizes.values()) * 2 + 256, np.uint8)
        at: dict[str, int] = {}
        end = 64
        if pair is not None and distance is not None:
            at[pair.input] = 64 + max(0, -distance)
            at[pair.output] = at[pair.input] + distance
            end = max(at[name] + sizes[name] for name in (pair.input, pair.output))
        for name in sizes:
            if name not in at:
                at[name] = -(-end // 64) * 64
                end = at[name] + sizes[name]
        for name, value in values.items():
            memory[at[name] : at[name] + sizes[name]] = np.frombuffer(value.tobytes(), np.uint8)
        scratch = [np.full(each.nbytes + 16, 0xA5, np.uint8) for each in layer.scratch]
        pointers = [memory.ctypes.data + at[name] for name in (*layer.inputs, *layer.outputs)]
        pointers += [each.ctypes.data for each in scratch]
        function = getattr(self.functions, f"call_{prefix}_{layer.name}")
        function((ctypes.c_void_p * len(pointers))(*pointers))
        output = layer.outputs[0]
        return memory[at[output] : at[output] + sizes[output]].tobytes()


def _entry(prefix: str, program: Program, layer: Layer) -> str:
    """A function that calls ``layer`` with pointers out of an array."""
    dtypes = [program.tensors[name].dtype for name in (*layer.inputs, *layer.outputs)] + [each.dtype for each in layer.scratch]
    arguments = ", ".join(f"({c_type(dtype)} *)pointers[{index}]" for index, dtype in enumerate(dtypes))
    name = f"{prefix}_{layer.name}"
    return f"void call_{name}(void **pointers);\nvoid call_{name}(void **pointers) {{\n  {name}({arguments});\n}}\n"


def random_values(program: Program, layer: Layer, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Inputs of a layer, over the whole range of an integer type."""
    values = {}
    for name in layer.inputs:
        tensor = program.tensors[name]
        dtype = np.dtype(tensor.dtype)
        if dtype.kind == "f":
            values[name] = rng.uniform(-4, 4, tensor.shape).astype(dtype)
        elif dtype.kind == "b":
            values[name] = rng.integers(0, 2, tensor.shape).astype(dtype)
        else:
            limits = np.iinfo(dtype)
            values[name] = rng.integers(limits.min, limits.max, tensor.shape, dtype, endpoint=True)
    return values


def pairs(layer: Layer) -> Sequence[Layer]:
    """``layer`` once for each of its overlaps, that one first."""
    return [replace(layer, overlaps=(each, *(o for o in layer.overlaps if o != each))) for each in layer.overlaps]
