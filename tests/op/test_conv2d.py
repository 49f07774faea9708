"""CONV_2D in int8, bit for bit what LiteRT's reference kernel computes: kernels, strides, dilations, paddings, activations."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import assert_equals, compile_tflite, float_reasons, outputs_of
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

RNG = np.random.default_rng(3)


def convolution(
    shape: tuple[int, int, int, int],
    filters: int,
    kernel: tuple[int, int],
    *,
    scale: float = 0.1,
    zero_point: int = -11,
    per_channel: bool = True,
    bias: bool = True,
    **options: object,
) -> bytes:
    """A model of one convolution of an input with zero point 7."""
    b = TFLiteBuilder()
    x = b.input("x", shape, "int8", scale=0.04, zero_point=7)
    real = RNG.normal(0, 0.5, (filters, *kernel, shape[3])).astype(np.float32)
    weights = b.weights("w", real, axis=0 if per_channel else None)
    values = RNG.integers(-2000, 2000, filters).astype(np.int32) if bias else np.zeros(filters, np.int32)
    return b.build([b.conv2d(x, weights, values, "y", scale=scale, zero_point=zero_point, **options)])  # type: ignore[arg-type]


CASES = {
    "3x3": convolution((1, 7, 6, 5), 8, (3, 3)),
    "3x3 without padding": convolution((1, 7, 6, 5), 8, (3, 3), padding="VALID"),
    "pointwise": convolution((1, 5, 5, 16), 24, (1, 1)),
    "pointwise of one pixel": convolution((1, 1, 1, 16), 7, (1, 1)),
    "strided": convolution((1, 9, 8, 4), 6, (3, 3), stride=(2, 2)),
    "strides that differ": convolution((1, 9, 8, 4), 6, (3, 3), stride=(2, 1)),
    "dilated": convolution((1, 9, 9, 4), 6, (3, 3), dilation=(2, 3)),
    "large kernel, one channel": convolution((1, 25, 10, 1), 8, (10, 4), stride=(2, 2)),
    "three channels": convolution((1, 8, 8, 3), 16, (3, 3), stride=(2, 2)),
    "one channel in and out": convolution((1, 5, 4, 1), 1, (2, 2)),
    "channels that fill no word": convolution((1, 4, 4, 6), 3, (3, 3)),
    "one row": convolution((1, 1, 12, 8), 4, (1, 5)),
    "one output row": convolution((1, 3, 6, 4), 2, (3, 3), padding="VALID"),
    "groups of four pixels": convolution((1, 6, 8, 8), 6, (3, 3)),
    "groups of four pixels, strided": convolution((1, 9, 16, 12), 4, (3, 2), stride=(2, 2)),
    "one column of taps": convolution((1, 6, 8, 4), 4, (3, 1)),
    "two images": convolution((2, 4, 4, 4), 6, (3, 3)),
    "one scale for all channels": convolution((1, 5, 5, 4), 6, (3, 3), per_channel=False),
    "no bias": convolution((1, 5, 5, 4), 6, (3, 3), bias=False),
    "relu": convolution((1, 5, 5, 4), 6, (3, 3), activation="RELU", zero_point=-128),
    "relu6": convolution((1, 5, 5, 4), 6, (3, 3), activation="RELU6", zero_point=-50),
    "a small output scale": convolution((1, 5, 5, 4), 6, (3, 3), scale=0.0007),
    "a deep sum": convolution((1, 4, 4, 96), 5, (3, 3), scale=2.0),
    "a large output scale": convolution((1, 5, 5, 4), 6, (3, 3), scale=30.0, zero_point=127),
}


@pytest.mark.parametrize("target", ["c", "cortex-m0", "cortex-m3", "cortex-m4"])
@pytest.mark.parametrize("case", CASES)
def test_equals_litert(case: str, target: str) -> None:
    compiled = compile_tflite(CASES[case], target=target)
    samples = random_inputs(compiled.inputs, 12, seed=1)
    reference = LiteRTReference(CASES[case])
    assert_equals(outputs_of(compiled, samples), [reference.run(sample) for sample in samples])


ON_THE_CORE = (
    "3x3",
    "pointwise",
    "three channels",
    "large kernel, one channel",
    "channels that fill no word",
    "groups of four pixels, strided",
)
ON_SCALAR_CORES = (*ON_THE_CORE, "pointwise of one pixel", "a deep sum", "a large output scale", "relu6")


@pytest.mark.parametrize(
    ("target", "board", "case"),
    [
        *(("cortex-m4", "mps2-an386", case) for case in ON_THE_CORE),
        *(("cortex-m3", "mps2-an385", case) for case in ON_SCALAR_CORES),
        *(("cortex-m0", "microbit-xl", case) for case in ON_SCALAR_CORES),
    ],
)
def test_equals_litert_on_the_emulated_core(target: str, board: str, case: str) -> None:
    compiled = compile_tflite(CASES[case], target=target)
    samples = random_inputs(compiled.inputs, 12, seed=2)
    reference = LiteRTReference(CASES[case])
    assert_equals(compiled.run(samples, board=board).outputs, [reference.run(sample) for sample in samples])


def test_counts_its_multiply_accumulates() -> None:
    compiled = compile_tflite(convolution((1, 7, 6, 5), 8, (3, 3), padding="VALID"))
    assert compiled.report["macs"] == 5 * 4 * 8 * 3 * 3 * 5
    assert float_reasons(compiled) == {}
