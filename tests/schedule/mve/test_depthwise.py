"""Depthwise convolutions on MVE, bit for bit what LiteRT's reference kernel computes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.schedule.mve.helpers import Layer, assert_equal_litert, per_channel
from tvm_tiny.api import Optimize
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord


def depthwise(
    shape: tuple[int, int, int, int], kernel: tuple[int, int] = (3, 3), *, multiplier: int = 1, x_zero: int = 7, **options: object
) -> Layer:
    """A depthwise convolution whose weights' scales are far apart."""

    def layer(b: TFLiteBuilder, name: str) -> TensorRecord:
        rng, channels = np.random.default_rng(4), shape[3] * multiplier
        x = b.input(f"{name}: x", shape, "int8", scale=0.04, zero_point=x_zero)
        weights = b.weights(f"{name}: w", per_channel(rng, (1, *kernel, channels), 3), axis=3)
        bias = rng.integers(-2000, 2000, channels).astype(np.int32)
        given = {"scale": 0.06, "zero_point": -11} | options
        return b.depthwise_conv2d(x, weights, bias, name, **given)  # type: ignore[arg-type]

    return layer


CASES = {
    "3x3": depthwise((1, 7, 6, 16)),
    "without padding": depthwise((1, 7, 6, 8), padding="VALID"),
    "strided": depthwise((1, 9, 8, 8), stride=(2, 2)),
    "strided, even size": depthwise((1, 8, 8, 4), stride=(2, 2)),
    "strides that differ": depthwise((1, 8, 9, 4), stride=(3, 1)),
    "stride beyond the kernel": depthwise((1, 12, 12, 4), (2, 2), stride=(3, 3)),
    "4x4": depthwise((1, 9, 9, 8), (4, 4)),
    "1x5": depthwise((1, 4, 9, 8), (1, 5)),
    "5x1": depthwise((1, 9, 4, 8), (5, 1)),
    "16x1": depthwise((1, 20, 3, 4), (16, 1)),
    "rows dilated": depthwise((1, 11, 5, 4), (3, 1), dilation=(3, 1)),
    "two channels": depthwise((1, 6, 5, 2)),
    "three channels": depthwise((1, 6, 5, 3)),
    "five channels": depthwise((1, 6, 5, 5)),
    "eight channels and some": depthwise((1, 6, 5, 11)),
    "sixteen channels and some": depthwise((1, 4, 5, 22)),
    "twenty-four channels and some": depthwise((1, 4, 5, 30)),
    "many channels": depthwise((1, 4, 3, 77)),
    "an odd number of pixels": depthwise((1, 3, 7, 4)),
    "many pixels": depthwise((1, 3, 71, 3)),
    "two images": depthwise((2, 5, 6, 6)),
    "two images, strided": depthwise((2, 7, 8, 6), stride=(2, 2)),
    "one row": depthwise((1, 1, 8, 4), (1, 3)),
    "lower than the kernel": depthwise((1, 2, 8, 4), (4, 3)),
    "relu": depthwise((1, 6, 5, 4), activation="RELU", zero_point=-128),
    "relu6": depthwise((1, 6, 5, 6), activation="RELU6", zero_point=-100, scale=0.02),
    "zero points at the ends": depthwise((1, 6, 5, 4), x_zero=-128, zero_point=127),
}
"""A row of outputs of a window of up to sixteen taps."""

OTHERS = {
    "one channel, which is a plain convolution": depthwise((3, 6, 5, 1), (2, 2)),
    "5x5": depthwise((1, 9, 9, 4), (5, 5)),
    "columns dilated": depthwise((1, 9, 9, 4), dilation=(2, 2)),
    "a multiplier of two": depthwise((1, 6, 5, 3), multiplier=2),
    "one column": depthwise((1, 8, 1, 4)),
}


TALL = {
    "3x3": depthwise((1, 25, 5, 16)),
    "outputs far apart": depthwise((1, 9, 5, 64)),
    "without padding": depthwise((1, 9, 6, 8), padding="VALID"),
    "strided": depthwise((1, 15, 8, 8), stride=(2, 2)),
    "strides that differ": depthwise((1, 17, 10, 4), stride=(1, 3)),
    "4x3": depthwise((1, 11, 5, 8), (4, 3)),
    "2x5": depthwise((1, 11, 5, 8), (2, 5)),
    "five channels": depthwise((1, 8, 5, 5)),
    "thirty channels": depthwise((1, 8, 3, 30)),
    "two images": depthwise((2, 9, 6, 6)),
    "relu6": depthwise((1, 9, 5, 6), activation="RELU6", zero_point=-100, scale=0.02),
    "zero points at the ends": depthwise((1, 9, 5, 4), x_zero=-128, zero_point=127),
}
"""More rows than columns."""


def test_whatever_is_chosen() -> None:
    compiled = assert_equal_litert(TALL, choices={"turned": 1})
    text = compiled.module.files["model.c"]
    assert text.count("tvm_tiny_mve_planes_turned(") == len(TALL)


@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_by_planes(optimize: Optimize) -> None:
    assert_equal_litert(CASES, "tvm_tiny_mve_depthwise", optimize=optimize)


def test_what_planes_do_not_fit() -> None:
    assert_equal_litert(OTHERS)
