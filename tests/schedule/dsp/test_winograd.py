"""Convolutions by Winograd's minimal filtering, bit for bit what the reference kernels compute."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.op.helpers import assert_equals, random_samples
from tvm_tiny.schedule.dsp.loads import ORDERS
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.testing.litert_reference import LiteRTReference

from .products import M4, M7, M33, assert_equals_litert, compiled_for, convolution, model_of

CASES = {
    "four rows of a tile": convolution((1, 4, 4, 16), 4, (3, 3)),
    "two tiles to a row": convolution((1, 6, 8, 32), 6, (3, 3)),
    "three tiles to a row": convolution((1, 4, 12, 16), 2, (3, 3)),
    "four tiles to a row": convolution((1, 3, 16, 16), 4, (3, 3)),
    "several groups in a row": convolution((1, 3, 32, 16), 4, (3, 3)),
    "without padding": convolution((1, 4, 18, 16), 4, (3, 3), padding="VALID"),
    "one scale for all channels": convolution((1, 4, 8, 16), 8, (3, 3), per_channel=False),
    "zero points at the ends": convolution((1, 4, 8, 16), 10, (3, 3), x_zero=-128, zero_point=127),
    "other ends": convolution((1, 4, 8, 16), 12, (3, 3), x_zero=127, zero_point=-128),
    "an output that saturates": convolution((1, 4, 8, 16), 14, (3, 3), per_channel=False, scale=0.006),
    "lowest weights": convolution((1, 4, 8, 16), 16, (3, 3), lowest=-128),
    "much depth": convolution((1, 4, 4, 64), 2, (3, 3)),
}
SQUARES = {
    "one row of tiles": convolution((1, 4, 16, 16), 4, (3, 3)),
    "two by two": convolution((1, 8, 8, 32), 12, (3, 3)),
    "one by one": convolution((1, 4, 4, 16), 4, (3, 3)),
    "three by three, the last group not full": convolution((1, 12, 12, 16), 8, (3, 3)),
    "four groups in a row": convolution((1, 8, 32, 16), 4, (3, 3)),
    "without padding": convolution((1, 6, 18, 16), 16, (3, 3), padding="VALID"),
    "one scale for all channels": convolution((1, 8, 4, 16), 12, (3, 3), per_channel=False),
    "zero points at the ends": convolution((1, 4, 8, 16), 24, (3, 3), x_zero=-128, zero_point=127),
    "other ends": convolution((1, 4, 8, 16), 28, (3, 3), x_zero=127, zero_point=-128),
    "an output that saturates": convolution((1, 4, 8, 16), 32, (3, 3), per_channel=False, scale=0.006),
    "lowest weights": convolution((1, 4, 8, 16), 20, (3, 3), lowest=-128),
    "much depth": convolution((1, 4, 4, 64), 4, (3, 3)),
}
OTHERS = {
    "strided": convolution((1, 8, 8, 16), 4, (3, 3), stride=(2, 2)),
    "an odd channel": convolution((1, 4, 8, 16), 3, (3, 3)),
    "rows that are no tiles": convolution((1, 4, 6, 16), 4, (3, 3)),
    "twelve pixels": convolution((1, 3, 4, 16), 4, (3, 3)),
    "eight inputs": convolution((1, 4, 8, 8), 4, (3, 3)),
    "a scale too large": convolution((1, 4, 8, 16), 14, (3, 3), scale=0.0007),
    "other limits": convolution((1, 4, 8, 16), 4, (3, 3), activation="RELU6", zero_point=-50, scale=0.03),
}


@pytest.mark.parametrize(("board", "loads"), [(M4, 0), (M7, 1), (M33, 0)])
def test_equals_litert(board: str, loads: int) -> None:
    assert_equals_litert(CASES, f"tvm_tiny_winograd_{ORDERS[loads]}", board=board, decision=Decision("winograd", {"loads": loads}))


@pytest.mark.parametrize(("board", "loads"), [(M4, 0), (M7, 1), (M33, 0)])
def test_squares_equal_litert(board: str, loads: int) -> None:
    decision = Decision("winograd", {"rows": 4, "loads": loads})
    assert_equals_litert(SQUARES, f"tvm_tiny_winograd_square_{ORDERS[loads]}", board=board, decision=decision)


@pytest.mark.parametrize("ends", [(-128, 127), (127, -128)])
def test_lanes_of_squares_hold_the_ends_of_the_range(ends: tuple[int, int]) -> None:
    """Inputs that make each component in turn as large as it can be: signs of the transform's rows, up and across."""
    layers = {"layer": convolution((1, 6, 6, 16), 4, (3, 3), padding="VALID")}
    compiled = compiled_for(layers, decision=Decision("winograd", {"rows": 4}))
    signs = [(4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0), (0, -2, -1, 2, 1, 0), (0, 4, 0, -5, 0, 1)]
    samples = []
    for up, across in itertools.product(signs, signs):
        image = np.where(np.outer(up, across) > 0, *ends).astype(np.int8)
        samples.append({"x layer": np.repeat(image[None, :, :, None], 16, axis=3)})
        samples[-1]["x layer"][..., 2::4] = np.where(np.outer(up, across) > 0, *reversed(ends))[None, :, :, None]
    reference = LiteRTReference(model_of(layers))
    assert_equals(compiled.run(samples, board=M4).outputs, [reference.run(sample) for sample in samples])


def test_other_convolutions_are_left_to_the_default() -> None:
    compiled = compiled_for(OTHERS, decision=Decision("winograd", {"loads": 0}))
    assert {layer.schedule for layer in compiled.module.layers} == {"default"}
    inputs = random_samples({spec.name: spec.shape for spec in compiled.inputs}, 1)
    reference = LiteRTReference(model_of(OTHERS))
    assert_equals(compiled.run(inputs, board=M4).outputs, [reference.run(sample) for sample in inputs])


def test_takes_half_the_cycles() -> None:
    """Of the products twelve become six; what is gained on them is more than what the transforms cost."""
    layers = {"layer": convolution((1, 8, 8, 64), 64, (3, 3))}
    decision, sample = Decision("winograd", {"loads": 0}), {"x layer": np.zeros((1, 8, 8, 64), np.int8)}
    default, tuned = (compiled_for(layers, decision=each).run(sample, board=M4).report["cycles"] for each in (None, decision))
    assert tuned < 0.6 * default


def test_squares_take_a_third_of_the_cycles() -> None:
    layers = {"layer": convolution((1, 8, 8, 64), 64, (3, 3))}
    decision, sample = Decision("winograd", {"rows": 4}), {"x layer": np.zeros((1, 8, 8, 64), np.int8)}
    default, tuned = (compiled_for(layers, decision=each).run(sample, board=M4).report["cycles"] for each in (None, decision))
    assert tuned < 0.34 * default
