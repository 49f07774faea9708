"""Graphs of operations on feature maps: from networks of LiteRT, and made by hand."""

from __future__ import annotations

import numpy as np

from tests.npu.bench import ETPU_16
from tests.npu.test_operators import Net
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.npu.partition import is_region, partition
from tvm_tiny.npu.region import Feature, Graph, Operation, graph_of
from tvm_tiny.op.conv2d import CONV2D, Conv2dAttrs
from tvm_tiny.op.depthwise_conv2d import DEPTHWISE_CONV2D
from tvm_tiny.op.max_pool2d import MAX_POOL2D, MaxPool2dAttrs
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.transform.lower_integer import lower_integer
from tvm_tiny.transform.pipeline import run_passes

Shape = tuple[int, int, int]


def graph(net, outputs, npu=ETPU_16) -> Graph:
    """The only region of a network."""
    model = load_tflite(net.b.build(outputs), "net", "net.tflite")
    mod = partition(run_passes(lower_integer(model, Arithmetic("litert")).mod), npu).mod
    (region,) = (function for function in mod.functions.values() if is_region(function))
    return graph_of(mod, region)


def chain(shape=(1, 16, 16, 16)) -> Graph:
    """Three convolutions, one behind the other, that keep the shape."""
    net = Net(shape=shape)
    x = net.x
    for name in "abc":
        x = net.conv(x, shape[3], name)
    return graph(net, [x])


class Hand:
    """A graph made by hand. Feature maps are "x0", "x1", ... in the order in which they are made; operations have their numbers."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.storages: dict[str, int] = {}

    @property
    def graph(self) -> Graph:
        regions = sum(each.kind in ("input", "output") for each in self.operations)
        return Graph(tuple(self.operations), self.storages, {}, ("constants", *(f"region {index}" for index in range(regions))))

    def input(self, *shape: int) -> Feature:
        made = self._made(shape)
        self._add("input", (), made, region=self._region())
        return made

    def output(self, x: Feature) -> None:
        self._add("output", (x,), x, region=self._region())

    def conv(self, x: Feature, channels: int, kernel: int = 3, stride: int = 1) -> Feature:
        weight = np.ones((channels, kernel, kernel, x.shape[2]), np.int8)
        return self._windowed("conv2d", CONV2D, x, weight, channels, kernel, stride)

    def depthwise(self, x: Feature, kernel: int = 3, stride: int = 1) -> Feature:
        weight = np.ones((kernel, kernel, x.shape[2]), np.int8)
        return self._windowed("depthwise_conv2d", DEPTHWISE_CONV2D, x, weight, x.shape[2], kernel, stride)

    def pool(self, x: Feature, kernel: int = 2, stride: int = 2) -> Feature:
        attrs = MaxPool2dAttrs((kernel, kernel), (stride, stride), (0, 0, 0, 0), (1, 1), -128, 127)
        made = self._made(((x.shape[0] - kernel) // stride + 1, (x.shape[1] - kernel) // stride + 1, x.shape[2]))
        self._add("max_pool2d", (x,), made, Node(MAX_POOL2D, attrs, (_value(x),), _value(made)))
        return made

    def add(self, a: Feature, b: Feature) -> Feature:
        """Only for plans: it has no attributes."""
        made = self._made(a.shape)
        self._add("add", (a, b), made)
        return made

    def copy(self, x: Feature) -> Feature:
        made = self._made(x.shape)
        self._add("copy", (x,), made)
        return made

    def _windowed(self, kind: str, operator, x: Feature, weight: np.ndarray, channels: int, kernel: int, stride: int) -> Feature:
        """Padded so that there are as many pixels as the stride leaves."""
        height, width, _ = x.shape
        before, made = kernel // 2, self._made((-(-height // stride), -(-width // stride), channels))
        attrs = Conv2dAttrs((stride, stride), (before,) * 4, (1, 1), 0, 0, -128, 127, "double")
        inputs = (_value(x), weight, np.zeros(channels, np.int32), np.full(channels, 0.01))
        self._add(kind, (x,), made, Node(operator, attrs, inputs, _value(made)))
        return made

    def _region(self) -> int:
        return 1 + sum(each.kind in ("input", "output") for each in self.operations)

    def _made(self, shape: tuple[int, ...]) -> Feature:
        name = f"x{len(self.storages)}"
        height, width, channels = shape
        self.storages[name] = height * width * channels
        return Feature.whole(name, (height, width, channels))

    def _add(self, kind: str, inputs: tuple[Feature, ...], output: Feature, node: Node | None = None, region: int = 0) -> None:
        self.operations.append(Operation(kind, f"{kind} {len(self.operations)}", inputs, output, node, region))


def _value(x: Feature) -> Value:
    return Value((1, *x.shape), "int8")
