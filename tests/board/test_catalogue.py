from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board import BoardInfo, get_board, list_boards, open_board
from tvm_tiny.board.base import Board
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.errors import BoardError
from tvm_tiny.target import get_core

from .test_info import GOOD


def test_knows_the_boards_of_the_documentation() -> None:
    cores = {info.name: info.target for info in list_boards()}
    assert next(iter(cores)) == "host"
    assert cores == {
        "host": "c",
        "microbit": "cortex-m0",
        "microbit-xl": "cortex-m0",
        "mps2-an385": "cortex-m3",
        "mps2-an386": "cortex-m4",
        "mps2-an500": "cortex-m7",
        "mps2-an505": "cortex-m33",
        "mps3-an547": "cortex-m55",
        "nrf5340-dk": "cortex-m33",
        "nucleo-f746zg": "cortex-m7",
        "nucleo-l4r5zi": "cortex-m4",
        "raspberry-pi-pico": "cortex-m0plus",
        "stm32f4-discovery": "cortex-m4",
    }


@pytest.mark.parametrize("info", list_boards(), ids=lambda info: info.name)
def test_every_board_is_whole(info: BoardInfo) -> None:
    board = open_board(info)
    assert isinstance(board, Board)
    assert (board.name, board.target) == (info.name, info.target)
    assert get_core(info.target).name == info.target
    if info.kind in ("qemu", "gdb"):
        assert info.clock
        assert board.ram_size
        assert board.flash_size


def test_unknown_board_names_the_nearest() -> None:
    with pytest.raises(BoardError, match="unknown board 'mps2-an368': expected one of host, microbit") as raised:
        get_board("mps2-an368")
    assert raised.value.hint == "did you mean 'mps2-an386'?"


def test_a_board_of_the_user_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    board = get_board(str(file))
    assert (board.name, board.ram_size, board.flash_size) == ("mine", 0x1_0000, 0x8_0000)


def test_a_known_board_behind_a_server() -> None:
    info = board_info("gdb:192.168.7.2:2331:nrf5340-dk")
    assert (info.kind, info.target, info.connection["host"], info.connection["port"]) == ("gdb", "cortex-m33", "192.168.7.2", 2331)
    assert info.connection["reset"] == "reset"
    assert board_info("gdb:localhost:1234:mps2-an386").memory == board_info("mps2-an386").memory
    assert isinstance(open_board(info), Board)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gdb:localhost", r"expected gdb:HOST:PORT\[:BOARD\]"),
        ("gdb:localhost:http:nrf5340-dk", r"expected gdb:HOST:PORT\[:BOARD\]"),
        ("gdb:localhost:99999:nrf5340-dk", "names no port"),
        ("gdb:localhost:3333:nrf5430-dk", "unknown board 'nrf5430-dk'"),
        ("gdb:localhost:3333:host", "the host is no board behind a GDB server"),
    ],
)
def test_a_server_that_is_not_named_well(name: str, message: str) -> None:
    with pytest.raises(BoardError, match=message):
        get_board(name)


@pytest.mark.parametrize("connection", [None, {"port": "3333"}, {"port": 3333, "speed": 1}, {"host": "here"}])
def test_an_attached_board_needs_a_server(connection: dict[str, object] | None) -> None:
    with pytest.raises(BoardError, match=r"\[gdb\] cannot have|names no port"):
        open_board(BoardInfo("mine", "", "gdb", "cortex-m4", connection=connection))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(BoardError, match=r"cannot read the board file nowhere\.toml"):
        get_board("nowhere.toml")


def test_a_kind_without_a_driver() -> None:
    with pytest.raises(BoardError, match="of kind 'telepathy': known kinds are host, qemu, gdb, serial, probe"):
        open_board(BoardInfo("mine", "", "telepathy", "cortex-m4"))


def test_an_emulated_board_needs_a_machine() -> None:
    with pytest.raises(BoardError, match="names no machine"):
        open_board(BoardInfo("mine", "", "qemu", "cortex-m4"))
