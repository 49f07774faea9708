"""Real processes for the tests of the farm: a tracker, servers, and their end whatever happens."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tvm_tiny.errors import BoardError
from tvm_tiny.farm import Address, shared_boards

_PATIENCE = 40.0  # a busy machine takes its time for an import of TVM

# A server whose messages have another version: worker.py with one number changed.
OLD_WORKER = "import tvm_tiny.farm.wire as wire; wire.PROTOCOL = 0; import tvm_tiny.farm.worker as worker; worker.main()"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], what: str, patience: float = _PATIENCE) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {patience} s"
        time.sleep(0.05)


class Process:
    """A program with all that it starts: they end together, as they do with their machine."""

    def __init__(self, command: list[str], log: Path, order: bytes | None = None) -> None:
        self.log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file, stderr=file, start_new_session=True)
        if order is not None:
            assert self._process.stdin is not None
            self._process.stdin.write(order)
            self._process.stdin.flush()

    def signal(self, number: int) -> None:
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
        self._process.wait()

    def children(self) -> list[int]:
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self._process.pid)], capture_output=True, text=True, check=False)
        return [int(each) for each in listed.stdout.split()]

    def lines(self, pattern: str) -> list[str]:
        """What ``pattern`` finds in the output so far, from first to last."""
        return re.findall(pattern, self.log.read_text())


class Farm:
    """A tracker; :meth:`serve` starts servers, all of which end with the ``with`` block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[Process] = []
        self.address = Address("127.0.0.1", free_port())

    def __enter__(self) -> Farm:
        ports = ["--port", str(self.address.port), "--port-end", str(self.address.port + 1)]
        try:
            self.start([sys.executable, "-m", "tvm.exec.rpc_tracker", "--host", "127.0.0.1", *ports])
            wait_for(lambda: self._shared() is not None, "the start of the tracker")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        for process in self._processes:
            process.kill()

    def start(self, command: list[str], order: bytes | None = None) -> Process:
        """A program that ends with the farm; ``order`` is its standard input."""
        process = Process(command, self._folder / f"{len(self._processes)}.log", order)
        self._processes.append(process)
        return process

    def _shared(self) -> dict[str, int] | None:
        try:
            return {each.name: each.servers for each in shared_boards(self.address)}
        except BoardError:
            return None

    def serving(self, name: str) -> int:
        """How many servers the tracker knows for ``name``."""
        return (self._shared() or {}).get(name, 0)

    def serve(self, *options: str) -> Process:
        """``tvm-tiny board serve`` on ports of its own; does not wait for it to be ready."""
        place = ["--tracker", str(self.address), "--host", "127.0.0.1", "--port", str(free_port())]
        return self.start([sys.executable, "-m", "tvm_tiny", "board", "serve", *place, *options])

    def run_python(self, code: str, *arguments: str, order: bytes | None = None) -> Process:
        return self.start([sys.executable, "-c", code, *arguments], order)
