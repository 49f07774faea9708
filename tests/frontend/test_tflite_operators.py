"""The form of each TFLite operator after import, and that it means what LiteRT's reference kernel computes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.frontend.imported import imported, operators, steps_apart
from tvm_tiny.model import Model
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord

Build = Callable[[TFLiteBuilder, TensorRecord], TensorRecord]

RNG = np.random.default_rng(0)
IMAGE = (1, 9, 8, 4)


def reals(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.3, shape)


def biases(count: int) -> np.ndarray:
    return RNG.integers(-2000, 2000, count).astype(np.int32)


def single(
    tmp_path: Path,
    build: Build,
    shape: tuple[int, ...] = IMAGE,
    dtype: str = "int8",
    scale: float | None = 0.05,
    zero_point: int = -7,
) -> Model:
    """A model of what ``build`` makes of one input."""
    b = TFLiteBuilder()
    x = b.input("x", shape, dtype, scale, zero_point if scale else 0)
    return imported(tmp_path, b.build([build(b, x)]))


# What int8 operators look like, and that they are right.

WEIGHTED = ["dequantize", "weights", "conv2d", "weights", "add", "quantize"]
CASES: list[tuple[str, Build, list[str]]] = [
    ("conv2d", lambda b, x: b.conv2d(x, b.weights("w", reals(6, 3, 3, 4)), biases(6), scale=0.1, zero_point=4), WEIGHTED),
    (
        "conv2d, one scale, strides, dilation, valid",
        lambda b, x: b.conv2d(
            x, b.weights("w", reals(6, 3, 2, 4), None), biases(6), scale=0.1, zero_point=4, dilation=(2, 1), padding="VALID"
        ),
        WEIGHTED,
    ),
    (
        "conv2d, relu",
        lambda b, x: b.conv2d(
            x, b.weights("w", reals(6, 1, 1, 4)), biases(6), scale=0.1, zero_point=4, stride=(2, 2), activation="RELU"
        ),
        [*WEIGHTED, "clip"],
    ),
    (
        "conv2d, relu that cuts nothing",
        lambda b, x: b.conv2d(x, b.weights("w", reals(6, 1, 1, 4)), biases(6), scale=0.1, zero_point=-128, activation="RELU"),
        WEIGHTED,
    ),
    (
        "depthwise_conv2d",
        lambda b, x: b.depthwise_conv2d(
            x, b.weights("w", reals(1, 3, 3, 4), 3), biases(4), scale=0.1, zero_point=4, stride=(2, 1), activation="RELU6"
        ),
        [*WEIGHTED, "clip"],
    ),
    (
        "depthwise_conv2d, multiplier 2, one scale",
        lambda b, x: b.depthwise_conv2d(x, b.weights("w", reals(1, 3, 3, 8), None), biases(8), scale=0.1, zero_point=4),
        WEIGHTED,
    ),
    (
        "fully_connected flattens",
        lambda b, x: b.fully_connected(x, b.weights("w", reals(5, 288), None), biases(5), scale=0.4, zero_point=4),
        ["reshape", "dequantize", "weights", "matmul", "weights", "add", "quantize"],
    ),
    (
        "fully_connected, per channel, keep_num_dims",
        lambda b, x: b.fully_connected(
            x, b.weights("w", reals(5, 4)), biases(5), scale=0.1, zero_point=4, activation="RELU6", keep_num_dims=True
        ),
        ["reshape", "dequantize", "weights", "matmul", "weights", "add", "quantize", "clip", "reshape"],
    ),
    (
        "transpose_conv",
        lambda b, x: b.operator(
            "TRANSPOSE_CONV",
            [b.constant("size", np.array([1, 18, 16, 3], np.int32)), b.weights("w", reals(3, 3, 3, 4)), x],
            (1, 18, 16, 3),
            scale=0.1,
            zero_point=4,
            options="TransposeConvOptions",
            fields={"Padding": 0, "StrideH": 2, "StrideW": 2},
            dtype="int8",
        ),
        ["permute_dims", "dequantize", "weights", "conv2d_transpose", "permute_dims", "quantize"],
    ),
    ("add", lambda b, x: b.add(x, x, scale=0.11, zero_point=4), ["dequantize", "dequantize", "add", "quantize"]),
    (
        "add of a constant, relu6",
        lambda b, x: b.add(x, b.constant("c", RNG.integers(-128, 128, (4,), np.int8), 0.03, 5), scale=0.06, activation="RELU6"),
        ["dequantize", "weights", "add", "quantize", "clip"],
    ),
    (
        "sub",
        lambda b, x: b.sub(b.unary("RELU6", x), x, scale=0.11),
        ["dequantize", "clip", "quantize", *["dequantize"] * 2, "subtract", "quantize"],
    ),
    (
        "mul",
        lambda b, x: b.mul(x, x, scale=0.3, zero_point=-99, activation="RELU"),
        [*["dequantize"] * 2, "multiply", "quantize", "clip"],
    ),
    (
        "maximum",
        lambda b, x: b.operator("MAXIMUM", [x, x], IMAGE, options="MaximumMinimumOptions"),
        [*["dequantize"] * 2, "maximum", "quantize"],
    ),
    (
        "average_pool2d",
        lambda b, x: b.average_pool2d(x, (3, 3), stride=(2, 2), padding="SAME"),
        ["dequantize", "avg_pool2d", "quantize"],
    ),
    (
        "average_pool2d, relu6",
        lambda b, x: b.average_pool2d(x, (2, 3), activation="RELU6"),
        ["dequantize", "avg_pool2d", "quantize", "clip"],
    ),
    ("max_pool2d", lambda b, x: b.max_pool2d(x, (3, 3), stride=(2, 2), padding="SAME"), ["max_pool2d"]),
    ("max_pool2d, relu", lambda b, x: b.max_pool2d(x, (2, 2), activation="RELU"), ["max_pool2d", "clip"]),
    ("mean", lambda b, x: b.mean(x, [1, 2], scale=0.02, zero_point=3), ["dequantize", "mean", "quantize"]),
    ("mean, keep_dims", lambda b, x: b.mean(x, [-1], keep_dims=True), ["dequantize", "mean", "quantize"]),
    ("softmax", lambda b, x: b.softmax(x), ["dequantize", "softmax", "quantize"]),
    ("softmax, beta", lambda b, x: b.softmax(x, beta=0.5), ["dequantize", "multiply", "softmax", "quantize"]),
    ("logistic", lambda b, x: b.logistic(x), ["dequantize", "sigmoid", "quantize"]),
    ("tanh", lambda b, x: b.tanh(x), ["dequantize", "tanh", "quantize"]),
    ("relu", lambda b, x: b.unary("RELU", x, scale=0.03, zero_point=-128), ["dequantize", "relu", "quantize"]),
    ("relu6", lambda b, x: b.unary("RELU6", x, scale=0.03, zero_point=-128), ["dequantize", "clip", "quantize"]),
    ("relu_n1_to_1", lambda b, x: b.unary("RELU_N1_TO_1", x, scale=0.01, zero_point=0), ["dequantize", "clip", "quantize"]),
    ("leaky_relu", lambda b, x: b.leaky_relu(x, 0.1, scale=0.04, zero_point=-50), ["dequantize", "leakyrelu", "quantize"]),
    (
        "prelu",
        lambda b, x: b.operator("PRELU", [x, b.constant("slopes", np.array([[[-90, 5, 40, 127]]], np.int8), 0.01)], IMAGE),
        ["dequantize", "weights", "prelu", "quantize"],
    ),
    (
        "hard_swish",
        lambda b, x: b.unary("HARD_SWISH", x, scale=0.04, zero_point=-100),
        ["dequantize", "add", "clip", "multiply", "divide", "quantize"],
    ),
    ("quantize, another scale", lambda b, x: b.quantize(x, scale=0.02, zero_point=9), ["dequantize", "quantize"]),
    ("dequantize", lambda b, x: b.dequantize(x), ["dequantize"]),
    ("pad", lambda b, x: b.pad(x, [(0, 0), (1, 2), (3, 0), (0, 0)]), ["pad"]),
    (
        "padv2",
        lambda b, x: b.operator(
            "PADV2",
            [
                x,
                b.constant("paddings", np.array([[0, 0], [1, 1], [0, 2], [0, 0]], np.int32)),
                b.constant("v", np.int8([33]), 0.05, -7),
            ],
            (1, 11, 10, 4),
            options="PadV2Options",
        ),
        ["pad"],
    ),
    ("reshape", lambda b, x: b.reshape(x, (1, 288)), ["reshape"]),
    ("squeeze", lambda b, x: b.operator("SQUEEZE", [x], IMAGE[1:], options="SqueezeOptions"), ["reshape"]),
    ("transpose", lambda b, x: b.transpose(x, (0, 3, 1, 2)), ["permute_dims"]),
    ("concatenation", lambda b, x: b.concatenation([x, b.max_pool2d(x, (1, 1))], axis=-1), ["max_pool2d", "concat"]),
    (
        "slice",
        lambda b, x: b.operator(
            "SLICE", [x, b.constant("b", np.int32([0, 2, 1, 0])), b.constant("s", np.int32([1, 4, -1, 2]))], (1, 4, 7, 2)
        ),
        ["strided_slice"],
    ),
    (
        "resize_nearest_neighbor",
        lambda b, x: b.operator(
            "RESIZE_NEAREST_NEIGHBOR",
            [x, b.constant("size", np.int32([18, 12]))],
            (1, 18, 12, 4),
            options="ResizeNearestNeighborOptions",
        ),
        ["image.resize2d"],
    ),
    (
        "gather",
        lambda b, x: b.operator(
            "GATHER", [x, b.constant("i", np.int32([3, 0, 3]))], (1, 9, 8, 3), options="GatherOptions", fields={"Axis": 3}
        ),
        ["take"],
    ),
    (
        "space_to_batch_nd",
        lambda b, x: b.operator(
            "SPACE_TO_BATCH_ND", [x, b.constant("n", np.int32([2, 3])), b.constant("p", np.int32([[0, 1], [1, 0]]))], (6, 5, 3, 4)
        ),
        ["pad", "reshape", "permute_dims", "reshape"],
    ),
    (
        "batch_to_space_nd",
        lambda b, x: b.operator(
            "BATCH_TO_SPACE_ND",
            [b.reshape(x, (6, 3, 4, 4)), b.constant("n", np.int32([2, 3])), b.constant("c", np.int32([[0, 1], [2, 0]]))],
            (1, 5, 10, 4),
        ),
        ["reshape", "reshape", "permute_dims", "reshape", "strided_slice"],
    ),
    (
        "space_to_depth",
        lambda b, x: b.operator(
            "SPACE_TO_DEPTH",
            [b.reshape(x, (1, 8, 6, 6))],
            (1, 4, 3, 24),
            options="SpaceToDepthOptions",
            fields={"BlockSize": 2},
        ),
        ["reshape", "reshape", "permute_dims", "reshape"],
    ),
    (
        "depth_to_space",
        lambda b, x: b.operator("DEPTH_TO_SPACE", [x], (1, 18, 16, 1), options="DepthToSpaceOptions", fields={"BlockSize": 2}),
        ["reshape", "permute_dims", "reshape"],
    ),
    (
        "strided_slice",
        lambda b, x: b.strided_slice(x, (0, 1, 0, 1), (1, 9, 8, 3), (1, 2, 3, 1)),
        ["strided_slice"],
    ),
    ("split", lambda b, x: b.split(x, 3, 2)[1], ["split", "TupleGetItem"]),
    (
        "pack",
        lambda b, x: b.operator("PACK", [x, x], (1, 9, 8, 4, 2), options="PackOptions", fields={"Axis": 4, "ValuesCount": 2}),
        ["expand_dims", "expand_dims", "concat"],
    ),
    ("tile", lambda b, x: b.operator("TILE", [x, b.constant("n", np.int32([1, 1, 2, 1]))], (1, 9, 16, 4)), ["tile"]),
    (
        "mirror_pad",
        lambda b, x: b.operator(
            "MIRROR_PAD",
            [x, b.constant("p", np.int32([[0, 0], [1, 2], [2, 0], [0, 0]]))],
            (1, 12, 10, 4),
            options="MirrorPadOptions",
        ),
        ["pad"],
    ),
    (
        "resize_bilinear",
        lambda b, x: b.operator(
            "RESIZE_BILINEAR",
            [x, b.constant("size", np.int32([18, 12]))],
            (1, 18, 12, 4),
            options="ResizeBilinearOptions",
            fields={"HalfPixelCenters": True},
        ),
        ["dequantize", "image.resize2d", "quantize"],
    ),
    (
        "reduce_max",
        lambda b, x: b.operator(
            "REDUCE_MAX", [x, b.constant("axes", np.int32([1]))], (1, 8, 4), options="ReducerOptions", fields={"KeepDims": False}
        ),
        ["dequantize", "max", "quantize"],
    ),
    ("abs", lambda b, x: b.unary("ABS", x, scale=0.04, zero_point=-30), ["dequantize", "abs", "quantize"]),
    (
        "arg_max",
        lambda b, x: b.operator(
            "ARG_MAX",
            [x, b.constant("axis", np.int32(3))],
            (1, 9, 8),
            options="ArgMaxOptions",
            fields={"OutputType": 2},
            dtype="int32",
        ),
        ["argmax", "astype"],
    ),
]


@pytest.mark.parametrize(("build", "form"), [pytest.param(build, form, id=name) for name, build, form in CASES])
def test_an_int8_operator_has_its_form_and_means_what_litert_computes(tmp_path: Path, build: Build, form: list[str]) -> None:
    model = single(tmp_path, build)
    assert operators(model) == form
    assert steps_apart(model) <= 1


# The same operators on uint8, as old quantisers wrote them, and on float32.


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.average_pool2d(x, (3, 2), padding="SAME"),
        lambda b, x: b.max_pool2d(x, (3, 2), activation="RELU6"),
        lambda b, x: b.add(x, x, scale=0.11, zero_point=100, activation="RELU"),
        lambda b, x: b.pad(x, [(0, 0), (1, 1), (0, 0), (0, 0)]),
        lambda b, x: b.concatenation([x, b.unary("RELU6", x, scale=0.03, zero_point=0)], axis=3),
    ],
)
def test_uint8_operators(tmp_path: Path, build: Build) -> None:
    assert steps_apart(single(tmp_path, build, dtype="uint8", zero_point=120)) <= 1


@pytest.mark.parametrize(
    ("build", "form"),
    [
        (
            lambda b, x: b.conv2d(x, b.constant("w", np.float32(reals(6, 3, 3, 4))), np.float32(reals(6)), activation="RELU6"),
            ["conv2d", "add", "clip"],
        ),
        (
            lambda b, x: b.depthwise_conv2d(x, b.constant("w", np.float32(reals(1, 3, 3, 8))), np.float32(reals(8)), stride=(2, 2)),
            ["conv2d", "add"],
        ),
        (
            lambda b, x: b.fully_connected(x, b.constant("w", np.float32(reals(5, 288))), np.float32(reals(5))),
            ["reshape", "matmul", "add"],
        ),
        (lambda b, x: b.average_pool2d(x, (3, 3), padding="SAME", activation="RELU"), ["avg_pool2d", "relu"]),
        (lambda b, x: b.mean(x, [1, 2]), ["mean"]),
        (lambda b, x: b.softmax(x), ["softmax"]),
        (lambda b, x: b.mul(x, x, activation="RELU"), ["multiply", "relu"]),
        (lambda b, x: b.quantize(x, scale=0.01, zero_point=3), ["quantize"]),
    ],
)
def test_float_operators(tmp_path: Path, build: Build, form: list[str]) -> None:
    model = single(tmp_path, build, dtype="float32", scale=None)
    assert operators(model) == form
    assert steps_apart(model) <= 1e-5
