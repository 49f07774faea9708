"""A region of Relax as what the NPU's compiler works on: operations on feature maps, in an order in which they could run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tvm_tiny.npu.commands import Window
from tvm_tiny.npu.means import as_depthwise
from tvm_tiny.npu.partition import VIEWS
from tvm_tiny.npu.support import fixed_scale, planes
from tvm_tiny.op.operator import Node, node_of, source_of
from tvm_tiny.op.qdq import op_name
from tvm_tiny.tvm_compat import constant_array

if TYPE_CHECKING:
    import tvm
    from tvm import relax


@dataclass(frozen=True)
class Feature:
    """A feature map as an operation sees it: ``shape`` is (height, width, channels), int8.

    It lies in the bytes of ``storage``, from ``offset`` on; several features may be views of one storage, or parts of it. Strides
    are bytes; those of an operand that is broadcast are 0.
    """

    storage: str
    shape: tuple[int, int, int]
    row_bytes: int
    pixel_bytes: int
    offset: int = 0

    @staticmethod
    def whole(storage: str, shape: tuple[int, int, int]) -> Feature:
        """One that is all of its storage."""
        return Feature(storage, shape, shape[1] * shape[2], shape[2])

    @property
    def dense(self) -> bool:
        """Whether its rows follow each other without gaps."""
        return self.pixel_bytes == self.shape[2] and self.row_bytes == self.shape[1] * self.shape[2]


@dataclass(frozen=True)
class Operation:
    """One operation on feature maps.

    ``kind`` is an operator of ours, "copy", or "input" and "output" for what the DMA engine moves; then ``region`` is where from or
    to. ``name`` is for people; ``node`` holds attributes and constants, of which ``channels``, from the first to behind the last,
    are meant; None for all. ``staged`` is the storage into which a "fetch" brings its weights, "" where they are in the cache.
    """

    kind: str
    name: str
    inputs: tuple[Feature, ...]
    output: Feature
    node: Node | None = None
    region: int = 0
    channels: tuple[int, int] | None = None
    staged: str = ""

    @property
    def part(self) -> slice:
        """``channels`` as an index."""
        return slice(None) if self.channels is None else slice(*self.channels)

    @property
    def on_array(self) -> bool:
        return self.kind in ("conv2d", "depthwise_conv2d", "fully_connected")

    @property
    def moved(self) -> bool:
        """Whether the DMA engine does it."""
        return self.kind in ("input", "output", "fetch")

    def rows_read(self, index: int, first: int, rows: int) -> range:
        """Rows of input ``index`` that are read for the output's rows ``first`` to ``first + rows - 1``."""
        height = self.inputs[index].shape[0]
        if self.kind in _WINDOWED:
            window = window_of(self)
            low = first * window.strides[0] - window.top
            high = (first + rows - 1) * window.strides[0] - window.top + (window.kernel[0] - 1) * window.dilation[0]
        elif self.kind in ("pad", "resize_nearest"):
            (scale, _), (top, _) = placed(self)
            low, high = ((row * scale >> 16) - top for row in (first, first + rows - 1))
        else:
            low, high = first, first + rows - 1
        return range(max(low, 0), max(min(high, height - 1) + 1, max(low, 0)))


_WINDOWED = ("conv2d", "depthwise_conv2d", "max_pool2d", "average_pool2d")


def window_of(operation: Operation) -> Window:
    """How the pixels of a convolution's or pooling's output see its input."""
    if operation.kind == "fully_connected":
        return Window()
    assert operation.node is not None
    attrs = operation.node.attrs
    if operation.kind == "conv2d":
        _, high, wide, _ = operation.node.constant(1).shape
    elif operation.kind == "depthwise_conv2d":
        high, wide, _ = operation.node.constant(1).shape
    else:
        high, wide = attrs.kernel
    top, left, _, _ = attrs.padding
    return Window((int(high), int(wide)), attrs.strides, attrs.dilation, top, left, getattr(attrs, "pad_value", 0))


def placed(operation: Operation) -> tuple[tuple[int, int], tuple[int, int]]:
    """Scales, and padding on top and left, of a copy that the vector unit's Resize does."""
    identity = 1 << 16
    if operation.kind == "copy":
        return (identity, identity), (0, 0)
    assert operation.node is not None
    attrs = operation.node.attrs
    if operation.kind == "pad":
        return (identity, identity), (attrs.before[1], attrs.before[2])
    rows, columns = (fixed_scale(places) for places in (attrs.rows, attrs.columns))
    assert rows is not None
    assert columns is not None
    return (rows, columns), (0, 0)


@dataclass(frozen=True)
class Graph:
    """Operations, and the sizes of the storages in bytes. ``constants`` are storages that hold constant feature maps."""

    operations: tuple[Operation, ...]
    storages: dict[str, int]
    constants: dict[str, np.ndarray]
    region_names: tuple[str, ...]


def graph_of(mod: tvm.IRModule, function: relax.Function) -> Graph:
    """The operations of a region, between one "input" for each of its parameters and one "output" for each of its results."""
    reader = _Reader(mod)
    values: dict[Any, _Value] = {}
    for index, param in enumerate(function.params):
        values[param] = reader.given(index + 1, str(param.name), _shape(param))
    results = reader.run(function, values)
    for index, result in enumerate(results):
        reader.returned(len(function.params) + index + 1, result)
    names = [f"input {index}" for index in range(len(function.params))] + [f"output {index}" for index in range(len(results))]
    return Graph(tuple(reader.operations), reader.storages, reader.constants, ("constants", *names))


@dataclass(frozen=True)
class _Value:
    """A tensor: where it lies, and its shape in the model."""

    storage: str
    shape: tuple[int, ...]

    def feature(self) -> Feature:
        return Feature.whole(self.storage, planes(self.shape))


class _Reader:
    def __init__(self, mod: tvm.IRModule) -> None:
        self.mod = mod
        self.operations: list[Operation] = []
        self.storages: dict[str, int] = {}
        self.constants: dict[str, np.ndarray] = {}

    def given(self, region: int, name: str, shape: tuple[int, ...]) -> _Value:
        value = self._made(name, shape)
        self.operations.append(Operation("input", f"input {name}", (), value.feature(), region=region))
        return value

    def returned(self, region: int, value: _Value) -> None:
        self.operations.append(Operation("output", "output", (value.feature(),), value.feature(), region=region))

    def run(self, function: relax.Function, values: dict[Any, Any]) -> Sequence[_Value]:
        """The results of ``function``; ``values`` has its parameters, and gets what it computes."""
        from tvm import relax

        for block in function.body.blocks:
            for binding in block.bindings:
                values[binding.var] = self._bound(binding.var, binding.value, values)
        result = function.body.body
        found = values[result] if not isinstance(result, relax.Tuple) else [values[field] for field in result.fields]
        return found if isinstance(found, list) else [found]

    def _bound(self, var: relax.Var, value: relax.Expr, values: dict[Any, Any]) -> Any:
        from tvm import ir, relax

        if isinstance(value, relax.Function):
            return value
        if isinstance(value, relax.Var):
            return values[value]
        if isinstance(value, relax.Tuple):
            return [values[field] for field in value.fields]
        assert isinstance(value, relax.Call), f"unexpected {type(value).__name__} in a region"
        inner = self.mod[value.op] if isinstance(value.op, ir.GlobalVar) else values.get(value.op)
        if isinstance(inner, relax.Function):
            arguments = dict(zip(inner.params, (values[each] for each in value.args), strict=True))
            (result,) = self.run(inner, arguments)
            return result
        if op_name(value) in VIEWS:
            return replace(values[value.args[0]], shape=_shape(var))
        node = node_of(value)
        assert node is not None, f"a region calls {op_name(value)}"
        return self._operator(var, value, node, values)

    def _operator(self, var: relax.Var, call: relax.Call, node: Node, values: dict[Any, Any]) -> _Value:
        activations = [values[each] for each in call.args if constant_array(each) is None]
        output = self._made(str(var.name), tuple(int(extent) for extent in node.output.shape))
        name = f"{node.op.name} {source_of(call).split(';')[0]}".rstrip()
        if node.op.name == "concatenate":
            self._concatenate(name, node, activations, output)
        elif node.op.name in ("add", "mul"):
            self.operations.append(self._elementwise(name, node, activations, output))
        elif node.op.name == "mean":
            # The same bytes, whether the axes are kept or not.
            (x,), mean = activations, as_depthwise(node)
            kept = planes(mean.output.shape)
            inputs = (x.feature(),)
            self.operations.append(Operation("depthwise_conv2d", name, inputs, Feature.whole(output.storage, kept), mean))
        else:
            self.operations.append(Operation(node.op.name, name, (activations[0].feature(),), output.feature(), node))
        return output

    def _elementwise(self, name: str, node: Node, activations: list[_Value], output: _Value) -> Operation:
        shape, rank = planes(output.shape), len(output.shape)
        left = list(activations)
        inputs = []
        for argument in node.inputs:
            if isinstance(argument, np.ndarray):
                storage = f"{output.storage}.constant"
                self.constants[storage] = argument
                value = _Value(storage, argument.shape)
            else:
                value = left.pop(0)
            own = planes((1,) * (rank - len(value.shape)) + value.shape)
            row = 0 if own[0] == 1 and shape[0] > 1 else own[1] * own[2]
            inputs.append(Feature(value.storage, shape, row, 0 if own[1] == 1 and shape[1] > 1 else own[2]))
        return Operation(node.op.name, name, tuple(inputs), output.feature(), node)

    def _concatenate(self, name: str, node: Node, activations: list[_Value], output: _Value) -> None:
        """A copy of each input into its part of the output, whose rows are what lies behind the axes in front of ``axis``."""
        axis = node.attrs.axis % len(output.shape)
        inner = int(np.prod(output.shape[axis + 1 :], dtype=np.int64))
        outer = int(np.prod(output.shape[:axis], dtype=np.int64))
        row, at = output.shape[axis] * inner, 0
        for index, value in enumerate(activations):
            width = value.shape[axis] * inner
            source = Feature(value.storage, (outer, 1, width), width, width)
            target = Feature(output.storage, (outer, 1, width), row, width, at)
            self.operations.append(Operation("copy", f"{name} [{index}]", (source,), target))
            at += width

    def _made(self, name: str, shape: tuple[int, ...]) -> _Value:
        storage = name
        while storage in self.storages:
            storage += "_"
        self.storages[storage] = int(np.prod(shape, dtype=np.int64))
        return _Value(storage, shape)


def _shape(var: relax.Var) -> tuple[int, ...]:
    return tuple(int(extent) for extent in var.ty.shape)
