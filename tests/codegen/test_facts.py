"""What a firmware can ask at compile time: the hash of the contents, the size of its arena; and the hooks around layers."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.program import Constant, Program
from tvm_tiny.version import __version__

from .compilers import CPP_COMPILERS, HOST_GCC, Compiler
from .harness import write
from .programs import generated
from .test_golden import plain


def content_hash(program: Program) -> str:
    found = re.search(r'#define NET_CONTENT_HASH "([0-9a-f]{16})"', generated(program).files["net.h"])
    assert found
    return found[1]


def test_the_hash_changes_with_one_weight() -> None:
    program = plain()
    conv, softmax = program.layers
    weight, bias = conv.constants
    other = replace(conv, constants=(Constant(weight.name, weight.data + np.int8(1)), bias))

    assert content_hash(program) == content_hash(plain())
    assert content_hash(replace(program, layers=(other, softmax))) != content_hash(program)


_CONSTANTS = """
#include <stdio.h>
#include <string.h>
#include "net.h"
int main(void) {
  printf("%s %s", net_tvm_tiny_version, net_content_hash);
  return strcmp(net_tvm_tiny_version, NET_TVM_TINY_VERSION) || strcmp(net_content_hash, NET_CONTENT_HASH);
}
"""


def test_version_and_hash_are_constants_too(tmp_path: Path) -> None:
    folder = write(generated(plain()), tmp_path)
    (folder / "main.c").write_text(_CONSTANTS)
    HOST_GCC.run(f"-I{folder}", folder / "main.c", folder / "net_weights.c", "-o", folder / "program")

    printed = subprocess.run([folder / "program"], check=True, capture_output=True, text=True).stdout
    assert printed == f"{__version__} {content_hash(plain())}"


def test_constants_lie_with_the_weights_and_only_where_they_are_read(tmp_path: Path) -> None:
    folder = write(generated(plain()), tmp_path)
    (folder / "main.c").write_text('#include "net.h"\nint main(void) { return net_content_hash[0]; }\n')
    section = '-DTVM_TINY_WEIGHTS_SECTION=".extflash"'
    HOST_GCC.run("-c", section, f"-I{folder}", folder / "net_weights.c", "-o", folder / "placed.o")
    objects = subprocess.run(["objdump", "-t", folder / "placed.o"], check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"(\S+)\s+[0-9a-f]+ (net_\w+)$", objects, re.M)) >= {(".extflash", "net_content_hash")}

    sources = (folder / "main.c", folder / "net_weights.c")
    HOST_GCC.run("-fdata-sections", "-Wl,--gc-sections", f"-I{folder}", *sources, "-o", folder / "program")
    symbols = subprocess.run(["nm", folder / "program"], check=True, capture_output=True, text=True).stdout
    assert "net_content_hash" in symbols
    assert "net_tvm_tiny_version" not in symbols
    assert "net_conv2d_0_weight" not in symbols


_ARENA = """
#include "net.h"
static unsigned char arena[NET_ARENA_SIZE - {short}];
NET_ASSERT_ARENA(arena);
void *get(void);
void *get(void) {{ return arena; }}
"""
C11 = Compiler("gcc-c11", "gcc", ("-std=c11", "-pedantic"))


@pytest.mark.parametrize("compiler", [HOST_GCC, C11, CPP_COMPILERS[0]], ids=lambda each: each.name)
def test_an_arena_that_is_too_small_does_not_compile(compiler: Compiler, tmp_path: Path) -> None:
    folder = write(generated(plain()), tmp_path)
    for short in (0, 1):
        (folder / f"short{short}.c").write_text(_ARENA.format(short=short))

    compiler.check([folder / "short0.c"], [folder], "-Wno-error", "-Wno-unused")
    with pytest.raises(AssertionError, match=r"too.small"):
        compiler.check([folder / "short1.c"], [folder], "-Wno-error", "-Wno-unused")


_HOOKS = """
#include <stdio.h>
#include "net.h"
void tvm_tiny_profile_begin(int layer);
void tvm_tiny_profile_end(int layer);
void tvm_tiny_profile_begin(int layer) { printf("begin %d\\n", layer); }
void tvm_tiny_profile_end(int layer) { printf("end %d\\n", layer); }
static long long arena[NET_ARENA_SIZE / 8 + 4];
int main(void) {
  char *start = (char *)arena;
  while ((unsigned long long)start % NET_ARENA_ALIGNMENT) ++start;
  return (int)net_run(start, 0, 0);
}
"""


def test_hooks_are_called_around_each_layer(tmp_path: Path) -> None:
    module = generated(plain())
    folder = write(module, tmp_path)
    (folder / "main.c").write_text(_HOOKS)
    sources = [folder / name for name in (*module.sources, "main.c")]
    HOST_GCC.run("-DTVM_TINY_PROFILE", f"-I{folder}", *sources, "-lm", "-o", folder / "program")

    lines = subprocess.run([folder / "program"], check=True, capture_output=True, text=True).stdout.split("\n")
    assert lines == ["begin 0", "end 0", "begin 1", "end 1", ""]
