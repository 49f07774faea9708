"""The boards that are known by name: one TOML file each, in ``boards/``."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path

from tvm_tiny.board.base import Board
from tvm_tiny.board.info import BoardInfo, parse_board
from tvm_tiny.board.npu_board import with_npu
from tvm_tiny.errors import BoardError

_KINDS = ("host", "qemu", "gdb", "serial", "probe")
_FOLDER = Path(__file__).parent / "boards"


def _read(path: Path) -> BoardInfo:
    try:
        return parse_board(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BoardError(f"cannot read the board file {path}: {error}") from error


def list_boards() -> list[BoardInfo]:
    """All boards of the catalogue: the host, the emulated ones by name, those to be attached by name."""
    boards = [_read(path) for path in _FOLDER.glob("*.toml")]
    return sorted(boards, key=lambda info: (_KINDS.index(info.kind), info.name))


def emulated_board(target: str) -> str | None:
    """The first emulated board, by name, with the core of ``target``; None if there is none."""
    core = target.partition("+")[0]
    return next((info.name for info in list_boards() if info.kind == "qemu" and info.target == core), None)


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
    if info.kind == "gdb":
        from tvm_tiny.board.gdb import GdbBoard

        return GdbBoard(info)
    if info.kind == "serial":
        from tvm_tiny.board.serial import SerialBoard

        return SerialBoard(info)
    if info.kind == "probe":
        from tvm_tiny.board.probe import ProbeBoard

        return ProbeBoard(info)
    raise BoardError(f"the board {info.name} is of kind {info.kind!r}: known kinds are {', '.join(_KINDS)}")


def board_info(name: str) -> BoardInfo:
    """The board called ``name``, or the one that a file ``name`` ending in ".toml" describes.

    "gdb:HOST:PORT[:BOARD]" is BOARD, a name or a file, behind the GDB server at HOST:PORT; without BOARD, what the server tells.
    "probe[:UID]:BOARD" is BOARD behind the debug probe whose unique ID has UID in it.
    "serial:DEVICE[:BAUD][:BOARD]" is BOARD on a serial port; without BOARD, the board that its resident firmware says it is.
    "BOARD+NPU" is BOARD, emulated, with an NPU beside its core.

    Raises
    ------
    BoardError
        Unknown name; the message lists the known ones and the nearest. No port, or no board behind it.
    """
    if name.startswith("gdb:"):
        return _attached(name)
    if name.startswith("probe:"):
        return _on_probe(name)
    if name.startswith("serial:"):
        return _on_serial(name)
    if name.endswith(".toml"):
        return _read(Path(name))
    base, plus, npu = name.partition("+")
    if plus:
        return with_npu(board_info(base), name, npu)
    known = {info.name: info for info in list_boards()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "a board of your own is a TOML file: give its path"
    raise BoardError(f"unknown board {name!r}: expected one of {', '.join(known)}", hint)


def _attached(name: str) -> BoardInfo:
    found = re.fullmatch(r"gdb:(.+?):(\d{1,5})(?::(.+))?", name)
    if found is None:
        raise BoardError(
            f"{name!r} names no attached board: expected gdb:HOST:PORT[:BOARD]",
            "BOARD tells the core and the memories: gdb:localhost:3333:nucleo-l4r5zi",
        )
    if found[3] is None:
        from tvm_tiny.board.identify import identify

        base = identify(found[1], int(found[2]), list_boards())
    else:
        base = board_info(found[3])
    if base.kind == "host":
        raise BoardError(f"{name!r}: the host is no board behind a GDB server", "`tvm-tiny boards` lists the boards")
    facts = dict(base.connection or {}) if base.kind == "gdb" else {}
    return replace(base, name=name, model=base.name, kind="gdb", connection={**facts, "host": found[1], "port": int(found[2])})


def _on_serial(name: str) -> BoardInfo:
    found = re.fullmatch(r"serial:(?P<device>[^:]+)(?::(?P<baud>\d+))?(?::(?P<board>.+))?", name)
    if found is None:
        raise BoardError(f"{name!r} names no serial board: expected serial:DEVICE[:BAUD][:BOARD]", "serial:/dev/ttyACM0")
    device, baud = found["device"], int(found["baud"] or 115_200)
    if found["board"] is None:
        from tvm_tiny.board.serial import learn

        base = learn(device, baud)
    else:
        base = board_info(found["board"])
        if base.kind == "host":
            raise BoardError(f"{name!r}: the host is no board on a serial port", "`tvm-tiny boards` lists the boards")
    return replace(base, name=name, model=base.name, kind="serial", connection={"device": device, "baud": baud})


def _on_probe(name: str) -> BoardInfo:
    found = re.fullmatch(r"probe:(?:(?P<uid>[^:]*):)?(?P<board>[^:]+)", name)
    if found is None:
        raise BoardError(f"{name!r} names no board behind a probe: expected probe[:UID]:BOARD", "probe:nucleo-l4r5zi")
    base = board_info(found["board"])
    if base.kind == "host":
        raise BoardError(f"{name!r}: the host is no board behind a probe", "`tvm-tiny boards` lists the boards")
    facts = {key: value for key, value in (base.connection or {}).items() if base.kind == "probe" or key == "part"}
    return replace(
        base, name=name, model=base.name, kind="probe", connection=facts | ({"uid": found["uid"]} if found["uid"] else {})
    )


def get_board(name: str) -> Board:
    """The board called ``name``, or that of a TOML file: :func:`board_info`, ready to be built for.

    Raises
    ------
    BoardError
        Unknown name, or no driver for its kind.
    """
    return open_board(board_info(name))
