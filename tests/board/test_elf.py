from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.elf import read_segments
from tvm_tiny.board.symbols import read_symbols
from tvm_tiny.board.toolchain import ARM_GCC, find_tool, run_tool
from tvm_tiny.errors import ToolchainError

from .modules import twice


def test_segments_are_what_objcopy_makes_of_the_file(tmp_path: Path) -> None:
    board = get_board("mps2-an386")
    image = board.build(twice())
    gcc = find_tool(ARM_GCC)
    flat = tmp_path / "flat.bin"
    assert run_tool([gcc.with_name(gcc.name.replace("gcc", "objcopy")), "-O", "binary", image.path, flat]).returncode == 0
    loaded = bytearray(flat.stat().st_size)
    for segment in read_segments(image.path):
        loaded[segment.address : segment.address + len(segment.data)] = segment.data
    assert loaded == flat.read_bytes()
    assert int.from_bytes(loaded[:4], "little") == read_symbols(image.path).address_of("tiny_stack_top")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(60), b"#!/bin/sh" + bytes(60)])
def test_what_is_no_such_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "firmware.elf"
    file.write_bytes(content)
    with pytest.raises(ToolchainError, match=r"cannot be read|is no 32-bit little-endian ELF file"):
        read_segments(file)
