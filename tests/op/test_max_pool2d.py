"""Max pooling: of stored values in TFLite's graphs, between dequantize and quantize in ONNX's."""

import numpy as np
import pytest

from tests.op.helpers import (
    ACTIVATIONS,
    assert_equals_litert,
    assert_equals_onnxruntime,
    operators,
    random_samples,
    random_scale,
    random_zero_point,
)
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

SHAPES = [
    ((1, 9, 7, 5), (3, 3), (2, 2)),
    ((2, 8, 8, 3), (2, 2), (2, 2)),
    ((1, 5, 11, 1), (4, 3), (1, 3)),
    ((1, 6, 5, 8), (6, 5), (1, 1)),
]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_equals_litert(dtype: str) -> None:
    rng = np.random.default_rng(1)
    builder, outputs, shapes = TFLiteBuilder(), [], {}
    for index, (shape, size, stride) in enumerate(SHAPES):
        x = builder.input(f"x{index}", shape, dtype, scale=random_scale(rng), zero_point=random_zero_point(rng, dtype))
        shapes[f"x{index}"] = shape
        for padding in ("SAME", "VALID"):
            name, activation = f"output{len(outputs)}", ACTIVATIONS[len(outputs) % 4]
            outputs.append(builder.max_pool2d(x, size, name, stride=stride, padding=padding, activation=activation))
    compiled = assert_equals_litert(builder.build(outputs), random_samples(shapes, seed=2, dtype=dtype))
    assert set(operators(compiled)) == ({"max_pool2d"} if dtype == "int8" else {"max_pool2d", "recenter"})
    assert all(layer.macs == 0 for layer in compiled.module.layers)


def test_padding_never_wins() -> None:
    """Where every value of a window is -128, so is the maximum; padding with zeros would show."""
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 5, 5, 2), scale=0.1, zero_point=-128)
    model = builder.build([builder.max_pool2d(x, (3, 3), "output", stride=(1, 1), padding="SAME")])
    assert_equals_litert(model, [{"x": np.full((1, 5, 5, 2), -128, np.int8)}])


def test_pool_of_a_layers_output() -> None:
    rng = np.random.default_rng(3)
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 8, 8, 3), scale=0.05, zero_point=4)
    weights = builder.weights("weights", rng.normal(size=(5, 3, 3, 3)))
    y = builder.conv2d(x, weights, np.zeros(5, np.int32), "y", scale=0.1, zero_point=-20)
    model = builder.build([builder.max_pool2d(y, (2, 2), "output", activation="RELU6")])
    assert operators(assert_equals_litert(model, random_samples({"x": (1, 8, 8, 3)}, seed=4))) == ["conv2d", "max_pool2d"]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx(dtype: str) -> None:
    pools = [
        {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)},
        {"kernel_shape": (2, 3), "strides": (1, 2), "pads": (0, 2, 1, 0)},
        {"kernel_shape": (2, 2), "strides": (2, 2), "ceil_mode": 1},
        {"kernel_shape": (3, 2), "strides": (1, 1), "dilations": (2, 1)},
    ]
    offset = 128 if dtype == "uint8" else 0
    builder, outputs = OnnxBuilder(dtype=dtype), []
    x = builder.input("x", (2, 4, 11, 9), 0.0213, 11 + offset)
    for index, attributes in enumerate(pools):
        outputs.append(builder.operator("MaxPool", [x], f"same{index}", 0.0213, 11 + offset, attributes))
    outputs.append(builder.operator("MaxPool", [x], "other", 0.0178, -40 + offset, pools[0]))
    rectified = builder.operator(
        "Relu", [builder.operator("MaxPool", [x], "", None, 0, pools[1])], "rectified", 0.0213, 11 + offset
    )
    compiled = assert_equals_onnxruntime(builder.build([*outputs, rectified]), random_samples({"x": (2, 4, 11, 9)}, 5, dtype=dtype))
    assert operators(compiled).count("max_pool2d") == 6
    assert operators(compiled).count("lookup") == 1  # the change of scale
