"""A board behind a GDB remote server: OpenOCD, J-Link, pyOCD, or QEMU's own."""

from __future__ import annotations

from collections.abc import Callable

from tvm_tiny.board.attached import AttachedBoard, Played, require_facts
from tvm_tiny.board.base import Image
from tvm_tiny.board.debugger import play
from tvm_tiny.board.gdb_target import GdbTarget
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.mailbox import Exchange
from tvm_tiny.board.rsp import PacketStream
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.errors import BoardError

_FACTS: dict[str, type] = {"host": str, "port": int, "reset": str, "server": str, "flash": str, "part": str}


class GdbBoard(AttachedBoard):
    """A board that a GDB remote server loads, starts and halts.

    Parameters
    ----------
    info : BoardInfo
        Of kind "gdb", with the memories "flash" and "ram". "flash" may be RAM; where the server's memory map says that it is flash,
        the server programs it.
    patience : float
        Seconds that the server may take for an answer.
    """

    def __init__(self, info: BoardInfo, *, patience: float = 5.0) -> None:
        super().__init__(info, "mailbox")
        require_facts(info, _FACTS)
        facts = info.connection or {}
        if not 0 < facts.get("port", 0) < 65536:
            raise BoardError(
                f"the board {info.name} names no port of a GDB server", "add [gdb] with host and port to its TOML file"
            )
        self._host, self._port, self._reset = str(facts.get("host", "localhost")), int(facts["port"]), facts.get("reset")
        self._patience = patience

    def _play(self, image: Image, symbols: SymbolTable, prepare: Callable[[bool], bytes], timeout: float) -> Played:
        with PacketStream(self._host, self._port, patience=self._patience) as stream:
            target = GdbTarget(stream)
            emulated = target.is_emulator
            exchange = Exchange(prepare(emulated))
            reset = self._reset if self._reset is not None else ("system_reset" if emulated else "reset halt")
            if reset:
                target.monitor(reset)
            finished, counter = play(target, self.info, image, symbols, exchange, timeout)
        return Played(exchange, finished, counter, emulated)
