"""The validator: what of each fault is told, at which command; areas against sets of addresses; sizes that would overflow."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.npu.bench import ETPU_16, Bench, stream_of
from tests.npu.test_fuzz import SEEDS
from tvm_tiny.errors import StreamError
from tvm_tiny.npu.accesses import accesses
from tvm_tiny.npu.commands import (
    Clamp,
    Command,
    Convolution,
    Map,
    Region,
    Softmax,
    Stream,
    Waits,
    Window,
)
from tvm_tiny.npu.device import Device, validate
from tvm_tiny.npu.stream import encode
from tvm_tiny.target.npu import Npu

FAULTS = dict(
    re.findall(r'F\(ETPU_FAULT_(\w+), (\d+), "', (ROOT / "src" / "npu" / "fault.h").read_text()),
)
SRAM = 1 << 14
REGIONS = (Region("constants", 256), Region("y", 256, True))

CONVOLUTION, DEPTHWISE = replace(SEEDS["network"][3], waits=Waits()), SEEDS["depthwise"][0]
ELEMENTWISE = SEEDS["elementwise"][0]
MAXIMUM, AVERAGE = SEEDS["pool"]
LOOKUP, SOFTMAX = SEEDS["table"]
RESIZE = SEEDS["resize"][0]
LOAD, STORE = (replace(SEEDS["network"][place], waits=Waits()) for place in (0, 9))
HIGH = Map(SRAM - 255, 64, 16, 4)  # one byte too far
BIG = 0xFFFFFFFF


def fault_of(stream: bytes, npu: Npu = ETPU_16) -> tuple[str, int | None]:
    """Name of the fault, and the command that it is told of; "" for none."""
    try:
        validate(npu, stream)
    except StreamError as error:
        (name,) = (name for name, number in FAULTS.items() if int(number) == error.code)
        return name, error.command
    return "", None


def with_window(command: Command, **changes: object) -> Command:
    return replace(command, window=replace(command.window, **changes))  # type: ignore[call-arg, union-attr]


def at(command: Command, which: str, **changes: int) -> Command:
    return replace(command, **{which: replace(getattr(command, which), **changes)})  # type: ignore[call-arg]


COMMANDS: list[tuple[str, Command]] = [
    ("WAIT", replace(LOAD, waits=Waits(dma=2))),
    ("WAIT", replace(LOOKUP, waits=Waits(vector=1))),
    ("EMPTY", replace(CONVOLUTION, rows=0)),
    ("EMPTY", replace(CONVOLUTION, channels=0)),
    ("EMPTY", replace(CONVOLUTION, output_width=0)),
    ("EMPTY", replace(CONVOLUTION, input_shape=(4, 0, 16))),
    ("EMPTY", at(CONVOLUTION, "input", buffer_rows=0)),
    ("EMPTY", at(CONVOLUTION, "output", buffer_rows=0)),
    ("EMPTY", with_window(CONVOLUTION, kernel=(0, 1))),
    ("EMPTY", with_window(CONVOLUTION, strides=(1, 0))),
    ("EMPTY", with_window(MAXIMUM, dilation=(0, 1))),
    ("EMPTY", replace(LOOKUP, width=0)),
    ("EMPTY", replace(LOAD, row_length=0)),
    ("ADDRESS", at(CONVOLUTION, "input", address=SRAM - 255)),
    ("ADDRESS", replace(CONVOLUTION, weights=SRAM - 255)),
    ("ADDRESS", replace(CONVOLUTION, parameters=SRAM - 255)),
    ("ADDRESS", replace(CONVOLUTION, weights=BIG)),
    ("ADDRESS", at(CONVOLUTION, "input", address=BIG, row_bytes=BIG)),
    ("ADDRESS", replace(DEPTHWISE, weights=SRAM - 143)),
    ("ADDRESS", replace(ELEMENTWISE, inputs=(HIGH, ELEMENTWISE.inputs[1]))),
    ("ADDRESS", replace(MAXIMUM, input=HIGH)),
    ("ADDRESS", at(RESIZE, "input", address=SRAM - 63)),
    ("ADDRESS", replace(LOOKUP, table=SRAM - 255)),
    ("ADDRESS", replace(SOFTMAX, table=SRAM - 1023)),
    ("ADDRESS", replace(STORE, map=HIGH)),
    ("WRITE", replace(CONVOLUTION, output=HIGH)),
    ("WRITE", replace(RESIZE, output=HIGH)),
    ("WRITE", replace(LOAD, map=Map(SRAM - 255, 256, 1, 1))),
    ("BUFFER", at(CONVOLUTION, "input", buffer_rows=3)),
    ("BUFFER", at(CONVOLUTION, "output", buffer_rows=3)),
    ("BUFFER", at(MAXIMUM, "input", buffer_rows=3)),
    ("BUFFER", at(LOOKUP, "input", buffer_rows=3)),
    ("BUFFER", at(replace(RESIZE, top=0), "input", buffer_rows=1)),
    ("BUFFER", at(STORE, "map", buffer_rows=3)),
    ("ALIAS", at(CONVOLUTION, "output", pixel_bytes=15)),
    ("ALIAS", at(CONVOLUTION, "output", row_bytes=63)),
    ("ALIAS", replace(STORE, region_stride=63)),
    ("OVERLAP", replace(CONVOLUTION, output=CONVOLUTION.input)),
    ("OVERLAP", at(CONVOLUTION, "output", address=CONVOLUTION.input.address + 255)),
    ("OVERLAP", replace(CONVOLUTION, weights=CONVOLUTION.output.address + 255)),
    ("OVERLAP", replace(CONVOLUTION, parameters=CONVOLUTION.output.address - 255)),
    ("OVERLAP", at(LOOKUP, "output", address=LOOKUP.input.address + 1)),
    ("OVERLAP", replace(LOOKUP, table=LOOKUP.output.address + 255)),
    ("OVERLAP", replace(SOFTMAX, table=SOFTMAX.output.address + 64)),
    ("OVERLAP", replace(MAXIMUM, output=MAXIMUM.input)),
    ("OVERLAP", replace(RESIZE, output=RESIZE.input)),
    ("ACCUMULATORS", replace(CONVOLUTION, output_width=257, output=Map(8000, 0, 0, 4))),
    ("SPLIT", replace(CONVOLUTION, split=0)),
    ("SPLIT", replace(CONVOLUTION, split=3)),
    ("SPLIT", replace(CONVOLUTION, split=8)),
    ("DEPTH_STEP", replace(CONVOLUTION, depth_step=0)),
    ("DEPTH_STEP", replace(CONVOLUTION, depth_step=17)),
    ("DEPTHWISE", replace(DEPTHWISE, split=2)),
    ("DEPTHWISE", replace(DEPTHWISE, channels=15)),
    ("KERNEL", with_window(CONVOLUTION, kernel=(257, 256))),
    ("WINDOW", with_window(MAXIMUM, top=-3)),
    ("WINDOW", with_window(AVERAGE, left=-3)),
    ("WINDOW", with_window(MAXIMUM, left=3)),
    ("CLAMP", replace(CONVOLUTION, clamp=Clamp(0, 5, 4))),
    ("CLAMP", replace(ELEMENTWISE, clamp=Clamp(0, 5, 4))),
    ("CLAMP", replace(SOFTMAX, clamp=Clamp(0, 5, 4))),
    ("CLAMP", replace(MAXIMUM, clamp=Clamp(1))),
    ("SCALE", replace(ELEMENTWISE, shifts=(1, 0))),
    ("SCALE", replace(ELEMENTWISE, shifts=(0, -32))),
    ("SCALE", replace(ELEMENTWISE, multipliers=(-1, 1))),
    ("SCALE", replace(ELEMENTWISE, shift=31)),
    ("CHANNELS", replace(SOFTMAX, channels=4096)),
    ("REGION", replace(LOAD, region=2)),
    ("REGION", replace(LOAD, offset=1)),
    ("REGION", replace(LOAD, offset=BIG, row_length=BIG)),
    ("REGION", replace(STORE, region_stride=65)),
    ("READ_ONLY", replace(STORE, region=0)),
    ("ENUM", replace(AVERAGE, file_offset=1)),
]


@pytest.mark.parametrize("place", range(len(COMMANDS)), ids=[f"{name}-{place}" for place, (name, _command) in enumerate(COMMANDS)])
def test_commands(place: int) -> None:
    name, command = COMMANDS[place]
    stream = Stream("etpu-16", (LOAD, command), REGIONS, SRAM, SRAM)
    assert fault_of(encode(replace(stream, commands=(LOAD,)))) == ("", None)
    assert fault_of(encode(stream)) == (name, 1)


def test_valid_neighbours() -> None:
    """What lies just within the limits that the cases above leave."""
    edge = Map(SRAM - 256, 64, 16, 4)
    for command in (
        at(CONVOLUTION, "input", address=SRAM - 256),
        replace(CONVOLUTION, weights=SRAM - 256),
        replace(CONVOLUTION, output=edge),
        at(CONVOLUTION, "output", address=CONVOLUTION.input.address + 256),
        replace(DEPTHWISE, weights=SRAM - 144),
        replace(LOOKUP, table=SRAM - 256),
        replace(STORE, map=edge),
        replace(LOAD, map=Map(SRAM - 256, 0, 0, 1)),
        at(RESIZE, "input", address=SRAM - 64, buffer_rows=1),
        with_window(CONVOLUTION, top=100),
        replace(ELEMENTWISE, shift=30),
        replace(SOFTMAX, table=SRAM - 1024),
    ):
        assert fault_of(encode(Stream("etpu-16", (command,), REGIONS, SRAM, SRAM))) == ("", None)


def test_channels_of_one_map_may_be_read_and_written() -> None:
    """A convolution that puts its channels beside those that it reads."""
    whole = Map(0, 4 * 32, 32, 4)
    command = replace(CONVOLUTION, input=whole, output=replace(whole, address=16))
    assert fault_of(stream_of(ETPU_16, [command])) == ("", None)
    assert fault_of(stream_of(ETPU_16, [replace(command, output=replace(whole, address=15))])) == ("OVERLAP", 0)


HEADER = [
    ("HEADER", lambda data: data[:35]),
    ("MAGIC", lambda data: b"e" + data[1:]),
    ("VERSION", lambda data: data[:4] + b"\2\0" + data[6:]),
    ("LENGTH", lambda data: data + b"\0"),
    ("CRC", lambda data: data[:-1] + b"\1"),
    ("CRC", lambda data: data[:12] + b"\1" + data[13:]),
]


@pytest.mark.parametrize(("name", "change"), HEADER)
def test_headers(name: str, change: object) -> None:
    assert fault_of(change(encode(Stream("etpu-16", (LOAD,), REGIONS, SRAM, SRAM)))) == (name, None)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("VARIANT", {"npu": "etpu-32"}),
        ("SRAM", {"sram": ETPU_16.sram + 1}),
        ("SRAM", {"cache": SRAM + 1}),
        ("CACHE", {"cache": SRAM - 1}),
        ("CACHE", {"load": True}),
        ("", {"cache": SRAM - 1, "token": 1}),
        ("", {"token": 1, "load": True}),
    ],
)
def test_header_fields(name: str, changes: dict[str, object]) -> None:
    stream = replace(Stream("etpu-16", (LOAD,), REGIONS, SRAM, SRAM), **changes)  # type: ignore[arg-type]
    assert fault_of(encode(stream)) == (name, None)


def test_counts_of_commands_and_bytes_behind_them() -> None:
    data = bytearray(encode(Stream("etpu-16", (LOAD, LOAD), REGIONS, SRAM, SRAM)))
    for commands, place in ((1, None), (3, 2), (BIG, 2)):
        data[24:28] = commands.to_bytes(4, "little")
        data[32:36] = zlib.crc32(data[36:], zlib.crc32(data[:32])).to_bytes(4, "little")
        assert fault_of(bytes(data)) == ("COMMAND", place)


@pytest.mark.parametrize(
    "numbers", [{"size": 6}, {"size": 256}, {"feeds": 0}, {"queue": 0}, {"dma_bandwidth": 0}, {"sram": 1 << 31}]
)
def test_machines_that_the_model_cannot_hold(numbers: dict[str, int]) -> None:
    assert fault_of(encode(Stream("etpu-16", (LOAD,), REGIONS, SRAM, SRAM)), replace(ETPU_16, **numbers)) == ("MACHINE", None)


@pytest.mark.parametrize("seed", range(2))
def test_overlaps_are_those_of_sets_of_addresses(seed: int) -> None:
    """Input and output of random convolutions: a shared byte is always refused; rows apart and channels side by side are not."""
    rng = np.random.default_rng(seed)
    seen = {"": 0, "OVERLAP": 0}
    for _ in range(1500):
        step, rows, width, channels, outputs = rng.integers([2, 1, 1, 1, 1], [9, 4, 4, 5, 5]).tolist()
        step = max(step, channels, outputs)
        buffers = rng.integers(rows, rows + 3, 2).tolist()
        maps = [Map(int(rng.integers(0, 120)), step * (width + int(rng.integers(0, 3))), step, buffer) for buffer in buffers]
        shape = (int(rng.integers(rows, 9)), width, channels)
        first = int(rng.integers(0, shape[0] - rows + 1))
        command = Convolution(0, maps[0], shape, maps[1], width, outputs, first, rows, Window(), 5000, 6000, 16, Clamp())
        found = accesses(command)
        bytes_of = [
            {
                area.address + row * area.row_bytes + x * area.pixel_bytes + c
                for area in areas
                for row in range(area.count)
                for x in range(area.width)
                for c in range(area.channels)
            }
            for areas in (found.reads, found.writes)
        ]
        by_hand = {maps[0].address + (row % buffers[0]) * maps[0].row_bytes for row in range(first, first + rows)}
        assert {area.address + row * area.row_bytes for area in found.reads for row in range(area.count)} == by_hand
        name, _command = fault_of(stream_of(ETPU_16, [command]))
        seen[name] += 1
        assert name == ("OVERLAP" if bytes_of[0] & bytes_of[1] else ""), command
    assert min(seen.values()) > 200


# The parameter cache.


def test_the_cache_is_filled_by_its_load_stream_and_read_by_run_streams() -> None:
    device = Device(ETPU_16)
    constants = np.arange(256, dtype=np.uint8)
    result = np.zeros(256, np.uint8)
    cached = Map(SRAM - 256, 64, 1, 4)
    regions = {"regions": REGIONS, "sram": SRAM, "cache": SRAM - 256}
    fill = replace(LOAD, map=cached, rows=4, row_length=64, region_stride=64)
    load = encode(Stream("etpu-16", (fill,), **regions, token=7, load=True))
    run = encode(Stream("etpu-16", (replace(STORE, map=cached),), **regions, token=7))
    with pytest.raises(StreamError, match="the parameter cache does not hold what the stream was made for"):
        device.run(run, [constants, result])
    device.run(load, [constants, result])
    assert device.token == 7
    device.run(run, [constants, result])
    np.testing.assert_array_equal(result, constants)
    # A stream without a cache ends what is there.
    device.run(encode(Stream("etpu-16", (LOAD,), REGIONS, SRAM, SRAM)), [constants, result])
    assert device.token == 0
    # Only load streams write it.
    assert fault_of(encode(Stream("etpu-16", (fill,), **regions, token=7))) == ("WRITE", 0)
    one_below = replace(fill, map=replace(cached, address=SRAM - 512))
    assert fault_of(encode(Stream("etpu-16", (one_below,), **regions, token=7))) == ("", None)


def test_a_stream_that_stops_leaves_no_token() -> None:
    bench = Bench()
    table = bench.place(np.zeros(256, np.int32))
    softmax = Softmax(0, bench.map((1, 1, 4)), bench.map((1, 1, 4)), 1, 4, 0, 1, table, Clamp(-128))
    with pytest.raises(StreamError, match="command 0"):
        bench.device.run(stream_of(ETPU_16, [softmax], token=9, load=True), [])
    assert bench.device.token == 0


def test_every_fault_is_tested() -> None:
    tested = {name for name, _ in COMMANDS} | {name for name, _ in HEADER} | {"VARIANT", "SRAM", "CACHE", "COMMAND", "MACHINE"}
    assert set(FAULTS) - tested == {"NONE", "REGIONS", "TOKEN", "SHIFT", "SUM"}  # those need a device: other tests
