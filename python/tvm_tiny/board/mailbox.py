"""The debugger's side of ``src/firmware/harness/mailbox.h``: it serves the harness's requests at a breakpoint."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field

from tvm_tiny.board.gdb_target import PC, GdbTarget
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.process import Finished
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.errors import BoardError

_MAGIC = 0x424D5454
_MAILBOX = struct.Struct("<6I")
_ANSWER_OFFSET = 20
_READ_INPUT, _WRITE_OUTPUT, _WRITE_TRACE, _CONSOLE, _EXIT = range(1, 6)
_MAX_TEXT = 4096
_STEP = 2  # bytes of the instruction at which the breakpoint is


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

    def __init__(self, target: GdbTarget, info: BoardInfo, symbols: SymbolTable) -> None:
        self._target, self._info, self._symbols = target, info, symbols
        self._mailbox = symbols.address_of("tiny_mailbox")
        self._stop = symbols.address_of("mailbox_stop") & ~1
        self._served = 0
        self._taken = 0  # bytes of the input

    def serve(self, exchange: Exchange, timeout: float) -> Finished:
        """Let the core run and answer its requests until it ends; code None where that takes longer than ``timeout`` seconds.

        Raises
        ------
        BoardError
            The server fails, the core halts where it should not, or it was reset in the middle.
        """
        target, deadline = self._target, time.monotonic() + timeout
        target.set_breakpoint(self._stop)
        code = None
        while code is None:
            began = time.monotonic()
            stop = target.run(max(deadline - began, 0.01))
            if stop is None:
                target.halt()
                exchange.place = self._symbols.describe(target.read_register(PC))
                break
            exchange.longest = max(exchange.longest, time.monotonic() - began)
            self._require_place(stop.signal, stop.text)
            code = self._answer(exchange)
            if code is None:
                # A reset since then has moved it; going on from here without a stack would look like a fault of the model.
                self._require_place(stop.signal, "the request's answer")
                target.write_register(PC, self._stop + _STEP)
        target.clear_breakpoints()
        return Finished(code, exchange.console.decode("ascii", "replace"))

    def _require_place(self, signal: int | None, text: str) -> None:
        if signal is None:
            raise BoardError(f"the GDB server of {self._info.name} ended the run with {text}", "was the board reset or unplugged?")
        place = self._target.read_register(PC) & ~1
        if place != self._stop:
            where = self._symbols.describe(place)
            raise BoardError(
                f"{self._info.name} is halted at {where} after {text}, expected at its breakpoint in mailbox_stop",
                "was the board reset or halted by somebody else?",
            )

    def _answer(self, exchange: Exchange) -> int | None:
        """Do what the request asks for; the exit code where it is the last."""
        magic, sequence, request, address, size, _ = _MAILBOX.unpack(self._target.read(self._mailbox, _MAILBOX.size))
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
        self._target.write(self._mailbox + _ANSWER_OFFSET, answer.to_bytes(4, "little"))
        return None

    def _serve_one(self, exchange: Exchange, request: int, address: int, size: int) -> bool:
        if request not in (_READ_INPUT, _WRITE_OUTPUT, _WRITE_TRACE, _CONSOLE) or address + size > 1 << 32:
            raise BoardError(f"the mailbox of {self._info.name} is garbled: request {request} of {size:,} bytes at 0x{address:08x}")
        if request == _READ_INPUT:
            data = exchange.input[self._taken : self._taken + size]
            if len(data) < size:
                return False
            self._target.write(address, data)
            self._taken += size
            return True
        ram = self._info.region("ram")
        limit = _MAX_TEXT if request == _CONSOLE else (ram.size if ram else 1 << 32)
        if size > limit:
            raise BoardError(f"the mailbox of {self._info.name} is garbled: {size:,} bytes at 0x{address:08x}, at most {limit:,}")
        sink = {_WRITE_OUTPUT: exchange.output, _WRITE_TRACE: exchange.trace, _CONSOLE: exchange.console}[request]
        sink += self._target.read(address, size)
        return True
