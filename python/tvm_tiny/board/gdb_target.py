"""What a GDB remote server can do for us: memory, registers, breakpoints, flash, run and halt.

Source: "Debugging with GDB", appendix E, sections "Packets", "General Query Packets" and "Memory Map Format".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn
from xml.etree import ElementTree

from tvm_tiny.board.debugger import PC, SP, FlashRegion, Stop
from tvm_tiny.board.rsp import PacketStream

_FLASH_PATIENCE = 120.0  # seconds that erasing a large flash may take
_PACKET_SIZE = 1024  # where the server does not tell

_XPSR = 25  # by the layout that all Arm servers share, where none is described


class GdbTarget:
    """A halted core behind a GDB remote server: a :class:`tvm_tiny.board.debugger.Debugger`.

    All methods raise BoardError where the connection fails, where the server reports an error, and where a reply has not the form
    that the question asks for: nothing is ever guessed.
    """

    def __init__(self, stream: PacketStream) -> None:
        self.stream = stream
        offered = self._ask(b"qSupported:swbreak+;hwbreak+;xmlRegisters=arm").decode("ascii", "replace").split(";")
        self._features = frozenset(feature[:-1] for feature in offered if feature.endswith("+"))
        sizes = [re.fullmatch(r"PacketSize=([0-9a-fA-F]+)", feature) for feature in offered]
        self._packet = max(next((int(size[1], 16) for size in sizes if size), _PACKET_SIZE), 64)
        if "QStartNoAckMode" in self._features and self._ask(b"QStartNoAckMode") == b"OK":
            self.stream.acknowledges = False  # TCP loses nothing: each question takes one turn less
        self._stopped(self._ask(b"?"))
        self._binary = self._ask(b"X0,0:") == b"OK"
        self._breakpoints: dict[int, bytes] = {}

    def _reply(self, question: bytes, patience: float | None = None) -> bytes:
        reply = self.stream.receive(patience)
        if reply is None:
            waited = self.stream.patience if patience is None else patience
            raise self.stream.error(f"did not answer {_shown(question)} within {waited:g} s")
        return reply

    def _ask(self, question: bytes, patience: float | None = None) -> bytes:
        self.stream.send(question)
        return self._reply(question, patience)

    def _refuse(self, question: bytes, reply: bytes) -> NoReturn:
        what = "does not know" if not reply else f"answered {_shown(reply)} to"
        raise self.stream.error(f"{what} {_shown(question)}")

    def _command(self, question: bytes, patience: float | None = None) -> None:
        reply = self._ask(question, patience)
        if reply != b"OK":
            self._refuse(question, reply)

    @property
    def is_emulator(self) -> bool:
        """Whether it is QEMU, whose time is not the core's."""
        return self._ask(b"qqemu.sstepbits").startswith(b"ENABLE")

    def monitor(self, command: str) -> str:
        """Have the server carry out a command of its own, as GDB's ``monitor`` does; what it said."""
        question = b"qRcmd," + command.encode().hex().encode()
        reply, said = self._ask(question, _FLASH_PATIENCE), bytearray()
        while re.fullmatch(rb"O(?:[0-9a-fA-F]{2})+", reply):
            said += bytes.fromhex(reply[1:].decode())
            reply = self._reply(question, _FLASH_PATIENCE)
        # Some servers put all that the command said into the reply itself.
        if not reply or re.fullmatch(rb"E[0-9a-fA-F]{2}", reply):
            self._refuse(question, reply)
        if reply != b"OK" and re.fullmatch(rb"(?:[0-9a-fA-F]{2})+", reply):
            said += bytes.fromhex(reply.decode())
        return said.decode("utf-8", "replace")

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes of memory from ``address``."""
        found = bytearray()
        while len(found) < size:
            part = min(size - len(found), (self._packet - 8) // 2)
            question = b"m%x,%x" % (address + len(found), part)
            reply = self._ask(question)
            if re.fullmatch(rb"(?:[0-9a-fA-F]{2})+", reply) is None or len(reply) > 2 * part:
                self._refuse(question, reply)
            found += bytes.fromhex(reply.decode())
        return bytes(found)

    def write(self, address: int, data: bytes) -> None:
        """Write ``data`` to memory from ``address`` on; RAM, where the memory is not told to be flash."""
        # Escaping at worst doubles the bytes; hexadecimal digits always do.
        part = (self._packet - 32) // 2
        for start in range(0, len(data), part):
            piece = data[start : start + part]
            place = b"%x,%x:" % (address + start, len(piece))
            self._command(b"X" + place + piece if self._binary else b"M" + place + piece.hex().encode())

    def read_register(self, number: int) -> int:
        """A 32-bit register of the core."""
        question = b"p%x" % number
        reply = self._ask(question)
        if not reply and number <= PC:  # the core's registers come first among all
            question = b"g"
            reply = self._ask(question)[8 * number : 8 * number + 8]
        if re.fullmatch(rb"[0-9a-fA-F]{8}", reply) is None:
            self._refuse(question, reply)
        return int.from_bytes(bytes.fromhex(reply.decode()), "little")

    def write_register(self, number: int, value: int) -> None:
        digits = value.to_bytes(4, "little").hex().encode()
        question = b"P%x=%s" % (number, digits)
        reply = self._ask(question)
        if not reply and number <= PC:
            registers = self._ask(b"g")
            if re.match(rb"[0-9a-fA-Fx]{128}", registers) is None:
                self._refuse(b"g", registers)
            reply = self._ask(b"G" + registers[: 8 * number] + digits + registers[8 * number + 8 :])
        if reply != b"OK":
            self._refuse(question, reply)

    def start_at(self, stack: int, entry: int) -> None:
        """Bring the core to where a reset does: stack pointer, program counter, Thumb state, no exception."""
        self.write_register(SP, stack)
        self.write_register(self._xpsr(), 1 << 24)
        self.write_register(PC, entry & ~1)

    def _xpsr(self) -> int:
        """The number of the program status register, by the server's description of the core where it gives one."""
        if "qXfer:features:read" not in self._features:
            return _XPSR
        number = 0
        for text in self._descriptions("target.xml"):
            for name, given in re.findall(r'<reg\b(?=[^>]*\bname="(\w+)")(?:(?=[^>]*\bregnum="(\d+)"))?', text):
                number = int(given) if given else number
                if name in ("xpsr", "cpsr"):
                    return number
                number += 1
        return _XPSR

    def _descriptions(self, name: str, depth: int = 0) -> list[str]:
        text = self._transfer("features", name)
        included = re.findall(r'<xi:include\s+href="([^"]+)"', text) if depth < 2 else []
        return [text, *(each for file in included for each in self._descriptions(file, depth + 1))]

    def _transfer(self, what: str, name: str) -> str:
        """A document of the server's, by parts that begin with "m", the last with "l"."""
        text, part = b"", self._packet - 8
        while True:
            question = b"qXfer:%s:read:%s:%x,%x" % (what.encode(), name.encode(), len(text), part)
            reply = self._ask(question)
            if reply[:1] not in (b"m", b"l") or reply == b"m":
                self._refuse(question, reply)
            text += reply[1:]
            if reply[:1] == b"l":
                return text.decode("utf-8", "replace")

    def flash_regions(self) -> list[FlashRegion]:
        """The flash of the server's memory map; none where it has no map."""
        return self._map()[0]

    def ram_regions(self) -> list[tuple[int, int]]:
        """Origin and size of what the server's memory map calls RAM."""
        return self._map()[1]

    def _map(self) -> tuple[list[FlashRegion], list[tuple[int, int]]]:
        if "qXfer:memory-map:read" not in self._features:
            return [], []
        text = self._transfer("memory-map", "")
        flashes, rams = [], []
        try:
            for memory in ElementTree.fromstring(text).iter("memory"):
                origin, size = int(memory.attrib["start"], 0), int(memory.attrib["length"], 0)
                if memory.attrib.get("type") == "flash":
                    flashes.append(FlashRegion(origin, size, _block(memory)))
                elif memory.attrib.get("type") == "ram":
                    rams.append((origin, size))
            return flashes, rams
        except (ElementTree.ParseError, KeyError, ValueError) as error:
            raise self.stream.error(f"has a memory map that cannot be read: {error}") from error

    def program(self, region: FlashRegion, pieces: Sequence[tuple[int, bytes]]) -> None:
        """Write ``pieces``, each an address in the flash and what is to be there. The blocks that they touch are erased first."""
        for first, end in _blocks(region, pieces):
            self._command(b"vFlashErase:%x,%x" % (first, end - first), _FLASH_PATIENCE)
        room = (self._packet - 32) // 2
        for address, data in pieces:
            for start in range(0, len(data), room):
                self._command(b"vFlashWrite:%x:%s" % (address + start, data[start : start + room]), _FLASH_PATIENCE)
        self._command(b"vFlashDone", _FLASH_PATIENCE)

    def set_breakpoint(self, address: int) -> None:
        """Halt before the Thumb instruction at ``address``: in hardware, which works in flash too, else in memory."""
        for kind in (b"1", b"0"):
            place = b"%s,%x,2" % (kind, address)
            reply = self._ask(b"Z" + place)
            if reply == b"OK":
                self._breakpoints[address] = place
                return
        self._refuse(b"Z" + place, reply)

    def clear_breakpoints(self) -> None:
        for address, place in list(self._breakpoints.items()):
            self._command(b"z" + place)
            del self._breakpoints[address]

    def run(self, patience: float) -> Stop | None:
        """Let the core run until it halts; None where it still runs after ``patience`` seconds."""
        self.stream.send(b"c")
        return self._await_stop(patience)

    def halt(self) -> Stop:
        """Halt the core, which runs."""
        self.stream.interrupt()
        stop = self._await_stop(self.stream.patience)
        if stop is None:
            raise self.stream.error(f"did not halt the core within {self.stream.patience:g} s")
        return stop

    def _await_stop(self, patience: float) -> Stop | None:
        reply = self.stream.receive(patience)
        while reply is not None and re.fullmatch(rb"O[0-9a-fA-F]*", reply):  # the server's own messages
            reply = self.stream.receive(patience)
        return None if reply is None else self._stopped(reply)

    def _stopped(self, reply: bytes) -> Stop:
        found = re.match(rb"([STWX])([0-9a-fA-F]{2})", reply)
        if found is None:
            raise self.stream.error(f"answered {_shown(reply)} where it says why the core halted")
        return Stop(int(found[2], 16) if found[1] in b"ST" else None, _shown(reply))


def _blocks(region: FlashRegion, pieces: Sequence[tuple[int, bytes]]) -> list[tuple[int, int]]:
    """Begin and end of the runs of blocks that hold ``pieces``; no block is in two."""
    runs: list[tuple[int, int]] = []
    for address, data in sorted(pieces):
        first = region.origin + (address - region.origin) // region.block * region.block
        end = region.origin - (region.origin - address - len(data)) // region.block * region.block
        if runs and first <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((first, end))
    return runs


def _block(memory: ElementTree.Element) -> int:
    for entry in memory.iter("property"):
        if entry.attrib.get("name") == "blocksize":
            block = int((entry.text or "").strip(), 0)
            if block > 0:
                return block
    raise ValueError("a flash without a block size")


def _shown(packet: bytes) -> str:
    text = packet.decode("latin-1") if packet.isascii() else repr(packet)
    return repr(text if len(text) <= 60 else text[:57] + "...")
