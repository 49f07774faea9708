"""What is compiled, and what has been compiled before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board.compile import Unit, compile_units
from tvm_tiny.board.toolchain import HOST_CC, find_tool
from tvm_tiny.errors import ToolchainError

WARNS = "int f(void) { int unused; return N; }\n"


def built(folder: Path, unit: Unit) -> tuple[bytes, str]:
    log = compile_units(find_tool(HOST_CC), [unit])
    return unit.object.read_bytes(), log


def test_what_is_reused_is_compiled_once_with_the_same_flags(tmp_path: Path) -> None:
    source = tmp_path / "f.c"
    source.write_text(WARNS)
    units = [Unit(source, tmp_path / f"{index}.o", ("-Wall", f"-DN={n}"), reused=True) for index, n in enumerate((1, 1, 2))]
    first = built(tmp_path, units[0])
    source.write_text("#error compiled again\n")
    assert built(tmp_path, units[1]) == first
    assert "unused" in first[1]
    with pytest.raises(ToolchainError, match="compiled again"):
        built(tmp_path, units[2])


def test_other_sources_are_compiled_each_time(tmp_path: Path) -> None:
    source = tmp_path / "f.c"
    source.write_text(WARNS)
    unit = Unit(source, tmp_path / "f.o", ("-Wall", "-DN=3"))
    assert "unused" in built(tmp_path, unit)[1]
    source.write_text("#error compiled again\n")
    with pytest.raises(ToolchainError, match="compiled again"):
        built(tmp_path, unit)
