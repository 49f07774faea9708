"""Small quantised ``.onnx`` models (QDQ: float operators between QuantizeLinear and DequantizeLinear) built in memory.

    b = OnnxBuilder()
    x = b.input("x", (1, 4, 8, 8), scale=0.1, zero_point=-3)
    w = b.weights("w", real_weights, axis=0)
    y = b.conv(x, w, bias, "y", scale=0.2, zero_point=5, strides=(2, 2), pads=(1, 1, 1, 1))
    model = b.build([y])

An operator that is given a ``scale`` is followed by QuantizeLinear → DequantizeLinear; one that is not leaves its result in float,
which is how a Relu is put between a convolution and its quantisation, and how a float model is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import onnx

Attribute: TypeAlias = "int | float | str | Sequence[int]"


@dataclass(frozen=True)
class Value:
    """What an operator gives to the next one.

    Attributes
    ----------
    name : str
        The name under which it was asked for: that of the quantised tensor, or of the float tensor where there is no other.
    real : str
        The float tensor that the next operator reads.
    scale : numpy.ndarray or None
        Per tensor (a scalar) or per channel; None for a value that is not quantised.
    """

    name: str
    real: str
    scale: np.ndarray | None = None


class OnnxBuilder:
    """Collects nodes in their order of execution; :meth:`build` gives the file.

    Parameters
    ----------
    dtype : str
        "int8" or "uint8": the dtype of quantised activations. Weights are int8 always.
    opset : int
        At least 13, the first with per-channel quantisation.
    """

    def __init__(self, dtype: str = "int8", opset: int = 13) -> None:
        self._dtype = dtype
        self._opset = opset
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._initializers: list[onnx.TensorProto] = []

    def build(self, outputs: Sequence[Value], *, dequantized: bool = False) -> bytes:
        """The model file; its outputs are the quantised tensors, or the float ones behind them if ``dequantized``.

        Raises
        ------
        onnx.checker.ValidationError
            The nodes do not fit together.
        """
        import onnx

        graph = onnx.helper.make_graph(self._nodes, "main", self._inputs, [], self._initializers)
        opsets = [onnx.helper.make_opsetid("", self._opset)]
        # The oldest IR version that has this opset: an ONNX Runtime older than the onnx package refuses the newest.
        ir_version = onnx.helper.find_min_ir_version_for(opsets)
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
        known = {value.name: value for value in onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.value_info}
        model.graph.output.extend(known[value.real if dequantized else value.name] for value in outputs)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def input(
        self, name: str, shape: Sequence[int | str], scale: float | None = None, zero_point: int = 0, dtype: str = ""
    ) -> Value:
        """An input of the model.

        With a ``scale`` it has the builder's quantised dtype, or is float and quantised first where ``dtype`` is "float32". Without
        one it is float, or what ``dtype`` says. A dimension that is a string is dynamic.
        """
        import onnx

        dtype = dtype or ("float32" if scale is None else self._dtype)
        kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(onnx.helper.make_tensor_value_info(name, kind, list(shape)))
        if scale is None:
            return Value(name, name)
        if dtype == "float32":
            return self._quantized(name, f"{name}/quantized", scale, zero_point)
        return self._dequantized(name, scale, zero_point)

    def constant(self, name: str, data: np.ndarray) -> Value:
        """A constant as it is: float weights, shapes, axes."""
        import onnx

        self._initializers.append(onnx.numpy_helper.from_array(np.asarray(data), name))
        return Value(name, name)

    def weights(self, name: str, real: np.ndarray, axis: int | None = 0) -> Value:
        """``real`` quantised symmetrically to int8, one scale per channel along ``axis``, or one for all of them if None."""
        others = None if axis is None else tuple(i for i in range(real.ndim) if i != axis)
        scale = np.maximum(np.abs(real).max(axis=others, keepdims=True), 1e-6).astype(np.float32) / np.float32(127)
        stored = np.clip(np.rint(real / scale), -127, 127).astype(np.int8)
        return self.quantized_constant(name, stored, scale.ravel() if axis is not None else scale.ravel()[0], axis=axis or 0)

    def quantized_constant(
        self, name: str, stored: np.ndarray, scale: float | np.ndarray, zero_point: int = 0, axis: int = 0
    ) -> Value:
        """A constant with its stored values and a DequantizeLinear behind it."""
        self.constant(name, stored)
        return self._dequantized(name, scale, zero_point, stored.dtype, axis)

    # Operators with weights. The bias is given as the stored int32 values, float where the weights are float, or None.

    def conv(
        self,
        x: Value,
        weights: Value,
        bias: np.ndarray | None,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int = 0,
        strides: Sequence[int] = (1, 1),
        pads: Sequence[int] = (0, 0, 0, 0),
        dilations: Sequence[int] = (1, 1),
        group: int = 1,
    ) -> Value:
        """Input (n, c, h, w) with weights (filters, c / group, kh, kw); ``pads`` is (top, left, bottom, right)."""
        attributes: dict[str, Attribute] = {"strides": strides, "pads": pads, "dilations": dilations, "group": group}
        return self.operator("Conv", self._operands(x, weights, bias), name, scale, zero_point, attributes)

    def gemm(
        self,
        x: Value,
        weights: Value,
        bias: np.ndarray | None,
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int = 0,
    ) -> Value:
        """Input (n, depth) with weights (units, depth)."""
        return self.operator("Gemm", self._operands(x, weights, bias), name, scale, zero_point, {"transB": 1})

    def matmul(self, a: Value, b: Value, name: str = "", *, scale: float | None = None, zero_point: int = 0) -> Value:
        return self.operator("MatMul", [a, b], name, scale, zero_point)

    # Pooling.

    def max_pool(
        self,
        x: Value,
        size: Sequence[int],
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int = 0,
        strides: Sequence[int] | None = None,
        pads: Sequence[int] = (0, 0, 0, 0),
    ) -> Value:
        attributes: dict[str, Attribute] = {"kernel_shape": size, "strides": strides or size, "pads": pads}
        return self.operator("MaxPool", [x], name, scale, zero_point, attributes)

    def average_pool(
        self,
        x: Value,
        size: Sequence[int],
        name: str = "",
        *,
        scale: float | None = None,
        zero_point: int = 0,
        strides: Sequence[int] | None = None,
        pads: Sequence[int] = (0, 0, 0, 0),
        count_include_pad: bool = False,
    ) -> Value:
        attributes: dict[str, Attribute] = {
            "kernel_shape": size,
            "strides": strides or size,
            "pads": pads,
            "count_include_pad": int(count_include_pad),
        }
        return self.operator("AveragePool", [x], name, scale, zero_point, attributes)

    # Operators whose parameters are constants.

    def pad(self, x: Value, pads: Sequence[int], name: str = "", *, scale: float | None = None, zero_point: int = 0) -> Value:
        """``pads`` has all axes' befores, then all afters; the new elements are real zeros."""
        return self.operator("Pad", [x, self._parameter("pads", pads)], name, scale, zero_point)

    def reshape(self, x: Value, shape: Sequence[int], name: str = "", *, scale: float | None = None, zero_point: int = 0) -> Value:
        return self.operator("Reshape", [x, self._parameter("shape", shape)], name, scale, zero_point)

    def clip(self, x: Value, low: float, high: float, name: str = "", *, scale: float | None = None, zero_point: int = 0) -> Value:
        limits = [self.constant(self._name(kind), np.array(limit, np.float32)) for kind, limit in (("low", low), ("high", high))]
        return self.operator("Clip", [x, *limits], name, scale, zero_point)

    def operator(
        self,
        op_type: str,
        operands: Sequence[Value],
        name: str = "",
        scale: float | None = None,
        zero_point: int = 0,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> Value:
        """Any ONNX operator with one output: Add, Mul, Sub, Concat, Relu, Sigmoid, Softmax, GlobalAveragePool, Flatten, ..."""
        import onnx

        name = name or self._name(op_type.lower())
        real = name if scale is None else f"{name}/float"
        inputs = [operand.real for operand in operands]
        self._nodes.append(onnx.helper.make_node(op_type, inputs, [real], name=f"{name}/{op_type}", **dict(attributes or {})))
        return Value(name, real) if scale is None else self._quantized(real, name, scale, zero_point)

    def _operands(self, x: Value, weights: Value, bias: np.ndarray | None) -> list[Value]:
        if bias is None:
            return [x, weights]
        name = f"{weights.name}/bias"
        if x.scale is None or weights.scale is None:
            return [x, weights, self.constant(name, bias)]
        return [x, weights, self.quantized_constant(name, bias, x.scale * weights.scale)]

    def _quantized(self, real: str, stored: str, scale: float, zero_point: int) -> Value:
        import onnx

        parameters = self._quantization(stored, np.asarray(scale, np.float32), zero_point, np.dtype(self._dtype))
        self._nodes.append(onnx.helper.make_node("QuantizeLinear", [real, *parameters], [stored], name=f"{stored}/QuantizeLinear"))
        return self._dequantized(stored, scale, zero_point, parameters=parameters)

    def _dequantized(
        self,
        stored: str,
        scale: float | np.ndarray,
        zero_point: int,
        dtype: np.dtype | None = None,
        axis: int = 0,
        parameters: Sequence[str] = (),
    ) -> Value:
        import onnx

        scale = np.asarray(scale, np.float32)
        parameters = parameters or self._quantization(stored, scale, zero_point, dtype or np.dtype(self._dtype))
        attributes = {"axis": axis} if scale.ndim else {}
        node = onnx.helper.make_node(
            "DequantizeLinear", [stored, *parameters], [f"{stored}/real"], name=f"{stored}/DequantizeLinear", **attributes
        )
        self._nodes.append(node)
        return Value(stored, f"{stored}/real", scale)

    def _quantization(self, stored: str, scale: np.ndarray, zero_point: int, dtype: np.dtype) -> list[str]:
        zero_points = np.full(np.shape(scale), zero_point, dtype)
        return [self.constant(f"{stored}/scale", scale).name, self.constant(f"{stored}/zero_point", zero_points).name]

    def _parameter(self, kind: str, values: Sequence[int]) -> Value:
        return self.constant(self._name(kind), np.array(values, np.int64))

    def _name(self, kind: str) -> str:
        return f"{kind}_{len(self._nodes)}_{len(self._initializers)}"
