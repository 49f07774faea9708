"""QEMU's GDB stub, and a cable between it and the client that can be pulled."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.board.toolchain import QEMU, find_tool


@dataclass
class Emulator:
    """A machine that waits for a debugger at ``port``; no semihosting, no kernel."""

    port: int
    control: Path  # its control socket

    def reset(self) -> None:
        """What a reset button does."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(str(self.control))
            lines = control.makefile("rwb")
            lines.readline()
            for command in ("qmp_capabilities", "system_reset", "query-status"):
                lines.write(json.dumps({"execute": command}).encode() + b"\n")
                lines.flush()
                while "return" not in json.loads(lines.readline()):
                    pass


@contextmanager
def emulator(machine: str, folder: Path) -> Iterator[Emulator]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    control = folder / "control"
    command = [
        find_tool(QEMU),
        "-machine",
        machine,
        "-S",
        "-gdb",
        f"tcp:127.0.0.1:{port}",
        "-qmp",
        f"unix:{control},server=on,wait=off",
    ]
    process = subprocess.Popen([*command, "-display", "none", "-serial", "none", "-monitor", "none"], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        yield Emulator(port, control)
    finally:
        process.kill()
        process.wait()


# What becomes of a packet of the server's: what is passed on in its place, and whether the cable is still in.
Fault = Callable[[bytes], tuple[bytes, str]]
FAULTS: dict[str, Fault] = {
    "closed": lambda _: (b"", "closed"),
    "garbage": lambda _: (b"\x00\xfe\x81 noise", "whole"),
    "half a packet": lambda packet: (packet[: len(packet) // 2], "mute"),
    "half a packet, then closed": lambda packet: (packet[: len(packet) // 2], "closed"),
    "silence": lambda _: (b"", "mute"),
    "a bit flipped once": lambda packet: (packet[:1] + bytes((packet[1] ^ 1,)) + packet[2:], "whole"),
}


class Cable:
    """Passes bytes between a client and ``port``. At the server's packet ``at`` there is ``fault``; ``packets`` counts them.

    ``before_resume`` is called before the client's command to run on that comes as number ``at``.
    """

    def __init__(
        self, port: int, at: int = -1, fault: Fault | None = None, before_resume: Callable[[], None] | None = None
    ) -> None:
        self._port, self._at, self._fault, self._before_resume = port, at, fault, before_resume
        self.packets = self.resumes = 0

    def __call__(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._port), timeout=10) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            state, pending = "whole", b""
            while state != "closed":
                ready, _, _ = select.select([client, server], [], [], 20)
                if not ready:
                    return
                if client in ready:
                    data = client.recv(65536)
                    if not data:
                        return
                    self._resumed(data)
                    server.sendall(data)
                if server in ready:
                    data = server.recv(65536)
                    if not data:
                        return
                    pending += data
                    passed, pending, state = self._pass(pending, state)
                    client.sendall(passed)

    def _resumed(self, data: bytes) -> None:
        if b"$c#63" in data:
            if self.resumes == self._at and self._before_resume is not None:
                self._before_resume()
            self.resumes += 1

    def _pass(self, pending: bytes, state: str) -> tuple[bytes, bytes, str]:
        """What of ``pending`` goes on to the client, what is not whole yet, and the state of the cable after it."""
        passed = b""
        while state == "whole" and pending:
            end = pending.find(b"#") + 3 if pending[:1] == b"$" else 1
            if end == 2 or len(pending) < end:
                break
            piece, pending = pending[:end], pending[end:]
            if piece[:1] == b"$":
                if self.packets == self._at and self._fault is not None:
                    piece, state = self._fault(piece)
                self.packets += 1
            passed += piece
        return passed, b"" if state == "mute" else pending, state
