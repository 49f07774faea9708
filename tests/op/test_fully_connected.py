"""FULLY_CONNECTED in int8, bit for bit LiteRT's reference kernel, or TFLite Micro's arithmetic: the two round differently."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import assert_equals, compile_tflite, outputs_of
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.samples import random_inputs
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

RNG = np.random.default_rng(5)


def fully_connected(
    depth: int, units: int, *, batch: int = 1, zero_point: int = -11, per_channel: bool = False, **options: object
) -> bytes:
    b = TFLiteBuilder()
    x = b.input("x", (batch, depth), "int8", scale=0.04, zero_point=7)
    weights = b.weights("w", RNG.normal(0, 0.3, (units, depth)).astype(np.float32), axis=0 if per_channel else None)
    bias = RNG.integers(-3000, 3000, units).astype(np.int32)
    return b.build([b.fully_connected(x, weights, bias, "y", scale=0.07, zero_point=zero_point, **options)])  # type: ignore[arg-type]


CASES = {
    "a plain one": fully_connected(64, 12),
    "wide": fully_connected(640, 128),
    "one unit": fully_connected(16, 1),
    "units that fill no block": fully_connected(32, 10),
    "a depth that fills no word": fully_connected(33, 8),
    "a small depth": fully_connected(3, 5),
    "a batch": fully_connected(20, 6, batch=5),
    "relu": fully_connected(20, 8, activation="RELU", zero_point=-128),
    "a scale for each unit": fully_connected(20, 8, per_channel=True),
}


@pytest.mark.parametrize("target", ["c", "cortex-m0", "cortex-m3", "cortex-m4"])
@pytest.mark.parametrize("case", CASES)
def test_equals_litert(case: str, target: str) -> None:
    compiled = compile_tflite(CASES[case], target=target)
    samples = random_inputs(compiled.inputs, 20, seed=1)
    reference = LiteRTReference(CASES[case])
    assert_equals(outputs_of(compiled, samples), [reference.run(sample) for sample in samples])


@pytest.mark.parametrize(
    ("target", "board"), [("cortex-m4", "mps2-an386"), ("cortex-m3", "mps2-an385"), ("cortex-m0", "microbit-xl")]
)
@pytest.mark.parametrize("case", ["wide", "units that fill no block", "a depth that fills no word", "a batch"])
def test_the_portable_and_the_fast_form_of_micro_rounding_agree_on_the_core(case: str, target: str, board: str) -> None:
    plain, fast = (compile_tflite(CASES[case], rounding="tflite-micro", target=each) for each in ("c", target))
    samples = random_inputs(plain.inputs, 20, seed=2)
    assert_equals(fast.run(samples, board=board).outputs, outputs_of(plain, samples))
