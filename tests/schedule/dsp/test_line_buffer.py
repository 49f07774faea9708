"""Convolutions over widened rows on SMLAD, bit for bit what the reference kernels compute, in little memory."""

from __future__ import annotations

import pytest

from tvm_tiny.schedule.dsp.gemm import Window
from tvm_tiny.schedule.dsp.line_buffer import STRIP_BYTES, pixels_at_once

from .products import (
    M4,
    M33,
    assert_equals_litert,
    assert_equals_onnxruntime,
    convolution,
    onnx_convolution,
    scratch_bytes,
)

CASES = {
    "3x3": convolution((1, 5, 8, 8), 4, (3, 3)),
    "without padding": convolution((1, 5, 10, 8), 4, (3, 3), padding="VALID"),
    "strided": convolution((1, 9, 16, 8), 4, (3, 3), stride=(2, 2)),
    "strided, without padding": convolution((1, 9, 17, 4), 6, (3, 3), stride=(2, 2), padding="VALID"),
    "several strips": convolution((1, 4, 32, 16), 4, (3, 3)),
    "strips of four pixels": convolution((1, 4, 8, 64), 2, (3, 3)),
    "3x1": convolution((1, 6, 4, 8), 4, (3, 1)),
    "5x5": convolution((1, 7, 8, 4), 4, (5, 5)),
    "strides that differ": convolution((1, 9, 8, 4), 6, (3, 3), stride=(2, 1)),
    "one scale for all channels": convolution((1, 4, 8, 8), 4, (3, 3), per_channel=False),
    "zero points at the ends": convolution((1, 4, 8, 8), 4, (3, 3), x_zero=-128, zero_point=127),
    "relu6": convolution((1, 4, 8, 8), 4, (3, 3), activation="RELU6", zero_point=-50, scale=0.03),
    "an output that saturates": convolution((1, 4, 8, 8), 4, (3, 3), scale=0.0007),
    "lowest weights": convolution((1, 5, 8, 8), 4, (3, 3), lowest=-128),
    "lowest weights, several strips": convolution((1, 4, 32, 16), 4, (3, 3), lowest=-128),
}


@pytest.mark.parametrize("board", [M4, M33])
def test_equals_litert(board: str) -> None:
    assert_equals_litert(CASES, "tvm_tiny_dot_rows_4x2", board=board)


def test_equals_onnxruntime() -> None:
    assert_equals_onnxruntime(onnx_convolution((1, 8, 5, 8), 4, (3, 3), (1, 1, 1, 1)), "tvm_tiny_dot_rows_4x2")


def window(columns: int, channels: int, stride: int = 1) -> Window:
    return Window((1, 8, columns * stride, channels), 8, columns, (3, 3), (1, stride), (1, 1), 1, 1, True, 0)


@pytest.mark.parametrize(
    ("shape", "pixels"),
    [
        (window(32, 16), 8),  # 2 bytes * 3 rows * 10 columns * 16 channels = 960
        (window(32, 4), 32),  # 816: the whole row
        (window(16, 16, stride=2), 4),  # 864; 8 pixels would take 1,632
        (window(24, 8), 12),  # 672, because 16 do not divide 24
        (window(8, 64), 4),  # the least there is
    ],
)
def test_a_strip_is_as_long_as_its_memory_allows(shape: Window, pixels: int) -> None:
    assert pixels_at_once(shape, STRIP_BYTES) == pixels


def test_a_layer_takes_no_more_than_a_strip() -> None:
    assert 0 < scratch_bytes(convolution((1, 32, 32, 16), 16, (3, 3))) <= STRIP_BYTES
