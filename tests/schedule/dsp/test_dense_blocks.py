"""Fully connected layers whose kernel computes all outputs of a row, bit for bit what the reference kernels compute."""

from __future__ import annotations

import pytest

from tvm_tiny.schedule.implementation import Decision

from .products import M4, M7, M33, assert_equals_litert, compiled_for, connected, convolution

CASES = {
    "one turn of the loop": connected(32, 8),
    "two words": connected(8, 16),
    "nine words, three blocks": connected(36, 24),
    "two turns": connected(128, 32),
    "a turn and three words": connected(76, 8, zero_point=3),
    "two rows": connected(40, 40, batch=2),
    "zero points at the ends": connected(16, 48, x_zero=-128, zero_point=127),
    "as after a relu": connected(16, 56, zero_point=-128),
    "a scale for each channel": connected(16, 64, per_channel=True),
    "convolution of one pixel": convolution((1, 1, 1, 16), 72),
}
OTHERS = {
    "nine channels": connected(16, 9),
    "inputs that fill no words": connected(18, 16),
    "lowest weights": connected(64, 16, lowest=-128),
    "other limits": connected(16, 16, activation="RELU6", zero_point=-50, scale=0.03),
}


@pytest.mark.parametrize(("board", "loads"), [(M4, "together"), (M7, "between"), (M33, "together")])
def test_equals_litert(board: str, loads: str) -> None:
    decision = Decision("dense blocks", {"loads": int(loads == "between")})
    assert_equals_litert(CASES, f"tvm_tiny_dense_blocks_{loads}", board=board, decision=decision)


def test_others_are_left_to_the_default() -> None:
    compiled = compiled_for(OTHERS, decision=Decision("dense blocks", {"loads": 0}))
    assert {layer.schedule for layer in compiled.module.layers} == {"default"}
