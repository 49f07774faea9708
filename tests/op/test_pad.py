"""Padding with a constant: real zeros are the zero point."""

import numpy as np
import pytest

from tests.op.helpers import assert_equals_litert, assert_equals_onnxruntime, operators, random_samples
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_equals_litert(dtype: str) -> None:
    builder, outputs = TFLiteBuilder(), []
    x = builder.input("x", (1, 4, 5, 3), dtype, scale=0.1, zero_point=37)
    for paddings in [
        [(0, 0), (1, 1), (2, 2), (0, 0)],
        [(0, 0), (0, 1), (0, 1), (0, 0)],
        [(1, 0), (0, 0), (3, 0), (1, 2)],
    ]:
        outputs.append(builder.pad(x, paddings, f"output{len(outputs)}"))
    value = builder.constant("value", np.array([90], dtype), 0.1, 37)
    amounts = builder.constant("amounts", np.array([[0, 0], [1, 2], [0, 0], [0, 1]], np.int32))
    outputs.append(builder.operator("PADV2", [x, amounts, value], (1, 7, 5, 4), "valued", options="PadV2Options"))
    compiled = assert_equals_litert(builder.build(outputs), random_samples({"x": (1, 4, 5, 3)}, seed=1, dtype=dtype))
    assert operators(compiled).count("pad") == 4


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx(dtype: str) -> None:
    builder, offset = OnnxBuilder(dtype=dtype), 128 if dtype == "uint8" else 0
    x = builder.input("x", (1, 3, 4, 5), 0.0213, 11 + offset)
    amounts = [0, 0, 1, 2, 0, 0, 3, 0]
    same = builder.pad(x, amounts, "same", scale=0.0213, zero_point=11 + offset)
    other = builder.pad(x, amounts, "other", scale=0.0317, zero_point=-9 + offset)
    operands = [x, builder.constant("amounts", np.array(amounts, np.int64)), builder.constant("value", np.float32(1.7))]
    valued = builder.operator("Pad", operands, "valued", 0.0213, 11 + offset)
    compiled = assert_equals_onnxruntime(builder.build([same, other, valued]), random_samples({"x": (1, 3, 4, 5)}, 2, dtype=dtype))
    assert operators(compiled).count("pad") == 3
    assert operators(compiled).count("lookup") == 1  # the change of scale
