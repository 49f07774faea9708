"""The borders of a model: float32 ↔ int8, and uint8 held as int8."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import compile_onnx, compile_tflite, float_reasons, operators
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def awkward_floats(scale: float, count: int) -> np.ndarray:
    """Halves of steps and their neighbours, values far outside, infinities and zeros."""
    halves = (np.arange(-140, 140) + 0.5).astype(np.float32) * np.float32(scale)
    near = [halves, np.nextafter(halves, np.float32(np.inf)), np.nextafter(halves, np.float32(-np.inf))]
    far = np.float32([1e9, -1e9, 3e38, -3e38, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45])
    noise = np.random.default_rng(0).normal(scale=100 * scale, size=2 * count).astype(np.float32)
    return np.concatenate([*near, far, noise]).astype(np.float32)[:count].reshape(1, count)


@pytest.mark.parametrize(("scale", "zero_point"), [(0.1, 3), (0.25, -128), (1 / 255, 127), (3.7, 0)])
def test_tflite_rounds_halves_away_from_zero(scale: float, zero_point: int) -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 1024), "float32")
    model = builder.build([builder.quantize(x, "y", scale=scale, zero_point=zero_point)])
    sample = {"x": np.clip(awkward_floats(scale, 1024), -1e6, 1e6)}  # LiteRT overflows int32 beyond
    compiled = compile_tflite(model)
    np.testing.assert_array_equal(compiled.run(sample).outputs[0]["y"], LiteRTReference(model).run(sample)["y"])
    assert operators(compiled) == ["quantize"]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(("scale", "zero_point"), [(0.1, 3), (0.25, 0), (1 / 255, 127), (3.7, 1)])
def test_onnx_rounds_halves_to_even(scale: float, zero_point: int, dtype: str) -> None:
    builder = OnnxBuilder(dtype)
    x = builder.input("x", (1, 1024), scale=scale, zero_point=zero_point, dtype="float32")
    model = builder.build([x])
    sample = {"x": awkward_floats(scale, 1024)}
    compiled = compile_onnx(model)
    expected = OnnxRuntimeReference(model).run(sample)
    np.testing.assert_array_equal(compiled.run(sample).outputs[0][x.name], expected[x.name])
    assert operators(compiled) == (["quantize"] if dtype == "int8" else ["quantize", "recenter"])


def test_infinities_saturate_and_nan_is_a_value() -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 3), "float32")
    model = builder.build([builder.quantize(x, "y", scale=0.1, zero_point=5)])
    sample = {"x": np.float32([[np.inf, -np.inf, np.nan]])}
    assert compile_tflite(model).run(sample).outputs[0]["y"].tolist() == [[127, -128, 5]]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_dequantize_is_exact(dtype: str) -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 256), dtype, scale=0.0371, zero_point=100)
    model = builder.build([builder.dequantize(x, "y")])
    limits = np.iinfo(dtype)
    sample = {"x": np.arange(limits.min, limits.max + 1).astype(dtype).reshape(1, 256)}
    compiled = compile_tflite(model)
    np.testing.assert_array_equal(compiled.run(sample).outputs[0]["y"], LiteRTReference(model).run(sample)["y"])
    assert operators(compiled) == (["dequantize"] if dtype == "int8" else ["recenter", "dequantize"])


def test_uint8_to_int8_is_one_pass() -> None:
    """QUANTIZE from uint8 to int8 with zero points 128 apart, the first operator of many models."""
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 256), "uint8", scale=0.5, zero_point=131)
    model = builder.build([builder.quantize(x, "y", scale=0.5, zero_point=3, dtype="int8")])
    sample = {"x": np.arange(256, dtype=np.uint8).reshape(1, 256)}
    compiled = compile_tflite(model)
    np.testing.assert_array_equal(compiled.run(sample).outputs[0]["y"], LiteRTReference(model).run(sample)["y"])
    assert operators(compiled) == ["recenter"]


def test_a_float_operator_between_integer_ones() -> None:
    """What has no integer form reads dequantised values and is quantised again."""
    builder = OnnxBuilder()
    x = builder.input("x", (1, 4, 16), scale=0.05, zero_point=3)
    reduced = builder.operator("LogSoftmax", [x], "y", 0.05, 120, {"axis": -1})
    model = builder.build([builder.operator("Relu", [reduced], "z", 0.05, 120)])
    samples = [{"x": np.random.default_rng(1).integers(-128, 128, (1, 4, 16)).astype(np.int8)}]
    compiled = compile_onnx(model)
    ours, theirs = compiled.run(samples).outputs[0]["z"], OnnxRuntimeReference(model).run(samples[0])["z"]
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
    assert list(float_reasons(compiled)) == ["y"]
    assert operators(compiled)[0] == "dequantize"
    assert {"quantize", "lookup"} <= set(operators(compiled))
