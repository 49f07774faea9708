"""Frames of the resident firmware's protocol: ``src/firmware/resident/protocol.h`` tells their form.

Source: RFC 1662, "PPP in HDLC-like Framing", sections 4.2 (octet-stuffed framing) and C.3 (the 32-bit frame check sequence, which
is that of ``zlib.crc32``).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

MAX_PAYLOAD = 1024
_FLAG, _ESCAPE, _ESCAPED_BIT = 0x7E, 0x7D, 0x20
_HEADER = struct.Struct("<BBHII")
_CRC = struct.Struct("<I")
_MAX_FRAME = 2 * (_HEADER.size + MAX_PAYLOAD + _CRC.size)
_REPLY = 0x80


class Kind(IntEnum):
    """What a frame is; ``enum frame_kind``."""

    HELLO = 1
    WRITE = 2
    READ = 3
    CRC = 4
    RUN = 5
    RESUME = 6
    RESET = 7
    WHERE = 8
    STOPPED = 0x40
    STARTED = 0x41


class Status(IntEnum):
    """What a reply says; ``enum frame_status``."""

    DONE = 0
    NO_SESSION = 1
    WRONG_STATE = 2
    WRONG_ARGUMENT = 3


@dataclass(frozen=True)
class Frame:
    """One frame; ``is_reply`` for the resident's answer to a command of ``kind``."""

    kind: int
    sequence: int
    session: int
    payload: bytes = b""
    status: int = Status.DONE
    is_reply: bool = False

    def encoded(self) -> bytes:
        """The bytes on the wire, both flags included."""
        kind = self.kind | (_REPLY if self.is_reply else 0)
        body = _HEADER.pack(kind, self.status, len(self.payload), self.sequence, self.session) + self.payload
        body += _CRC.pack(zlib.crc32(body))
        escaped = re.sub(rb"[\x7d\x7e]", lambda found: bytes((_ESCAPE, found[0][0] ^ _ESCAPED_BIT)), body)
        return bytes((_FLAG,)) + escaped + bytes((_FLAG,))


def _decoded(between: bytes) -> Frame | None:
    """The frame whose bytes lay between two flags; None where it is not whole."""
    if between.endswith(bytes((_ESCAPE,))):
        return None
    body = re.sub(rb"\x7d(.)", lambda found: bytes((found[1][0] ^ _ESCAPED_BIT,)), between, flags=re.DOTALL)
    if len(body) < _HEADER.size + _CRC.size or _CRC.pack(zlib.crc32(body[: -_CRC.size])) != body[-_CRC.size :]:
        return None
    kind, status, size, sequence, session = _HEADER.unpack_from(body)
    payload = body[_HEADER.size : -_CRC.size]
    if size != len(payload):
        return None
    return Frame(kind & ~_REPLY, sequence, session, payload, status, bool(kind & _REPLY))


class Decoder:
    """Takes bytes in any pieces and gives the frames that arrived whole; what is not whole is dropped without a word."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def take(self, data: bytes) -> Iterator[Frame]:
        self._pending += data
        *parts, rest = self._pending.split(bytes((_FLAG,)))
        # Noise without an end would be kept for ever.
        self._pending = rest if len(rest) <= _MAX_FRAME else bytearray(b"\x00" * _MAX_FRAME)
        for part in parts:
            frame = _decoded(bytes(part)) if part else None
            if frame is not None:
                yield frame
