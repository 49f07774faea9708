"""Small models of one operator each, whose C is kept under golden/."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tvm_tiny.testing.tflite_builder import TFLiteBuilder

RNG_SEED = 7


def _real(*shape: int) -> np.ndarray:
    return np.random.default_rng(RNG_SEED).uniform(-1.0, 1.0, shape).astype(np.float32)


def _image(b: TFLiteBuilder, name: str = "x") -> object:
    return b.input(name, (1, 6, 5, 4), "int8", scale=0.05, zero_point=-3)


def conv2d() -> bytes:
    b = TFLiteBuilder()
    y = b.conv2d(
        _image(b), b.weights("w", _real(8, 3, 3, 4)), np.arange(8, dtype=np.int32), "y", scale=0.1, zero_point=5, activation="RELU"
    )
    return b.build([y])


def pointwise() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.conv2d(_image(b), b.weights("w", _real(8, 1, 1, 4)), None, "y", scale=0.1, zero_point=5)])


def depthwise_conv2d() -> bytes:
    b = TFLiteBuilder()
    weights = b.weights("w", _real(1, 3, 3, 4), axis=3)
    return b.build([b.depthwise_conv2d(_image(b), weights, None, "y", scale=0.1, zero_point=5, stride=(2, 2))])


def fully_connected() -> bytes:
    b = TFLiteBuilder()
    x = b.input("x", (1, 16), "int8", scale=0.05, zero_point=-3)
    return b.build([b.fully_connected(x, b.weights("w", _real(3, 16), axis=None), None, "y", scale=0.1, zero_point=5)])


def add() -> bytes:
    b = TFLiteBuilder()
    other = b.input("z", (1, 6, 5, 4), "int8", scale=0.02, zero_point=11)
    return b.build([b.add(_image(b), other, "y", scale=0.07, zero_point=2)])


def mul() -> bytes:
    b = TFLiteBuilder()
    other = b.input("z", (1, 6, 5, 4), "int8", scale=0.02, zero_point=11)
    return b.build([b.mul(_image(b), other, "y", scale=0.07, zero_point=2)])


def average_pool2d() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.average_pool2d(_image(b), (2, 2), "y")])


def max_pool2d() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.max_pool2d(_image(b), (2, 2), "y")])


def mean() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.mean(_image(b), (1, 2), "y", scale=0.05, zero_point=-3)])


def pad() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.pad(_image(b), ((0, 0), (1, 0), (0, 2), (0, 0)), "y")])


def concatenation() -> bytes:
    b = TFLiteBuilder()
    other = b.input("z", (1, 6, 5, 2), "int8", scale=0.05, zero_point=-3)
    return b.build([b.concatenation([_image(b), other], 3, "y")])


def softmax() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.softmax(b.input("x", (1, 10), "int8", scale=0.1, zero_point=3), "y")])


def logistic() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.logistic(_image(b), "y")])


def quantize() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.quantize(b.input("x", (1, 10), "float32"), "y", scale=0.1, zero_point=3)])


def dequantize() -> bytes:
    b = TFLiteBuilder()
    return b.build([b.dequantize(b.input("x", (1, 10), "int8", scale=0.1, zero_point=3), "y")])


LAYERS: dict[str, Callable[[], bytes]] = {
    each.__name__: each
    for each in (
        conv2d,
        pointwise,
        depthwise_conv2d,
        fully_connected,
        add,
        mul,
        average_pool2d,
        max_pool2d,
        mean,
        pad,
        concatenation,
        softmax,
        logistic,
        quantize,
        dequantize,
    )
}
