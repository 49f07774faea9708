"""The other side of ``src/firmware/harness/mailbox.h``: it serves the harness's requests."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field
from typing import Protocol

from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.process import Finished
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.errors import BoardError

_MAGIC = 0x424D5454
_MAILBOX = struct.Struct("<6I")
_ANSWER_OFFSET = 20
_READ_INPUT, _WRITE_OUTPUT, _WRITE_TRACE, _CONSOLE, _EXIT = range(1, 6)
_MAX_TEXT = 4096


class Core(Protocol):
    """A core that has a harness loaded and stops at each request of it. All methods raise BoardError where it cannot be reached."""

    def read(self, address: int, size: int) -> bytes: ...

    def write(self, address: int, data: bytes) -> None: ...

    def proceed(self, patience: float) -> bool:
        """Let the core run to its next request; False where it still runs after ``patience`` seconds."""
        ...

    def halt(self) -> int | None:
        """Halt the core, which runs, if it can be halted; where it was, if that can be told."""
        ...


@dataclass
class Exchange:
    """What passed in one run. ``longest`` is the longest time, in seconds, that the core ran between two requests."""

    input: bytes
    output: bytearray = field(default_factory=bytearray)
    trace: bytearray = field(default_factory=bytearray)
    console: bytearray = field(default_factory=bytearray)
    longest: float = 0.0
    place: str | None = None  # where the core was when the time ran out


class Mailbox:
    """Serves one run of a harness that is loaded and stands at its entry."""

    def __init__(self, core: Core, info: BoardInfo, symbols: SymbolTable) -> None:
        self._core, self._info, self._symbols = core, info, symbols
        self._mailbox = symbols.address_of("tiny_mailbox")
        self._served = 0
        self._taken = 0  # bytes of the input

    def serve(self, exchange: Exchange, timeout: float) -> Finished:
        """Let the core run and answer its requests until it ends; code None where that takes longer than ``timeout`` seconds.

        Raises
        ------
        BoardError
            The core cannot be reached, halts where it should not, or it was reset in the middle.
        """
        deadline = time.monotonic() + timeout
        code = None
        while code is None:
            began = time.monotonic()
            if not self._core.proceed(max(deadline - began, 0.01)):
                place = self._core.halt()
                exchange.place = None if place is None else self._symbols.describe(place)
                break
            exchange.longest = max(exchange.longest, time.monotonic() - began)
            code = self._answer(exchange)
        return Finished(code, exchange.console.decode("ascii", "replace"))

    def _answer(self, exchange: Exchange) -> int | None:
        """Do what the request asks for; the exit code where it is the last."""
        magic, sequence, request, address, size, _ = _MAILBOX.unpack(self._core.read(self._mailbox, _MAILBOX.size))
        if magic != _MAGIC:
            raise BoardError(f"the mailbox of {self._info.name} is garbled: it begins with 0x{magic:08x}, expected 0x{_MAGIC:08x}")
        if sequence != self._served + 1:
            raise BoardError(
                f"{self._info.name} made request {sequence} after {self._served}: it was reset in the middle of the run",
                "look at its power and at other programs that use its probe, and run again",
            )
        self._served = sequence
        if request == _EXIT:
            return size
        done = self._serve_one(exchange, request, address, size)
        answer = sequence if done else ~sequence & 0xFFFFFFFF
        self._core.write(self._mailbox + _ANSWER_OFFSET, answer.to_bytes(4, "little"))
        return None

    def _serve_one(self, exchange: Exchange, request: int, address: int, size: int) -> bool:
        if request not in (_READ_INPUT, _WRITE_OUTPUT, _WRITE_TRACE, _CONSOLE) or address + size > 1 << 32:
            raise BoardError(f"the mailbox of {self._info.name} is garbled: request {request} of {size:,} bytes at 0x{address:08x}")
        if request == _READ_INPUT:
            data = exchange.input[self._taken : self._taken + size]
            if len(data) < size:
                return False
            self._core.write(address, data)
            self._taken += size
            return True
        ram = self._info.region("ram")
        limit = _MAX_TEXT if request == _CONSOLE else (ram.size if ram else 1 << 32)
        if size > limit:
            raise BoardError(f"the mailbox of {self._info.name} is garbled: {size:,} bytes at 0x{address:08x}, at most {limit:,}")
        sink = {_WRITE_OUTPUT: exchange.output, _WRITE_TRACE: exchange.trace, _CONSOLE: exchange.console}[request]
        sink += self._core.read(address, size)
        return True
