"""Fully connected layers on SMLAD, bit for bit what the reference kernels compute, with no memory of their own."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from tvm_tiny.schedule.dsp.dense import channels_at_once

from .products import (
    M4,
    M33,
    Layer,
    assert_equals_litert,
    assert_equals_onnxruntime,
    compiled_for,
    connected,
    convolution,
    onnx_gemm,
    scratch_bytes,
)

FUNCTIONS = [f"tvm_tiny_dense_{sign}8x{channels}" for sign in "su" for channels in (4, 8)]
CASES = {
    "a plain one": connected(64, 16),
    "eight words and some": connected(4 * 19, 8),
    "fewer than eight words": connected(20, 8),
    "two words": connected(8, 24),
    "a depth that fills no word": connected(33, 8),
    "five inputs": connected(5, 3),
    "channels left": connected(32, 21),
    "half a block": connected(32, 12),
    "one channel": connected(32, 1),
    "two rows": connected(24, 8, batch=2),
    "two rows of no whole word": connected(23, 10, batch=2),
    "a scale for each channel": connected(40, 16, per_channel=True),
    "zero points at the ends": connected(40, 8, x_zero=-128, zero_point=127),
    "relu": connected(40, 8, activation="RELU", zero_point=-128),
    "relu, held": connected(48, 21, activation="RELU_N1_TO_1", zero_point=3),
    "an output that saturates": connected(40, 8, scale=0.0007),
    "a window of the whole image": convolution((1, 3, 3, 4), 8, (3, 3), padding="VALID"),
    "padded windows of two pixels": convolution((1, 2, 3, 3), 6, (3, 3), stride=(2, 2)),
    "one pixel": convolution((1, 1, 1, 40), 24),
    "lowest weights": connected(64, 8, lowest=-128),
    "lowest weights, two rows of no whole word": connected(61, 10, batch=2, lowest=-128),
}


# More than an eighth of their blocks would be zeros: they take the scalar form.
SCALAR = {
    "five inputs",
    "channels left",
    "one channel",
    "two rows of no whole word",
    "relu, held",
    "padded windows of two pixels",
    "lowest weights, two rows of no whole word",
}


@pytest.mark.parametrize("board", [M4, M33])
def test_equals_litert(board: str) -> None:
    assert_equals_litert(CASES, *FUNCTIONS, board=board, scalar=SCALAR)


@pytest.mark.parametrize(("lowest", "function"), [(-127, "tvm_tiny_dense_s8x8"), (-128, "tvm_tiny_dense_u8x8")])
def test_the_form_follows_from_the_weights(lowest: int, function: str) -> None:
    assert f"{function}(" in compiled_for({"": connected(64, 8, lowest=lowest)}).module.files["model.c"]


@pytest.mark.parametrize(("units", "scalar"), [(1, {""}), (15, ()), (16, ())])
def test_equals_onnxruntime(units: int, scalar: Collection[str]) -> None:
    assert_equals_onnxruntime(onnx_gemm(64, units), *FUNCTIONS, scalar=scalar)


@pytest.mark.parametrize("layer", [connected(640, 128), connected(8, 128), connected(16, 4, batch=2)])
def test_takes_no_memory(layer: Layer) -> None:
    assert scratch_bytes(layer) == 0


@pytest.mark.parametrize(
    ("channels", "blocks"),
    [(1, (1, 4)), (4, (1, 4)), (5, (1, 8)), (8, (1, 8)), (10, (1, 4)), (12, (1, 4)), (13, (2, 8)), (24, (1, 8)), (128, (2, 8))],
)
def test_a_block_is_at_most_half_empty(channels: int, blocks: tuple[int, int]) -> None:
    assert channels_at_once(channels) == blocks
    assert -channels % (blocks[0] * blocks[1]) <= 3
