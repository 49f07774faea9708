"""Matrix products four pixels at a time, bit for bit what the reference kernels compute."""

from __future__ import annotations

import pytest

from tvm_tiny.schedule.implementation import Decision

from .products import M4, M7, M33, Layer, assert_equals_litert, compiled_for, connected, convolution


def cases(**options: object) -> dict[str, Layer]:
    return {
        "one turn of the loop": convolution((1, 2, 4, 32), 4, **options),  # type: ignore[arg-type]
        "two words": convolution((1, 4, 4, 8), 6, **options),  # type: ignore[arg-type]
        "nine words, an odd channel": convolution((1, 3, 4, 36), 9, **options),  # type: ignore[arg-type]
        "two turns": convolution((1, 2, 4, 64), 2, **options),  # type: ignore[arg-type]
        "seventeen words": convolution((1, 2, 2, 68), 28, **options),  # type: ignore[arg-type]
        "thirty-three words": convolution((1, 2, 2, 132), 30, **options),  # type: ignore[arg-type]
        "three pixels": convolution((1, 1, 3, 16), 8, **options),  # type: ignore[arg-type]
        "a pixel left over": convolution((1, 1, 5, 16), 10, **options),  # type: ignore[arg-type]
        "two pixels left over": convolution((1, 1, 6, 16), 12, **options),  # type: ignore[arg-type]
        "three pixels left over": convolution((1, 1, 7, 16), 14, **options),  # type: ignore[arg-type]
        "depth that fills no words": convolution((1, 4, 4, 15), 16, **options),  # type: ignore[arg-type]
        "strided": convolution((1, 6, 6, 16), 18, stride=(2, 2), **options),  # type: ignore[arg-type]
        "strided, two images": convolution((2, 5, 5, 16), 22, stride=(2, 2), **options),  # type: ignore[arg-type]
        "first layer": convolution((1, 8, 8, 3), 20, (3, 3), stride=(2, 2), **options),  # type: ignore[arg-type]
        "first layer, padded all around": convolution((1, 5, 8, 3), 32, (3, 3), **options),  # type: ignore[arg-type]
        "first layer, without padding": convolution((1, 5, 9, 3), 34, (3, 3), stride=(2, 2), padding="VALID", **options),  # type: ignore[arg-type]
        "first layer, wide": convolution((1, 7, 32, 3), 36, (3, 3), stride=(2, 2), **options),  # type: ignore[arg-type]
        "first layer, rows of three": convolution((1, 6, 6, 3), 38, (3, 3), stride=(2, 2), **options),  # type: ignore[arg-type]
        "window of whole words": convolution((1, 5, 5, 8), 24, (3, 3), **options),  # type: ignore[arg-type]
        "fully connected": connected(40, 26, batch=6, **options),  # type: ignore[arg-type]
    }


FOLDED = cases(zero_point=-128)
"""Outputs below the zero point saturate, as after a ReLU: requantised in two instructions."""

HIGH = cases(zero_point=-11, x_zero=-128)
del HIGH["fully connected"]  # rounded once, where nothing is in the way of the short form


@pytest.mark.parametrize(
    ("board", "loads", "kind"),
    [(M4, "together", "folded"), (M7, "between", "folded"), (M33, "together", "high"), (M7, "between", "high")],
)
def test_equals_litert(board: str, loads: str, kind: str) -> None:
    decision = Decision("blocks", {"loads": int(loads == "between")})
    assert_equals_litert({"folded": FOLDED, "high": HIGH}[kind], f"tvm_tiny_blocks_{loads}_{kind}", board=board, decision=decision)


def test_lowest_weights_and_other_limits_are_left_to_the_default() -> None:
    others = {
        "lowest weights": convolution((1, 4, 4, 64), 16, lowest=-128),
        "other limits": convolution((1, 4, 4, 16), 4, activation="RELU6", zero_point=-50, scale=0.03),
        "two pixels": connected(40, 26, batch=2),
    }
    compiled = compiled_for(others, decision=Decision("blocks", {"loads": 0}))
    assert {layer.schedule for layer in compiled.module.layers} == {"default"}


def test_a_few_zeros_are_for_tuning_to_spend() -> None:
    """25 inputs by 31 channels take 28 by 32: by default too much flash for a small layer."""
    layers = {"layer": convolution((1, 3, 3, 25), 31, zero_point=-128)}
    assert compiled_for(layers).module.layers[0].schedule == "default"
    assert "tvm_tiny_blocks" not in compiled_for(layers).module.files["model.c"]
    assert_equals_litert(layers, "tvm_tiny_blocks_together_folded", decision=Decision("blocks", {"loads": 0}))
    many = {"layer": convolution((1, 3, 3, 9), 31, zero_point=-128)}
    assert compiled_for(many, decision=Decision("blocks", {"loads": 0})).module.layers[0].schedule == "default"
