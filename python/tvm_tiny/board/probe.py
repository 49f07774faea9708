"""A board behind a debug probe that pyOCD drives: CMSIS-DAP, ST-Link, J-Link."""

from __future__ import annotations

from collections.abc import Callable

from tvm_tiny.board.attached import AttachedBoard, Played, require_facts
from tvm_tiny.board.base import Image
from tvm_tiny.board.debugger import play
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.mailbox import Exchange
from tvm_tiny.board.probe_target import ProbeTarget, Pyocd, pyocd
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.errors import BoardError

_FACTS: dict[str, type] = {"uid": str, "part": str}


class ProbeBoard(AttachedBoard):
    """A board that pyOCD flashes, starts and halts.

    Parameters
    ----------
    info : BoardInfo
        Of kind "probe", with the memories "flash" and "ram", and the facts ``uid``, a part of the probe's unique ID where there are
        several, and ``part``, pyOCD's name of the target, where the probe does not tell it.
    package : Pyocd or None
        What stands in for pyOCD; None is pyOCD.
    """

    def __init__(self, info: BoardInfo, *, package: Pyocd | None = None) -> None:
        super().__init__(info, "mailbox")
        require_facts(info, _FACTS)
        facts = info.connection or {}
        self._uid, self._part, self._package = facts.get("uid"), facts.get("part"), package

    def _play(self, image: Image, symbols: SymbolTable, prepare: Callable[[bool], bytes], timeout: float) -> Played:
        package = self._package or pyocd(self.name)
        exchange = Exchange(prepare(False))
        try:
            with package.open_session(self._uid, self._part) as session:
                target = ProbeTarget(session, package, self.name)
                target.reset()
                finished, counter = play(target, self.info, image, symbols, exchange, timeout)
        except package.errors as error:
            raise BoardError(
                f"the probe of {self.name} cannot be used: {error or type(error).__name__}", "`pyocd list` shows those that can be"
            ) from error
        return Played(exchange, finished, counter, emulated=False)
