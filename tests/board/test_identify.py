"""Boards that the GDB server tells: QEMU's real stub, and a server of the tests with memory maps as real servers give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board import MemoryRegion, list_boards
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.board.identify import PARTS, identify
from tvm_tiny.errors import BoardError
from tvm_tiny.target import get_core

from .gdb_proxy import emulator
from .gdb_server import FakeMachine, FakeServer, listening

# pyOCD's, of an STM32L4R5: RAM as it is.
_PYOCD = """<?xml version="1.0"?><memory-map>
<memory type="flash" start="0x8000000" length="0x100000"><property name="blocksize">0x1000</property></memory>
<memory type="flash" start="0x8100000" length="0x100000"><property name="blocksize">0x1000</property></memory>
<memory type="ram" start="0x10000000" length="0x10000"/>
<memory type="ram" start="0x20000000" length="0x30000"/><memory type="ram" start="0x20030000" length="0x10000"/>
<memory type="ram" start="0x20040000" length="0x60000"/></memory-map>"""
# OpenOCD's: everything that is no flash is called RAM.
_OPENOCD = """<memory-map><memory type="ram" start="0x00000000" length="0x8000000"/>
<memory type="flash" start="0x8000000" length="0x100000"><property name="blocksize">0x800</property></memory>
<memory type="ram" start="0x08100000" length="0xf7f00000"/></memory-map>"""


class Machine(FakeMachine):
    """Has a CPUID too."""

    def __init__(self, text: str, cpuid: int) -> None:
        super().__init__("PacketSize=400;qXfer:memory-map:read+", documents={"": text})
        self.cpuid = cpuid

    def __call__(self, question: bytes) -> bytes:
        if question == b"me000ed00,4":
            return self.cpuid.to_bytes(4, "little").hex().encode()
        return super().__call__(question)


@pytest.mark.parametrize("name", ["microbit", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"])
def test_qemu_tells_its_machine(name: str, tmp_path: Path) -> None:
    with emulator(name, tmp_path) as machine:
        info = board_info(f"gdb:127.0.0.1:{machine.port}")

    expected = board_info(name)
    assert (info.target, info.memory, info.clock) == (expected.target, expected.memory, expected.clock)
    assert (info.kind, info.connection) == ("gdb", {"host": "127.0.0.1", "port": machine.port})


def test_qemu_with_a_machine_that_is_not_known(tmp_path: Path) -> None:
    with (
        emulator("lm3s6965evb", tmp_path) as machine,
        pytest.raises(BoardError, match="'lm3s6965evb' is none of microbit") as raised,
    ):
        board_info(f"gdb:127.0.0.1:{machine.port}")
    assert "gdb:127.0.0.1" in raised.value.hint


def test_core_and_memories_of_a_server_s_memory_map() -> None:
    with listening(FakeServer(Machine(_PYOCD, 0x410FC241))) as port:
        info = board_info(f"gdb:127.0.0.1:{port}")
    assert (info.kind, info.target) == ("gdb", "cortex-m4")
    assert info.memory == (MemoryRegion("flash", 0x0800_0000, 0x20_0000), MemoryRegion("ram", 0x2000_0000, 0xA_0000))
    assert info.memory == board_info("nucleo-l4r5zi").memory


@pytest.mark.parametrize(("part", "core"), PARTS.items())
def test_every_core_of_the_table_is_a_target(part: int, core: str) -> None:
    with listening(FakeServer(Machine(_PYOCD, 0x410F0000 | part << 4))) as port:
        assert identify("127.0.0.1", port, list_boards()).target == get_core(core).name


@pytest.mark.parametrize(
    ("text", "cpuid", "message"),
    [
        (_OPENOCD, 0x410FC241, "its memory map has no RAM of a plausible size"),
        ("<memory-map/>", 0x410FC241, "its memory map has no flash and RAM of a plausible size"),
        (_PYOCD, 0x411FC210, r"its CPUID 0x411fc210 is none of cortex-m0, "),
        (_PYOCD, 0x51000000, "its CPUID 0x51000000"),
        ("<memory-map", 0x410FC241, "has a memory map that cannot be read"),
    ],
)
def test_what_is_not_enough_asks_for_the_board(text: str, cpuid: int, message: str) -> None:
    with listening(FakeServer(Machine(text, cpuid))) as port, pytest.raises(BoardError, match=message):
        board_info(f"gdb:127.0.0.1:{port}")


def test_a_server_without_a_memory_map() -> None:
    machine = Machine(_PYOCD, 0x410FC241)
    machine.features = "PacketSize=400"
    with listening(FakeServer(machine)) as port, pytest.raises(BoardError, match="does not tell its board") as raised:
        board_info(f"gdb:127.0.0.1:{port}")
    assert f"gdb:127.0.0.1:{port}:BOARD" in raised.value.hint
