"""The boards that are known by name: one TOML file each, in ``boards/``."""

from __future__ import annotations

import difflib
from pathlib import Path

from tvm_tiny.board.base import Board
from tvm_tiny.board.info import BoardInfo, parse_board
from tvm_tiny.errors import BoardError

_FOLDER = Path(__file__).parent / "boards"


def _read(path: Path) -> BoardInfo:
    try:
        return parse_board(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BoardError(f"cannot read the board file {path}: {error}") from error


def list_boards() -> list[BoardInfo]:
    """All boards of the catalogue: the host first, then by name."""
    boards = [_read(path) for path in _FOLDER.glob("*.toml")]
    return sorted(boards, key=lambda info: (info.kind != "host", info.name))


def open_board(info: BoardInfo) -> Board:
    """The board that ``info`` describes, ready to be built for.

    Raises
    ------
    BoardError
        No driver for its kind, or the driver misses a fact.
    """
    if info.kind == "host":
        from tvm_tiny.board.host import HostBoard

        return HostBoard(info)
    if info.kind == "qemu":
        from tvm_tiny.board.emulated import EmulatedBoard

        return EmulatedBoard(info)
    raise BoardError(f"the board {info.name} is of kind {info.kind!r}: known kinds are 'host' and 'qemu'")


def board_info(name: str) -> BoardInfo:
    """The board called ``name``, or the one that a file ``name`` ending in ".toml" describes.

    Raises
    ------
    BoardError
        Unknown name; the message lists the known ones and the nearest.
    """
    if name.endswith(".toml"):
        return _read(Path(name))
    known = {info.name: info for info in list_boards()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "a board of your own is a TOML file: give its path"
    raise BoardError(f"unknown board {name!r}: expected one of {', '.join(known)}", hint)


def get_board(name: str) -> Board:
    """The board called ``name``, or that of a TOML file: :func:`board_info`, ready to be built for.

    Raises
    ------
    BoardError
        Unknown name, or no driver for its kind.
    """
    return open_board(board_info(name))
