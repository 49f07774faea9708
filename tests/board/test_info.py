from __future__ import annotations

import pytest

from tvm_tiny.board import MemoryRegion, parse_board
from tvm_tiny.errors import BoardError

GOOD = """
name = "mine"
description = "a board of mine"
kind = "qemu"
target = "cortex-m4"
clock = 48_000_000
stack = 4096

[qemu]
machine = "mps2-an386"

[memory.flash]
origin = 0x0800_0000
size = 0x8_0000

[memory.ram]
origin = 0x2000_0000
size = 0x1_0000
"""


def test_reads_all_facts() -> None:
    info = parse_board(GOOD)
    assert (info.name, info.kind, info.target, info.clock, info.stack) == ("mine", "qemu", "cortex-m4", 48_000_000, 4096)
    assert info.region("flash") == MemoryRegion("flash", 0x0800_0000, 0x8_0000)
    assert info.region("ram") == MemoryRegion("ram", 0x2000_0000, 0x1_0000)
    assert info.region("ccm") is None
    assert info.connection == {"machine": "mps2-an386"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "mine"', "name = mine", "not a TOML file"),
        ('target = "cortex-m4"', "", "'target' is missing"),
        ("stack = 4096", 'stack = "4 kB"', "'stack' must be of type int, found '4 kB'"),
        ("stack = 4096", "stack = true", "'stack' must be of type int, found True"),
        ("stack = 4096", "stak = 4096", "unknown key 'stak'"),
        ("size = 0x1_0000", "", r"\[memory.ram\] must give origin and size"),
        ("size = 0x1_0000", "size = 0", r"\[memory.ram\] must lie in the 32-bit address space"),
        ("size = 0x1_0000", "size = 0xF000_0000", r"\[memory.ram\] must lie in the 32-bit address space"),
    ],
)
def test_says_what_is_wrong(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(BoardError, match=f"mine.toml.*{message}"):
        parse_board(GOOD.replace(old, new), "mine.toml")
