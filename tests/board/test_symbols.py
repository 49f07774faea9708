from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.symbols import Symbol, SymbolTable, read_symbols
from tvm_tiny.errors import ToolchainError

from .modules import twice

TABLE = SymbolTable(
    [
        Symbol("kws_run", 0x400, 0x40, True),
        Symbol("kws_run.part.0", 0x480, 0x10, True),
        Symbol("kws_run_twice", 0x500, 0x10, True),
        Symbol("kws_conv.isra.0", 0x600, 0x20, True),
        Symbol("kws_conv.constprop.0", 0x620, 0x20, True),
        Symbol("kws_conv.cold", 0x640, 0x20, True),
        Symbol("label", 0x404, 0, True),
        Symbol("arena", 0x20000000, 0x100, False),
    ]
)


def test_names_addresses() -> None:
    assert TABLE.describe(0x413) == "kws_run+0x12 (0x00000412)"
    assert TABLE.describe(0x440) == "0x00000440"
    assert TABLE.describe(0x10) == "0x00000010"
    assert TABLE.function_at(0x20000010) is None


def test_finds_the_copies_that_the_compiler_made() -> None:
    assert [symbol.name for symbol in TABLE.variants_of("kws_conv")] == ["kws_conv.isra.0", "kws_conv.constprop.0"]
    assert [symbol.name for symbol in TABLE.variants_of("kws_run")] == ["kws_run"]
    assert [symbol.name for symbol in TABLE.variants_of("kws_run", parts=True)] == ["kws_run", "kws_run.part.0"]


def test_a_missing_symbol() -> None:
    assert TABLE.address_of("label") == 0x404
    with pytest.raises(ToolchainError, match="no symbol 'measure_begin'"):
        TABLE.address_of("measure_begin")


def test_reads_an_image() -> None:
    image = get_board("mps2-an386").build(twice())
    symbols = read_symbols(image.path)
    run = symbols.function_at(symbols.address_of("twice_run") + 4)
    assert run is not None
    assert (run.name, run.address % 2) == ("twice_run", 0)
    assert symbols.address_of("measure_begin") + 2 == symbols.address_of("measure_end")


def test_refuses_what_is_no_image(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("no image")
    with pytest.raises(ToolchainError, match="cannot be read"):
        read_symbols(file)
