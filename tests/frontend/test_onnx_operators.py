"""The form of each ONNX operator after import of a QDQ model, and that it means what ONNX Runtime computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.frontend.imported import imported, operators, steps_apart
from tvm_tiny.model import Model
from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value

Build = Callable[[OnnxBuilder, Value], Value]

RNG = np.random.default_rng(0)
IMAGE = (1, 4, 9, 8)
OPSETS = (13, 17, 21, onnx.defs.onnx_opset_version() - 3)


def reals(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.3, shape)


def biases(count: int) -> np.ndarray:
    return RNG.integers(-2000, 2000, count).astype(np.int32)


def single(tmp_path: Path, build: Build, dtype: str = "int8", opset: int = 13, shape: tuple[int, ...] = IMAGE) -> Model:
    """A model of what ``build`` makes of one quantised input; its output is the quantised tensor."""
    b = OnnxBuilder(dtype, opset)
    x = b.input("x", shape, 0.05, 3)
    return imported(tmp_path, b.build([build(b, x)]), ".onnx")


# What operators between DequantizeLinear and QuantizeLinear look like, and that they are right.

Q = {"scale": 0.1, "zero_point": 5}
CASES: list[tuple[str, Build, list[str]]] = [
    (
        "Conv",
        lambda b, x: b.conv(x, b.weights("w", reals(6, 4, 3, 3)), biases(6), pads=(1, 0, 2, 1), strides=(2, 1), **Q),
        ["dequantize", "weights", "weights", "conv2d", "reshape", "add", "quantize"],
    ),
    (
        "Conv, one scale, dilated, no bias",
        lambda b, x: b.conv(x, b.weights("w", reals(6, 4, 3, 3), None), None, dilations=(2, 1), **Q),
        ["dequantize", "weights", "conv2d", "quantize"],
    ),
    (
        "Conv, depthwise, Relu",
        lambda b, x: b.operator(
            "Relu", [b.conv(x, b.weights("w", reals(4, 1, 3, 3)), biases(4), pads=(1, 1, 1, 1), group=4)], "y", **Q
        ),
        ["dequantize", "weights", "weights", "conv2d", "reshape", "add", "relu", "quantize"],
    ),
    (
        "Conv, SAME_UPPER",
        lambda b, x: b.operator(
            "Conv", [x, b.weights("w", reals(6, 4, 3, 4))], "y", **Q, attributes={"auto_pad": "SAME_UPPER", "strides": (2, 2)}
        ),
        ["dequantize", "weights", "conv2d", "quantize"],
    ),
    (
        "Gemm",
        lambda b, x: b.gemm(
            b.operator("Flatten", [x], "f", scale=0.05, zero_point=3), b.weights("w", reals(5, 288)), biases(5), scale=0.5
        ),
        ["dequantize", "reshape", "quantize", "dequantize", "weights", "weights", "permute_dims", "matmul", "add", "quantize"],
    ),
    (
        "MatMul",
        lambda b, x: b.matmul(x, b.weights("w", reals(8, 6), 1), **Q),
        ["dequantize", "weights", "matmul", "quantize"],
    ),
    ("Add", lambda b, x: b.operator("Add", [x, x], **Q), ["dequantize", "add", "quantize"]),
    (
        "Add of a constant",
        lambda b, x: b.operator("Add", [x, b.weights("c", reals(4, 1, 1), None)], **Q),
        ["dequantize", "weights", "add", "quantize"],
    ),
    ("Sum", lambda b, x: b.operator("Sum", [x, x, x], **Q), ["dequantize", "add", "add", "quantize"]),
    ("Sub", lambda b, x: b.operator("Sub", [x, b.operator("Relu", [x])], **Q), ["dequantize", "relu", "subtract", "quantize"]),
    ("Mul", lambda b, x: b.operator("Mul", [x, x], **Q), ["dequantize", "multiply", "quantize"]),
    ("Relu", lambda b, x: b.operator("Relu", [x], scale=0.03), ["dequantize", "relu", "quantize"]),
    ("Clip to 6", lambda b, x: b.clip(x, 0.0, 6.0, scale=0.03), ["dequantize", "clip", "quantize"]),
    (
        "Clip without an upper limit",
        lambda b, x: b.operator("Clip", [x, b.constant("low", np.float32(0))], scale=0.03),
        ["dequantize", "relu", "quantize"],
    ),
    ("LeakyRelu", lambda b, x: b.operator("LeakyRelu", [x], scale=0.04), ["dequantize", "leakyrelu", "quantize"]),
    ("Sigmoid", lambda b, x: b.operator("Sigmoid", [x], scale=1 / 256), ["dequantize", "sigmoid", "quantize"]),
    ("Tanh", lambda b, x: b.operator("Tanh", [x], scale=1 / 128), ["dequantize", "tanh", "quantize"]),
    ("Softmax", lambda b, x: b.operator("Softmax", [x], scale=1 / 256), ["dequantize", "softmax", "quantize"]),
    (
        "Softmax over channels",
        lambda b, x: b.operator("Softmax", [x], scale=1 / 256, attributes={"axis": 1}),
        ["dequantize", "softmax", "quantize"],
    ),
    (
        "MaxPool",
        lambda b, x: b.max_pool(x, (3, 2), strides=(2, 1), pads=(1, 0, 1, 1), **Q),
        ["dequantize", "max_pool2d", "quantize"],
    ),
    ("AveragePool", lambda b, x: b.average_pool(x, (3, 2), pads=(1, 0, 1, 1), **Q), ["dequantize", "avg_pool2d", "quantize"]),
    (
        "AveragePool, padding counts",
        lambda b, x: b.average_pool(x, (3, 3), pads=(1, 1, 1, 1), count_include_pad=True, **Q),
        ["dequantize", "avg_pool2d", "quantize"],
    ),
    ("GlobalAveragePool", lambda b, x: b.operator("GlobalAveragePool", [x], **Q), ["dequantize", "mean", "quantize"]),
    ("Flatten", lambda b, x: b.operator("Flatten", [x], scale=0.05, zero_point=3), ["dequantize", "reshape", "quantize"]),
    ("Reshape", lambda b, x: b.reshape(x, (0, 2, -1), scale=0.05, zero_point=3), ["dequantize", "reshape", "quantize"]),
    ("Pad", lambda b, x: b.pad(x, (0, 0, 1, 2, 0, 0, 3, 0), scale=0.05, zero_point=3), ["dequantize", "pad", "quantize"]),
    (
        "Transpose",
        lambda b, x: b.operator("Transpose", [x], scale=0.05, zero_point=3, attributes={"perm": (0, 2, 3, 1)}),
        ["dequantize", "permute_dims", "quantize"],
    ),
    (
        "Concat",
        lambda b, x: b.operator("Concat", [x, b.operator("Relu", [x], scale=0.07)], **Q, attributes={"axis": 1}),
        ["dequantize", "relu", "quantize", "dequantize", "concat", "quantize"],
    ),
    (
        "Slice",
        lambda b, x: b.operator(
            "Slice",
            [x, *(b.constant(f"{k}", np.int64(v)) for k, v in (("b", [1, -3]), ("e", [9, 99]), ("a", [2, 3]), ("s", [2, 1])))],
            scale=0.05,
            zero_point=3,
        ),
        ["dequantize", "strided_slice", "quantize"],
    ),
]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(("build", "form"), [pytest.param(build, form, id=name) for name, build, form in CASES])
def test_a_quantised_operator_has_its_form_and_means_what_onnx_runtime_computes(
    tmp_path: Path, build: Build, form: list[str], dtype: str
) -> None:
    model = single(tmp_path, build, dtype)
    assert operators(model) == form
    assert steps_apart(model) <= 1


@pytest.mark.parametrize("opset", OPSETS)
def test_the_form_is_the_same_in_every_opset(tmp_path: Path, opset: int) -> None:
    b = OnnxBuilder("int8", opset)
    x = b.input("x", IMAGE, 0.05, 3, dtype="float32")
    y = b.conv(x, b.weights("w", reals(4, 4, 3, 3)), biases(4), "conv", pads=(1, 1, 1, 1), **Q)
    y = b.operator("Add", [b.clip(y, 0, 6, "clip", **Q), x], "add", **Q)
    y = b.pad(b.max_pool(y, (2, 2), "pool", **Q), (0, 0, 1, 1, 0, 0, 0, 0), "pad", **Q)
    y = b.operator("Concat", [y, y], "concat", **Q, attributes={"axis": 1})
    y = b.reshape(b.average_pool(y, (2, 2), "average", **Q), (1, 32), "flat", **Q)
    y = b.gemm(y, b.weights("w2", reals(5, 32)), biases(5), "dense", scale=0.2)
    model = imported(
        tmp_path, b.build([b.operator("Softmax", [y], "softmax", scale=1 / 256, zero_point=-128)], dequantized=True), ".onnx"
    )
    assert (
        operators(model)
        == (
            "quantize dequantize weights weights conv2d reshape add quantize dequantize clip quantize dequantize add quantize "
        "dequantize max_pool2d quantize dequantize pad quantize dequantize concat quantize dequantize avg_pool2d quantize "
        "dequantize reshape quantize dequantize weights weights permute_dims matmul add quantize dequantize softmax quantize "
        "dequantize"
    ).split()
    )
    assert steps_apart(model) <= 0.02


@pytest.mark.parametrize(("opset", "axes"), [(13, "attribute"), (18, "input")])
def test_reduce_mean_takes_its_axes_from_an_attribute_or_an_input(tmp_path: Path, opset: int, axes: str) -> None:
    def build(b: OnnxBuilder, x: Value) -> Value:
        if axes == "attribute":
            return b.operator("ReduceMean", [x], **Q, attributes={"axes": (2, -1), "keepdims": 0})
        return b.operator("ReduceMean", [x, b.constant("axes", np.int64([2, -1]))], **Q, attributes={"keepdims": 0})

    model = single(tmp_path, build, opset=opset)
    assert operators(model) == ["dequantize", "mean", "quantize"]
    assert steps_apart(model) <= 1


@pytest.mark.parametrize("size", [8, 9, 10, 11])
@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    "attributes",
    [
        {"ceil_mode": 1, "strides": (3, 2), "pads": (1, 1, 1, 1)},
        {"ceil_mode": 1, "strides": (3, 3)},
        {"auto_pad": "SAME_LOWER", "strides": (2, 3)},
        {"auto_pad": "SAME_UPPER", "strides": (2, 3)},
        {"auto_pad": "VALID", "strides": (2, 1)},
    ],
)
def test_every_way_to_say_the_size_of_a_pool(tmp_path: Path, size: int, operator: str, attributes: dict[str, object]) -> None:
    """Opset 22 says that a window which would start behind the data does not count; before, it was computed of padding alone."""
    model = single(
        tmp_path,
        lambda b, x: b.operator(operator, [x], **Q, attributes={"kernel_shape": (3, 3), **attributes}),
        opset=22,
        shape=(1, 2, size, size),
    )
    assert operators(model)[0::2] == ["dequantize", "quantize"]
    assert steps_apart(model) <= 1
