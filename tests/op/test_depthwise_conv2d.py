"""DEPTHWISE_CONV_2D in int8, bit for bit what LiteRT's reference kernel computes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import assert_equals, compile_tflite, outputs_of
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

RNG = np.random.default_rng(4)


def depthwise(
    shape: tuple[int, int, int, int], kernel: tuple[int, int], *, multiplier: int = 1, zero_point: int = -11, **options: object
) -> bytes:
    """A model of one depthwise convolution of an input with zero point 7."""
    b = TFLiteBuilder()
    x = b.input("x", shape, "int8", scale=0.04, zero_point=7)
    channels = shape[3] * multiplier
    weights = b.weights("w", RNG.normal(0, 0.5, (1, *kernel, channels)).astype(np.float32), axis=3)
    bias = RNG.integers(-2000, 2000, channels).astype(np.int32)
    return b.build([b.depthwise_conv2d(x, weights, bias, "y", scale=0.06, zero_point=zero_point, **options)])  # type: ignore[arg-type]


CASES = {
    "3x3": depthwise((1, 7, 6, 8), (3, 3)),
    "3x3 without padding": depthwise((1, 7, 6, 8), (3, 3), padding="VALID"),
    "strided": depthwise((1, 9, 8, 8), (3, 3), stride=(2, 2)),
    "strided, even size": depthwise((1, 8, 8, 4), (3, 3), stride=(2, 2)),
    "5x5": depthwise((1, 9, 9, 4), (5, 5)),
    "dilated": depthwise((1, 9, 9, 4), (3, 3), dilation=(2, 2)),
    "a multiplier of two": depthwise((1, 6, 5, 3), (3, 3), multiplier=2),
    "channels that fill no word": depthwise((1, 6, 5, 5), (3, 3)),
    "one channel": depthwise((1, 6, 5, 1), (3, 3)),
    "one column": depthwise((1, 8, 1, 4), (3, 3)),
    "one row": depthwise((1, 1, 8, 4), (1, 3)),
    "several strips": depthwise((1, 48, 44, 2), (3, 3)),
    "several strips, strided": depthwise((1, 48, 44, 2), (3, 3), stride=(2, 2)),
    "two images": depthwise((2, 6, 9, 3), (3, 3)),
    "relu6": depthwise((1, 6, 5, 4), (3, 3), activation="RELU6", zero_point=-128),
}


@pytest.mark.parametrize("target", ["c", "cortex-m0", "cortex-m3", "cortex-m4"])
@pytest.mark.parametrize("case", CASES)
def test_equals_litert(case: str, target: str) -> None:
    compiled = compile_tflite(CASES[case], target=target)
    samples = random_inputs(compiled.inputs, 12, seed=1)
    reference = LiteRTReference(CASES[case])
    assert_equals(outputs_of(compiled, samples), [reference.run(sample) for sample in samples])


@pytest.mark.parametrize(
    ("target", "board"), [("cortex-m4", "mps2-an386"), ("cortex-m3", "mps2-an385"), ("cortex-m0", "microbit-xl")]
)
@pytest.mark.parametrize("case", ["3x3", "strided", "5x5", "a multiplier of two", "several strips", "two images"])
def test_equals_litert_on_the_emulated_core(case: str, target: str, board: str) -> None:
    compiled = compile_tflite(CASES[case], target=target)
    samples = random_inputs(compiled.inputs, 12, seed=2)
    reference = LiteRTReference(CASES[case])
    assert_equals(compiled.run(samples, board=board).outputs, [reference.run(sample) for sample in samples])
