"""Matrix products over gathered columns on SMLAD, bit for bit what the reference kernels compute."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from .products import M4, M33, assert_equals_litert, assert_equals_onnxruntime, connected, convolution, onnx_convolution

CASES = {
    "pointwise": convolution((1, 4, 5, 32), 8),
    "an odd number of channels": convolution((1, 3, 4, 16), 5),
    "one channel": convolution((1, 3, 4, 16), 1),
    "a depth that fills no word": convolution((1, 3, 5, 7), 6),
    "a depth of two words and one": convolution((1, 3, 3, 9), 4),
    "many words": convolution((1, 1, 4, 148), 4),
    "pixels that fill no group": convolution((1, 1, 7, 8), 4),
    "three pixels": convolution((1, 1, 3, 8), 4),
    "two images": convolution((2, 2, 2, 12), 6),
    "strided": convolution((1, 6, 7, 12), 6, stride=(2, 2)),
    "a batch": connected(20, 6, batch=5),
    "one scale for all channels": convolution((1, 4, 4, 24), 8, per_channel=False),
    "zero points at the ends": convolution((1, 4, 4, 24), 8, x_zero=-128, zero_point=127),
    "relu": convolution((1, 4, 4, 24), 6, activation="RELU", zero_point=-60),
    "relu6": convolution((1, 4, 4, 24), 6, activation="RELU6", zero_point=-50, scale=0.03),
    "an output that saturates": convolution((1, 4, 4, 24), 8, scale=0.0007),
    "a first layer of one channel": convolution((1, 13, 10, 1), 8, (10, 4), stride=(2, 2)),
    "a first layer of three channels": convolution((1, 10, 9, 3), 8, (3, 3), stride=(2, 2)),
    "3x3 with dilation": convolution((1, 9, 9, 4), 6, (3, 3), dilation=(2, 2)),
    "rows of no multiple of four": convolution((1, 5, 6, 8), 4, (3, 3)),
    "lowest weights": convolution((1, 4, 4, 24), 8, lowest=-128),
    "lowest weights, a window": convolution((1, 5, 6, 6), 5, (3, 3), lowest=-128),
}


# More than an eighth of their blocks would be zeros: they take the scalar form.
SCALAR = {
    "a depth of two words and one",
    "a depth that fills no word",
    "an odd number of channels",
    "lowest weights, a window",
    "many words",
    "one channel",
}


@pytest.mark.parametrize("board", [M4, M33])
def test_equals_litert(board: str) -> None:
    assert_equals_litert(CASES, "tvm_tiny_dot_3x2", board=board, scalar=SCALAR)


@pytest.mark.parametrize(("filters", "scalar"), [(1, {""}), (7, {""}), (9, ()), (8, ())])
def test_equals_onnxruntime(filters: int, scalar: Collection[str]) -> None:
    assert_equals_onnxruntime(onnx_convolution((1, 12, 3, 5), filters), "tvm_tiny_dot_3x2", scalar=scalar)
