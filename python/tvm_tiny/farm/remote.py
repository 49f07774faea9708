"""A board of a farm: built for here, run there."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tvm_tiny.board.base import Image, RunResult
from tvm_tiny.board.catalogue import open_board
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, BoardLostError
from tvm_tiny.farm.session import DESCRIBE, PATIENCE, POLL, START, Line, hold_session
from tvm_tiny.farm.tracker import Address, Place, Tracker
from tvm_tiny.farm.wire import info_of, pack_request, unpack_result, version_problem

ATTEMPTS = 3
"""How many servers a run tries, where one after another is lost."""

_POLL = 1.0  # seconds that the server waits for the end of a run before it answers that it goes on
_OVERTIME = 60.0  # seconds on top of a run's time-out, for what a board does around it: loading, erasing flash


class RemoteBoard:
    """Boards of one name at a tracker, of which each run takes one that is free.

    Building is done here, by this machine's compiler. Objects share nothing: several threads can each have one, or all the same.

    Parameters
    ----------
    tracker : Address
    shared : str
        The name under which the boards are served.
    info : BoardInfo
        What the servers say of the board.
    patience : float
        Seconds of silence after which a server counts as lost.
    attempts : int
        How many servers a run tries, where one after another is lost; with 1 the caller gives the image to another board.
    """

    def __init__(
        self, tracker: Address, shared: str, info: BoardInfo, *, patience: float = PATIENCE, attempts: int = ATTEMPTS
    ) -> None:
        self.info = info
        self.name: str = info.name
        self.target: str = info.target
        ram, flash = info.region("ram"), info.region("flash")
        self.ram_size: int | None = ram.size if ram else None
        self.flash_size: int | None = flash.size if flash else None
        self._tracker, self._shared = tracker, shared
        self._patience, self._attempts = patience, attempts
        self._builder = open_board(info)

    def build(
        self,
        module: CModule,
        *,
        optimize: str = "speed",
        trace: bool = False,
        sanitize: bool = False,
        check_arena: bool = False,
        folder: Path | None = None,
    ) -> Image:
        """As :meth:`Board.build`, on this machine."""
        return self._builder.build(
            module, optimize=optimize, trace=trace, sanitize=sanitize, check_arena=check_arena, folder=folder
        )

    def run(self, image: Image, inputs: Sequence[Mapping[str, np.ndarray]], *, timeout: float = 300.0) -> RunResult:
        """As :meth:`Board.run`; waits for a free board first. A run whose server is lost is repeated on another one.

        Raises
        ------
        BoardLostError
            As many servers as may be tried were lost, or no other one is left.
        BoardError
            The tracker does not answer, no server shares such a board, or one of another version does.
        """
        request = pack_request(image, self.info, inputs, timeout=timeout, client=f"{socket.gethostname()}:{os.getpid()}")
        lost: BoardLostError | None = None
        for _ in range(self._attempts):
            try:
                place = _take(self._tracker, self._shared)
            except BoardError as error:
                if lost is None:
                    raise
                raise BoardLostError(f"{lost.message}, and no other is left: {error.message}", error.hint) from lost
            try:
                answer = hold_session(place, lambda line: _measure(line, request, timeout), patience=self._patience)
            except BoardLostError as error:
                lost = error
                continue
            return unpack_result(answer)
        assert lost is not None, "a run is tried at least once"
        if self._attempts == 1:
            raise lost
        raise BoardLostError(
            f"{self._attempts} servers were lost while they ran {image.module.name}; the last: {lost.message}",
            "does this image end its servers? Run it on a board of this machine",
        ) from lost


def _take(tracker: Address, shared: str) -> Place:
    with Tracker(tracker) as connection:
        return connection.request(shared)


def _measure(line: Line, request: bytes, timeout: float) -> bytes:
    """Have the server run it; the answer, packed."""
    line.call(START, request, size=len(request))
    end = time.monotonic() + timeout + _OVERTIME
    while time.monotonic() < end:
        answer = bytes(line.call(POLL, _POLL))
        if answer:
            return answer
    raise line.lost(f"did not end a run within {timeout + _OVERTIME:g} s")


def remote_board(name: str, tracker: Address, *, patience: float = PATIENCE, attempts: int = ATTEMPTS) -> RemoteBoard:
    """The boards that are shared as ``name`` at the tracker, as one board; asks one of their servers what it is.

    Raises
    ------
    BoardError
        The tracker does not answer, no server shares such a board, or one of another version does.
    """
    lost: BoardLostError | None = None
    for _ in range(ATTEMPTS):
        place = _take(tracker, name)
        try:
            told = json.loads(hold_session(place, lambda line: str(line.call(DESCRIBE)), patience=patience))
        except BoardLostError as error:
            lost = error
            continue
        problem = version_problem(told.get("versions"), here="client", there="server")
        if problem:
            raise BoardError(
                f"the server of {name!r} at {place} is of another version: {problem}",
                "install the same version of tvm_tiny on both machines",
            )
        return RemoteBoard(tracker, name, info_of(told["board"]), patience=patience, attempts=attempts)
    assert lost is not None
    raise lost


def boards_of(tracker: Address, name: str, *, patience: float = PATIENCE, attempts: int = ATTEMPTS) -> list[RemoteBoard]:
    """As many boards as servers share ``name`` now, busy or free, for as many threads; which server runs what is the tracker's.

    Raises
    ------
    BoardError
        As :func:`remote_board`.
    """
    with Tracker(tracker) as connection:
        count = connection.require(name).servers
    first = remote_board(name, tracker, patience=patience, attempts=attempts)
    return [first] + [RemoteBoard(tracker, name, first.info, patience=patience, attempts=attempts) for _ in range(count - 1)]
