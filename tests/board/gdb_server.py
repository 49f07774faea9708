"""A GDB server for tests: a socket of this machine, and a script or a small machine behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tvm_tiny.board.rsp import framed


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port at which ``serve`` gets each connection, one after the other, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with suppress(OSError):
                    serve(connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(25)
        assert not thread.is_alive()


class FakeServer:
    """Answers packets by ``answers``, a function of the question's data; acknowledges until it is told not to."""

    def __init__(self, answers: Callable[[bytes], bytes]) -> None:
        self.answers = answers
        self.questions: list[bytes] = []

    def __call__(self, connection: socket.socket) -> None:
        pending, acknowledges = b"", True
        while data := connection.recv(65536):
            pending += data
            while (end := pending.find(b"#")) >= 0 and len(pending) >= end + 3:
                start = pending.index(b"$")
                question, pending = pending[start + 1 : end], pending[end + 3 :]
                self.questions.append(question)
                connection.sendall((b"+" if acknowledges else b"") + framed(self.answers(question)))
                acknowledges &= question != b"QStartNoAckMode"


class FakeMachine:
    """A halted core with 256 bytes of RAM at 0 and what else a test says it offers."""

    def __init__(
        self, features: str = "PacketSize=80", lacks: tuple[bytes, ...] = (), documents: dict[str, str] | None = None
    ) -> None:
        self.features, self.lacks, self.documents = features, lacks, documents or {}
        self.memory = bytearray(256)
        self.registers = dict.fromkeys(range(26), 0)

    def __call__(self, question: bytes) -> bytes:
        text = question.decode("latin-1")
        if any(question.startswith(each) for each in self.lacks):
            return b""
        if text.startswith("qSupported"):
            return self.features.encode()
        if text == "?":
            return b"T05thread:01;"
        if text.startswith("qXfer:"):
            _, _, _, name, place = text.split(":")
            offset, size = (int(each, 16) for each in place.split(","))
            part = self.documents[name].encode()[offset : offset + size]
            return (b"m" if offset + size < len(self.documents[name]) else b"l") + part
        if text[0] in "mMX":
            return self._memory(text[0], question)
        if text[0] == "p":
            return self.registers[int(text[1:], 16)].to_bytes(4, "little").hex().encode()
        if text[0] == "P":
            number, value = text[1:].split("=")
            self.registers[int(number, 16)] = int.from_bytes(bytes.fromhex(value), "little")
            return b"OK"
        if text == "g":
            return "".join(self.registers[number].to_bytes(4, "little").hex() for number in range(16)).encode()
        if text[0] == "G":
            values = bytes.fromhex(text[1:])
            self.registers.update({n: int.from_bytes(values[4 * n : 4 * n + 4], "little") for n in range(16)})
            return b"OK"
        return b"OK" if text[0] in "QZzv" else b""

    def _memory(self, kind: str, question: bytes) -> bytes:
        place, _, data = question[1:].partition(b":")
        address, size = (int(each, 16) for each in place.split(b","))
        if address + size > len(self.memory):
            return b"E01"
        if kind == "m":
            return self.memory[address : address + size].hex().encode()
        raw = bytes.fromhex(data.decode()) if kind == "M" else _unescaped(data)
        if len(raw) != size:
            return b"E02"
        self.memory[address : address + size] = raw
        return b"OK"


def _unescaped(data: bytes) -> bytes:
    out, escape = bytearray(), False
    for byte in data:
        if byte == 0x7D and not escape:
            escape = True
        else:
            out.append(byte ^ 0x20 if escape else byte)
            escape = False
    return bytes(out)
