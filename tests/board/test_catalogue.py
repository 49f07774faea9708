from __future__ import annotations

from pathlib import Path

import pytest

from tvm_tiny.board import BoardInfo, get_board, list_boards, open_board
from tvm_tiny.board.base import Board
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
    }


@pytest.mark.parametrize("info", list_boards(), ids=lambda info: info.name)
def test_every_board_is_whole(info: BoardInfo) -> None:
    board = open_board(info)
    assert isinstance(board, Board)
    assert (board.name, board.target) == (info.name, info.target)
    assert get_core(info.target).name == info.target
    if info.kind == "qemu":
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


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(BoardError, match=r"cannot read the board file nowhere\.toml"):
        get_board("nowhere.toml")


def test_a_kind_without_a_driver() -> None:
    with pytest.raises(BoardError, match="of kind 'telepathy': known kinds are 'host' and 'qemu'"):
        open_board(BoardInfo("mine", "", "telepathy", "cortex-m4"))


def test_an_emulated_board_needs_a_machine() -> None:
    with pytest.raises(BoardError, match="names no machine"):
        open_board(BoardInfo("mine", "", "qemu", "cortex-m4"))
