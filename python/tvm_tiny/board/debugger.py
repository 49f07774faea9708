"""What a debugger can do for us, and a run over it: the same for GDB remote servers and for probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tvm_tiny.board.base import Image
from tvm_tiny.board.elf import Segment, read_segments
from tvm_tiny.board.info import BoardInfo
from tvm_tiny.board.mailbox import Exchange, Mailbox
from tvm_tiny.board.process import Finished
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.errors import BoardError

SP, PC = 13, 15
_SCB_VTOR = 0xE000ED08
_STEP = 2  # bytes of the instruction at which the breakpoint is


@dataclass(frozen=True)
class Stop:
    """Why the core halted: the signal, or None where what ran has ended; ``text`` is what the debugger said."""

    signal: int | None
    text: str


@dataclass(frozen=True)
class FlashRegion:
    """Flash that the debugger can program: whole blocks of ``block`` bytes are erased."""

    origin: int
    size: int
    block: int


class Debugger(Protocol):
    """A core that is halted when a method is called, except :meth:`halt`.

    All methods raise BoardError where the core cannot be reached, or does not do what it is told: nothing is ever guessed.
    """

    def read(self, address: int, size: int) -> bytes: ...

    def write(self, address: int, data: bytes) -> None:
        """Write ``data`` to memory that is no flash."""
        ...

    def flash_regions(self) -> list[FlashRegion]: ...

    def program(self, region: FlashRegion, pieces: Sequence[tuple[int, bytes]]) -> None:
        """Write ``pieces``, each an address in the flash and what is to be there. The blocks that they touch are erased first."""
        ...

    def read_register(self, number: int) -> int: ...

    def write_register(self, number: int, value: int) -> None: ...

    def start_at(self, stack: int, entry: int) -> None:
        """Bring the core to where a reset does: stack pointer, program counter, Thumb state, no exception."""
        ...

    def set_breakpoint(self, address: int) -> None: ...

    def clear_breakpoints(self) -> None: ...

    def run(self, patience: float) -> Stop | None:
        """Let the core run until it halts; None where it still runs after ``patience`` seconds."""
        ...

    def halt(self) -> Stop:
        """Halt the core, which runs."""
        ...


class HaltingCore:
    """The core of a harness that stops at a breakpoint in ``mailbox_stop``; a :class:`tvm_tiny.board.mailbox.Core`."""

    def __init__(self, debugger: Debugger, info: BoardInfo, symbols: SymbolTable) -> None:
        self._debugger, self._info, self._symbols = debugger, info, symbols
        self._stop = symbols.address_of("mailbox_stop") & ~1
        self._signal: int | None = 0
        self._is_stopped = False
        self.read, self.write = debugger.read, debugger.write
        debugger.set_breakpoint(self._stop)

    def proceed(self, patience: float) -> bool:
        if self._is_stopped:
            # A reset since then has moved it; going on from here without a stack would look like a fault of the model.
            self._require_place(self._signal, "the request's answer")
            self._debugger.write_register(PC, self._stop + _STEP)
        stop = self._debugger.run(patience)
        if stop is None:
            return False
        self._require_place(stop.signal, stop.text)
        self._signal, self._is_stopped = stop.signal, True
        return True

    def halt(self) -> int | None:
        self._debugger.halt()
        return self._debugger.read_register(PC)

    def _require_place(self, signal: int | None, text: str) -> None:
        if signal is None:
            raise BoardError(f"the debugger of {self._info.name} ended the run with {text}", "was the board reset or unplugged?")
        place = self._debugger.read_register(PC) & ~1
        if place != self._stop:
            where = self._symbols.describe(place)
            raise BoardError(
                f"{self._info.name} is halted at {where} after {text}, expected at its breakpoint in mailbox_stop",
                "was the board reset or halted by somebody else?",
            )


def load(debugger: Debugger, info: BoardInfo, image: Image, symbols: SymbolTable) -> None:
    """Bring the image into the memory of a board that was reset, compare it there, and go to its entry.

    Raises
    ------
    BoardError
        The memory does not keep the image, or the board cannot be reached.
    """
    segments, flashes = read_segments(image.path), debugger.flash_regions()
    for region in flashes:
        pieces = [(each.address, each.data) for each in segments if _holds(region, each)]
        # A block that is erased takes all that it held with it.
        if any(debugger.read(address, len(data)) != data for address, data in pieces):
            debugger.program(region, pieces)
    for each in segments:
        if not any(_holds(region, each) for region in flashes):
            debugger.write(each.address, each.data)
    for each in segments:
        found = debugger.read(each.address, len(each.data))
        if found != each.data:
            at = next(i for i, pair in enumerate(zip(found, each.data, strict=True)) if pair[0] != pair[1])
            raise BoardError(
                f"{info.name} holds another image than was loaded: at 0x{each.address + at:08x} it has 0x{found[at]:02x}, "
                f"expected 0x{each.data[at]:02x}",
                "does [memory.flash] name RAM, or flash that the server can program?",
            )
    # A bootloader may have moved the table, and Armv6-M firmware leaves it where it is.
    vectors = symbols.address_of("tiny_vectors")
    if vectors:
        debugger.write(_SCB_VTOR, vectors.to_bytes(4, "little"))
    debugger.start_at(symbols.address_of("tiny_stack_top"), symbols.address_of("reset_handler"))


def play(
    debugger: Debugger, info: BoardInfo, image: Image, symbols: SymbolTable, exchange: Exchange, timeout: float
) -> tuple[Finished, int]:
    """Load ``image`` and serve its run; how it ended, and the address of the register that counted its cycles."""
    load(debugger, info, image, symbols)
    finished = Mailbox(HaltingCore(debugger, info, symbols), info, symbols).serve(exchange, timeout)
    debugger.clear_breakpoints()
    return finished, int.from_bytes(debugger.read(symbols.address_of("measure_counter"), 4), "little")


def _holds(region: FlashRegion, segment: Segment) -> bool:
    return region.origin <= segment.address and segment.address + len(segment.data) <= region.origin + region.size
