"""A step as a command of the NPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tvm_tiny.npu.commands import (
    Clamp,
    Command,
    Convolution,
    Elementwise,
    Lookup,
    Map,
    Pool,
    Resize,
    Softmax,
    Transfer,
    Window,
)
from tvm_tiny.npu.order import Step
from tvm_tiny.npu.region import Feature, Operation, placed, window_of
from tvm_tiny.npu.sums import SumScales, scales_of_sum
from tvm_tiny.npu.support import rescale_kind
from tvm_tiny.npu.tiling import Tiling
from tvm_tiny.npu.waits import Bytes, Touched


@dataclass(frozen=True)
class Places:
    """Addresses of storages, and of an operation's constants by role; ``rolling`` are the rows of rolling buffers."""

    storages: Mapping[str, int]
    rolling: Mapping[str, int]
    constants: Mapping[tuple[int, str], tuple[int, int]]
    """(operation, role) → address and bytes."""
    fetched: Mapping[str, int]
    """Storage that weights are fetched into → their place in region 0."""


def command_of(step: Step, operation: Operation, tiling: Tiling, places: Places) -> tuple[Command, Touched]:
    """The command that computes ``step``, without its waits, and the bytes that it touches."""
    emitter = _Emitter(step, operation, tiling, places)
    command = emitter.command()
    reads = [run for index in range(len(operation.inputs)) for run in emitter.read(index)]
    if operation.kind == "output":
        return command, Touched(tuple(emitter.written(operation.inputs[0])), ())
    constants = [(at, at + size) for (number, _), (at, size) in places.constants.items() if number == step.operation]
    return command, Touched((*reads, *constants), tuple(emitter.written(operation.output)))


@dataclass(frozen=True)
class _Emitter:
    step: Step
    operation: Operation
    tiling: Tiling
    places: Places

    def command(self) -> Command:
        kind = self.operation.kind
        if self.operation.moved:
            return self._transfer()
        if self.operation.on_array:
            return self._convolution()
        if kind in ("add", "mul"):
            return self._elementwise()
        if kind in ("max_pool2d", "average_pool2d"):
            return self._pool()
        if kind in ("lookup", "softmax"):
            return self._table()
        return self._copy()

    # ---- where -------------------------------------------------------------------------------------------------------------------

    def map(self, feature: Feature) -> Map:
        address = self.places.storages[feature.storage] + feature.offset
        rows = self.places.rolling.get(feature.storage, feature.shape[0])
        return Map(address, feature.row_bytes, feature.pixel_bytes, rows)

    def _runs(self, feature: Feature, first: int, rows: int) -> Bytes:
        """Addresses of some rows: in a rolling buffer those that wrap around are a run of their own."""
        place = self.map(feature)
        extent = (feature.shape[1] - 1) * feature.pixel_bytes + feature.shape[2]
        start = first % place.buffer_rows
        pieces = [(start, min(start + rows, place.buffer_rows))]
        if start + rows > place.buffer_rows:
            pieces.append((0, start + rows - place.buffer_rows))
        return tuple(
            (place.address + low * place.row_bytes, place.address + (high - 1) * place.row_bytes + extent) for low, high in pieces
        )

    def read(self, index: int) -> Bytes:
        rows = self.operation.rows_read(index, self.step.first, self.step.rows)
        return self._runs(self.operation.inputs[index], rows.start, len(rows)) if rows else ()

    def written(self, feature: Feature) -> Bytes:
        return self._runs(feature, self.step.first, self.step.rows)

    def _constant(self, role: str) -> int:
        return self.places.constants[self.step.operation, role][0]

    @property
    def _input(self) -> Feature:
        return self.operation.inputs[0]

    @property
    def _rows(self) -> dict[str, Any]:
        return {"layer": self.step.operation, "first_row": self.step.first, "rows": self.step.rows}

    # ---- what --------------------------------------------------------------------------------------------------------------------

    def _transfer(self) -> Transfer:
        """Rows that lie one behind the other on both sides are one run."""
        feature, step = self.operation.output, self.step
        place = self.map(feature)
        if self.operation.kind == "fetch":
            return Transfer(step.operation, True, 0, self.places.fetched[feature.storage], 0, place, 0, 1, feature.row_bytes)
        wraps = step.first % place.buffer_rows + step.rows > place.buffer_rows
        row, at = feature.row_bytes, step.first % place.buffer_rows
        to_sram, region = self.operation.kind == "input", self.operation.region
        if wraps:
            return Transfer(step.operation, to_sram, region, step.first * row, row, place, step.first, step.rows, row)
        whole = Map(place.address + at * row, step.rows * row, feature.pixel_bytes, 1)
        return Transfer(step.operation, to_sram, region, step.first * row, 0, whole, 0, 1, step.rows * row)

    def _convolution(self) -> Convolution:
        operation = self.operation
        assert operation.node is not None
        attrs = operation.node.attrs
        return Convolution(
            **self._rows,
            input=self.map(self._input),
            input_shape=self._input.shape,
            output=self.map(operation.output),
            output_width=operation.output.shape[1],
            channels=operation.output.shape[2],
            window=window_of(operation),
            weights=self._constant("weights"),
            parameters=self._constant("parameters"),
            depth_step=self.tiling.depth_step,
            clamp=Clamp(attrs.zero_point, attrs.low, attrs.high),
            requantization=rescale_kind(operation.node),
            split=self.tiling.split,
            depthwise=operation.kind == "depthwise_conv2d",
        )

    def _elementwise(self) -> Elementwise:
        operation = self.operation
        assert operation.node is not None
        attrs = operation.node.attrs
        first, second = (self.map(feature) for feature in operation.inputs)
        add = operation.kind == "add"
        scales = scales_of_sum(attrs) if add else SumScales((0, 0), (0, 0), attrs.multiplier, attrs.shift)
        assert scales is not None, f"{operation.name} has passed its checks"
        return Elementwise(
            **self._rows,
            kind=("sub" if attrs.subtract else "add") if add else "mul",
            inputs=(first, second),
            output=self.map(operation.output),
            width=operation.output.shape[1],
            channels=operation.output.shape[2],
            zero_points=attrs.zero_points,
            multipliers=scales.multipliers,
            shifts=scales.shifts,
            multiplier=scales.multiplier,
            shift=scales.shift,
            clamp=Clamp(attrs.zero_point, attrs.low, attrs.high),
        )

    def _pool(self) -> Pool:
        operation = self.operation
        assert operation.node is not None
        attrs = operation.node.attrs
        average = operation.kind == "average_pool2d"
        window = window_of(operation)
        return Pool(
            **self._rows,
            kind="average" if average else "max",
            input=self.map(self._input),
            input_shape=self._input.shape,
            output=self.map(operation.output),
            output_width=operation.output.shape[1],
            window=Window(window.kernel, window.strides, window.dilation, window.top, window.left),
            clamp=Clamp(0, attrs.low, attrs.high),
            file_offset=attrs.file_offset if average else 0,
        )

    def _table(self) -> Lookup | Softmax:
        operation = self.operation
        assert operation.node is not None
        _height, width, channels = operation.output.shape
        maps: dict[str, Any] = {"input": self.map(self._input), "output": self.map(operation.output)}
        if operation.kind == "lookup":
            return Lookup(**self._rows, **maps, width=width, channels=channels, table=self._constant("table"))
        attrs = operation.node.attrs
        clamp = Clamp(attrs.zero_point, attrs.low, attrs.high)
        return Softmax(**self._rows, **maps, width=width, channels=channels, table=self._constant("table"), clamp=clamp)

    def _copy(self) -> Resize:
        operation = self.operation
        scales, (top, left) = placed(operation)
        return Resize(
            **self._rows,
            input=self.map(self._input),
            input_shape=self._input.shape,
            output=self.map(operation.output),
            output_width=operation.output.shape[1],
            scales=scales,
            top=top,
            left=left,
            pad_value=operation.node.attrs.value if operation.node is not None and operation.kind == "pad" else 0,
        )
