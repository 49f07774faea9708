"""Small ``.tflite`` models built in memory, one call per operator, without TensorFlow.

    b = TFLiteBuilder()
    x = b.input("x", (1, 8, 8, 4), scale=0.1, zero_point=-3)
    w = b.weights("w", real_weights, axis=0)
    y = b.conv2d(x, w, bias, "y", scale=0.2, zero_point=5, stride=(2, 2), activation="RELU6")
    model = b.build([y])

Shapes follow from the operands. An operator that is given no ``scale`` and ``zero_point`` takes those of its first operand, or
those that TFLite prescribes for it (softmax, logistic, tanh).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tvm_tiny.testing.tflite_file import OperatorRecord, TensorRecord
from tvm_tiny.testing.tflite_graph import TFLiteGraph

Pair = tuple[int, int]

_ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
_PADDINGS = {"SAME": 0, "VALID": 1}


class TFLiteBuilder(TFLiteGraph):
    """One method per operator; each gives its output, to be the operand of the next."""

    # Operators with weights. The bias is given as the stored int32 values (float for a float model), or None.

    def conv2d(
        self,
        x: TensorRecord,
        weights: TensorRecord,
        bias: np.ndarray | None,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
    ) -> TensorRecord:
        """Input (n, h, w, c) with weights (filters, kh, kw, c). Strides and dilations are (vertical, horizontal)."""
        rows, columns = _window(x.shape, weights.shape[1:3], stride, dilation, padding)
        fields = _spatial(stride, padding, activation, dilation)
        operands = self._operands(x, weights, bias, name)
        return self.operator(
            "CONV_2D", operands, (x.shape[0], rows, columns, weights.shape[0]), name, scale, zero_point, "Conv2DOptions", fields
        )

    def depthwise_conv2d(
        self,
        x: TensorRecord,
        weights: TensorRecord,
        bias: np.ndarray | None,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
    ) -> TensorRecord:
        """Input (n, h, w, c) with weights (1, kh, kw, c * multiplier); per-channel scales lie along axis 3."""
        rows, columns = _window(x.shape, weights.shape[1:3], stride, dilation, padding)
        fields = _spatial(stride, padding, activation, dilation) | {"DepthMultiplier": weights.shape[3] // x.shape[3]}
        shape = (x.shape[0], rows, columns, weights.shape[3])
        operands = self._operands(x, weights, bias, name)
        return self.operator("DEPTHWISE_CONV_2D", operands, shape, name, scale, zero_point, "DepthwiseConv2DOptions", fields)

    def fully_connected(
        self,
        x: TensorRecord,
        weights: TensorRecord,
        bias: np.ndarray | None,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        activation: str = "NONE",
        keep_num_dims: bool = False,
    ) -> TensorRecord:
        """Input (..., depth) with weights (units, depth)."""
        units, depth = weights.shape
        shape = (*x.shape[:-1], units) if keep_num_dims else (math.prod(x.shape) // depth, units)
        fields = {"FusedActivationFunction": _ACTIVATIONS[activation], "KeepNumDims": keep_num_dims}
        operands = self._operands(x, weights, bias, name)
        return self.operator("FULLY_CONNECTED", operands, shape, name, scale, zero_point, "FullyConnectedOptions", fields)

    # Elementwise operators of two operands, with broadcasting.

    def add(
        self,
        a: TensorRecord,
        b: TensorRecord,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        activation: str = "NONE",
    ) -> TensorRecord:
        return self._binary("ADD", "AddOptions", a, b, name, scale, zero_point, activation)

    def sub(
        self,
        a: TensorRecord,
        b: TensorRecord,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        activation: str = "NONE",
    ) -> TensorRecord:
        return self._binary("SUB", "SubOptions", a, b, name, scale, zero_point, activation)

    def mul(
        self,
        a: TensorRecord,
        b: TensorRecord,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        activation: str = "NONE",
    ) -> TensorRecord:
        return self._binary("MUL", "MulOptions", a, b, name, scale, zero_point, activation)

    # Pooling and reduction.

    def average_pool2d(
        self,
        x: TensorRecord,
        size: Pair,
        name: str = "",
        *,
        stride: Pair | None = None,
        padding: str = "VALID",
        activation: str = "NONE",
    ) -> TensorRecord:
        """Mean over windows of ``size``; TFLite wants the scale of the input at the output. Padding does not count."""
        return self._pool("AVERAGE_POOL_2D", x, size, name, stride, padding, activation)

    def max_pool2d(
        self,
        x: TensorRecord,
        size: Pair,
        name: str = "",
        *,
        stride: Pair | None = None,
        padding: str = "VALID",
        activation: str = "NONE",
    ) -> TensorRecord:
        return self._pool("MAX_POOL_2D", x, size, name, stride, padding, activation)

    def mean(
        self,
        x: TensorRecord,
        axes: Sequence[int],
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        keep_dims: bool = False,
    ) -> TensorRecord:
        reduced = {axis % len(x.shape) for axis in axes}
        kept = [(1 if i in reduced else n) for i, n in enumerate(x.shape) if keep_dims or i not in reduced]
        operands = [x, self._parameter("axes", axes)]
        return self.operator("MEAN", operands, tuple(kept), name, scale, zero_point, "ReducerOptions", {"KeepDims": keep_dims})

    # Moves of data.

    def pad(self, x: TensorRecord, paddings: Sequence[Pair], name: str = "") -> TensorRecord:
        """``paddings`` is (before, after) for each axis; the new elements are real zeros."""
        shape = tuple(n + before + after for n, (before, after) in zip(x.shape, paddings, strict=True))
        return self.operator("PAD", [x, self._parameter("paddings", paddings)], shape, name, options="PadOptions")

    def reshape(self, x: TensorRecord, shape: tuple[int, ...], name: str = "") -> TensorRecord:
        return self.operator("RESHAPE", [x, self._parameter("shape", shape)], shape, name, options="ReshapeOptions")

    def transpose(self, x: TensorRecord, order: Sequence[int], name: str = "") -> TensorRecord:
        shape = tuple(x.shape[i] for i in order)
        return self.operator("TRANSPOSE", [x, self._parameter("order", order)], shape, name, options="TransposeOptions")

    def concatenation(
        self,
        values: Sequence[TensorRecord],
        axis: int,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int | None = None,
        activation: str = "NONE",
    ) -> TensorRecord:
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        fields = {"Axis": axis, "FusedActivationFunction": _ACTIVATIONS[activation]}
        return self.operator("CONCATENATION", values, tuple(shape), name, scale, zero_point, "ConcatenationOptions", fields)

    def strided_slice(
        self, x: TensorRecord, begin: Sequence[int], end: Sequence[int], strides: Sequence[int], name: str = ""
    ) -> TensorRecord:
        shape = tuple(len(range(*slice(*item).indices(n))) for n, *item in zip(x.shape, begin, end, strides, strict=True))
        operands = [x, self._parameter("begin", begin), self._parameter("end", end), self._parameter("strides", strides)]
        return self.operator("STRIDED_SLICE", operands, shape, name, options="StridedSliceOptions")

    def split(self, x: TensorRecord, axis: int, parts: int, name: str = "") -> list[TensorRecord]:
        """``parts`` tensors of equal size, called ``<name>_0`` and so on."""
        shape = tuple(n // parts if i == axis % len(x.shape) else n for i, n in enumerate(x.shape))
        axis_tensor = self.constant(self._name("axis"), np.array(axis, np.int32))
        name = name or self._name("split")
        outputs = [self._like(x, f"{name}_{i}", shape) for i in range(parts)]
        self._append("SPLIT", [axis_tensor, x], outputs, "SplitOptions", {"NumSplits": parts})
        return outputs

    def resize_nearest_neighbor(
        self, x: TensorRecord, size: Pair, name: str = "", *, align_corners: bool = False, half_pixel_centers: bool = False
    ) -> TensorRecord:
        fields = {"AlignCorners": align_corners, "HalfPixelCenters": half_pixel_centers}
        shape = (x.shape[0], *size, x.shape[3])
        operands = [x, self._parameter("size", size)]
        return self.operator(
            "RESIZE_NEAREST_NEIGHBOR", operands, shape, name, options="ResizeNearestNeighborOptions", fields=fields
        )

    # Functions of one operand.

    def unary(
        self, code: str, x: TensorRecord, name: str = "", *, scale: float | None = None, zero_point: int | None = None
    ) -> TensorRecord:
        """An operator of one operand without options, by its name in the schema: RELU, RELU6, RELU_N1_TO_1, HARD_SWISH, ..."""
        return self.operator(code, [x], x.shape, name, scale, zero_point)

    def softmax(self, x: TensorRecord, name: str = "", *, beta: float = 1.0) -> TensorRecord:
        scale, zero_point = (1 / 256, -128) if x.scale else (None, None)
        return self.operator("SOFTMAX", [x], x.shape, name, scale, zero_point, "SoftmaxOptions", {"Beta": beta})

    def logistic(self, x: TensorRecord, name: str = "") -> TensorRecord:
        scale, zero_point = (1 / 256, -128) if x.scale else (None, None)
        return self.operator("LOGISTIC", [x], x.shape, name, scale, zero_point)

    def tanh(self, x: TensorRecord, name: str = "") -> TensorRecord:
        scale, zero_point = (1 / 128, 0) if x.scale else (None, None)
        return self.operator("TANH", [x], x.shape, name, scale, zero_point)

    def leaky_relu(
        self, x: TensorRecord, alpha: float, name: str = "", *, scale: float | None = None, zero_point: int | None = None
    ) -> TensorRecord:
        return self.operator("LEAKY_RELU", [x], x.shape, name, scale, zero_point, "LeakyReluOptions", {"Alpha": alpha})

    def quantize(self, x: TensorRecord, name: str = "", *, scale: float, zero_point: int, dtype: str = "int8") -> TensorRecord:
        """Float to ``dtype``, or a change of scale."""
        return self.operator("QUANTIZE", [x], x.shape, name, scale, zero_point, "QuantizeOptions", dtype=dtype)

    def dequantize(self, x: TensorRecord, name: str = "") -> TensorRecord:
        output = self._tensor(name or self._name("dequantize"), x.shape, "float32", None, 0)
        self._append("DEQUANTIZE", [x], [output], "DequantizeOptions", {})
        return output

    def custom(self, x: TensorRecord, code: str, name: str = "") -> TensorRecord:
        """An operator that nobody knows, for tests of what a user is told."""
        output = self._like(x, name or self._name("custom"), x.shape)
        self._operators.append(OperatorRecord("CUSTOM", (x.index,), (output.index,), custom_code=code))
        return output

    def _binary(
        self,
        code: str,
        options: str,
        a: TensorRecord,
        b: TensorRecord,
        name: str,
        scale: float | None,
        zero_point: int | None,
        activation: str,
    ) -> TensorRecord:
        shape = np.broadcast_shapes(a.shape, b.shape)
        fields = {"FusedActivationFunction": _ACTIVATIONS[activation]}
        return self.operator(code, [a, b], shape, name, scale, zero_point, options, fields)

    def _pool(
        self, code: str, x: TensorRecord, size: Pair, name: str, stride: Pair | None, padding: str, activation: str
    ) -> TensorRecord:
        stride = stride or size
        rows, columns = _window(x.shape, size, stride, (1, 1), padding)
        fields = _spatial(stride, padding, activation) | {"FilterHeight": size[0], "FilterWidth": size[1]}
        return self.operator(code, [x], (x.shape[0], rows, columns, x.shape[3]), name, options="Pool2DOptions", fields=fields)

    def _operands(self, x: TensorRecord, weights: TensorRecord, bias: np.ndarray | None, name: str) -> list[TensorRecord | None]:
        if bias is None:
            return [x, weights, None]
        return [x, weights, self.bias(f"{name}/bias" if name else self._name("bias"), bias, x, weights)]


def _window(shape: tuple[int, ...], size: Sequence[int], stride: Pair, dilation: Pair, padding: str) -> Pair:
    """Height and width after a window of ``size`` has moved over (n, h, w, c)."""
    lost = [0 if padding == "SAME" else (size[i] - 1) * dilation[i] for i in (0, 1)]
    return tuple(math.ceil((shape[1 + i] - lost[i]) / stride[i]) for i in (0, 1))  # type: ignore[return-value]


def _spatial(stride: Pair, padding: str, activation: str, dilation: Pair | None = None) -> dict[str, int]:
    fields = {
        "Padding": _PADDINGS[padding],
        "StrideH": stride[0],
        "StrideW": stride[1],
        "FusedActivationFunction": _ACTIVATIONS[activation],
    }
    return fields | ({"DilationHFactor": dilation[0], "DilationWFactor": dilation[1]} if dilation else {})
