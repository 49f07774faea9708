"""The kernels that are all assembly, through both compilers: each has an assembler of its own, with its own spellings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.codegen.compilers import WARNINGS, Compiler
from tvm_tiny.board.toolchain import ARM_GCC, find_tool
from tvm_tiny.resources import runtime_dir
from tvm_tiny.target import get_core

HEADERS = ("dsp_blocks", "dsp_block_windows", "dsp_dense_blocks", "dsp_pool", "dsp_shallow", "dsp_winograd", "dsp_winograd_square")
KERNELS = re.compile(r"tvm_tiny_(?:blocks|dense_blocks|winograd|winograd_square)_(?:together|between)(?:_folded|_high)?")
CALLS = """\
void run(int32_t *words, int8_t *bytes, int32_t n);
void run(int32_t *words, int8_t *bytes, int32_t n) {
  tvm_tiny_winograd_tile(words, bytes, bytes, n, n, n, n, n, n);
  tvm_tiny_winograd_together(words, words, bytes, n, n);
  tvm_tiny_winograd_between(words, words, bytes, n, n);
  tvm_tiny_winograd_square(words, bytes, bytes, n, n, n, n, n, n);
  tvm_tiny_winograd_square_together(words, words, bytes, words, n, n, n);
  tvm_tiny_winograd_square_between(words, words, bytes, words, n, n, n);
  tvm_tiny_block_columns(words, bytes, bytes, bytes, bytes, n);
  tvm_tiny_block_windows_rgb(words, bytes, bytes, n, n, n, n, n, n);
  tvm_tiny_blocks_together_folded(words, words, bytes, n, n, n);
  tvm_tiny_blocks_together_high(words, words, bytes, n, n, n);
  tvm_tiny_blocks_between_folded(words, words, bytes, n, n, n);
  tvm_tiny_blocks_between_high(words, words, bytes, n, n, n);
  tvm_tiny_shallow(bytes, words, bytes, n, n);
  tvm_tiny_sum_window_8(words, bytes, n, n, n, n);
  tvm_tiny_dense_blocks_together(bytes, bytes, words, n, n);
  tvm_tiny_dense_blocks_between(bytes, bytes, words, n, n);
}
"""


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m7", "cortex-m33"])
@pytest.mark.parametrize("program", ["arm-none-eabi-gcc", "clang"])
def test_assembles_without_a_warning(program: str, target: str, tmp_path: Path) -> None:
    source = tmp_path / "kernels.c"
    source.write_text("".join(f'#include "tvm_tiny/runtime/{each}.h"\n' for each in HEADERS) + CALLS)
    flags = ["-std=c99", "-pedantic", "-O2", *get_core(target).cflags, *WARNINGS]
    if program == "clang":  # with the headers of the C library that gcc uses
        library = subprocess.run([find_tool(ARM_GCC), "-print-file-name=libc.a"], capture_output=True, text=True, check=True).stdout
        flags += ["--target=arm-none-eabi", "-isystem", str(Path(library.strip()).resolve().parents[1] / "include")]
    Compiler(program, program, tuple(flags)).run(f"-I{runtime_dir()}", "-c", source, "-o", tmp_path / "kernels.o", cwd=tmp_path)
    kernels = set(KERNELS.findall(CALLS))
    assert len(kernels) == 10
    assembled = (tmp_path / "kernels.o").read_bytes()
    assert all(kernel.encode() in assembled for kernel in kernels)
