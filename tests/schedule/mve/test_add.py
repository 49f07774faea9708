"""Additions on MVE: every pair of int8 values, bit for bit what LiteRT's reference kernel computes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.schedule.mve.helpers import Layer, assert_equal_litert, computed_twice, model_of
from tvm_tiny import compile as compile_model
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord

INT8 = np.arange(-128, 128).astype(np.int8)
PAIRS = {"sum: x": np.repeat(INT8, 256), "sum: y": np.tile(INT8, 256)}


def addition(
    first: tuple[float, int],
    second: tuple[float, int],
    output: tuple[float, int],
    size: int = 65536,
    operator: str = "add",
    **options: object,
) -> Layer:
    """Operands and output as (scale, zero point)."""

    def layer(b: TFLiteBuilder, name: str) -> TensorRecord:
        x = b.input(f"{name}: x", (size,), "int8", scale=first[0], zero_point=first[1])
        y = b.input(f"{name}: y", (size,), "int8", scale=second[0], zero_point=second[1])
        result: TensorRecord = getattr(b, operator)(x, y, name, scale=output[0], zero_point=output[1], **options)
        return result

    return layer


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
    model = model_of({"sum": LINEAR[case]})
    compiled = compile_model(load_tflite(model, "model", "model.tflite"), target="cortex-m55")
    found = computed_twice(compiled, [PAIRS], "tvm_tiny_mve_linear_row", "tvm_tiny_mve_table_row")
    np.testing.assert_array_equal(found[0]["sum"], LiteRTReference(model).run(PAIRS)["sum"])


def test_sizes_that_fill_no_vector() -> None:
    sizes = {f"{size} elements": addition((0.0237, -128), (0.0412, 3), (0.0295, -128), size) for size in (1, 2, 3, 4, 5, 63, 1000)}
    assert_equal_litert(sizes, "tvm_tiny_mve_linear_row", "tvm_tiny_mve_table_row")
