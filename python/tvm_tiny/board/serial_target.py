"""A core above the resident firmware: its memory, and its run from one request of the harness to the next."""

from __future__ import annotations

import struct
import zlib

from tvm_tiny.board.elf import Segment
from tvm_tiny.board.serial_frame import MAX_PAYLOAD, Kind
from tvm_tiny.board.serial_link import SerialLink
from tvm_tiny.errors import BoardError

_WORD = struct.Struct("<I")
_PLACE = struct.Struct("<2I")
_BLOCK = 4096  # bytes that are compared before they are sent


class SerialTarget:
    """A :class:`tvm_tiny.board.mailbox.Core`. ``disturbed`` once the core had to listen while the image computed."""

    def __init__(self, link: SerialLink) -> None:
        self._link = link
        self._vectors: int | None = None
        self.disturbed = False

    def read(self, address: int, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            part = min(size - len(found), MAX_PAYLOAD)
            data = self._link.ask(Kind.READ, _PLACE.pack(address + len(found), part))
            if len(data) != part:
                raise self._link.error(f"sent {len(data):,} bytes of memory, expected {part:,}")
            found += data
        return bytes(found)

    def write(self, address: int, data: bytes) -> None:
        room = MAX_PAYLOAD - _WORD.size
        for start in range(0, len(data), room):
            self._link.ask(Kind.WRITE, _WORD.pack(address + start) + data[start : start + room])

    def _holds(self, address: int, data: bytes) -> bool:
        return self._link.ask(Kind.CRC, _PLACE.pack(address, len(data))) == _WORD.pack(zlib.crc32(data))

    def load(self, segment: Segment) -> None:
        """Bring ``segment`` into memory, what is not there yet, and compare it.

        Raises
        ------
        BoardError
            The memory does not keep it.
        """
        for start in range(0, len(segment.data), _BLOCK):
            address, data = segment.address + start, segment.data[start : start + _BLOCK]
            if not self._holds(address, data):
                self.write(address, data)
                if not self._holds(address, data):
                    raise BoardError(
                        f"the board at {self._link.device} does not keep what is written to its memory at 0x{address:08x}"
                    )

    def start_with(self, vectors: int) -> None:
        """The image to run, by the address of its vectors."""
        self._vectors = vectors

    def proceed(self, patience: float) -> bool:
        before = self._link.stops
        if self._vectors is not None:
            self._link.ask(Kind.RUN, _WORD.pack(self._vectors), until_stop=True)
            self._vectors = None
        else:
            self._link.ask(Kind.RESUME, _WORD.pack(before), until_stop=True)
        if self._link.stops == before and not self._link.await_stop(patience):
            return False
        self.disturbed |= self._link.interrupts > 0
        return True

    def halt(self) -> int | None:
        # It runs on: only a reset ends it, and the next run begins with one.
        return int.from_bytes(self._link.ask(Kind.WHERE), "little") or None
