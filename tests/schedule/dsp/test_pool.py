"""Average pooling on the DSP extension, bit for bit what the reference kernels compute."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tvm_tiny
from tests.op.helpers import assert_equals
from tvm_tiny.board import get_board
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

from .products import M4, M33, Layer, TensorRecord, model_of


def pool(shape: tuple[int, int, int, int], size: tuple[int, int], **options: object) -> Layer:
    def add(b: TFLiteBuilder, name: str) -> TensorRecord:
        x = b.input(f"x {name}", shape, "int8", scale=0.04, zero_point=-9)
        return b.average_pool2d(x, size, f"y {name}", **options)  # type: ignore[arg-type]

    return add


CASES = {
    "the whole image": pool((1, 5, 4, 64), (5, 4)),
    "the largest window": pool((1, 16, 16, 8), (16, 16)),
    "2x2": pool((1, 6, 8, 16), (2, 2)),
    "3x2, strided": pool((1, 7, 8, 24), (3, 2), stride=(2, 3)),
    "two images": pool((2, 4, 4, 8), (2, 4)),
    "relu": pool((1, 4, 4, 8), (2, 2), activation="RELU"),
}
OTHERS = {
    "twelve channels": pool((1, 4, 4, 12), (2, 2)),
    "a larger window": pool((1, 16, 17, 8), (16, 17)),
    "one row": pool((1, 1, 12, 8), (1, 4)),
    "padded": pool((1, 5, 5, 8), (3, 3), stride=(2, 2), padding="SAME"),
}


def ends(compiled: CompiledModel) -> list[dict[str, np.ndarray]]:
    """Noise, the ends of the range throughout, and both in turn."""
    rng = np.random.default_rng(1)
    shapes = {spec.name: spec.shape for spec in compiled.inputs}
    return [
        {name: rng.integers(-128, 128, shape).astype(np.int8) for name, shape in shapes.items()},
        *({name: np.full(shape, end, np.int8) for name, shape in shapes.items()} for end in (-128, 127)),
        {name: np.where(np.indices(shape).sum(axis=0) % 2, 127, -128).astype(np.int8) for name, shape in shapes.items()},
    ]


def calls(compiled: CompiledModel) -> int:
    return len(re.findall(r"\btvm_tiny_sum_window_8\(", compiled.module.files[f"{compiled.module.name}.c"]))


@pytest.mark.parametrize(("core", "board"), [("cortex-m4", M4), ("cortex-m33", M33)])
def test_equals_litert(core: str, board: str) -> None:
    layers = CASES | OTHERS
    compiled = tvm_tiny.compile(load_tflite(model_of(layers), "model", "model.tflite"), target=core)
    assert calls(compiled) == len(CASES)
    samples, reference = ends(compiled), LiteRTReference(model_of(layers))
    expected = [reference.run(sample) for sample in samples]
    host = get_board("host")
    assert_equals(host.run(host.build(compiled.module, sanitize=True), samples).outputs, expected)
    assert_equals(compiled.run(samples, board=board).outputs, expected)


def test_takes_a_third_of_the_cycles() -> None:
    """What is compared with sums channel by channel, which a code that shall be small has."""
    source = load_tflite(model_of({"layer": pool((1, 25, 5, 64), (25, 5))}), "model", "model.tflite")
    sample = {"x layer": np.zeros((1, 25, 5, 64), np.int8)}
    small, fast = (
        tvm_tiny.compile(source, target="cortex-m4", optimize=each).run(sample, board=M4).report["cycles"]
        for each in ("size", "speed")
    )
    assert fast < small / 3
