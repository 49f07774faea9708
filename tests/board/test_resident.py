from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tvm_tiny.board import BoardInfo, MemoryRegion, list_boards, parse_board
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.board.elf import read_segments
from tvm_tiny.board.resident import RESIDENT_RAM, build_resident, window_of
from tvm_tiny.board.symbols import read_symbols
from tvm_tiny.errors import BoardError, CapacityError, ToolchainError
from tvm_tiny.resources import firmware_dir

MINE = """
name = "mine"
description = "a part of the user's"
kind = "serial"
target = "cortex-m4"
clock = 16_000_000
[serial]
device = "/dev/ttyACM0"
[uart]
driver = "@DRIVER@"
base = 0x4000_4400
irq = 38
tx_pin = 2
[memory.flash]
origin = 0x0800_0000
size = 0x1_0000
[memory.ram]
origin = 0x2000_0000
size = 0x2_0000
"""


@pytest.mark.parametrize("info", [info for info in list_boards() if info.uart], ids=lambda info: info.name)
def test_it_lies_in_flash_and_behind_the_window(info: BoardInfo, tmp_path: Path) -> None:
    elf = build_resident(info, tmp_path / "resident.elf")
    flash, window = info.region("flash"), window_of(info)
    assert flash is not None
    segments, symbols = read_segments(elf), read_symbols(elf)
    assert all(flash.origin <= each.address < flash.origin + flash.size for each in segments)
    assert sum(len(each.data) for each in segments) < 4096
    end = window.origin + window.size
    for name in ("tiny_stack_bottom", "tiny_stack_top", "tiny_bss_start", "tiny_bss_end"):
        assert end <= symbols.address_of(name) <= end + RESIDENT_RAM
    # Nothing that its reset handler does not set up.
    assert symbols.address_of("tiny_data_start") == symbols.address_of("tiny_data_end")


def test_a_driver_of_the_user_s(tmp_path: Path) -> None:
    driver = tmp_path / "my_uart.c"
    shutil.copyfile(firmware_dir() / "resident" / "uart_cmsdk.c", driver)
    driver.write_text(driver.read_text() + '\n_Static_assert(UART_TX_PIN == 2 && UART_BAUD == 115200, "of the file");\n')
    assert build_resident(parse_board(MINE.replace("@DRIVER@", str(driver))), tmp_path / "out" / "r.elf").is_file()
    driver.write_text("int x = ;\n")
    with pytest.raises(ToolchainError, match=r"my_uart\.c"):
        build_resident(parse_board(MINE.replace("@DRIVER@", str(driver))), tmp_path / "r.elf")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('driver = "@DRIVER@"', 'driver = "telepathy"', "no UART driver 'telepathy'"),
        ('driver = "@DRIVER@"', "", r"\[uart\] needs 'driver'"),
        ("irq = 38", "", r"\[uart\] needs 'irq'"),
        ("irq = 38", "irq = -1", r"\[uart\] cannot have irq = -1"),
        ("irq = 38", 'irq = "a"', r"\[uart\] cannot have irq = 'a'"),
        ("clock = 16_000_000", "", "tells no clock"),
        ("size = 0x2_0000", "size = 0x800", "has 2,048 bytes of RAM: a resident firmware needs 4,096"),
        ('name = "mine"', f'name = "{"m" * 40}"', "has to be ASCII and shorter than 32"),
    ],
)
def test_what_a_board_s_file_lacks(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = MINE.replace(old, new).replace("@DRIVER@", "cmsdk")
    with pytest.raises(BoardError, match=message):
        build_resident(parse_board(text), tmp_path / "r.elf")


def test_a_flash_that_is_too_small(tmp_path: Path) -> None:
    text = MINE.replace("@DRIVER@", "cmsdk").replace("size = 0x1_0000", "size = 0x400")
    with pytest.raises(CapacityError, match="does not fit on mine: flash is too small by"):
        build_resident(parse_board(text), tmp_path / "r.elf")


def test_a_board_without_a_uart(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"nucleo-l4r5zi has no \[uart\] table"):
        build_resident(board_info("nucleo-l4r5zi"), tmp_path / "r.elf")


def test_the_window_is_all_but_the_end() -> None:
    assert window_of(board_info("mps3-an547")) == MemoryRegion("ram", 0x3000_0000, 0x8_0000 - RESIDENT_RAM)
