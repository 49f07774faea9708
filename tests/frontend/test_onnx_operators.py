"""The form of each ONNX operator after import of a QDQ model, and that it means what ONNX Runtime computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.frontend.imported import bindings, imported, operators, steps_apart
from tvm_tiny.model import Model, TensorSpec
from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value
from tvm_tiny.tvm_compat import constant_array

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


# Float models, and what exporters put around the operators.


@pytest.mark.parametrize(
    ("build", "form"),
    [
        (
            lambda b, x: b.conv(x, b.constant("w", np.float32(reals(6, 4, 3, 3))), np.float32(reals(6)), "y", pads=(1, 1, 1, 1)),
            ["conv2d", "add"],
        ),
        (
            lambda b, x: b.gemm(b.operator("Flatten", [x]), b.constant("w", np.float32(reals(5, 288))), np.float32(reals(5))),
            ["reshape", "matmul", "add"],
        ),
        (
            lambda b, x: b.operator(
                "BatchNormalization", [x, *(b.constant(f"{i}", np.float32(np.abs(reals(4)) + 0.1)) for i in range(4))], "y"
            ),
            ["multiply", "add"],
        ),
        (lambda b, x: b.operator("Relu", [b.operator("Dropout", [b.operator("Identity", [x])])]), ["relu"]),
        (lambda b, x: b.operator("HardSwish", [x]), ["multiply", "add", "clip", "multiply"]),
        (lambda b, x: b.operator("Mean", [x, b.operator("Relu", [x])]), ["relu", "add", "divide"]),
        (lambda b, x: b.operator("Min", [x, b.constant("c", np.float32(0.1))]), ["minimum"]),
        (lambda b, x: b.operator("Squeeze", [x, b.constant("axes", np.int64([0]))]), ["reshape"]),
        (
            lambda b, x: b.operator("Resize", [x, Value("", ""), b.constant("scales", np.float32([1, 1, 2, 2]))], "y"),
            ["image.resize2d"],
        ),
    ],
)
def test_float_operators(tmp_path: Path, build: Build, form: list[str]) -> None:
    b = OnnxBuilder(opset=14)
    model = imported(tmp_path, b.build([build(b, b.input("x", IMAGE))]), ".onnx")
    assert operators(model) == form
    assert steps_apart(model) <= 1e-5


@pytest.mark.parametrize("mode", ["reflect", "edge"])
def test_pad_modes(tmp_path: Path, mode: str) -> None:
    b = OnnxBuilder()
    x = b.input("x", IMAGE)
    pads = b.constant("pads", np.int64([0, 0, 1, 2, 0, 0, 3, 0]))
    model = imported(tmp_path, b.build([b.operator("Pad", [x, pads], attributes={"mode": mode})]), ".onnx")
    assert operators(model) == ["pad"]
    assert steps_apart(model) == 0


def test_a_shape_that_the_model_computes_is_worked_out_at_compile_time(tmp_path: Path) -> None:
    """PyTorch writes Shape → Gather → Unsqueeze → Concat → Reshape for x.view(x.shape[0], -1)."""
    nodes = [
        onnx.helper.make_node("Shape", ["x"], ["shape"]),
        onnx.helper.make_node("Gather", ["shape", "zero"], ["batch"]),
        onnx.helper.make_node("Unsqueeze", ["batch", "axis"], ["batches"]),
        onnx.helper.make_node("Concat", ["batches", "rest"], ["target"], axis=0),
        onnx.helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    constants = {"zero": np.array(0), "axis": np.array([0]), "rest": np.array([-1])}
    graph = onnx.helper.make_graph(
        nodes,
        "main",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, IMAGE)],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 288])],
        [onnx.numpy_helper.from_array(array.astype(np.int64), name) for name, array in constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 13)]
    data = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    model = imported(tmp_path, data, ".onnx")
    assert operators(model) == ["reshape"]
    assert model.outputs[0].shape == (1, 288)
    assert steps_apart(model) == 0


def test_float_weights_behind_a_quantize_become_integers(tmp_path: Path) -> None:
    """Quantisation-aware training exports weights as float → QuantizeLinear → DequantizeLinear."""
    real = np.float32(reals(6, 4, 3, 3))
    b = OnnxBuilder()
    x = b.input("x", IMAGE, 0.05, 3)
    scale, zero = b.constant("scale", np.full(6, 0.004, np.float32)), b.constant("zero", np.zeros(6, np.int8))
    stored = b.operator("QuantizeLinear", [b.constant("w", real), scale, zero], attributes={"axis": 0})
    w = b.operator("DequantizeLinear", [stored, scale, zero], attributes={"axis": 0})
    model = imported(tmp_path, b.build([b.operator("Conv", [x, w], "y", **Q)]), ".onnx")
    assert operators(model) == ["dequantize", "weights", "conv2d", "quantize"]
    (weights,) = [value for _, value in bindings(model) if value.args and constant_array(value.args[0]) is not None]
    np.testing.assert_array_equal(constant_array(weights.args[0]), np.clip(np.rint(real / np.float32(0.004)), -128, 127))
    assert steps_apart(model) <= 1


def test_parameters_of_quantisation_come_in_one_shape(tmp_path: Path) -> None:
    """A scale may be an array of one, a zero point may be left out, an axis counted from the end."""
    b = OnnxBuilder(opset=21)
    x, one = b.input("x", (1, 4)), b.constant("one", np.float32([0.05]))
    x = b.operator(
        "DequantizeLinear", [b.operator("QuantizeLinear", [x, one], "q", attributes={"output_dtype": onnx.TensorProto.INT8}), one]
    )
    stored, scales = b.constant("w", np.int8(np.eye(4) * 100)), b.constant("s", np.float32([0.01, 0.02, 0.03, 0.04]))
    w = b.operator("DequantizeLinear", [stored, scales], attributes={"axis": -1})
    model = imported(tmp_path, b.build([b.operator("MatMul", [x, w], "y", **Q)]), ".onnx")
    assert operators(model) == ["quantize", "dequantize", "weights", "matmul", "quantize"]
    calls = [value for _, value in bindings(model) if len(value.args) == 3]
    parameters = [[constant_array(argument) for argument in value.args[1:]] for value in calls]
    assert [(scale.shape, int(zero)) for scale, zero in parameters] == [((), 0), ((), 0), ((4,), 0), ((), 5)]
    assert [int(value.attrs.axis) for value in calls] == [0, 0, 1, 0]
    assert str(calls[0].attrs.out_dtype) == "int8"
    assert steps_apart(model) <= 1


def test_the_border_keeps_the_types_of_the_file(tmp_path: Path) -> None:
    """A float input stays float; an integer one has the scale of the DequantizeLinear behind it."""
    b = OnnxBuilder("uint8")
    x, y = b.input("real", (1, 4), 0.05, 128, dtype="float32"), b.input("stored", (1, 4), 0.1, 7)
    model = imported(tmp_path, b.build([b.operator("Add", [x, y], "sum", scale=0.2, zero_point=9)]), ".onnx")
    assert model.inputs == (TensorSpec("real", (1, 4), "float32"), TensorSpec("stored", (1, 4), "uint8", float(np.float32(0.1)), 7))
    assert model.outputs == (TensorSpec("sum", (1, 4), "uint8", float(np.float32(0.2)), 9),)
    assert [(param.name, str(param.ty.dtype)) for param in model.mod["main"].params] == [("real", "float32"), ("stored", "uint8")]


def test_every_tensor_of_the_file_has_its_variable(tmp_path: Path) -> None:
    b = OnnxBuilder()
    x = b.input("x", IMAGE, 0.05)
    y = b.conv(x, b.weights("w", reals(4, 4, 3, 3)), biases(4), "conv", pads=(1, 1, 1, 1), **Q)
    z = b.operator("Add", [x, y], "/block.1/Add_output_0", **Q)
    model = imported(tmp_path, b.build([z, y]), ".onnx")
    variables = {var.name: var for var, _ in bindings(model)} | {param.name: param for param in model.mod["main"].params}
    assert model.tensor_names.keys() <= variables.keys()
    computed = set(model.tensor_names.values())
    assert {"x", "x/real", "conv/float", "conv", "conv/real", "/block.1/Add_output_0"} <= computed
    assert model.tensor_names["block_1_add_output_0"] == "/block.1/Add_output_0"
    assert steps_apart(model) <= 1
