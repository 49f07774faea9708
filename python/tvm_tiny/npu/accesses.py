"""Which bytes a command reads and writes: of the SRAM and of the regions off-chip.

The device model's validator (src/npu/areas.c) works on the same areas; here they serve :mod:`tvm_tiny.npu.hazards`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvm_tiny.npu.commands import Command, Convolution, Elementwise, Lookup, Map, Pool, Resize, Softmax, Transfer, Window

SRAM = -1
"""The place of what lies on-chip; other places are numbers of regions."""


@dataclass(frozen=True)
class Area:
    """``count`` rows of ``width`` pixels of ``channels`` bytes, in ``place``, :data:`SRAM` or a region.

    Byte c of pixel x of row i lies at ``address + i * row_bytes + x * pixel_bytes + c``.
    """

    place: int
    address: int
    row_bytes: int
    count: int
    pixel_bytes: int
    width: int
    channels: int

    @property
    def extent(self) -> int:
        """Bytes from the start of a row to behind its last pixel."""
        return (self.width - 1) * self.pixel_bytes + self.channels

    @property
    def end(self) -> int:
        return self.address + (self.count - 1) * self.row_bytes + self.extent

    def overlaps(self, other: Area) -> bool:
        """Whether the two may share a byte: exact for rows, and for pixels that interleave at the same distance."""
        if self.place != other.place or self.end <= other.address or other.end <= self.address or self._interleaves(other):
            return False
        return any(
            other._meets(start, start + self.extent) for start in (self.address + row * self.row_bytes for row in range(self.count))
        )

    def _meets(self, start: int, end: int) -> bool:
        row = 0
        if self.row_bytes and start >= self.address + self.extent:
            row = (start - self.address - self.extent) // self.row_bytes + 1
        first = self.address + row * self.row_bytes
        return row < self.count and first < end and first + self.extent > start

    def _interleaves(self, other: Area) -> bool:
        step = self.pixel_bytes
        if not step or other.pixel_bytes != step or any(area.count > 1 and area.row_bytes % step for area in (self, other)):
            return False
        distance = (other.address - self.address) % step
        return self.channels <= distance and other.channels <= step - distance


@dataclass(frozen=True)
class Accesses:
    """``loads`` are what the array's loader reads, ahead of the command's other ``reads``."""

    reads: tuple[Area, ...]
    writes: tuple[Area, ...]
    loads: tuple[Area, ...] = ()


def accesses(command: Command) -> Accesses:
    """What ``command`` touches."""
    if isinstance(command, Convolution):
        return _convolution(command)
    if isinstance(command, Transfer):
        return _transfer(command)
    if isinstance(command, Pool):
        first, count = window_rows(command.window, command.first_row, command.rows, command.input_shape[0])
        channels = command.input_shape[2]
        return Accesses(
            rows_of(command.input, first, count, command.input_shape[1], channels),
            rows_of(command.output, command.first_row, command.rows, command.output_width, channels),
        )
    if isinstance(command, Resize):
        first, count = _resized_rows(command)
        channels = command.input_shape[2]
        return Accesses(
            rows_of(command.input, first, count, command.input_shape[1], channels),
            rows_of(command.output, command.first_row, command.rows, command.output_width, channels),
        )
    inputs = command.inputs if isinstance(command, Elementwise) else (command.input,)
    shape = command.first_row, command.rows, command.width, command.channels
    tables = {Lookup: 256, Softmax: 1024}
    table = (_run(command.table, tables[type(command)]),) if isinstance(command, Lookup | Softmax) else ()
    return Accesses(tuple(area for each in inputs for area in rows_of(each, *shape)) + table, rows_of(command.output, *shape))


def _convolution(command: Convolution) -> Accesses:
    height, width, channels = command.input_shape
    kernel = command.window.kernel
    depth = kernel[0] * kernel[1] * (1 if command.depthwise else channels)
    first, count = window_rows(command.window, command.first_row, command.rows, height)
    return Accesses(
        rows_of(command.input, first, count, width, channels),
        rows_of(command.output, command.first_row, command.rows, command.output_width, command.channels),
        (_run(command.weights, depth * command.channels), _run(command.parameters, 16 * command.channels)),
    )


def _transfer(command: Transfer) -> Accesses:
    inside = rows_of(command.map, command.first_row, command.rows, 1, command.row_length)
    outside = (Area(command.region, command.offset, command.region_stride, command.rows, 0, 1, command.row_length),)
    return Accesses(outside, inside) if command.to_sram else Accesses(inside, outside)


def rows_of(source: Map, first: int, count: int, width: int, channels: int) -> tuple[Area, ...]:
    """The areas of ``count`` rows of a map: two where a rolling buffer wraps around, none for no rows."""
    if count <= 0:
        return ()
    buffer = source.buffer_rows
    place = first % buffer
    if count >= buffer:
        spans = [(0, buffer)]
    elif place + count > buffer:
        spans = [(place, buffer - place), (0, place + count - buffer)]
    else:
        spans = [(place, count)]
    return tuple(
        Area(SRAM, source.address + start * source.row_bytes, source.row_bytes, rows, source.pixel_bytes, width, channels)
        for start, rows in spans
    )


def window_rows(window: Window, first_row: int, rows: int, height: int) -> tuple[int, int]:
    """(first, number) of the input's rows that a window over these rows of the output can read."""
    low = max(first_row * window.strides[0] - window.top, 0)
    high = (first_row + rows - 1) * window.strides[0] - window.top + (window.kernel[0] - 1) * window.dilation[0]
    return low, max(min(high, height - 1) - low + 1, 0)


def _resized_rows(command: Resize) -> tuple[int, int]:
    low, high = ((row * command.scales[0] >> 16) - command.top for row in (command.first_row, command.first_row + command.rows - 1))
    low, high = max(low, 0), min(high, command.input_shape[0] - 1)
    return low, max(high - low + 1, 0)


def _run(address: int, size: int) -> Area:
    return Area(SRAM, address, 0, 1, 0, 1, size)
