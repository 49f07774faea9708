"""The device model of ``src/npu``: runs command streams bit by bit as the machine does, and counts its cycles."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np

from tvm_tiny.errors import StreamError
from tvm_tiny.npu.commands import Unit
from tvm_tiny.npu.stream import HEADER, HEADER_BYTES, REGION, REGION_BYTES, unpack
from tvm_tiny.resources import library
from tvm_tiny.target.npu import Npu

STALLS = ("wait", "feed", "weights", "queue")
"""What a unit with commands left waited for: another unit, inputs, weights and parameters, the command processor."""

OPCODES = ("", "convolution", "elementwise", "pool", "lookup", "softmax", "resize", "transfer")
_NO_COMMAND = 0xFFFFFFFF


@dataclass(frozen=True)
class Event:
    """One command as it ran. Times are cycles from the start of the stream.

    Attributes
    ----------
    unit, command, opcode, layer
        Who executed it, its place in the stream, "convolution" and so on, the number of its layer.
    issue, start, end : int
        It is in its unit's queue; the unit begins with it; its results can be used.
    busy : int
        Cycles in which the unit worked on it.
    stalls : dict of str to int
        Cycles in front of it or within it in which the unit did not, by :data:`STALLS`.
    macs : int
        Multiplications of the layer that it did, those with padding included.
    sram_read, sram_written, offchip_read, offchip_written : int
        Bytes.
    fetched : int
        Bytes of the stream that the command processor read for it; of the first command with the header.
    """

    unit: Unit
    command: int
    opcode: str
    layer: int
    issue: int
    start: int
    end: int
    busy: int
    stalls: dict[str, int]
    macs: int
    sram_read: int
    sram_written: int
    offchip_read: int
    offchip_written: int
    fetched: int


@dataclass(frozen=True)
class Totals:
    """Sums over commands: of a unit, or of a layer on a unit. Cycles and bytes."""

    commands: int
    busy: int
    stalls: dict[str, int]
    macs: int
    sram_read: int
    sram_written: int
    offchip_read: int
    offchip_written: int
    fetched: int

    @classmethod
    def of(cls, events: Sequence[Event]) -> Totals:
        return cls(
            commands=len(events),
            busy=sum(event.busy for event in events),
            stalls={cause: sum(event.stalls[cause] for event in events) for cause in STALLS},
            **{name: sum(getattr(event, name) for event in events) for name in _SUMMED},
        )


_SUMMED = ("macs", "sram_read", "sram_written", "offchip_read", "offchip_written", "fetched")


@dataclass(frozen=True)
class Run:
    """What a stream cost.

    Attributes
    ----------
    cycles : int
        Until its last command has completed.
    utilisation : float
        Multiplications over what the array could have done in these cycles.
    events : tuple of Event
        In the order of the stream.
    """

    cycles: int
    utilisation: float
    events: tuple[Event, ...]

    def by_unit(self) -> dict[Unit, Totals]:
        return {unit: Totals.of([event for event in self.events if event.unit == unit]) for unit in Unit}

    def by_layer(self) -> dict[int, dict[Unit, Totals]]:
        """Layer → unit → sums; units that do nothing for a layer are left out."""
        found: dict[int, dict[Unit, list[Event]]] = {}
        for event in self.events:
            found.setdefault(event.layer, {}).setdefault(event.unit, []).append(event)
        return {layer: {unit: Totals.of(events) for unit, events in units.items()} for layer, units in sorted(found.items())}


class _Machine(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        *((name, ctypes.c_uint32) for name in ("id", "size", "feeds", "accumulators", "sram", "dma_bandwidth", "dma_latency")),
        *((name, ctypes.c_uint32) for name in ("queue", "issue", "fetch", "requantize_latency", "vector_latency")),
    )


class _Region(ctypes.Structure):
    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_uint32))


class _Device(ctypes.Structure):
    _fields_ = (
        ("machine", ctypes.POINTER(_Machine)),
        ("sram", ctypes.c_void_p),
        ("token", ctypes.c_uint32),
        ("overlap", ctypes.c_uint32),
    )


class _Fault(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint32), ("command", ctypes.c_uint32))


_EVENT = np.dtype(
    [
        *((name, np.uint64) for name in ("issue", "start", "end", "busy")),
        ("stalls", np.uint64, (len(STALLS),)),
        *((name, np.uint64) for name in _SUMMED),
        *((name, np.uint32) for name in ("unit", "command", "opcode", "layer")),
    ]
)
"""``struct etpu_event``."""


@cache
def _library() -> ctypes.CDLL:
    loaded = ctypes.CDLL(str(library("tvm_tiny_npu")))
    for name in ("etpu_device_run", "etpu_count", "etpu_validate_stream"):
        getattr(loaded, name).restype = ctypes.c_int
    loaded.etpu_reason.restype = ctypes.c_char_p
    loaded.etpu_machine.restype = ctypes.POINTER(_Machine)
    return loaded


def _machine(npu: Npu) -> _Machine:
    values = {name: getattr(npu, name) for name in (field[0] for field in _Machine._fields_) if name != "name"}
    return _Machine(name=npu.name.encode(), **values)


def built_in(name: str) -> dict[str, int] | None:
    """The numbers of the variant that the C library knows by ``name``; None if it knows none.

    Raises
    ------
    ToolchainError
        The library is not built.
    """
    found = _library().etpu_machine(name.encode())
    if not found:
        return None
    return {field.name: int(getattr(found.contents, field.name)) for field in fields(Npu) if field.name not in ("name", "clock")}


def _check(code: int, fault: _Fault) -> None:
    if code != 0:
        where = "" if fault.command == _NO_COMMAND else f" {fault.command}"
        reason = _library().etpu_reason(code).decode()
        subject = f"command{where}" if where else "the command stream"
        raise StreamError(f"the NPU refuses {subject}: {reason}", code=code, command=int(fault.command) if where else None)


def validate(npu: Npu, stream: bytes) -> None:
    """Find out whether ``stream`` can run on ``npu``.

    Raises
    ------
    StreamError
        It cannot; names the command and the reason.
    ToolchainError
        The library is not built.
    """
    fault = _Fault()
    data = ctypes.c_char_p(stream)
    code = _library().etpu_validate_stream(ctypes.byref(_machine(npu)), data, ctypes.c_size_t(len(stream)), ctypes.byref(fault))
    _check(code, fault)


def count(npu: Npu, stream: bytes, *, overlap: bool = True) -> Run:
    """What ``stream`` costs, without executing it.

    Raises
    ------
    StreamError
        It cannot run on ``npu``.
    ToolchainError
        The library is not built.
    """
    fault, events = _Fault(), _event_rows(stream)
    code = _library().etpu_count(
        ctypes.byref(_machine(npu)),
        ctypes.c_uint32(overlap),
        ctypes.c_char_p(stream),
        ctypes.c_size_t(len(stream)),
        None,
        ctypes.c_void_p(events.ctypes.data),
        ctypes.c_uint32(len(events)),
        ctypes.byref(fault),
    )
    _check(code, fault)
    return _run(npu, events)


class Device:
    """A device: its SRAM and the register that tells what the parameter cache holds stay between runs.

    Parameters
    ----------
    npu : Npu
        The variant; any other numbers work too, where the device model can hold them.
    overlap : bool
        False: the array works as a plain weight-stationary one, without loading weights ahead: docs/npu.md.

    Attributes
    ----------
    sram : np.ndarray
        (npu.sram,) uint8.
    """

    def __init__(self, npu: Npu, *, overlap: bool = True) -> None:
        self.npu = npu
        self.sram = np.zeros(npu.sram, np.uint8)
        self._machine = _machine(npu)
        self._device = _Device(ctypes.pointer(self._machine), self.sram.ctypes.data, 0, int(overlap))

    @property
    def token(self) -> int:
        """Of the load stream whose parameters are in the cache, 0 for none."""
        return int(self._device.token)

    def run(self, stream: bytes, regions: Sequence[np.ndarray]) -> Run:
        """Execute ``stream``.

        Parameters
        ----------
        stream : bytes
            Of :func:`tvm_tiny.npu.stream.encode`.
        regions : sequence of np.ndarray
            What lies off-chip, in the order of the stream's regions: contiguous, any dtype; what the stream writes is written here.

        Raises
        ------
        StreamError
            It cannot run, for what it is or for what is given; nothing has run. Or its parameters make no sense: commands in front
            of the one that is named have run.
        ToolchainError
            The library is not built.
        """
        for index, region in enumerate(regions):
            if not region.flags.c_contiguous:
                raise ValueError(f"region {index} is not contiguous")
        written = _written(stream)
        for index, region in enumerate(regions):
            if index < len(written) and written[index] and not region.flags.writeable:
                raise ValueError(f"region {index} is written by the stream, but its array is read-only")
        rows = (_Region * max(len(regions), 1))(*(_Region(region.ctypes.data, region.nbytes) for region in regions))
        fault, events = _Fault(), _event_rows(stream)
        code = _library().etpu_device_run(
            ctypes.byref(self._device),
            ctypes.c_char_p(stream),
            ctypes.c_size_t(len(stream)),
            rows,
            ctypes.c_uint32(len(regions)),
            None,
            ctypes.c_void_p(events.ctypes.data),
            ctypes.c_uint32(len(events)),
            ctypes.byref(fault),
        )
        _check(code, fault)
        return _run(self.npu, events)


def _header(stream: bytes) -> tuple[int, int]:
    """Numbers of commands and of regions as the header of a stream tells them, not trusted; 0 where there is none."""
    if len(stream) < HEADER_BYTES:
        return 0, 0
    header = unpack(HEADER, stream, 0)
    return header["commands"], header["regions"]


def _event_rows(stream: bytes) -> np.ndarray:
    """Room for the events; a stream has no more commands than words."""
    commands, _regions = _header(stream)
    return np.zeros(min(commands, len(stream) // 4), _EVENT)


def _written(stream: bytes) -> list[bool]:
    _commands, regions = _header(stream)
    regions = min(regions, (len(stream) - HEADER_BYTES) // REGION_BYTES)
    return [bool(unpack(REGION, stream, HEADER_BYTES + index * REGION_BYTES)["written"]) for index in range(regions)]


def _run(npu: Npu, rows: np.ndarray) -> Run:
    events = tuple(_event(row) for row in rows.tolist())
    cycles = max((event.end for event in events), default=0)
    macs = sum(event.macs for event in events)
    return Run(cycles, macs / (cycles * npu.macs_per_cycle) if cycles else 0.0, events)


def _event(row: tuple[Any, ...]) -> Event:
    """A row of :data:`_EVENT`."""
    issue, start, end, busy, stalls, *summed, unit, command, opcode, layer = row
    named = {cause: int(cycles) for cause, cycles in zip(STALLS, stalls, strict=True)}
    return Event(_UNITS[unit], command, OPCODES[opcode], layer, issue, start, end, busy, named, *summed)


_UNITS = tuple(Unit)
