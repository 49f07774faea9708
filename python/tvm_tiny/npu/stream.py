"""The binary form of a command stream, version 1: ``src/npu/format.h`` has the same tables; a test holds both together.

All numbers are little-endian, fields follow each other without gaps:

- a header of 36 bytes: magic, version, variant of the NPU, bytes in all, SRAM, cache, token, commands, regions, whether it is a
  load stream, CRC-32 (zlib's, of all bytes but its own four);
- for each region its size and whether it is written;
- the commands: opcode, length in words of 4 bytes, layer, commands of each unit to wait for, then the fields of the opcode, filled
  up with zeros to whole words.

A convolution takes 76 bytes, a transfer 40. Names of layers and regions are not in it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, cached_property
from operator import attrgetter, itemgetter
from typing import Any, get_args, get_origin, get_type_hints

from tvm_tiny.errors import StreamError
from tvm_tiny.npu import commands as command_types
from tvm_tiny.npu.commands import (
    Command,
    Convolution,
    Elementwise,
    Lookup,
    Pool,
    Region,
    Requantization,
    Resize,
    Softmax,
    Stream,
    Transfer,
    Waits,
)
from tvm_tiny.target.npu import NPUS

MAGIC = int.from_bytes(b"ETPU", "little")
VERSION = 1

Table = tuple[tuple[str, str], ...]
"""Types and members: "u8" to "u32" and "i8" to "i32"; "inputs[1].address" is an attribute of an element of an attribute."""

_TYPES = {"u8": "B", "u16": "H", "u32": "I", "i8": "b", "i16": "h", "i32": "i"}


def _table(text: str) -> Table:
    """From "u8 a, b; i16 c": groups of one type."""
    groups = (group.split(maxsplit=1) for group in text.split(";"))
    return tuple((kind, member.strip()) for kind, members in groups for member in members.split(","))


def _map(member: str) -> Table:
    return _table(f"u32 {member}.address, {member}.row_bytes; u16 {member}.pixel_bytes, {member}.buffer_rows")


_SHAPE = _table("u16 input_shape[0], input_shape[1], input_shape[2]")
_WINDOW = _table(
    "u16 window.kernel[0], window.kernel[1]; u8 window.strides[0], window.strides[1], window.dilation[0], window.dilation[1];"
    "i16 window.top, window.left; i8 window.pad_value"
)
_CLAMP = _table("i8 clamp.zero_point, clamp.low, clamp.high")
_ROWS = _table("u16 width, channels, first_row, rows")

HEADER = _table("u32 magic; u16 version, variant; u32 bytes, sram, cache, token, commands; u16 regions, load; u32 crc")
REGION = _table("u32 size, written")
COMMAND = _table("u8 opcode, words; u16 layer, waits[0], waits[1], waits[2]")


@dataclass(frozen=True)
class Form:
    """How one kind of command is written. ``kinds``: its ``kind`` is stored as the place in this list."""

    opcode: int
    type: type[Any]
    table: Table
    kinds: tuple[str, ...] = ()

    @cached_property
    def bytes(self) -> int:
        """Of the whole command, filled up to words."""
        return _words(_size(COMMAND) + _size(self.table)) * 4


FORMS: tuple[Form, ...] = (
    Form(
        1,
        Convolution,
        _map("input")
        + _SHAPE
        + _map("output")
        + _table("u16 output_width, channels, first_row, rows")
        + _WINDOW
        + _table("u32 weights, parameters; u8 depth_step")
        + _CLAMP
        + _table("u8 requantization, split, depthwise"),
    ),
    Form(
        2,
        Elementwise,
        _table("u8 kind")
        + _map("inputs[0]")
        + _map("inputs[1]")
        + _map("output")
        + _ROWS
        + _table("i8 zero_points[0], zero_points[1]; i32 multipliers[0], multipliers[1]; i8 shifts[0], shifts[1]")
        + _table("i32 multiplier; i8 shift")
        + _CLAMP,
        ("add", "sub", "mul"),
    ),
    Form(
        3,
        Pool,
        _table("u8 kind")
        + _map("input")
        + _SHAPE
        + _map("output")
        + _table("u16 output_width, first_row, rows")
        + _WINDOW
        + _CLAMP
        + _table("u8 file_offset"),
        ("max", "average"),
    ),
    Form(4, Lookup, _map("input") + _map("output") + _ROWS + _table("u32 table")),
    Form(5, Softmax, _map("input") + _map("output") + _ROWS + _table("u32 table") + _CLAMP),
    Form(
        6,
        Resize,
        _map("input")
        + _SHAPE
        + _map("output")
        + _table("u16 output_width, first_row, rows; u32 scales[0], scales[1]; i16 top, left; i8 pad_value"),
    ),
    Form(
        7,
        Transfer,
        _table("u8 to_sram, region; u32 offset, region_stride") + _map("map") + _table("u16 first_row, rows; u32 row_length"),
    ),
)

_BY_TYPE = {form.type: form for form in FORMS}
_BY_OPCODE = {form.opcode: form for form in FORMS}


@cache
def _format(table: Table) -> str:
    return "<" + "".join(_TYPES[kind] for kind, _member in table)


def _size(table: Table) -> int:
    return struct.calcsize(_format(table))


def _words(size: int) -> int:
    return (size + 3) // 4


HEADER_BYTES, REGION_BYTES = _size(HEADER), _size(REGION)


def variant_id(name: str) -> int:
    """The number of a variant in a header.

    Raises
    ------
    StreamError
        There is no variant of that name.
    """
    for npu in NPUS:
        if npu.name == name:
            return npu.id
    raise StreamError(f"unknown NPU {name!r}", f"known: {', '.join(npu.name for npu in NPUS)}")


def encode(stream: Stream) -> bytes:
    """The bytes of ``stream``.

    Raises
    ------
    StreamError
        Its NPU is unknown, or a number does not fit into its field.
    """
    body = b"".join(
        _pack(REGION, {"size": region.size, "written": int(region.written)}, f"region {region.name}") for region in stream.regions
    )
    body += b"".join(_command_bytes(command, index) for index, command in enumerate(stream.commands))
    header = {
        "magic": MAGIC,
        "version": VERSION,
        "variant": variant_id(stream.npu),
        "bytes": HEADER_BYTES + len(body),
        "sram": stream.sram,
        "cache": stream.cache,
        "token": stream.token,
        "commands": len(stream.commands),
        "regions": len(stream.regions),
        "load": int(stream.load),
        "crc": 0,
    }
    head = _pack(HEADER, header, "the header")[:-4]
    return head + struct.pack("<I", zlib.crc32(body, zlib.crc32(head))) + body


def _pack(table: Table, values: dict[str, int], what: str) -> bytes:
    try:
        return struct.pack(_format(table), *(values[member] for _kind, member in table))
    except struct.error:
        for kind, member in table:
            try:
                struct.pack("<" + _TYPES[kind], values[member])
            except struct.error:
                raise StreamError(
                    f"{what}: {member} is {values[member]}, expected a number of {kind[1:]} bits, "
                    f"{'signed' if kind[0] == 'i' else 'unsigned'}",
                    "cut the layer into smaller commands",
                ) from None
        raise


def _command_bytes(command: Command, index: int) -> bytes:
    form = _BY_TYPE[type(command)]
    waits = command.waits
    common = {
        "opcode": form.opcode,
        "words": form.bytes // 4,
        "layer": command.layer,
        "waits[0]": waits.dma,
        "waits[1]": waits.array,
        "waits[2]": waits.vector,
    }
    values = {member: _value(command, member, form) for _kind, member in form.table}
    what = f"command {index} ({form.type.__name__.lower()})"
    return (_pack(COMMAND, common, what) + _pack(form.table, values, what)).ljust(form.bytes, b"\0")


def _value(command: Command, member: str, form: Form) -> int:
    if member == "kind":
        return form.kinds.index(str(getattr(command, member)))
    value: int = _getter(member)(command)
    return value


@cache
def _getter(member: str) -> Callable[[Any], Any]:
    """What finds a member of a command."""
    name, index, attribute = re.fullmatch(r"([\w.]+)(?:\[(\d+)\])?(?:\.(\w+))?", member).groups()  # type: ignore[union-attr]
    outer = attrgetter(name)
    if index is None:
        return outer
    element = itemgetter(int(index))
    if attribute is None:
        return lambda command: element(outer(command))
    inner = attrgetter(attribute)
    return lambda command: inner(element(outer(command)))


@cache
def _steps(member: str) -> tuple[str | int, ...]:
    """("inputs", 1, "address") of "inputs[1].address"."""
    return tuple(int(step) if step.isdigit() else step for step in re.findall(r"\w+", member))


def decode(data: bytes) -> Stream:
    """The stream that ``data`` holds. Names of regions are "constants" and "tensor 1" on; layers have none.

    It is not validated beyond what decoding needs: :func:`tvm_tiny.npu.device.validate` does that.

    Raises
    ------
    StreamError
        It is no command stream, has another version, or is damaged.
    """
    if len(data) < HEADER_BYTES:
        raise StreamError(f"a command stream has a header of {HEADER_BYTES} bytes: found {len(data)} bytes")
    header = unpack(HEADER, data, 0)
    if header["magic"] != MAGIC:
        raise StreamError('it is no command stream: expected it to begin with "ETPU"')
    if header["version"] != VERSION:
        raise StreamError(f"the command stream has version {header['version']}, expected {VERSION}", "compile the model again")
    if header["bytes"] != len(data):
        raise StreamError(f"the command stream should have {header['bytes']} bytes, found {len(data)}: it is damaged")
    if header["crc"] != zlib.crc32(data[HEADER_BYTES:], zlib.crc32(data[: HEADER_BYTES - 4])):
        raise StreamError("the command stream's checksum is wrong: it is damaged")
    names = {npu.id: npu.name for npu in NPUS}
    if header["variant"] not in names:
        raise StreamError(f"the command stream is for variant {header['variant']}", f"known: {', '.join(names.values())}")
    at = HEADER_BYTES
    if len(data) < at + header["regions"] * REGION_BYTES:
        raise StreamError(f"the command stream ends within its {header['regions']} regions")
    entries = [unpack(REGION, data, at + index * REGION_BYTES) for index in range(header["regions"])]
    at += header["regions"] * REGION_BYTES
    found = []
    for index in range(header["commands"]):
        command, at = _decode_command(data, at, index)
        found.append(command)
    if at != len(data):
        raise StreamError(f"{len(data) - at} bytes lie behind the last command")
    return Stream(
        npu=names[header["variant"]],
        commands=tuple(found),
        regions=tuple(
            Region(f"tensor {index}" if index else "constants", entry["size"], bool(entry["written"]))
            for index, entry in enumerate(entries)
        ),
        sram=header["sram"],
        cache=header["cache"],
        token=header["token"],
        load=bool(header["load"]),
    )


def unpack(table: Table, data: bytes, at: int) -> dict[str, int]:
    """Members and numbers of what ``table`` tells, at ``at`` of ``data``."""
    return dict(zip((member for _kind, member in table), struct.unpack_from(_format(table), data, at), strict=True))


def _decode_command(data: bytes, at: int, index: int) -> tuple[Command, int]:
    """The command at ``at``, and where the next one begins."""
    if len(data) < at + _size(COMMAND):
        raise StreamError(f"command {index}: the stream ends within it")
    common = unpack(COMMAND, data, at)
    form = _BY_OPCODE.get(common["opcode"])
    if form is None:
        raise StreamError(f"command {index}: unknown opcode {common['opcode']}")
    end = at + form.bytes
    used = at + _size(COMMAND) + _size(form.table)
    if common["words"] * 4 != form.bytes or len(data) < end or any(data[used:end]):
        raise StreamError(f"command {index}: expected {form.bytes} bytes, filled up with zeros")
    values = unpack(form.table, data, at + _size(COMMAND))
    tree = _tree(values)
    if form.kinds:
        if values["kind"] >= len(form.kinds):
            raise StreamError(f"command {index}: unknown kind {values['kind']}")
        tree["kind"] = form.kinds[values["kind"]]
    try:
        waits = Waits(common["waits[0]"], common["waits[1]"], common["waits[2]"])
        command = _built(form.type, tree | {"layer": common["layer"], "waits": waits})
    except ValueError as error:
        raise StreamError(f"command {index}: {error}") from error
    return command, end


def _tree(values: dict[str, int]) -> dict[str | int, Any]:
    """{"map": {"address": ...}} of {"map.address": ...}."""
    tree: dict[str | int, Any] = {}
    for member, value in values.items():
        *path, last = _steps(member)
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        node[last] = value
    return tree


def _built(kind: Any, value: Any) -> Any:
    """``value``, of dicts and numbers, as what the annotation ``kind`` says."""
    if is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind, vars(command_types))
        return kind(**{field.name: _built(hints[field.name], value[field.name]) for field in fields(kind)})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(_built(element, value[index]) for index, element in enumerate(get_args(kind)))
    if kind is bool and value not in (0, 1):
        raise ValueError(f"expected 0 or 1, found {value}")
    return kind(value) if kind in (bool, Requantization) else value
