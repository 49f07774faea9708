"""A GDB server whose code memory is flash: QEMU's stub behind a translator of the flash commands."""

from __future__ import annotations

from tvm_tiny.board.rsp import PacketStream, expanded

_MAP = """<memory-map><memory type="flash" start="0x0" length="0x400000"><property name="blocksize">0x400</property></memory>
<memory type="ram" start="0x20000000" length="0x400000"/></memory-map>"""
_END = 0x40_0000


class FlashServer:
    """Answers as ``stub`` does, but takes writes below 4 MB by vFlash only, onto blocks that were erased."""

    def __init__(self, stub: PacketStream) -> None:
        self._stub = stub
        self.erased = self.finished = 0

    def _forward(self, question: bytes) -> bytes:
        self._stub.send(question)
        reply = self._stub.receive(20)
        assert reply is not None
        return reply

    def _memory(self, address: int, data: bytes) -> None:
        for start in range(0, len(data), 1024):
            piece = data[start : start + 1024]
            assert self._forward(b"M%x,%x:%s" % (address + start, len(piece), piece.hex().encode())) == b"OK"

    def __call__(self, question: bytes) -> bytes:
        command, _, rest = question.partition(b":")
        if command == b"qSupported":
            return self._forward(question) + b";qXfer:memory-map:read+"
        if question.startswith(b"qXfer:memory-map:read::"):
            offset, size = (int(each, 16) for each in question.rpartition(b":")[2].split(b","))
            return (b"m" if offset + size < len(_MAP) else b"l") + _MAP.encode()[offset : offset + size]
        if command == b"vFlashErase":
            address, size = (int(each, 16) for each in rest.split(b","))
            if address % 0x400 or size % 0x400:
                return b"E02"
            self._memory(address, b"\xff" * size)
            self.erased += size
            return b"OK"
        if command == b"vFlashWrite":
            place, _, escaped = rest.partition(b":")
            address, data = int(place, 16), expanded(escaped)
            found = bytes.fromhex(self._forward(b"m%x,%x" % (address, len(data))).decode())
            if set(found) - {0xFF}:
                return b"E.memtype"
            self._memory(address, data)
            return b"OK"
        if command == b"vFlashDone":
            self.finished += 1
            return b"OK"
        if question[:1] in b"MX" and int(question[1:].partition(b",")[0], 16) < _END and not question.endswith(b",0:"):
            return b"E01"
        return self._forward(question)
