"""Serves boards of this machine: a process for each, watched, and started again if it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tvm_tiny.board.catalogue import board_info, open_board
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.toolchain import QEMU, find_tool
from tvm_tiny.errors import BoardError
from tvm_tiny.farm.tracker import Address, Tracker, key_of
from tvm_tiny.farm.wire import info_values

PORT = 9091
"""The first port that servers try, as TVM's own do."""

_PAUSE = 2.0  # seconds before a server that ended is started again


@dataclass(frozen=True)
class Served:
    """One board: what it is, and the name that clients give for it."""

    info: BoardInfo
    name: str


def served(name: str, key: str | None = None) -> Served:
    """The board ``name`` as it is shared: under ``key``, by default its own name.

    A board at a connection of its own, "gdb:HOST:PORT:BOARD", is shared as BOARD; with its kind in front, "gdb/BOARD", where BOARD
    by itself is of another kind, whose images it could not run.

    Raises
    ------
    BoardError
        The board is unknown, or none that can be shared.
    ToolchainError
        What runs it is missing.
    """
    info = board_info(name)
    if info.kind == "host":
        raise BoardError(f"{name!r} is this machine and no board: it is not shared", "`tvm-tiny boards` lists the boards")
    open_board(info)
    if info.kind == "qemu":
        find_tool(QEMU)
    attached = re.fullmatch(r"(\w+):.*:([^:]+)", info.name)
    if attached is not None:
        base = board_info(attached[2])
        info = replace(info, name=base.name)
        key = key or (base.name if base.kind == info.kind else f"{info.kind}/{base.name}")
    key = key or info.name
    key_of(key)
    return Served(info, key)


class _Server:
    """A board's process, and the thread that reads what it tells and starts it again."""

    def __init__(self, board: Served, order: dict[str, object], note: Callable[[str], None]) -> None:
        self.ready = threading.Event()
        self.problem = ""
        self._board, self._note = board, note
        self._order = (json.dumps(order) + "\n").encode()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stopped and not self.problem:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tvm_tiny.farm.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._talk(self._process)
            code = self._process.wait()
            if not self.ready.is_set() and not self.problem:
                self.problem = f"its process ended with code {code}"
            self.ready.set()
            if not self._stopped and not self.problem:
                self._note(f"{self._board.name}: the server ended with code {code} and is started again")
                time.sleep(_PAUSE)

    def _talk(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(self._order)
            process.stdin.flush()
        except OSError:
            return
        for line in process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                told = {"note": line.decode("utf-8", "replace").rstrip()}
            if "failed" in told:
                self.problem = str(told["failed"])
            elif "port" in told:
                self._note(f"{self._board.name}: serves {self._board.info.name} ({self._board.info.target}) on port {told['port']}")
                self.ready.set()
            else:
                self._note(f"{self._board.name}: {told.get('note')}")

    def stop(self) -> None:
        self._stopped = True
        if self._process is not None:
            self._process.kill()

    def is_alive(self) -> bool:
        return self._thread.is_alive()


def serve(
    boards: Sequence[Served],
    tracker: Address,
    *,
    host: str = "0.0.0.0",
    port: int = PORT,
    address: str | None = None,
    note: Callable[[str], None] = lambda _line: None,
) -> None:
    """Serve ``boards`` until this is interrupted.

    Parameters
    ----------
    tracker : Address
        TVM's RPC tracker, which has to be there.
    host, port : str, int
        Where the servers listen; each takes the first port from ``port`` on that is free.
    address : str, optional
        By what name the clients reach this machine, where that is not the address under which the tracker sees it.
    note : callable
        Called with a line for each thing that happens; from several threads.

    Raises
    ------
    BoardError
        The tracker does not answer, or a server could not be started.
    """
    with Tracker(tracker):
        pass
    place = {"tracker": [tracker.host, tracker.port], "host": host, "port": port, "address": address}
    servers = [_Server(each, {**place, "board": info_values(each.info), "name": each.name}, note) for each in boards]
    try:
        while True:
            for each, server in zip(boards, servers, strict=True):
                if server.problem:
                    raise BoardError(f"{each.name} cannot be served: {server.problem}")
            time.sleep(0.2)
    finally:
        for server in servers:
            server.stop()
