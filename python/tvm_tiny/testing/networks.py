"""Small networks in the shapes that people train, with seeded random weights: for checking a compiler, not for seeing anything.

Weights are drawn so that the signal keeps its strength from layer to layer (He et al. 2015, "Delving Deep into Rectifiers"), and
activations are calibrated on smooth patterns and noise: no layer saturates, as none does in a trained network.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from tvm_tiny.model import TensorSpec
from tvm_tiny.quantize import quantize
from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value
from tvm_tiny.testing.onnx_reference import load_onnx
from tvm_tiny.testing.samples import random_inputs

_CALIBRATION_SAMPLES = 40


@cache
def depthwise_net() -> bytes:
    """MobileNet's pattern: a strided convolution, depthwise and pointwise pairs with Relu6, average pool, dense layer, softmax.

    ONNX QDQ, int8, per channel. Input "image" (1, 3, 24, 24) float32, output "probabilities" (1, 10) float32.
    """
    return _quantized(_depthwise_float(), "int8")


@cache
def residual_net() -> bytes:
    """ResNet's pattern: two blocks of convolutions around which the input is added, the second with a strided 1 x 1 shortcut.

    ONNX QDQ, uint8 activations, int8 weights per channel. Input "image" (1, 3, 16, 16) float32, output "scores" (1, 10) float32.
    """
    return _quantized(_residual_float(), "uint8")


@cache
def float_net() -> bytes:
    """The network of :func:`residual_net` before quantisation: float32 throughout."""
    return _residual_float()


def _depthwise_float() -> bytes:
    net = _Net(seed=1)
    x = net.builder.input("image", (1, 3, 24, 24))
    x = net.relu6(net.conv(x, "stem", 3, 8, 3, stride=2))
    for i, (channels, filters, stride) in enumerate([(8, 16, 1), (16, 24, 2), (24, 24, 1)]):
        x = net.relu6(net.conv(x, f"depthwise{i}", channels, channels, 3, stride=stride, group=channels))
        x = net.relu6(net.conv(x, f"pointwise{i}", channels, filters, 1))
    scores = net.head(x, 24)
    return net.builder.build([net.builder.operator("Softmax", [scores], "probabilities", attributes={"axis": 1})])


def _residual_float() -> bytes:
    net = _Net(seed=2)
    x = net.builder.input("image", (1, 3, 16, 16))
    x = net.relu(net.conv(x, "stem", 3, 16, 3))
    y = net.relu(net.conv(x, "block0a", 16, 16, 3))
    x = net.relu(net.add(net.conv(y, "block0b", 16, 16, 3), x, "sum0"))
    y = net.relu(net.conv(x, "block1a", 16, 24, 3, stride=2))
    y = net.conv(y, "block1b", 24, 24, 3)
    x = net.relu(net.add(y, net.conv(x, "shortcut1", 16, 24, 1, stride=2), "sum1"))
    return net.builder.build([net.head(x, 24)])


def _quantized(model: bytes, activations: str) -> bytes:
    graph = load_onnx(model).graph
    shape = tuple(axis.dim_value for axis in graph.input[0].type.tensor_type.shape.dim)
    spec = TensorSpec(graph.input[0].name, shape, "float32")
    return quantize(model, random_inputs([spec], _CALIBRATION_SAMPLES, seed=9), activations=activations)


class _Net:
    """Layers with random weights on an :class:`OnnxBuilder`."""

    def __init__(self, seed: int) -> None:
        self.builder = OnnxBuilder()
        self._rng = np.random.default_rng(seed)

    def conv(self, x: Value, name: str, channels: int, filters: int, size: int, *, stride: int = 1, group: int = 1) -> Value:
        depth = channels // group
        weights = self._weights(name, (filters, depth, size, size), depth * size * size)
        pads = (size // 2,) * 4
        return self.builder.conv(x, weights, self._bias(filters), name, strides=(stride, stride), pads=pads, group=group)

    def relu(self, x: Value) -> Value:
        return self.builder.operator("Relu", [x], f"{x.name}/relu")

    def relu6(self, x: Value) -> Value:
        return self.builder.clip(x, 0.0, 6.0, f"{x.name}/relu6")

    def add(self, a: Value, b: Value, name: str) -> Value:
        return self.builder.operator("Add", [a, b], name)

    def head(self, x: Value, channels: int, classes: int = 10) -> Value:
        """Mean over the image, then a dense layer: (1, classes)."""
        pooled = self.builder.operator("GlobalAveragePool", [x], "pooled")
        flat = self.builder.operator("Flatten", [pooled], "flat")
        # Stronger than the layers before: the mean over the image has taken most of the signal away.
        weights = self._weights("dense", (classes, channels), channels, gain=4.0)
        return self.builder.gemm(flat, weights, self._bias(classes), "scores")

    def _weights(self, name: str, shape: tuple[int, ...], fan_in: int, gain: float = 1.0) -> Value:
        # Channels of unequal strength, as training leaves them: this is what per-channel scales are for.
        strength = self._rng.uniform(0.5, 1.5, (shape[0], *(1,) * (len(shape) - 1)))
        weights = self._rng.normal(0.0, gain * np.sqrt(2 / fan_in), shape) * strength
        return self.builder.constant(f"{name}/weights", weights.astype(np.float32))

    def _bias(self, size: int) -> np.ndarray:
        return self._rng.normal(0.0, 0.1, size).astype(np.float32)
