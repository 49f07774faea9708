"""The plugin's classifier of instructions as a library, fed by the assembler."""

from __future__ import annotations

import ctypes
import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

SOURCES = Path(__file__).resolve().parents[2] / "src" / "emulator"
CORES = {
    "m55": ["-mcpu=cortex-m55", "-mfloat-abi=hard"],
    "m4": ["-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
}


class _Instruction(ctypes.Structure):
    _fields_ = [("address", ctypes.c_uint32), ("encoding", ctypes.c_uint32), ("size", ctypes.c_uint32)]


class _Operation(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_int),
        ("narrow", ctypes.c_bool),
        ("sets_flags", ctypes.c_bool),
        ("light", ctypes.c_bool),
        ("displaced", ctypes.c_bool),
        ("base", ctypes.c_uint8),
        ("offset", ctypes.c_int16),
        ("words", ctypes.c_uint8),
        *((name, ctypes.c_uint64) for name in ("reads", "address", "shifted", "addend", "stored", "writes", "updated")),
    ]


@dataclass(frozen=True)
class Operation:
    """One classified instruction; register sets by name: "r0", "flags", "s0", "q1" for all four singles of a vector."""

    kind: str
    light: bool
    offset: int | None
    words: int
    reads: str
    address: str
    shifted: str
    addend: str
    stored: str
    writes: str
    updated: str


@cache
def kinds() -> tuple[str, ...]:
    text = (SOURCES / "operation.h").read_text()
    body = re.search(r"enum kind \{(.*?)\};", text, re.DOTALL)
    assert body is not None
    return tuple(re.findall(r"KIND_(\w+)", re.sub(r"/\*.*?\*/", "", body[1], flags=re.DOTALL)))


@cache
def _library() -> ctypes.CDLL:
    path = Path(mkdtemp()) / "decode.so"
    sources = [*SOURCES.glob("decode*.c"), SOURCES / "pattern.c"]
    subprocess.run(["cc", "-std=c99", "-shared", "-fPIC", "-o", path, *sources], check=True)
    return ctypes.CDLL(str(path))


def assemble(lines: list[str], core: str = "m55") -> list[tuple[int, int]]:
    """(encoding, size) of each line; some lines of assembly are more than one instruction."""
    folder = Path(mkdtemp())
    source = folder / "a.s"
    source.write_text("\n".join([".syntax unified", ".thumb", *lines, ""]))
    subprocess.run(["arm-none-eabi-gcc", *CORES[core], "-mthumb", "-c", source, "-o", folder / "a.o"], check=True)
    dump = subprocess.run(["arm-none-eabi-objdump", "-d", folder / "a.o"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s+[0-9a-f]+:\t((?:[0-9a-f]{4} ?)+)", dump, re.MULTILINE)
    codes = [code.replace(" ", "") for code in found]
    return [(int(code, 16), len(code) // 2) for code in codes]


def _names(mask: int) -> str:
    names = [f"r{bit}" for bit in range(15) if mask >> bit & 1]
    names += ["flags"] * (mask >> 16 & 1)
    singles = [bit - 32 for bit in range(32, 64) if mask >> bit & 1]
    for vector in range(8):
        if all(4 * vector + part in singles for part in range(4)):
            names.append(f"q{vector}")
            singles = [each for each in singles if each // 4 != vector]
    return " ".join(names + [f"s{each}" for each in singles])


def classify(lines: list[str], core: str = "m55") -> list[Operation]:
    codes = assemble(lines, core)
    instructions = (_Instruction * len(codes))(*[(0, encoding, size) for encoding, size in codes])
    operations = (_Operation * len(codes))()
    _library().decode_block(instructions, ctypes.c_size_t(len(codes)), operations)
    return [
        Operation(
            kinds()[op.kind],
            op.light,
            op.offset if op.displaced else None,
            op.words,
            *(_names(getattr(op, name)) for name in ("reads", "address", "shifted", "addend", "stored", "writes", "updated")),
        )
        for op in operations
    ]
