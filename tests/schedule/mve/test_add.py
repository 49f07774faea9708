"""Additions on MVE: every pair of int8 values, bit for bit what LiteRT's reference kernel computes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.schedule.mve.helpers import assert_equals_litert, computed_twice
from tvm_tiny import compile as compile_model
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

INT8 = np.arange(-128, 128).astype(np.int8)
PAIRS = {"x": np.repeat(INT8, 256), "y": np.tile(INT8, 256)}


def addition(
    x: tuple[float, int],
    y: tuple[float, int],
    output: tuple[float, int],
    size: int = 65536,
    operator: str = "add",
    **options: object,
) -> bytes:
    """Operands and output as (scale, zero point)."""
    b = TFLiteBuilder()
    operands = [b.input(name, (size,), "int8", scale=each[0], zero_point=each[1]) for name, each in (("x", x), ("y", y))]
    return b.build([getattr(b, operator)(*operands, "sum", scale=output[0], zero_point=output[1], **options)])


LINEAR = {
    "scales of a residual block": addition((0.0237, -128), (0.0412, 3), (0.0295, -128)),
    "relu": addition((0.05, -7), (0.05, 9), (0.07, -128), activation="RELU"),
    "limits within int8": addition((0.05, -7), (0.05, 9), (0.07, -100), activation="RELU6"),
    "a difference": addition((0.05, 127), (0.03, -128), (0.07, 0), operator="sub"),
    "an output that saturates": addition((0.5, 0), (0.7, 0), (0.05, 0)),
    "a coarse output": addition((0.01, 0), (0.02, 0), (0.9, 5)),
}


@pytest.mark.parametrize("case", LINEAR)
def test_every_pair(case: str) -> None:
    compiled = compile_model(load_tflite(LINEAR[case], "model", "model.tflite"), target="cortex-m55")
    found = computed_twice(compiled, [PAIRS], "tvm_tiny_mve_")
    np.testing.assert_array_equal(found[0]["sum"], LiteRTReference(LINEAR[case]).run(PAIRS)["sum"])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 63, 1000])
def test_sizes_that_fill_no_vector(size: int) -> None:
    assert_equals_litert(addition((0.0237, -128), (0.0412, 3), (0.0295, -128), size), "tvm_tiny_mve_")
