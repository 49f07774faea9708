"""Depthwise convolutions by planes on SMLAD, bit for bit what the reference kernels compute, in little memory."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_tiny.op.conv2d import Conv2dAttrs
from tvm_tiny.op.depthwise_conv2d import DEPTHWISE_CONV2D
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule.dsp.depthwise import DEPTHWISE, plane_of
from tvm_tiny.schedule.overlap import overlaps_of
from tvm_tiny.target import get_core
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_graph import TensorRecord

from .products import M4, M33, Layer, assert_equals_litert, assert_equals_onnxruntime, scales, stored_weights


def depthwise(
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int] = (3, 3),
    *,
    multiplier: int = 1,
    x_zero: int = 7,
    weights: int | None = None,
    **options: object,
) -> Layer:
    """With a ReLU unless told otherwise, as most networks have it; ``weights``: all of them are this number."""

    def add(b: TFLiteBuilder, name: str) -> TensorRecord:
        channels = shape[3] * multiplier
        rng = np.random.default_rng(channels)
        x = b.input(f"x {name}", shape, "int8", scale=0.04, zero_point=x_zero)
        stored = stored_weights(rng, (1, *kernel, channels), -128)
        if weights is not None:
            stored[:] = weights
        w = b.constant(f"w {name}", stored, scales(rng, channels, True), axis=3)
        bias = rng.integers(-3000, 3000, channels).astype(np.int32)
        given = {"scale": 0.02, "zero_point": -128, "activation": "RELU"} | options
        return b.depthwise_conv2d(x, w, bias, f"y {name}", **given)  # type: ignore[arg-type]

    return add


STRIDE_1 = {
    "3x3": depthwise((1, 7, 6, 8)),
    "two channels": depthwise((1, 5, 4, 2)),
    "three channels": depthwise((1, 5, 4, 3)),
    "four channels": depthwise((1, 4, 5, 4)),
    "seven channels": depthwise((1, 6, 7, 7)),
    "sixteen channels": depthwise((1, 3, 8, 16)),
    **{f"{width} columns": depthwise((1, 3, width, 2)) for width in range(2, 16)},
    **{f"{height} rows": depthwise((1, height, 40, 2)) for height in (1, 2, 7, 8, 9, 10, 15, 16, 17, 18, 25)},
    "along the columns": depthwise((1, 25, 5, 4)),
    "along the columns, eight of them": depthwise((1, 27, 8, 2)),
    "more rows than columns, both many": depthwise((1, 30, 14, 2)),
    "two images": depthwise((2, 13, 9, 3)),
    "a multiplier of three": depthwise((1, 6, 5, 2), multiplier=3),
    "highest weights": depthwise((1, 6, 6, 2), weights=127),
    "lowest weights": depthwise((1, 6, 6, 2), weights=-128),
    "a zero point at the end": depthwise((1, 5, 6, 3), x_zero=-128),
    "negative outputs": depthwise((1, 14, 9, 3), zero_point=-11, activation="NONE"),
    "negative outputs, two images along the columns": depthwise((2, 14, 3, 3), zero_point=-11, activation="NONE"),
    "relu6": depthwise((1, 15, 6, 4), activation="RELU6", zero_point=-50, scale=0.05),
    "an output that saturates": depthwise((1, 5, 6, 3), scale=0.0007),
    "a coarse output": depthwise((1, 5, 6, 3), scale=0.5),
}

STRIDE_2 = {
    "even size": depthwise((1, 8, 8, 4), stride=(2, 2)),
    "odd size": depthwise((1, 9, 11, 3), stride=(2, 2)),
    "odd width": depthwise((1, 8, 7, 8), stride=(2, 2)),
    "without padding": depthwise((1, 9, 8, 7), stride=(2, 2), padding="VALID"),
    "without padding, odd": depthwise((1, 8, 9, 2), stride=(2, 2), padding="VALID"),
    **{f"{width} columns": depthwise((1, 5, width, 2), stride=(2, 2)) for width in range(3, 31)},
    **{f"{height} rows": depthwise((1, height, 21, 2), stride=(2, 2)) for height in (1, 2, 7, 8, 9, 10, 15, 16, 17, 33)},
    "along the columns": depthwise((1, 20, 5, 3), stride=(2, 2)),
    "more rows than columns": depthwise((1, 40, 18, 2), stride=(2, 2)),
    "two images": depthwise((2, 18, 10, 3), stride=(2, 2)),
    "a multiplier of two": depthwise((1, 6, 9, 2), stride=(2, 2), multiplier=2),
    "highest weights": depthwise((1, 6, 6, 2), stride=(2, 2), weights=127),
    "lowest weights": depthwise((1, 6, 6, 2), stride=(2, 2), weights=-128),
    "negative outputs": depthwise((1, 14, 9, 3), stride=(2, 2), zero_point=-11, activation="NONE"),
    "negative outputs along the columns": depthwise((1, 21, 6, 3), stride=(2, 2), zero_point=-11, activation="NONE"),
    "relu6": depthwise((1, 19, 6, 4), stride=(2, 2), activation="RELU6", zero_point=-50, scale=0.05),
}

OTHERS = {
    "5x5": depthwise((1, 9, 9, 4), (5, 5)),
    "1x5": depthwise((1, 4, 9, 3), (1, 5)),
    "5x1": depthwise((1, 9, 4, 3), (5, 1)),
    "3x3 without padding": depthwise((1, 7, 6, 8), padding="VALID"),
    "strides that differ": depthwise((1, 8, 9, 4), stride=(2, 1)),
    "stride 3": depthwise((1, 10, 9, 4), stride=(3, 3)),
    "dilated": depthwise((1, 9, 9, 4), dilation=(2, 2)),
    "one column": depthwise((1, 8, 1, 4)),
    "one channel, which is a plain convolution": depthwise((1, 5, 4, 1)),
}


@pytest.mark.parametrize("board", [M4, M33])
def test_stride_1(board: str) -> None:
    assert_equals_litert(STRIDE_1, "tvm_tiny_depthwise_plane_s1", board=board)


@pytest.mark.parametrize("board", [M4, M33])
def test_stride_2(board: str) -> None:
    assert_equals_litert(STRIDE_2, "tvm_tiny_depthwise_plane_s2", board=board)


def test_what_planes_do_not_fit() -> None:
    assert_equals_litert(OTHERS)


@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (0, 0, 0, 0), (2, 1, 0, 2), (1, 2, 2, 0)])
def test_paddings_of_onnx_with_stride_2(pads: tuple[int, int, int, int]) -> None:
    b, rng = OnnxBuilder(), np.random.default_rng(3)
    x = b.input("x", (1, 5, 11, 10), scale=0.04, zero_point=7)
    stored = stored_weights(rng, (5, 1, 3, 3), -128)
    weights = b.quantized_constant("w", stored, np.asarray(scales(rng, 5, True), np.float32))
    bias = rng.integers(-3000, 3000, 5).astype(np.int32)
    y = b.conv(x, weights, bias, "y", scale=0.05, zero_point=-11, pads=pads, strides=(2, 2), group=5)
    assert_equals_onnxruntime(b.build([y]), "tvm_tiny_depthwise_plane_s2")


def node(shape: tuple[int, int, int, int], stride: int) -> Node:
    """With TFLite's padding "SAME"; small weights."""
    _, height, width, channels = shape
    total = [max((-(-size // stride) - 1) * stride + 3 - size, 0) for size in (height, width)]
    padding = (total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2)
    attrs = Conv2dAttrs((stride, stride), padding, (1, 1), -128, -128, -128, 127, "double")
    weight = np.arange(9 * channels, dtype=np.int8).reshape(3, 3, channels)
    inputs = (Value(shape, "int8"), weight, np.zeros(channels, np.int32), np.full(channels, 0.004))
    return Node(DEPTHWISE_CONV2D, attrs, inputs, DEPTHWISE_CONV2D.infer(inputs, attrs))


@pytest.mark.parametrize(
    ("shape", "stride", "nbytes"),
    [
        ((1, 25, 5, 2), 1, 4 * (24 * 5 + 4)),  # along the columns, one band of five
        ((1, 48, 48, 2), 1, 4 * 48 * 5),
        ((1, 6, 6, 2), 1, 4 * (5 * 5 + 4)),
        ((1, 48, 48, 2), 2, 4 * 25 * 9),
        ((1, 6, 6, 2), 2, 4 * (3 * 9 + 7)),
    ],
)
def test_memory_of_a_plane(shape: tuple[int, int, int, int], stride: int, nbytes: int) -> None:
    assert 4 * plane_of(node(shape, stride)).words == nbytes


@pytest.mark.parametrize("shape", [(1, 25, 5, 2), (1, 30, 30, 2), (2, 48, 20, 3), (1, 6, 7, 5)])
@pytest.mark.parametrize("stride", [1, 2])
def test_the_output_may_lie_over_the_input(shape: tuple[int, int, int, int], stride: int) -> None:
    """As the blocks tell it; several images or bands among them."""
    func = DEPTHWISE.build(node(shape, stride), get_core("cortex-m4")).func
    (overlap,) = overlaps_of(func, ("x",), ("y",))
    assert overlap.same or (shape[0] > 1 and stride == 2)
