"""Packets of the GDB Remote Serial Protocol over a socket: "$data#checksum", acknowledged by "+" or "-".

Source: "Debugging with GDB", appendix E, "GDB Remote Serial Protocol", section "Overview".
"""

from __future__ import annotations

import re
import socket
import time

from tvm_tiny.errors import BoardError

# A reply longer than this is no reply: the largest that is asked for is one packet of memory or a part of a description.
_MAX_REPLY = 1 << 20
_ATTEMPTS = 3
_INTERRUPT = b"\x03"
_HINT = "is a GDB remote server there, and is nobody else connected to it?"


def escaped(data: bytes) -> bytes:
    """``data`` with the four bytes that the protocol reserves escaped by "}"."""
    return re.sub(rb"[#$}*]", lambda found: bytes((0x7D, found[0][0] ^ 0x20)), data, flags=re.DOTALL)


def expanded(data: bytes) -> bytes:
    """``data`` without escapes and run lengths: "0*" followed by a byte of n + 29 is n more of the byte before it.

    Raises
    ------
    ValueError
        An escape or a run is cut off, or nothing stands in front of a run.
    """
    out = bytearray()
    bytes_ = iter(data)
    for byte in bytes_:
        if byte not in b"}*":
            out.append(byte)
            continue
        follower = next(bytes_, None)
        if follower is None or (byte == 0x2A and (not out or follower < 32)):
            raise ValueError("an escape or a run is cut off")
        if byte == 0x7D:
            out.append(follower ^ 0x20)
        else:
            out += out[-1:] * (follower - 29)
    return bytes(out)


def framed(data: bytes) -> bytes:
    """The packet that carries ``data``, which is escaped already."""
    return b"$%s#%02x" % (data, sum(data) & 0xFF)


class PacketStream:
    """A connection to a GDB remote server, on which packets go out and come in; use it in ``with``.

    Every wait has an end: ``patience`` seconds, unless told otherwise. Whatever goes wrong is one :class:`BoardError`, after which
    the connection is of no use any more.
    """

    def __init__(self, host: str, port: int, *, patience: float = 5.0) -> None:
        self.server = f"{host}:{port}"
        self.patience = patience
        self.acknowledges = True
        self._pending = bytearray()
        try:
            self._socket = socket.create_connection((host, port), timeout=patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise BoardError(
                f"no GDB server can be reached at {self.server}: {error}", "start it first, or give its port"
            ) from error

    def __enter__(self) -> PacketStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def error(self, text: str) -> BoardError:
        """An error of this connection."""
        return BoardError(f"the GDB server at {self.server} {text}", _HINT)

    def send(self, data: bytes) -> None:
        """Send one packet, again where the server asks for that; ``data`` is not escaped yet.

        Raises
        ------
        BoardError
            The connection is gone, or the server does not take the packet.
        """
        packet = framed(escaped(data))
        for _ in range(_ATTEMPTS):
            self._write(packet)
            if not self.acknowledges or self._acknowledged():
                return
        raise self.error(f"refused a packet {_ATTEMPTS} times")

    def interrupt(self) -> None:
        """Ask for a halt of the core that runs."""
        self._write(_INTERRUPT)

    def receive(self, patience: float | None = None) -> bytes | None:
        """The next packet's data; None where none has begun after ``patience`` seconds.

        Raises
        ------
        BoardError
            The connection is gone, what arrives is no packet, or only a part of one arrives.
        """
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        for _ in range(_ATTEMPTS):
            first = self._byte(deadline)
            while first == b"+":  # of a packet that needed none
                first = self._byte(deadline)
            if first is None:
                return None
            if first != b"$":
                raise self.error(f"sent {first!r} where a packet begins")
            data = self._rest()
            if data is not None:
                if self.acknowledges:
                    self._write(b"+")
                return data
            if not self.acknowledges:
                break
            self._write(b"-")
        raise self.error("sent a packet whose checksum is wrong")

    def _rest(self) -> bytes | None:
        """The data of the packet that has begun, None where its checksum is wrong. It must come to its end in ``patience``."""
        deadline = time.monotonic() + self.patience
        while (end := self._pending.find(b"#")) < 0 or len(self._pending) < end + 3:
            if len(self._pending) > _MAX_REPLY:
                raise self.error("sent a packet without an end")
            if not self._fill(deadline):
                raise self.error(f"sent a half packet and then nothing for {self.patience:g} s")
        data, digits = bytes(self._pending[:end]), bytes(self._pending[end + 1 : end + 3])
        del self._pending[: end + 3]
        if re.fullmatch(rb"[0-9a-fA-F]{2}", digits) is None or int(digits, 16) != sum(data) & 0xFF:
            return None
        try:
            return expanded(data)
        except ValueError as error:
            raise self.error(f"sent a packet that cannot be read: {error}") from error

    def _acknowledged(self) -> bool:
        answer = self._byte(time.monotonic() + self.patience)
        if answer is None:
            raise self.error(f"did not answer within {self.patience:g} s")
        if answer not in b"+-":
            raise self.error(f"sent {answer!r} where it acknowledges a packet")
        return answer == b"+"

    def _byte(self, deadline: float) -> bytes | None:
        while not self._pending:
            if not self._fill(deadline):
                return None
        byte = bytes(self._pending[:1])
        del self._pending[:1]
        return byte

    def _fill(self, deadline: float) -> bool:
        """Take in what has arrived; False where nothing arrives until ``deadline``."""
        try:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            arrived = self._socket.recv(65536)
        except TimeoutError:
            return False
        except OSError as error:
            raise self.error(f"broke the connection: {error}") from error
        if not arrived:
            raise self.error("closed the connection")
        self._pending += arrived
        return True

    def _write(self, data: bytes) -> None:
        try:
            self._socket.settimeout(self.patience)
            self._socket.sendall(data)
        except OSError as error:
            raise self.error(f"broke the connection: {error}") from error
