"""Convolutions and fully connected layers as matrix products on MVE, bit for bit what LiteRT's reference kernels compute."""

from __future__ import annotations

import numpy as np
import pytest

import tvm_tiny
from tests.schedule.mve.helpers import Layer, assert_equal_litert, decided, model_of, per_channel
from tvm_tiny.api import Optimize
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord


def convolution(
    shape: tuple[int, int, int, int], filters: int, kernel: tuple[int, int] = (1, 1), *, x_zero: int = 7, **options: object
) -> Layer:
    """A convolution whose weights' scales are far apart."""

    def layer(b: TFLiteBuilder, name: str) -> TensorRecord:
        rng = np.random.default_rng(3)
        x = b.input(f"{name}: x", shape, "int8", scale=0.04, zero_point=x_zero)
        weights = b.weights(f"{name}: w", per_channel(rng, (filters, *kernel, shape[3]), 0), axis=0)
        bias = rng.integers(-2000, 2000, filters).astype(np.int32)
        given = {"scale": 0.1, "zero_point": -11} | options
        return b.conv2d(x, weights, bias, name, **given)  # type: ignore[arg-type]

    return layer


def fully_connected(depth: int, units: int, *, batch: int = 1, **options: object) -> Layer:
    def layer(b: TFLiteBuilder, name: str) -> TensorRecord:
        rng = np.random.default_rng(5)
        x = b.input(f"{name}: x", (batch, depth), "int8", scale=0.04, zero_point=7)
        weights = b.weights(f"{name}: w", rng.normal(0, 0.3, (units, depth)).astype(np.float32), axis=None)
        bias = rng.integers(-3000, 3000, units).astype(np.int32)
        given = {"scale": 0.07, "zero_point": -11} | options
        return b.fully_connected(x, weights, bias, name, **given)  # type: ignore[arg-type]

    return layer


POINTWISE = {
    "whole vectors": convolution((1, 4, 5, 32), 8),
    "a depth below a vector": convolution((1, 3, 5, 7), 8),
    "one channel in and out": convolution((1, 3, 3, 1), 1),
    "a depth of a vector and some": convolution((1, 3, 5, 19), 8),
    "nine vectors": convolution((1, 2, 3, 144), 4),
    "vectors that no unrolling divides": convolution((1, 2, 3, 23 * 16 + 1), 4),
    "one channel left": convolution((1, 3, 4, 16), 5),
    "two channels left": convolution((1, 3, 4, 20), 6),
    "three channels left": convolution((1, 3, 4, 24), 7),
    "three channels in all": convolution((1, 3, 4, 40), 3),
    "pixels beyond a block": convolution((1, 7, 11, 8), 4),
    "a prime number of pixels": convolution((1, 1, 37, 8), 5),
    "two images": convolution((2, 3, 3, 12), 6),
    "strided": convolution((1, 6, 7, 12), 6, stride=(2, 2)),
    "strided, two images": convolution((2, 5, 6, 12), 6, stride=(2, 3)),
    "one pixel": convolution((1, 1, 1, 40), 24),
    "one pixel, channels left": convolution((1, 1, 1, 17), 13),
    "relu": convolution((1, 4, 4, 24), 8, activation="RELU", zero_point=-128),
    "relu above the lowest value": convolution((1, 4, 4, 24), 6, activation="RELU", zero_point=-60),
    "relu6": convolution((1, 4, 4, 24), 6, activation="RELU6", zero_point=-50, scale=0.03),
    "negative outputs, two channels left": convolution((1, 4, 4, 24), 6, zero_point=40),
    "lowest zero points": convolution((1, 4, 4, 24), 8, x_zero=-128, zero_point=-128),
    "highest zero points": convolution((1, 4, 4, 24), 8, x_zero=127, zero_point=127),
    "a small output scale": convolution((1, 4, 4, 24), 8, scale=0.0007),
    "a large output scale": convolution((1, 4, 4, 24), 8, scale=30.0),
}
WINDOWS = {
    "3x3": convolution((1, 6, 7, 16), 8, (3, 3)),
    "3x3 without padding": convolution((1, 6, 7, 16), 8, (3, 3), padding="VALID"),
    "strided": convolution((1, 8, 9, 6), 8, (3, 3), stride=(2, 2)),
    "strides that differ": convolution((1, 9, 8, 4), 6, (3, 3), stride=(2, 1)),
    "first layer of one channel": convolution((1, 25, 10, 1), 8, (10, 4), stride=(2, 2)),
    "first layer of three channels": convolution((1, 10, 12, 3), 8, (3, 3), stride=(2, 2)),
    "channels of no vector": convolution((1, 5, 6, 21), 5, (3, 3)),
    "columns wider than a scatter": convolution((1, 60, 6, 5), 4, (55, 2)),
    "rows dilated": convolution((1, 9, 6, 4), 6, (3, 1), dilation=(2, 1)),
    "one row": convolution((1, 1, 12, 8), 4, (1, 5)),
    "one column": convolution((1, 12, 1, 8), 4, (5, 1)),
    "taller than the image": convolution((1, 2, 6, 4), 4, (5, 3)),
    "wider than the image": convolution((1, 6, 2, 4), 4, (3, 5)),
    "1x3 without padding": convolution((1, 3, 8, 20), 4, (1, 3), padding="VALID"),
    "3x1 without padding": convolution((1, 6, 5, 20), 4, (3, 1), padding="VALID"),
    "whole image": convolution((1, 5, 4, 12), 20, (5, 4), padding="VALID"),
    "two images": convolution((2, 5, 4, 8), 6, (3, 3)),
    "many columns": convolution((1, 3, 70, 3), 4, (3, 3)),
    "padding at both ends of the range": convolution((1, 4, 4, 6), 6, (3, 3), x_zero=-128, zero_point=127),
}
CONNECTED = {
    "a plain one": fully_connected(64, 16),
    "wide": fully_connected(640, 128),
    "one unit": fully_connected(16, 1),
    "units that fill no block": fully_connected(32, 10),
    "a depth that fills no vector": fully_connected(33, 8),
    "a small depth": fully_connected(3, 5),
    "a batch": fully_connected(20, 6, batch=5),
    "relu": fully_connected(20, 8, activation="RELU", zero_point=-128),
    "negative outputs held": fully_connected(48, 21, activation="RELU_N1_TO_1", zero_point=3),
}


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("layers", [POINTWISE, WINDOWS, CONNECTED], ids=["pointwise", "windows", "fully connected"])
def test_equal_litert(layers: dict[str, Layer], optimize: Optimize) -> None:
    assert_equal_litert(layers, "tvm_tiny_mve_dot", optimize=optimize)


@pytest.mark.parametrize("choices", [{"pipelined": 1}, {"pipelined": 1, "pixels": 32, "steps": 18}, {"pixels": 64}], ids=str)
@pytest.mark.parametrize("layers", [POINTWISE, WINDOWS], ids=["pointwise", "windows"])
def test_whatever_is_chosen(layers: dict[str, Layer], choices: dict[str, int]) -> None:
    compiled = assert_equal_litert(layers, "tvm_tiny_mve_dot", choices=choices)
    assert ("tvm_tiny_mve_dot_pipelined(" in compiled.module.files["model.c"]) == ("pipelined" in choices)


def test_the_first_values_are_what_is_built_without_a_choice() -> None:
    model = load_tflite(model_of(POINTWISE), "model", "model.tflite")
    texts = []
    for choices in ({}, {"pipelined": 0, "pixels": 16, "steps": 9}):
        with decided(choices):
            texts.append(tvm_tiny.compile(model, target="cortex-m55").module.files["model.c"])
    assert texts[0] == texts[1]


def test_columns_with_gaps_between_them_have_another_form() -> None:
    assert_equal_litert({"dilated": convolution((1, 9, 9, 4), 6, (3, 3), dilation=(2, 2))})
