"""Maxima and minima over axes, of stored values and between dequantize and quantize."""

import numpy as np
import pytest

from tests.op.helpers import assert_equals_litert, assert_equals_onnxruntime, operators, random_samples
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def test_equals_litert() -> None:
    builder, outputs = TFLiteBuilder(), []
    x = builder.input("x", (2, 5, 6, 7), scale=0.1, zero_point=-5)
    for code in ("REDUCE_MAX", "REDUCE_MIN"):
        for axes in [(1, 2), (3,), (0, 1), (-1, 1)]:
            for keep in (False, True):
                reduced = {axis % 4 for axis in axes}
                shape = tuple(1 if axis in reduced else n for axis, n in enumerate(x.shape) if keep or axis not in reduced)
                name = f"output{len(outputs)}"
                operands = [x, builder.constant(f"{name}/axes", np.array(axes, np.int32))]
                outputs.append(builder.operator(code, operands, shape, name, 0.1, -5, "ReducerOptions", {"KeepDims": keep}))
    compiled = assert_equals_litert(builder.build(outputs), random_samples({"x": (2, 5, 6, 7)}, seed=1))
    assert sorted(operators(compiled)) == ["reduce_max"] * 8 + ["reduce_min"] * 8


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx(dtype: str) -> None:
    builder, offset = OnnxBuilder(dtype=dtype), 128 if dtype == "uint8" else 0
    x = builder.input("x", (2, 5, 6, 7), 0.0213, 11 + offset)
    same = builder.operator("GlobalMaxPool", [x], "same", 0.0213, 11 + offset)
    other = builder.operator("ReduceMax", [x], "other", 0.0317, -9 + offset, {"axes": (1, 3), "keepdims": 0})
    low = builder.operator("ReduceMin", [x], "low", 0.0178, offset, {"axes": (2,), "keepdims": 1})
    compiled = assert_equals_onnxruntime(builder.build([same, other, low]), random_samples({"x": (2, 5, 6, 7)}, 2, dtype=dtype))
    assert operators(compiled).count("reduce_max") == 2
    assert operators(compiled).count("reduce_min") == 1
