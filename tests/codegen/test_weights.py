"""Constants in C: read back as bytes, and looked at."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.codegen.weights import print_weights, print_weights_header
from tvm_tiny.program import Constant
from tvm_tiny.resources import runtime_dir

from .compilers import C_COMPILERS, HOST_GCC, Compiler, name_of


def extremes(dtype: str) -> np.ndarray:
    kind = np.dtype(dtype)
    rng = np.random.default_rng(12)
    if kind.kind == "b":
        return np.array([True, False, True])
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        return np.concatenate(
            [rng.integers(limits.min, limits.max, 40, kind, endpoint=True), np.array([limits.min, limits.max, 0], kind)]
        )
    limits = np.finfo(kind)
    special = [0.0, -0.0, np.inf, -np.inf, limits.tiny, limits.smallest_subnormal, limits.max, limits.min, 1e-5, 1.0, 123456789.0]
    return np.concatenate([rng.standard_normal(40), special]).astype(kind)


DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
CONSTANTS = [Constant(f"c_{dtype}", extremes(dtype)) for dtype in DTYPES]
CONSTANTS.append(Constant("c_transposed", np.arange(24, dtype=np.int16).reshape(2, 3, 4).transpose(2, 0, 1)))
CONSTANTS.append(Constant("c_scalar", np.array(7, np.int32)))


def write(folder: Path, constants: list[Constant]) -> Path:
    (folder / "net_weights.h").write_text(print_weights_header("net", constants))
    source = folder / "net_weights.c"
    source.write_text(print_weights("net", constants))
    return source


def test_every_byte_arrives(tmp_path: Path) -> None:
    source = write(tmp_path, CONSTANTS)
    dump = "static void dump(const void *data, unsigned size) {\n  for (unsigned i = 0; i < size; ++i)\n"
    dump += '    printf("%02x", ((const unsigned char *)data)[i]);\n  puts("");\n}\n'
    calls = "".join(f"  dump(net_{each.name}, sizeof net_{each.name});\n" for each in CONSTANTS)
    main = tmp_path / "main.c"
    main.write_text(f'#include <stdio.h>\n#include "net_weights.h"\n{dump}int main(void) {{\n{calls}  return 0;\n}}\n')
    HOST_GCC.run(f"-I{tmp_path}", f"-I{runtime_dir()}", main, source, "-o", tmp_path / "main")
    lines = subprocess.run([tmp_path / "main"], capture_output=True, text=True).stdout.splitlines()
    assert lines == [np.ascontiguousarray(each.data).tobytes().hex() for each in CONSTANTS]


@pytest.mark.parametrize("compiler", C_COMPILERS, ids=name_of)
def test_without_warnings(compiler: Compiler, tmp_path: Path) -> None:
    finite = [each for each in CONSTANTS if each.data.dtype != np.float64]  # INFINITY is a float: -Wdouble-promotion
    compiler.check([write(tmp_path, finite)], [tmp_path, runtime_dir()])
    compiler.check([write(tmp_path, [])], [tmp_path, runtime_dir()])


def section_of(tool: str, objects: Path) -> dict[str, tuple[str, int]]:
    """Symbol → (section, address)."""
    listing = subprocess.run([tool, "-t", objects], capture_output=True, text=True, check=True).stdout
    return {
        name: (section, int(value, 16)) for value, section, name in re.findall(r"^(\w+) g +O (\S+)\s+\w+ (\w+)$", listing, re.M)
    }


def test_arrays_start_on_words_and_can_be_placed(tmp_path: Path) -> None:
    source = write(tmp_path, CONSTANTS)
    compiler = Compiler("gcc-m0", "arm-none-eabi-gcc", ("-mcpu=cortex-m0", "-mthumb", "-std=c99"))
    include = (f"-I{tmp_path}", f"-I{runtime_dir()}")
    compiler.run("-c", *include, source, "-o", tmp_path / "default.o")
    default = section_of("arm-none-eabi-objdump", tmp_path / "default.o")
    assert set(default) == {f"net_{each.name}" for each in CONSTANTS}
    for each in CONSTANTS:
        section, address = default[f"net_{each.name}"]
        assert section == ".rodata"
        assert address % max(4, each.data.itemsize) == 0
    compiler.run("-c", *include, '-DTVM_TINY_WEIGHTS_SECTION=".extflash"', source, "-o", tmp_path / "placed.o")
    placed = section_of("arm-none-eabi-objdump", tmp_path / "placed.o")
    assert set(placed) == set(default)
    assert {section for section, _ in placed.values()} == {".extflash"}


def test_a_line_holds_whole_rows() -> None:
    text = print_weights("net", [Constant("weight", np.arange(-12, 24, dtype=np.int8).reshape(3, 3, 4))])
    assert text.splitlines()[5:] == [
        "/* 3x3x4 int8, 36 bytes */",
        "TVM_TINY_WEIGHTS const int8_t net_weight[36] = {",
        "  -12, -11, -10,  -9,  -8,  -7,  -6,  -5,  -4,  -3,  -2,  -1,   0,   1,   2,   3,",
        "    4,   5,   6,   7,   8,   9,  10,  11,  12,  13,  14,  15,  16,  17,  18,  19,",
        "   20,  21,  22,  23",
        "};",
    ]


@pytest.mark.parametrize("row", [1, 3, 7, 18, 24, 25, 40, 64, 65, 97])
def test_no_line_is_too_long(row: int) -> None:
    text = print_weights(
        "net", [Constant("weight", np.full((5, row), -128, np.int8)), Constant("bias", np.full(row, -(2**31), np.int32))]
    )
    assert max(map(len, text.splitlines())) <= 120
    assert text.count("-128") == 5 * row
