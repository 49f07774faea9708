"""QEMU's UART on a pseudo-terminal, and a cable between that and the client that can be pulled: a pseudo-terminal of its own."""

from __future__ import annotations

import os
import re
import select
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.board.catalogue import board_info
from tvm_tiny.board.resident import build_resident
from tvm_tiny.board.toolchain import QEMU, find_tool

from .gdb_proxy import Emulator

FLAG = b"\x7e"


@dataclass
class Resident(Emulator):
    """A machine on which the resident firmware runs; ``device`` is QEMU's pseudo-terminal."""

    device: str = ""


@contextmanager
def resident(name: str, folder: Path) -> Iterator[Resident]:
    info = board_info(name)
    control, elf = folder / "control", build_resident(info, folder / "resident.elf")
    facts = info.connection or {}
    command = [find_tool(QEMU), "-machine", facts["machine"], *facts.get("arguments", []), "-kernel", elf, "-serial", "pty"]
    command += ["-qmp", f"unix:{control},server=on,wait=off", "-display", "none", "-monitor", "none"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r"redirected to (\S+)", process.stdout.readline())
        assert found is not None
        yield Resident(0, control, found[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# What becomes of a frame: the bytes that are passed on in its place.
Fault = Callable[[bytes], bytes]


class Cable:
    """Passes frames between a board and ``path``, which the client opens. Frames are counted by direction, "up" from the board.

    ``faults`` is (direction, number) → what becomes of that frame. ``pull`` closes the client's side; with ``seconds`` it is
    plugged in again after that, under the same path.
    """

    def __init__(self, device: str, path: Path) -> None:
        self.path = path
        self.faults: dict[tuple[str, int], Fault] = {}
        self.passed: dict[str, list[bytes]] = {"up": [], "down": []}
        self._board = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._board)
        self._client: int | None = None
        self._slave = -1
        self._plug_at = 0.0
        self._ends = threading.Event()
        self._pending = {"up": b"", "down": b""}
        self._plug()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ends.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.pull()
        os.close(self._board)

    def begin(self, faults: dict[tuple[str, int], Fault] | None = None) -> None:
        """Count from 0, with other faults."""
        self.faults, self.passed = faults or {}, {"up": [], "down": []}

    def _plug(self) -> None:
        self._client, self._slave = os.openpty()
        tty.setraw(self._slave)  # kept open: a pseudo-terminal that nobody holds hangs up
        os.set_blocking(self._client, False)
        with suppress(FileNotFoundError):
            self.path.unlink()
        self.path.symlink_to(os.ttyname(self._slave))

    def pull(self, seconds: float | None = None) -> None:
        if self._client is not None:
            os.close(self._client)
            os.close(self._slave)
            self._client = None
            self.path.unlink()
        self._plug_at = time.monotonic() + (1e9 if seconds is None else seconds)

    def plug(self) -> None:
        self._plug_at = 0.0

    def _run(self) -> None:
        while not self._ends.is_set():
            if self._client is None and time.monotonic() >= self._plug_at:
                self._plug()
            ends = [self._board] + ([] if self._client is None else [self._client])
            ready, _, _ = select.select(ends, [], [], 0.02)
            for end in ready:
                direction = "up" if end == self._board else "down"
                with suppress(OSError):
                    data = os.read(end, 4096)
                    self._pass(direction, data)

    def _pass(self, direction: str, data: bytes) -> None:
        self._pending[direction] += data
        while (frame := re.match(rb"[^\x7e]*\x7e+[^\x7e]+\x7e", self._pending[direction], flags=re.DOTALL)) is not None:
            self._pending[direction] = self._pending[direction][frame.end() :]
            number = len(self.passed[direction])
            self.passed[direction].append(frame[0])
            fault = self.faults.get((direction, number))
            out = frame[0] if fault is None else fault(frame[0])
            to = self._client if direction == "up" else self._board
            deadline = time.monotonic() + 0.3
            while out and to is not None and time.monotonic() < deadline:
                # As on a wire, what nobody reads is gone.
                _, writable, _ = select.select([], [to], [], 0.05)
                out = out[os.write(to, out) :] if writable else out


FAULTS: dict[str, Fault] = {
    "garbage before": lambda frame: b"\x00\xff\x7d noise \x7e\x01\x02\x7e\x7d\x7e" + b"\xa5" * 40 + frame,
    "garbage in it": lambda frame: frame[:6] + b"\x11\x7e\x22" + frame[6:],
    "endless garbage": lambda frame: b"\x55" * 5000 + frame,
    "half of it": lambda frame: frame[: len(frame) // 2],
    "its second half": lambda frame: frame[len(frame) // 2 :],
    "a lost byte": lambda frame: frame[:9] + frame[10:],
    "a turned bit": lambda frame: frame[:7] + bytes((frame[7] ^ 1,)) + frame[8:],
    "all of it lost": lambda _: b"",
    "it comes twice": lambda frame: frame + frame,
}
