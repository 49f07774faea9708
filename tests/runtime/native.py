"""Calls the runtime's functions from tests: compiled for the host with sanitizers, over arrays of arguments."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvm_tiny.resources import runtime_dir

from ..codegen.compilers import Compiler

RUNTIME = runtime_dir()

_C_TYPES = {"i": "int32_t", "u": "uint32_t", "l": "int64_t", "U": "uint64_t", "f": "float", "d": "double"}
_DTYPES = {"i": "<i4", "u": "<u4", "l": "<i8", "U": "<u8", "f": "<f4", "d": "<f8"}

# Function → its header, and one letter for the result and for each argument.
SIGNATURES = {
    "tvm_tiny_clamp": ("integer.h", "iiii"),
    "tvm_tiny_round_divide": ("integer.h", "iii"),
    "tvm_tiny_leading_zeros": ("integer.h", "iu"),
    "tvm_tiny_doubling_high_mul": ("fixed_point.h", "iii"),
    "tvm_tiny_rounding_shift_right": ("fixed_point.h", "iii"),
    "tvm_tiny_saturating_shift_left": ("fixed_point.h", "iii"),
    "tvm_tiny_requantize": ("requantize.h", "iiii"),
    "tvm_tiny_requantize_single": ("requantize.h", "iiii"),
    "tvm_tiny_round_f64": ("round.h", "id"),
    "tvm_tiny_round_f32": ("round.h", "if"),
    "tvm_tiny_round_even_f32": ("round.h", "if"),
    "tvm_tiny_requantize_real": ("requantize_real.h", "iid"),
    "tvm_tiny_requantize_even": ("requantize_real.h", "iif"),
    "tvm_tiny_quantize_f32": ("quantize.h", "iffiii"),
    "tvm_tiny_quantize_even_f32": ("quantize.h", "iffiii"),
    "tvm_tiny_dequantize": ("quantize.h", "fifi"),
    "tvm_tiny_shift_right_even": ("half_even.h", "ili"),
    "tvm_tiny_requantize_single_even": ("half_even.h", "iiii"),
    "tvm_tiny_weighted_sum_even": ("half_even.h", "iiiiii"),
    "tvm_tiny_round_divide_even": ("half_even.h", "iii"),
    "tvm_tiny_divide_even": ("half_even.h", "ill"),
    "tvm_tiny_abs_i32": ("scalar.h", "ii"),
    "tvm_tiny_abs_i64": ("scalar.h", "ll"),
    "tvm_tiny_floor_div_i32": ("scalar.h", "iii"),
    "tvm_tiny_floor_mod_i32": ("scalar.h", "iii"),
    "tvm_tiny_floor_div_i64": ("scalar.h", "lll"),
    "tvm_tiny_floor_mod_i64": ("scalar.h", "lll"),
    **{
        f"tvm_tiny_{which}_{suffix}": ("scalar.h", letter * 3)
        for which in ("min", "max")
        for suffix, letter in (("i32", "i"), ("i64", "l"), ("u32", "u"), ("u64", "U"), ("f32", "f"), ("f64", "d"))
    },
    "tvm_tiny_clamp_s8": ("requantize_split.h", "ii"),
    "tvm_tiny_requantize_2_digits": ("requantize_split.h", "iiiiii"),
    "tvm_tiny_requantize_3_digits": ("requantize_split.h", "iiiiii"),
    "tvm_tiny_pack_low": ("packed.h", "iii"),
    "tvm_tiny_pack_high": ("packed.h", "iii"),
    "tvm_tiny_lowest_21": ("packed.h", "iu"),
    "tvm_tiny_unpacked": ("packed.h", "iiii"),
    "tvm_tiny_reciprocal_bits": ("reciprocal.h", "iii"),
    "tvm_tiny_reciprocal_q0_31": ("reciprocal.h", "ii"),
}


def _harness() -> str:
    """A program that maps the function named by its argument over the records on its input."""
    headers = sorted({header for header, _ in SIGNATURES.values()})
    lines = ["#include <stdio.h>", "#include <string.h>", *(f'#include "tvm_tiny/runtime/{header}"' for header in headers), ""]
    lines += ["int main(int argc, char **argv) {", "  if (argc != 2) return 2;"]
    for function, (_, signature) in SIGNATURES.items():
        arguments = [f"a{index}" for index in range(len(signature) - 1)]
        lines.append(f'  if (strcmp(argv[1], "{function}") == 0) {{')
        lines += [f"    {_C_TYPES[letter]} {name};" for letter, name in zip(signature[1:], arguments, strict=True)]
        read = " && ".join(f"fread(&{name}, sizeof {name}, 1, stdin) == 1" for name in arguments)
        lines.append(f"    while ({read}) {{")
        lines.append(f"      const {_C_TYPES[signature[0]]} result = {function}({', '.join(arguments)});")
        lines += ["      fwrite(&result, sizeof result, 1, stdout);", "    }", "    return 0;", "  }"]
    return "\n".join([*lines, "  return 3;", "}", ""])


@dataclass(frozen=True)
class Runtime:
    """The runtime as one compiler built it."""

    program: Path

    def __call__(self, function: str, *arguments: object) -> np.ndarray:
        """``function`` of each element of the broadcast ``arguments``, shape (n,). Fails on any report of a sanitizer."""
        letters = SIGNATURES[function][1]
        columns = np.broadcast_arrays(*arguments)
        records = np.empty(columns[0].size, dtype=[(f"a{index}", _DTYPES[letter]) for index, letter in enumerate(letters[1:])])
        for index, column in enumerate(columns):
            records[f"a{index}"] = column.ravel()
        result = subprocess.run([self.program, function], input=records.tobytes(), capture_output=True, timeout=120)
        assert result.returncode == 0, result.stderr.decode()[:2000]
        values = np.frombuffer(result.stdout, _DTYPES[letters[0]])
        assert values.size == records.size
        return values


def build(folder: Path, compiler: Compiler, *flags: str) -> Runtime:
    """The harness, built in ``folder``."""
    source, program = folder / "harness.c", folder / "harness"
    source.write_text(_harness())
    compiler.run(*flags, f"-I{RUNTIME}", source, "-o", program)
    return Runtime(program)
