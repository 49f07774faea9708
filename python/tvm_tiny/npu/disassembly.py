"""Command streams as text: one line for what a command is and waits for, then its numbers; and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from tvm_tiny.npu.commands import Clamp, Command, Convolution, Elementwise, Map, Pool, Stream, Transfer, Unit, Window
from tvm_tiny.npu.stream import VERSION, encode


def disassemble(stream: Stream, names: Sequence[str] = ()) -> str:
    """The text of ``stream``; ``names`` are those of its layers, by their numbers."""
    kind = "load stream" if stream.load else "stream"
    cache = f", parameter cache from {_hex(stream.cache)} with token {_hex(stream.token)}" if stream.token else ""
    lines = [
        f"{kind} for {stream.npu}, version {VERSION}: {len(stream.commands)} commands, {len(encode(stream))} bytes, "
        f"{stream.sram} bytes of SRAM{cache}"
    ]
    for index, region in enumerate(stream.regions):
        lines.append(f"region {index}: {region.name}, {region.size} bytes, {'written' if region.written else 'read only'}")
    numbers = dict.fromkeys(Unit, 0)
    for index, command in enumerate(stream.commands):
        numbers[command.unit] += 1
        lines += ["", _title(index, command, numbers[command.unit], names), *(f"    {line}" for line in _body(command))]
    return "\n".join(lines)


def _title(index: int, command: Command, number: int, names: Sequence[str]) -> str:
    waits = ", ".join(
        f"{unit.name.lower()} {count}"
        for unit, count in zip(Unit, (command.waits.dma, command.waits.array, command.waits.vector), strict=True)
        if count
    )
    name = names[command.layer] if command.layer < len(names) else ""
    layer = f"layer {command.layer}" + (f" {name}" if name else "")
    waiting = f", waits for {waits}" if waits else ""
    return f"{index:4}  {command.unit.name.lower()} {number}: {_what(command)}, {layer}{waiting}"


def _what(command: Command) -> str:
    if isinstance(command, Convolution):
        return "depthwise convolution" if command.depthwise else "convolution"
    if isinstance(command, Elementwise):
        return command.kind
    if isinstance(command, Pool):
        return f"{command.kind} pool"
    if isinstance(command, Transfer):
        return "transfer to SRAM" if command.to_sram else "transfer from SRAM"
    return type(command).__name__.lower()


def _body(command: Command) -> list[str]:
    if isinstance(command, Transfer):
        outside = f"region {command.region}[{_hex(command.offset)}"
        strides = f" + {command.region_stride} * i" if command.rows > 1 else ""
        rows = (
            f"rows {command.first_row} to {command.first_row + command.rows - 1}"
            if command.rows > 1
            else f"row {command.first_row}"
        )
        inside = f"{rows} of {_map(command.map)}"
        return [
            f"{outside}{strides}], {command.rows} x {command.row_length} bytes",
            f"{'to' if command.to_sram else 'from'} {inside}",
        ]
    return [f"{field.name:14} {_shown(getattr(command, field.name), field.name)}" for field in fields(command) if _told(field.name)]


def _told(name: str) -> bool:
    return name not in ("layer", "waits", "kind", "depthwise")


def _shown(value: Any, name: str) -> str:
    if isinstance(value, Map):
        return _map(value)
    if isinstance(value, Window):
        kernel, strides, dilation = (" x ".join(map(str, pair)) for pair in (value.kernel, value.strides, value.dilation))
        return (
            f"{kernel}, strides {strides}, dilation {dilation}, {value.top} above, {value.left} left, padded with {value.pad_value}"
        )
    if isinstance(value, Clamp):
        return f"[{value.low}, {value.high}], zero point {value.zero_point}"
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, tuple):
        return "; ".join(_shown(each, name) for each in value)
    return _hex(value) if name in ("weights", "parameters", "table") else str(value)


def _map(value: Map) -> str:
    return f"{_hex(value.address)} ({value.buffer_rows} rows of {value.row_bytes}, pixels of {value.pixel_bytes})"


def _hex(value: int) -> str:
    return f"{value:#x}"


def as_values(stream: Stream, names: Sequence[str] = ()) -> dict[str, Any]:
    """``stream`` as dicts, lists, numbers and text."""
    commands = [
        {"command": type(each).__name__.lower(), "unit": each.unit.name.lower(), **_plain(each)} for each in stream.commands
    ]
    for command in commands:
        if command["layer"] < len(names):
            command["name"] = names[command["layer"]]
    header = {
        "npu": stream.npu,
        "version": VERSION,
        "sram": stream.sram,
        "cache": stream.cache,
        "token": stream.token,
        "load": stream.load,
    }
    return {**header, "regions": [_plain(region) for region in stream.regions], "commands": commands}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name.lower()
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
