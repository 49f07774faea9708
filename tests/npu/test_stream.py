"""The binary format: tables equal to those of the C header, a stream byte by byte, round trips, damage told."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace

import pytest

from tests.conftest import ROOT
from tests.npu.samples import COMMANDS, sample
from tvm_tiny.errors import StreamError
from tvm_tiny.npu import stream as format
from tvm_tiny.npu.commands import Region, Stream, Transfer, Waits
from tvm_tiny.npu.device import OPCODES, built_in
from tvm_tiny.npu.stream import decode, encode
from tvm_tiny.target.npu import NPUS

HEADER = (ROOT / "src" / "npu" / "format.h").read_text()


def table(name: str, **bound: str) -> tuple[tuple[str, str], ...]:
    """Types and members of ETPU_<name>_FIELDS, with those of the tables that it uses."""
    text = HEADER.replace("\\\n", "\n")
    body = re.search(rf"#define ETPU_{name}_FIELDS\(F(?:, (\w+))?\)(.*?)\n\n", text, re.DOTALL)
    assert body, name
    found: list[tuple[str, str]] = []
    for macro, argument, kind, member in re.findall(r"ETPU_(\w+)_FIELDS\(F(?:, ([^)]+))?\)|F\((\w+), ([^)]+)\)", body[2]):
        if macro:
            found += table(macro, map=argument)
        else:
            found.append((kind, re.sub(r"^map\b", bound["map"], member) if bound.get("map") else member))
    return tuple(found)


def test_tables_are_those_of_the_header_file() -> None:
    assert table("HEADER") == format.HEADER
    assert table("REGION") == format.REGION
    assert table("COMMAND") == format.COMMAND
    for form in format.FORMS:
        name = form.type.__name__.upper()
        assert table(name) == form.table, name
        assert re.search(rf"ETPU_{name} = {form.opcode}\b", HEADER)
        assert OPCODES[form.opcode] == form.type.__name__.lower()
    for prefix, kinds in (("ADD, SUB, MUL", format.FORMS[1].kinds), ("MAX, AVERAGE", format.FORMS[2].kinds)):
        for number, kind in enumerate(prefix.split(", ")):
            assert re.search(rf"ETPU_{kind} = {number}\b", HEADER)
            assert kinds[number] == kind.lower()
    assert f"#define ETPU_HEADER_BYTES {format.HEADER_BYTES}u" in HEADER
    assert f"#define ETPU_REGION_BYTES {format.REGION_BYTES}u" in HEADER
    assert f"#define ETPU_MAGIC {format.MAGIC:#x}u" in HEADER
    assert f"#define ETPU_VERSION {format.VERSION}u" in HEADER


@pytest.mark.parametrize("npu", NPUS, ids=lambda npu: npu.name)
def test_machines_are_those_of_the_c_library(npu: object) -> None:
    numbers = {key: value for key, value in vars(npu).items() if key not in ("name", "clock")}
    assert built_in(npu.name) == numbers  # type: ignore[attr-defined]


def test_ids_are_unique() -> None:
    assert len({npu.id for npu in NPUS}) == len(NPUS)
    assert built_in("etpu-17") is None


def test_bytes_of_commands() -> None:
    sizes = {form.type.__name__: form.bytes for form in format.FORMS}
    assert sizes == {
        "Convolution": 76,
        "Elementwise": 76,
        "Pool": 64,
        "Lookup": 48,
        "Softmax": 52,
        "Resize": 60,
        "Transfer": 40,
    }


def test_a_stream_byte_by_byte() -> None:
    """Version 1 stays as it is: streams lie in the flash of devices."""
    command = Transfer(0x0102, True, 1, 0x11121314, 0x15161718, sample(Transfer).map, 0x2122, 0x2324, 0x25262728, Waits(1, 2, 3))
    data = encode(
        Stream("etpu-64", (command,), (Region("constants", 7), Region("y", 0x31323334, True)), 0x8000, 0x7000, 0x41424344, True)
    )
    assert len(data) == 36 + 2 * 8 + 40
    crc = zlib.crc32(data[36:], zlib.crc32(data[:32])).to_bytes(4, "little").hex()
    assert data.hex(" ", 4) == (
        "45545055 01000300 5c000000 00800000 00700000 44434241 01000000 02000100 " + crc + " "
        "07000000 00000000 34333231 01000000 "
        "070a0201 01000200 03000101 14131211 18171615 6c000000 20000000 01000400 22212423 28272625"
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_every_field_comes_back(command: format.Command) -> None:
    stream = Stream("etpu-16", (command, command), (Region("constants", 64), Region("tensor 1", 9, True)), 4096, 1024, 5)
    assert decode(encode(stream)) == stream


def test_numbers_that_do_not_fit_are_told() -> None:
    command = replace(sample(Transfer), rows=70000)
    with pytest.raises(StreamError, match=r"command 1 \(transfer\): rows is 70000, expected a number of 16 bits, unsigned"):
        encode(Stream("etpu-16", (sample(Transfer), command), (), 0, 0))
    with pytest.raises(StreamError, match="unknown NPU 'etpu-15'"):
        encode(Stream("etpu-15", (), (), 0, 0))


def sealed(data: bytearray) -> bytes:
    """With the CRC that goes with the rest."""
    data[32:36] = zlib.crc32(data[36:], zlib.crc32(data[:32])).to_bytes(4, "little")
    return bytes(data)


def test_damage_is_told() -> None:
    data = encode(Stream("etpu-16", (sample(Transfer),), (Region("constants", 64),), 4096, 4096))
    with pytest.raises(StreamError, match="a header of 36 bytes: found 35"):
        decode(data[:35])
    with pytest.raises(StreamError, match="no command stream"):
        decode(b"ELF" + data[3:])
    with pytest.raises(StreamError, match="should have 84 bytes, found 80"):
        decode(data[:-4])
    for at in range(36, len(data)):
        with pytest.raises(StreamError, match="checksum"):
            decode(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
    for at, value, message in [
        (4, 2, "version 2, expected 1"),
        (6, 9, "for variant 9"),
        (24, 2, "command 1: the stream ends within it"),
        (24, 0, "40 bytes lie behind the last command"),
        (28, 200, "ends within its 200 regions"),
        (44, 9, "command 0: unknown opcode 9"),
        (45, 9, "command 0: expected 40 bytes"),
        (54, 2, "command 0: expected 0 or 1, found 2"),
    ]:
        changed = bytearray(data)
        changed[at] = value
        with pytest.raises(StreamError, match=message):
            decode(sealed(changed))
