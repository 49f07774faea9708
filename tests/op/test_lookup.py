"""Functions of one int8 tensor become tables, whatever the operators they are written in."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import (
    INT8,
    assert_equals_litert,
    assert_equals_onnxruntime,
    assert_near_onnxruntime,
    compile_tflite,
    operators,
    outputs_of,
)
from tests.op.tflite_micro import run_tflite_micro
from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

EVERY = INT8.reshape(1, 256)
SAMPLES = [{"x": EVERY}]


def tflite_functions(*, micro: bool = False) -> bytes:
    """Every elementwise operator that LiteRT (TFLite Micro) has for int8, of one input."""
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 256), scale=0.03, zero_point=-11)
    outputs = [
        builder.quantize(x, "quantize", scale=0.07, zero_point=5),
        builder.unary("RELU", x, "relu", scale=0.02, zero_point=-128),
        builder.unary("RELU6", x, "relu6", scale=0.03, zero_point=-11),
        builder.unary("HARD_SWISH", x, "hard_swish", scale=0.02, zero_point=-100),
        builder.leaky_relu(x, 0.1, "leaky_relu", scale=0.025, zero_point=-90),
        builder.unary("ABS", x, "abs", scale=0.03, zero_point=-128),
        builder.logistic(x, "logistic"),
        builder.tanh(x, "tanh"),
    ]
    if micro:
        outputs.append(builder.unary("ELU", x, "elu", scale=0.02, zero_point=-60))
    else:
        outputs += [
            builder.operator("GELU", [x], (1, 256), "gelu", 0.02, -110, "GeluOptions", {"Approximate": False}),
            builder.operator("GELU", [x], (1, 256), "gelu_tanh", 0.02, -110, "GeluOptions", {"Approximate": True}),
            builder.unary("EXP", x, "exp", scale=0.3, zero_point=-128),
            builder.unary("LOG", x, "log", scale=0.05, zero_point=10),
            builder.unary("RELU_N1_TO_1", x, "relu_n1_to_1", scale=0.02, zero_point=3),
        ]
    return builder.build(outputs)


def test_functions_as_litert_computes_them() -> None:
    compiled = assert_equals_litert(tflite_functions(), SAMPLES, "litert")
    assert operators(compiled) == ["lookup"] * 13


def test_functions_as_tflite_micro_computes_them() -> None:
    model = tflite_functions(micro=True)
    ours = outputs_of(compile_tflite(model, "tflite-micro"), SAMPLES)[0]
    for mine, theirs, name in zip(ours.values(), run_tflite_micro(model, SAMPLES)[0], ours, strict=True):
        np.testing.assert_array_equal(mine, theirs, name)
    assert len(ours) == 9


def test_a_table_that_changes_nothing_is_left_out() -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 256), scale=0.1, zero_point=-128)
    same = builder.unary("RELU", builder.quantize(x, "same", scale=0.1, zero_point=-128), "relu")
    assert operators(assert_equals_litert(builder.build([builder.unary("ABS", same, "y", scale=0.2)]), SAMPLES)) == ["lookup"]


def test_an_output_that_is_an_input_is_a_copy_of_it() -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 256), scale=0.1, zero_point=3)
    first, second = (builder.quantize(x, name, scale=0.1, zero_point=3) for name in ("a", "b"))
    assert operators(assert_equals_litert(builder.build([first, second]), SAMPLES)) == ["lookup", "lookup"]


def onnx_model(make: object, *, scale: float = 0.03, zero_point: int = -11, dtype: str = "int8", opset: int = 20) -> bytes:
    builder = OnnxBuilder(dtype, opset)
    x = builder.input("x", (1, 256), scale=scale, zero_point=zero_point)
    return builder.build([make(builder, x)])  # type: ignore[operator]


def _op(kind: str, scale: float, zero_point: int, **attributes: float) -> object:
    return lambda builder, x: builder.operator(kind, [x], "y", scale, zero_point, attributes)


FUNCTIONS = {
    "Relu": _op("Relu", 0.02, -128),
    "Sigmoid": _op("Sigmoid", 1 / 256, -128),
    "Tanh": _op("Tanh", 1 / 128, 0),
    "LeakyRelu": _op("LeakyRelu", 0.03, -20, alpha=0.2),
    "Elu": _op("Elu", 0.03, -90, alpha=1.5),
    "Selu": _op("Selu", 0.03, -60),
    "HardSigmoid": _op("HardSigmoid", 1 / 256, -128, alpha=0.17, beta=0.4),
    "HardSwish": _op("HardSwish", 0.03, -110),
    "Softplus": _op("Softplus", 0.02, -128),
    "Gelu": _op("Gelu", 0.02, -110),
    "Mish": _op("Mish", 0.02, -110),
    "Exp": _op("Exp", 0.5, -128),
    "Abs": _op("Abs", 0.02, -128),
    "Neg": _op("Neg", 0.03, 10),
    "Erf": _op("Erf", 1 / 127, 0),
    "Sin": _op("Sin", 1 / 127, 0),
    "Floor": _op("Floor", 0.05, 0),
    "Reciprocal": _op("Reciprocal", 0.1, 0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_onnx_function(name: str) -> None:
    compiled = assert_near_onnxruntime(onnx_model(FUNCTIONS[name]), SAMPLES)
    assert operators(compiled) == ["lookup"]


def test_logarithms_and_roots_of_positive_numbers() -> None:
    for kind in ("Log", "Sqrt"):
        model = onnx_model(_op(kind, 0.05, 0), zero_point=-128)
        assert operators(assert_near_onnxruntime(model, [{"x": np.maximum(EVERY, -127)}])) == ["lookup"]


def hard_swish(builder: OnnxBuilder, x: Value) -> Value:
    """x * clip(x + 3, 0, 6) / 6, as exporters write it."""
    three, six = (builder.constant(name, np.float32(value)) for name, value in (("three", 3), ("six", 6)))
    gate = builder.clip(builder.operator("Add", [x, three]), 0.0, 6.0)
    return builder.operator("Div", [builder.operator("Mul", [x, gate]), six], "y", 0.03, -110)


def swish(builder: OnnxBuilder, x: Value) -> Value:
    return builder.operator("Mul", [x, builder.operator("Sigmoid", [x])], "y", 0.03, -110)


def polynomial(builder: OnnxBuilder, x: Value) -> Value:
    """Also a constant that is quantised, and one of shape (1,)."""
    half = builder.quantized_constant("half", np.int8(64), 1 / 128)
    one = builder.constant("one", np.float32([1.0]))
    return builder.operator("Sub", [builder.operator("Mul", [builder.operator("Mul", [x, x]), half]), one], "y", 0.04, -100)


@pytest.mark.parametrize("make", [hard_swish, swish, polynomial])
def test_a_subgraph_of_one_tensor_is_one_table(make: object) -> None:
    assert operators(assert_equals_onnxruntime(onnx_model(make), SAMPLES)) == ["lookup"]


def test_uint8() -> None:
    model = onnx_model(_op("Sigmoid", 1 / 256, 0), zero_point=100, dtype="uint8")
    compiled = assert_near_onnxruntime(model, [{"x": np.arange(256, dtype=np.uint8).reshape(1, 256)}])
    assert operators(compiled) == ["recenter", "lookup", "recenter"]


def test_a_change_of_parameters_rounds_halves_to_even() -> None:
    builder = OnnxBuilder()
    x = builder.input("x", (1, 256), scale=0.25, zero_point=3)
    model = builder.build([builder.operator("Identity", [x], "y", 0.5, -7)])
    assert operators(assert_equals_onnxruntime(model, SAMPLES)) == ["lookup"]


@pytest.mark.parametrize(("low", "high"), [(0.0, 6.0), (-1.0, 1.0), (0.125, 0.375), (40.0, 50.0), (-50.0, -40.0)])
def test_a_clip_becomes_limits(low: float, high: float) -> None:
    model = onnx_model(lambda builder, x: builder.clip(x, low, high, "y", scale=0.25, zero_point=4), scale=0.2)
    assert operators(assert_equals_onnxruntime(model, SAMPLES)) == ["lookup"]
