"""The four int8 models of MLPerf Tiny in a firmware: what they cost outside of their layers, and what they bring along."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.codegen.compilers import WARNINGS, Compiler
from tvm_tiny.api import compile as compile_model
from tvm_tiny.board import get_board
from tvm_tiny.board.stack_bound import disassembly
from tvm_tiny.board.toolchain import ARM_GCC, find_tool
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.target import get_core

pytestmark = pytest.mark.models

MODELS = ("kws", "vww", "ic", "ad")
MOST_CODE, MOST_STACK = 300, 64
"""Bytes that <model>_run may take by itself."""
WORKSPACE = {"b", "B"}


@cache
def compiled(path: Path, target: str) -> CompiledModel:
    return compile_model(path, target=target)


@pytest.mark.parametrize("name", MODELS)
def test_what_calls_the_layers_is_small(models_dir: Path, name: str) -> None:
    model = compiled(models_dir / f"{name}.tflite", "cortex-m4")
    image = get_board("mps2-an386").build(model.module)
    entry = disassembly(image.path)[f"{name}_run"]

    assert image.entry_size is not None
    assert 0 < image.entry_size <= MOST_CODE
    assert 0 < entry.own <= MOST_STACK
    assert len(entry.calls) == len({layer.function for layer in model.module.layers})  # none was inlined


def symbols(folder: Path, source: str) -> list[tuple[str, str]]:
    """(kind, name) of all that the object of ``source`` defines, as nm tells them; small letters are local."""
    gcc = find_tool(ARM_GCC)
    built = folder / f"{source}.o"
    flags = ("-std=c99", "-O2", *get_core("cortex-m4").cflags, f"-I{folder}")
    subprocess.run([gcc, *flags, "-c", folder / source, "-o", built], check=True)
    listed = subprocess.run([gcc.with_name("arm-none-eabi-nm"), built], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [(row[-2], row[-1]) for row in rows if row[-2] != "U" and not row[-1].startswith("$")]


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_defined_without_the_models_prefix_and_nothing_changes(models_dir: Path, name: str, tmp_path: Path) -> None:
    """What the runtime defines is local. The only variable is the workspace of microTVM's default interface."""
    model = compiled(models_dir / f"{name}.tflite", "cortex-m4")
    model.save(tmp_path)
    found = {source: symbols(tmp_path, source) for source in model.module.sources}

    assert set(found) == {f"{name}.c", f"{name}_weights.c", f"tvmgen_{name}.c"}
    for source, defined in found.items():
        prefix = "tvmgen_" if source.startswith("tvmgen_") else ""
        assert defined
        for kind, symbol in defined:
            own = symbol.startswith(f"{prefix}{name}_")
            assert own or (kind in "ta" and symbol.startswith("tvm_tiny_")), symbol
            assert kind in "tTrRa" or (prefix and kind in WORKSPACE), f"{symbol} can change"


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m4", "cortex-m33", "cortex-m55"])
def test_clang_builds_it_without_a_warning(models_dir: Path, target: str, tmp_path: Path) -> None:
    """With the headers of the C library that gcc uses, and all registers, as docs/c-interface.md asks."""
    model = compiled(models_dir / "kws.tflite", target)
    model.save(tmp_path)
    library = subprocess.run([find_tool(ARM_GCC), "-print-file-name=libc.a"], capture_output=True, text=True, check=True).stdout
    headers = ("-isystem", str(Path(library.strip()).resolve().parents[1] / "include"))
    flags = (
        "--target=arm-none-eabi",
        "-std=c99",
        "-pedantic",
        "-O2",
        "-fomit-frame-pointer",
        *get_core(target).cflags,
        *WARNINGS,
        *headers,
    )
    clang = Compiler("clang", "clang", (*flags, f"-I{tmp_path}", "-c"))
    clang.run(*(tmp_path / source for source in model.module.sources), cwd=tmp_path)
