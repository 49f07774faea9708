"""What a server does in a session: it says what it is, takes one request, runs it, and hands out the answer.

TVM forks a process for each session, in which these functions run. It ends with the session, however the session ends, and nothing
that it started lives longer: the board is then free for the next client.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from dataclasses import replace
from multiprocessing import util
from pathlib import Path

from tvm_tiny.board.catalogue import open_board
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.process import kill_running
from tvm_tiny.errors import TinyError
from tvm_tiny.farm.session import DESCRIBE, POLL, START
from tvm_tiny.farm.wire import info_values, pack_error, pack_result, unpack_request, versions

_SILENCE = 60.0  # seconds without a word from the client, after which it has gone
_WATCH = 1.0
_BEGIN = "tvm.rpc.server.start"  # TVM's server calls it at the beginning of each session


def note(text: str) -> None:
    """A line for whoever watches the server: its parent reads it from standard output."""
    os.write(1, (json.dumps({"note": text}) + "\n").encode())


class _Session:
    """One client's measurement, in the process that TVM forked for it."""

    def __init__(self, info: BoardInfo) -> None:
        self._info = info
        self._heard = time.monotonic()
        self._done = threading.Event()
        self._answer = b""
        self._server = os.getppid()
        tempfile.tempdir = os.getcwd()  # TVM's folder for the session, which it removes also where this process is cut short
        # TVM's server ends for good if a session's process fails, and that fails if its client breaks off.
        util.Finalize(None, self._end, exitpriority=100)
        threading.Thread(target=self._watch, daemon=True).start()

    def _end(self) -> None:
        kill_running()
        os._exit(0)

    def _watch(self) -> None:
        """A client that is silent, or a server that has gone, must not keep a board."""
        while time.monotonic() - self._heard < _SILENCE and os.getppid() == self._server:
            time.sleep(_WATCH)
        self._end()

    def start(self, request: bytes) -> None:
        self._heard = time.monotonic()
        threading.Thread(target=self._run, args=(request,), daemon=True).start()

    def poll(self, seconds: float) -> bytes:
        """The answer, or nothing while there is none: after ``seconds`` at the latest."""
        self._heard = time.monotonic()
        return self._answer if self._done.wait(seconds) else b""

    def _run(self, data: bytes) -> None:
        try:
            self._answer = self._result(data)
        except Exception as error:  # all of it is the client's to know
            if not isinstance(error, TinyError):
                note(f"failed: {type(error).__name__}: {error}")
            self._answer = pack_error(error)
        finally:
            self._done.set()

    def _result(self, data: bytes) -> bytes:
        request = unpack_request(data, self._info)
        what = f"{request.image.module.name}, {len(request.samples)} samples, for {request.client}"
        note(f"runs {what}")
        since = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tvm_tiny-farm-") as folder:
            path = Path(folder) / "firmware.elf"
            path.write_bytes(request.program)
            try:
                result = open_board(self._info).run(replace(request.image, path=path), request.samples, timeout=request.timeout)
            except TinyError as error:
                note(f"ran {what}: {error.message}")
                raise
        note(f"ran {what}, in {time.monotonic() - since:.1f} s")
        return pack_result(result)


def register(info: BoardInfo) -> None:
    """Offer the board ``info`` in each session that this process's server will hold."""
    from tvm_ffi import register_global_func

    sessions: list[_Session] = []  # one, in the process of a session

    def begin() -> None:
        sessions.append(_Session(info))

    register_global_func(_BEGIN, begin, override=True)
    register_global_func(DESCRIBE, lambda: json.dumps({"versions": versions(), "board": info_values(info)}), override=True)
    register_global_func(START, lambda request: sessions[-1].start(bytes(request)), override=True)
    register_global_func(POLL, lambda seconds: bytearray(sessions[-1].poll(float(seconds))), override=True)
