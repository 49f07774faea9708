"""For each constraint of the table of operators, a model that violates it and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tvm_tiny.op import support_onnx, support_tflite
from tvm_tiny.testing.onnx_builder import Value
from tvm_tiny.testing.tflite_file import TensorRecord

from . import onnx_models, tflite_models

_DEEP = 150_000  # so many products of 127 and 128 leave 32 bits


class _ComputedTflite(tflite_models.Bench):
    """Everything but the data is an input."""

    def constant(self, name: str, data: np.ndarray, *args: Any, **kwargs: Any) -> TensorRecord:
        if data.dtype == np.int32:
            return self.input(name, data.shape, "int32")
        return super().constant(name, data, *args, **kwargs)


class _ComputedOnnx(onnx_models.Bench):
    """Everything but the data is an input."""

    def constant(self, name: str, data: np.ndarray) -> Value:
        data = np.asarray(data)
        if name.endswith(("/scale", "/zero_point")):
            return super().constant(name, data)
        return self.input(name, data.shape, dtype=str(data.dtype))

    def build_open(self, result: Value) -> bytes:
        """The model with an output whose dimensions nobody knows, as shape inference leaves it."""
        import onnx

        output = onnx.helper.make_tensor_value_info(result.name, onnx.TensorProto.INT8, ["?"] * 4)
        graph = onnx.helper.make_graph(self._nodes, "main", self._inputs, [output], self._initializers)
        return bytes(
            onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)], ir_version=9).SerializeToString()
        )


def _tflite(make: Callable[[tflite_models.Bench], TensorRecord]) -> Callable[[], bytes]:
    def build() -> bytes:
        b = tflite_models.Bench("int8")
        return b.build([make(b)])

    return build


def _onnx(make: Callable[[onnx_models.Bench], Value]) -> Callable[[], bytes]:
    def build() -> bytes:
        b = onnx_models.Bench("int8")
        return b.build([make(b)])

    return build


# ---- TFLite ----------------------------------------------------------------------------------------------------------------------

_CONV = {"Padding": 0, "StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
# Operator → shapes of data, weights and output, options, fields.
_WEIGHTED: dict[str, tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], str, dict[str, int]]] = {
    "CONV_2D": ((1, 6, 6, 4), (5, 3, 3, 4), (1, 6, 6, 5), "Conv2DOptions", _CONV),
    "DEPTHWISE_CONV_2D": ((1, 6, 6, 4), (1, 3, 3, 4), (1, 6, 6, 4), "DepthwiseConv2DOptions", {**_CONV, "DepthMultiplier": 1}),
    "FULLY_CONNECTED": ((1, 32), (6, 32), (1, 6), "FullyConnectedOptions", {}),
}


def _weighted(operator: str, computed: str) -> Callable[[], bytes]:
    """An operator whose "weights" or "bias" is an input."""

    def make(b: tflite_models.Bench) -> TensorRecord:
        data, kernel, output, options, fields = _WEIGHTED[operator]
        x = b.x(data)
        weights = b.x(kernel, "weights", zero=0) if computed == "weights" else b.kernel(kernel, None)
        scale = x.scale[0] * weights.scale[0]
        bias = (
            b.input("bias", output[-1:], "int32", scale) if computed == "bias" else b.constant("bias", b.offsets(output[-1]), scale)
        )
        return b.operator(operator, [x, weights, bias], output, "y", options=options, fields=fields, **b.out(0.2))

    return _tflite(make)


def _two_groups(b: tflite_models.Bench) -> TensorRecord:
    x, weights = b.x(), b.kernel((6, 3, 3, 2), 0)
    return b.operator("CONV_2D", [x, weights, None], (1, 6, 6, 6), "y", options="Conv2DOptions", fields=_CONV, **b.out(0.2))


def _deep(operator: str) -> Callable[[], bytes]:
    def make(b: tflite_models.Bench) -> TensorRecord:
        ones = np.full(_DEEP, 127, np.int8)
        if operator == "CONV_2D":
            return b.conv2d(b.x((1, 1, 1, _DEEP)), b.constant("w", ones.reshape(1, 1, 1, -1), 0.01), None, "y", **b.out(0.2))
        return b.fully_connected(b.x((1, _DEEP)), b.constant("w", ones.reshape(1, -1), 0.01), None, "y", **b.out(0.2))

    return _tflite(make)


def _scaled_constant(operator: str) -> Callable[[], bytes]:
    def make(b: tflite_models.Bench) -> TensorRecord:
        constant = b.constant("c", np.arange(4, dtype=np.int8).reshape(1, 1, 1, 4), [0.01, 0.02, 0.03, 0.04], axis=3)
        return b.operator(operator, [b.x(), constant], (1, 6, 6, 4), "y", options=f"{operator.capitalize()}Options", **b.out(0.06))

    return _tflite(make)


def _far_scales(operator: str, scale: float) -> Callable[[], bytes]:
    def make(b: tflite_models.Bench) -> TensorRecord:
        operands = [b.x((1, 32), name, scale=scale) for name in "ab"]
        return b.operator(operator, operands, (1, 32), "y", options=f"{operator.capitalize()}Options", **b.out(1e-6))

    return _tflite(make)


def _reduction_of_other_scale(operator: str) -> Callable[[], bytes]:
    return _tflite(lambda b: tflite_models.reduction(operator, 0.07)(b))


def _softmax(depth: int, scale: float) -> Callable[[], bytes]:
    return _tflite(
        lambda b: b.operator(
            "SOFTMAX", [b.x((1, depth))], (1, depth), "y", options="SoftmaxOptions", fields={"Beta": 1.0}, **b.out(scale, -128)
        )
    )


def _mean_of_far_scale(b: tflite_models.Bench) -> TensorRecord:
    return b.mean(b.x(scale=1e3), (1, 2), "y", **b.out(1e-6))


def _computed_tflite(operator: str) -> Callable[[], bytes]:
    def build() -> bytes:
        b = _ComputedTflite("int8")
        return b.only(tflite_models.RECIPES[operator](b))

    return build


# ---- ONNX ------------------------------------------------------------------------------------------------------------------------


def _weights_as_input(operator: str) -> Callable[[], bytes]:
    shapes: dict[str, tuple[Sequence[int], Sequence[int]]] = {
        "Conv": ((1, 4, 6, 6), (5, 4, 3, 3)),
        "Gemm": ((1, 32), (32, 6)),
        "MatMul": ((1, 32), (32, 6)),
    }
    return _onnx(
        lambda b: b.operator(
            operator, [b.x(tuple(shapes[operator][0])), b.x(tuple(shapes[operator][1]), "w", zero=0)], "y", **b.out(0.2)
        )
    )


def _bias_as_input(operator: str) -> Callable[[], bytes]:
    def make(b: onnx_models.Bench) -> Value:
        if operator == "Conv":
            return b.operator("Conv", [b.x(), b.kernel((5, 4, 3, 3)), b.input("bias", (5,))], "y", **b.out(0.2))
        return b.operator(
            "Gemm", [b.x((1, 32)), b.kernel((6, 32)), b.input("bias", (6,))], "y", attributes={"transB": 1}, **b.out(0.2)
        )

    return _onnx(make)


def _deep_onnx(operator: str) -> Callable[[], bytes]:
    def make(b: onnx_models.Bench) -> Value:
        shapes = {
            "Conv": ((1, _DEEP, 1, 1), (1, _DEEP, 1, 1)),
            "Gemm": ((1, _DEEP), (_DEEP, 1)),
            "MatMul": ((1, _DEEP), (_DEEP, 1)),
        }
        data, kernel = shapes[operator]
        weights = b.quantized_constant("w", np.full(kernel, 127, np.int8), 0.01)
        return b.operator(operator, [b.x(data), weights], "y", **b.out(0.2))

    return _onnx(make)


def _far_scales_onnx(operator: str) -> Callable[[], bytes]:
    return _onnx(lambda b: b.operator(operator, [b.x((1, 32), name, scale=1e4) for name in "ab"], "y", **b.out(1e-6)))


def _mean_of_far_scale_onnx(operator: str) -> Callable[[], bytes]:
    def make(b: onnx_models.Bench) -> Value:
        x = b.x(scale=1e4)
        if operator == "AveragePool":
            return b.average_pool(x, (2, 2), "y", **b.out(1e-6))
        operands = [x, b.ints("axes", [2, 3])] if operator == "ReduceMean" else [x]
        return b.operator(operator, operands, "y", **b.out(1e-6))

    return _onnx(make)


def _reflecting_pad(b: onnx_models.Bench) -> Value:
    return b.operator("Pad", [b.x(), b.ints("pads", [0, 0, 1, 1, 0, 0, 1, 1])], "y", attributes={"mode": "reflect"}, **b.like_x())


def _power_of_two_inputs(b: onnx_models.Bench) -> Value:
    return b.operator("Pow", [b.x((1, 32), zero=-128), b.x((1, 32), "exponent")], "y", **b.out(0.1))


def _deep_softmax(b: onnx_models.Bench) -> Value:
    return b.operator("Softmax", [b.x((1, (1 << 14) + 1))], "y", attributes={"axis": 1}, **b.out(1 / 256, -128))


def _computed_onnx(operator: str) -> Callable[[], bytes]:
    def build() -> bytes:
        b = _ComputedOnnx("int8")
        result = onnx_models.RECIPES[operator](b)
        assert isinstance(result, Value)
        return b.build_open(result)

    return build


_T, _O = support_tflite, support_onnx

VIOLATIONS: dict[tuple[str, str, str], Callable[[], bytes]] = {
    **{("tflite", name, _T.WEIGHTS): _weighted(name, "weights") for name in _WEIGHTED},
    **{("tflite", name, _T.BIAS): _weighted(name, "bias") for name in _WEIGHTED},
    ("tflite", "CONV_2D", _T.GROUPS): _tflite(_two_groups),
    **{("tflite", name, _T.ACCUMULATOR): _deep(name) for name in ("CONV_2D", "FULLY_CONNECTED")},
    **{("tflite", name, _T.CONSTANT_SCALE): _scaled_constant(name) for name in ("ADD", "SUB", "MUL")},
    **{("tflite", name, _T.SUM_SCALES): _far_scales(name, 1.0) for name in ("ADD", "SUB")},
    ("tflite", "MUL", _T.PRODUCT_SCALE): _far_scales("MUL", 10.0),
    ("tflite", "MEAN", _T.MEAN_SCALE): _tflite(_mean_of_far_scale),
    **{("tflite", name, _T.SAME_QUANTIZATION): _reduction_of_other_scale(name) for name in ("REDUCE_MAX", "REDUCE_MIN")},
    ("tflite", "SOFTMAX", _T.SOFTMAX_OUTPUT): _softmax(32, 0.01),
    ("tflite", "SOFTMAX", _T.SOFTMAX_DEPTH): _softmax(4096, 1 / 256),
    ("tflite", "HARD_SWISH", _T.GATED_SCALE): _tflite(lambda b: b.unary("HARD_SWISH", b.x((1, 32)), "y", **b.out(0.05 / 200))),
    **{
        ("tflite", row.operator, _T.CONSTANT_PARAMETERS): _computed_tflite(row.operator)
        for row in _T.TFLITE
        if _T.CONSTANT_PARAMETERS in row.constraints
    },
    **{("onnx", name, _O.WEIGHTS): _weights_as_input(name) for name in ("Conv", "Gemm", "MatMul")},
    **{("onnx", name, _O.BIAS): _bias_as_input(name) for name in ("Conv", "Gemm")},
    ("onnx", "Conv", _O.GROUPS): _onnx(lambda b: b.conv(b.x(), b.kernel((6, 2, 3, 3)), None, "y", group=2, **b.out(0.2))),
    **{("onnx", name, _O.ACCUMULATOR): _deep_onnx(name) for name in ("Conv", "Gemm", "MatMul")},
    **{("onnx", name, _O.SUM_SCALES): _far_scales_onnx(name) for name in ("Add", "Sub")},
    ("onnx", "Mul", _O.PRODUCT_SCALE): _far_scales_onnx("Mul"),
    **{("onnx", name, _O.MEAN_SCALE): _mean_of_far_scale_onnx(name) for name in ("AveragePool", "GlobalAveragePool", "ReduceMean")},
    ("onnx", "Pad", _O.PAD_MODE): _onnx(_reflecting_pad),
    ("onnx", "Pow", _O.OTHERS_CONSTANT): _onnx(_power_of_two_inputs),
    ("onnx", "Softmax", _O.SOFTMAX_DEPTH): _onnx(_deep_softmax),
    **{
        ("onnx", row.operator, _O.CONSTANT_PARAMETERS): _computed_onnx(row.operator)
        for row in _O.ONNX
        if _O.CONSTANT_PARAMETERS in row.constraints
    },
}
"""(format, operator, constraint) → the model file."""
