"""What of an ELF file a loader puts into a board's memory."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from tvm_tiny.errors import ToolchainError

# "Tool Interface Standard (TIS) Executable and Linking Format", version 1.2: the headers of 32-bit files.
_HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
_PROGRAM = struct.Struct("<8I")
_LOAD = 1
_IDENT = b"\x7fELF\x01\x01"  # 32 bits, little-endian


@dataclass(frozen=True)
class Segment:
    """Bytes, and the address where they are loaded."""

    address: int
    data: bytes


def read_segments(path: Path) -> list[Segment]:
    """The segments of a 32-bit little-endian ELF file that hold bytes, at their load addresses.

    Raises
    ------
    ToolchainError
        It cannot be read or is no such file.
    """
    try:
        file = path.read_bytes()
        fields = _HEADER.unpack_from(file)
        if not fields[0].startswith(_IDENT):
            raise ToolchainError(f"{path} is no 32-bit little-endian ELF file")
        offset, size, count = fields[5], fields[9], fields[10]
        headers = [_PROGRAM.unpack_from(file, offset + size * number) for number in range(count)]
    except (OSError, struct.error) as error:
        raise ToolchainError(f"the firmware {path} cannot be read: {error}") from error
    return [
        Segment(address, file[start : start + length])
        for kind, start, _, address, length, *_ in headers
        if kind == _LOAD and length > 0
    ]
