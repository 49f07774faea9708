"""Concatenation copies stored values; inputs of another scale are converted first."""

import numpy as np
import pytest

from tests.op.helpers import assert_equals_litert, assert_equals_onnxruntime, operators, random_samples
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_equals_litert(dtype: str) -> None:
    builder, outputs, shapes = TFLiteBuilder(), [], {}
    rng = np.random.default_rng(1)
    for axis in (0, 1, 3, -2):
        parts = []
        for count in (1, 3, 2):
            shape = [2, 3, 4, 5]
            shape[axis] = count
            name = f"x{axis % 4}_{count}"
            parts.append(builder.input(name, tuple(shape), dtype, scale=0.1, zero_point=7))
            shapes[name] = tuple(shape)
        outputs.append(builder.concatenation(parts, axis, f"output{axis % 4}"))
        constant = builder.constant(f"c{axis % 4}", rng.integers(0, 128, parts[0].shape).astype(dtype), 0.1, 7)
        outputs.append(builder.concatenation([parts[1], constant, parts[1]], axis, f"twice{axis % 4}"))
    compiled = assert_equals_litert(builder.build(outputs), random_samples(shapes, seed=2, dtype=dtype))
    assert operators(compiled).count("concatenate") == 8
    assert set(operators(compiled)) <= {"concatenate", "recenter"}


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx(dtype: str) -> None:
    builder, offset = OnnxBuilder(dtype=dtype), 128 if dtype == "uint8" else 0
    shapes = {"a": (1, 3, 4, 5), "b": (1, 2, 4, 5), "c": (1, 3, 4, 5)}
    a = builder.input("a", shapes["a"], 0.0213, 11 + offset)
    b = builder.input("b", shapes["b"], 0.0317, -9 + offset)
    c = builder.input("c", shapes["c"], 0.0178, 5 + offset)
    channels = builder.operator("Concat", [a, b], "channels", 0.0213, 11 + offset, {"axis": 1})
    rows = builder.operator("Concat", [a, c, a], "rows", 0.0401, offset, {"axis": -2})
    rectified = builder.operator("Relu", [builder.operator("Concat", [c, a], attributes={"axis": 3})], "relu", 0.0178, offset - 100)
    compiled = assert_equals_onnxruntime(builder.build([channels, rows, rectified]), random_samples(shapes, 3, dtype=dtype))
    assert operators(compiled).count("concatenate") == 3
