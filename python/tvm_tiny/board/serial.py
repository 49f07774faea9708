"""A board on a serial port, on which the resident firmware runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tvm_tiny.board.attached import AttachedBoard, Played, require_facts
from tvm_tiny.board.base import Image
from tvm_tiny.board.elf import Segment, read_segments
from tvm_tiny.board.info import BoardInfo, MemoryRegion
from tvm_tiny.board.mailbox import Exchange, Mailbox
from tvm_tiny.board.resident import RESIDENT_RAM, window_of
from tvm_tiny.board.serial_link import Hello, SerialLink, SessionLostError
from tvm_tiny.board.serial_target import SerialTarget
from tvm_tiny.board.symbols import SymbolTable
from tvm_tiny.errors import BoardError

BAUD = 115_200
_STACK = 8192
_FACTS: dict[str, type] = {"device": str, "baud": int}
_ATTEMPTS = 3


class SerialBoard(AttachedBoard):
    """A board that its resident firmware loads, starts and resets, over a UART. Images lie in RAM as a whole.

    A run that the board's reset or noise on the line spoils begins anew, at most three times in all.

    Parameters
    ----------
    info : BoardInfo
        With the memory "ram", at whose end the resident firmware has its place, and the facts ``device`` and ``baud``.
    patience : float
        Seconds for which a command is sent again, and a port that fails opened again.
    """

    def __init__(self, info: BoardInfo, *, patience: float = 5.0) -> None:
        require_facts(info, _FACTS)
        facts = info.connection or {}
        if "device" not in facts or facts.get("baud", BAUD) <= 0:
            raise BoardError(f"the board {info.name} names no serial port", "add [serial] with device and baud to its TOML file")
        super().__init__(replace(info, memory=(window_of(info),)), "resident")
        self._link = SerialLink(str(facts["device"]), int(facts.get("baud", BAUD)), patience=patience)

    def _play(self, image: Image, symbols: SymbolTable, prepare: Callable[[bool], bytes], timeout: float) -> Played:
        played: Played | None = None
        lost: SessionLostError | None = None
        for _ in range(_ATTEMPTS):
            try:
                played = self._attempt(image, symbols, prepare, timeout)
            except SessionLostError as error:
                lost = error
                continue
            except BaseException:
                self.close()
                raise
            if not played.disturbed:
                return played
        if played is not None:
            return played
        raise lost or BoardError(f"{self.name} did not run")

    def close(self) -> None:
        """Let others have the port, which stays open from run to run: opening it resets some boards. The next run opens it anew."""
        self._link.close()

    def _attempt(self, image: Image, symbols: SymbolTable, prepare: Callable[[bool], bytes], timeout: float) -> Played:
        link = self._link
        hello = link.begin()
        self._require_match(hello)
        exchange, target = Exchange(prepare(hello.emulated)), SerialTarget(link)
        call = symbols.address_of("tiny_resident_call")
        for segment in read_segments(image.path):
            target.load(_with_word(segment, call, hello.call))
        target.start_with(symbols.address_of("tiny_vectors"))
        finished = Mailbox(target, self.info, symbols).serve(exchange, timeout)
        counter = 0
        if finished.code is not None:  # what did not end was reset
            counter = int.from_bytes(target.read(symbols.address_of("measure_counter"), 4), "little")
        return Played(exchange, finished, counter, hello.emulated, target.disturbed)

    def _require_match(self, hello: Hello) -> None:
        window = self.info.memory[0]
        end = hello.window_origin + hello.window_size
        if hello.core != self.target or not hello.window_origin <= window.origin <= window.origin + window.size <= end:
            raise BoardError(
                f"{self._link.device} is a {hello.board}: {hello.core}, {hello.window_size:,} bytes for images at "
                f"0x{hello.window_origin:08x}; expected {self.target}, {window.size:,} bytes at 0x{window.origin:08x}",
                "name the board that is attached, or none: then the firmware tells",
            )


def _with_word(segment: Segment, address: int, word: int) -> Segment:
    """``segment`` with ``word`` at ``address``, where that lies in it."""
    at = address - segment.address
    if not 0 <= at <= len(segment.data) - 4:
        return segment
    return Segment(segment.address, segment.data[:at] + word.to_bytes(4, "little") + segment.data[at + 4 :])


def learn(device: str, baud: int, *, patience: float = 5.0) -> BoardInfo:
    """The board on a serial port, by what its resident firmware says; that resets the board.

    Raises
    ------
    BoardError
        Nothing answers there.
    """
    with SerialLink(device, baud, patience=patience) as link:
        hello = link.begin()
    return BoardInfo(
        name=hello.board,
        description=f"{hello.board}, on {device}",
        kind="serial",
        target=hello.core,
        clock=hello.clock,
        stack=min(_STACK, hello.window_size // 8),
        memory=(MemoryRegion("ram", hello.window_origin, hello.window_size + RESIDENT_RAM),),
    )
