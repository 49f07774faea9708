"""Pointwise convolutions of eight inputs, bit for bit what the reference kernels compute."""

from __future__ import annotations

import numpy as np
import pytest

from tvm_tiny.schedule.implementation import Decision

from .products import M4, M7, M33, assert_equals_litert, compiled_for, convolution

RELU = {"zero_point": -128}
"""Outputs below the zero point saturate: requantised in two instructions."""

CASES = {
    "one call": convolution((1, 2, 4, 8), 8, **RELU),  # type: ignore[arg-type]
    "several calls": convolution((1, 6, 8, 8), 16, **RELU),  # type: ignore[arg-type]
    "one turn of the loop": convolution((1, 4, 4, 8), 4, **RELU),  # type: ignore[arg-type]
    "three turns": convolution((1, 4, 4, 8), 12, **RELU),  # type: ignore[arg-type]
    "two images": convolution((2, 3, 4, 8), 20, **RELU),  # type: ignore[arg-type]
    "one scale for all channels": convolution((1, 4, 4, 8), 24, per_channel=False, **RELU),  # type: ignore[arg-type]
    "inputs from zero on": convolution((1, 4, 4, 8), 28, x_zero=-128, **RELU),  # type: ignore[arg-type]
    "inputs to zero": convolution((1, 4, 4, 8), 32, x_zero=127, **RELU),  # type: ignore[arg-type]
    "outputs that saturate": convolution((1, 4, 4, 8), 36, scale=0.02, **RELU),  # type: ignore[arg-type]
}
OTHERS = {
    "two channels more": convolution((1, 2, 4, 8), 6, **RELU),  # type: ignore[arg-type]
    "twelve pixels": convolution((1, 3, 4, 8), 8, **RELU),  # type: ignore[arg-type]
    "strided": convolution((1, 8, 8, 8), 8, stride=(2, 2), **RELU),  # type: ignore[arg-type]
    "seven inputs": convolution((1, 2, 4, 7), 8, **RELU),  # type: ignore[arg-type]
    "lowest weights": convolution((1, 2, 4, 8), 64, lowest=-128, **RELU),  # type: ignore[arg-type]
    "outputs below the zero point": convolution((1, 2, 4, 8), 8),
    "a smaller scale": convolution((1, 4, 4, 8), 36, scale=0.005, **RELU),  # type: ignore[arg-type]
    "other limits": convolution((1, 2, 4, 8), 8, activation="RELU6", zero_point=-50, scale=0.03),
}


@pytest.mark.parametrize("board", [M4, M7, M33])
def test_equals_litert(board: str) -> None:
    assert_equals_litert(CASES, "tvm_tiny_shallow", board=board)


def test_others() -> None:
    assert_equals_litert(OTHERS, "tvm_tiny_shallow", scalar=OTHERS)


def test_takes_three_quarters_of_the_cycles_of_a_matrix_product() -> None:
    layers = {"layer": convolution((1, 24, 24, 8), 16, **RELU)}  # type: ignore[arg-type]
    sample = {"x layer": np.zeros((1, 24, 24, 8), np.int8)}
    shallow, product = (
        compiled_for(layers, decision=decision).run(sample, board=M4).report["cycles"] for decision in (None, Decision("gemm", {}))
    )
    assert shallow < 0.76 * product
