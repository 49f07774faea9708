"""Means and sums over axes: TFLite's bit for bit, ONNX's to the rounding of the real number."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.op.helpers import (
    assert_equals_litert,
    assert_equals_onnxruntime,
    assert_near_onnxruntime,
    compile_tflite,
    float_reasons,
    operators,
    outputs_of,
    random_samples,
    random_scale,
    random_zero_point,
)
from tests.op.tflite_micro import run_tflite_micro
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder
from tvm_tiny.testing.tflite_file import TensorRecord

AXES: list[tuple[int, ...]] = [(1, 2), (2, 1), (1,), (3,), (1, 2, 3), (-1,), (0,), (2, 3)]


def total(builder: TFLiteBuilder, x: TensorRecord, axes: Sequence[int], name: str, scale: float, zero_point: int) -> TensorRecord:
    """TFLite's SUM, axes kept."""
    reduced = {axis % len(x.shape) for axis in axes}
    shape = tuple(1 if axis in reduced else extent for axis, extent in enumerate(x.shape))
    operands = [x, builder.constant(f"{name}/axes", np.array(axes, np.int32))]
    return builder.operator("SUM", operands, shape, name, scale, zero_point, "ReducerOptions", {"KeepDims": True})


def tflite_means(operator: str) -> tuple[bytes, dict[str, tuple[int, ...]]]:
    """Reductions over every choice of axes, with equal scales and with others."""
    rng = np.random.default_rng(1)
    builder, outputs, shapes = TFLiteBuilder(), [], {}
    for index, axes in enumerate(AXES):
        shape = tuple(int(extent) for extent in (1, *rng.integers(3, 9, 3)))
        scale, zero_point = random_scale(rng), random_zero_point(rng)
        x = builder.input(f"x{index}", shape, scale=scale, zero_point=zero_point)
        shapes[f"x{index}"] = shape
        others = [(scale, zero_point), (float(np.float32(scale * 10 ** rng.uniform(-1, 2))), random_zero_point(rng))]
        for output_scale, output_zero in others:
            name = f"output{len(outputs)}"
            if operator == "sum":
                outputs.append(total(builder, x, axes, name, output_scale, output_zero))
            else:
                keep = len(outputs) % 4 > 1
                outputs.append(builder.mean(x, axes, name, scale=output_scale, zero_point=output_zero, keep_dims=keep))
    return builder.build(outputs), shapes


@pytest.mark.parametrize("rounding", ["litert", "tflite-micro"])
def test_mean_equals_litert(rounding: str) -> None:
    model, shapes = tflite_means("mean")
    compiled = assert_equals_litert(model, random_samples(shapes, seed=2, count=4), rounding)
    assert set(operators(compiled)) == {"mean"}
    assert all(layer.macs == 0 for layer in compiled.module.layers)


@pytest.mark.parametrize("operator", ["mean", "sum"])
def test_equals_tflite_micro(operator: str) -> None:
    model, shapes = tflite_means(operator)
    samples = random_samples(shapes, seed=3)
    compiled = compile_tflite(model, "tflite-micro")
    for actual, expected in zip(outputs_of(compiled, samples), run_tflite_micro(model, samples), strict=True):
        for index, values in enumerate(expected):
            np.testing.assert_array_equal(actual[f"output{index}"], values)


def test_litert_sum_is_that_of_tflite_micro() -> None:
    """LiteRT's reference kernel reads int8 as uint8 here: what is left of LiteRT to be held against is the real sum."""
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 5, 6, 7), scale=0.1, zero_point=-5)
    model = builder.build([total(builder, x, (1, 2), "output", 0.7313, 3)])
    samples = random_samples({"x": (1, 5, 6, 7)}, seed=4)
    actual = outputs_of(compile_tflite(model, "litert"), samples)
    for sample, found, (expected,) in zip(samples, actual, run_tflite_micro(model, samples), strict=True):
        np.testing.assert_array_equal(found["output"], expected)
        real = (sample["x"].astype(float) + 5).sum(axis=(1, 2), keepdims=True) * 0.1 / 0.7313 + 3
        assert np.abs(found["output"] - np.clip(real, -128, 127)).max() < 0.75  # TFLite rounds twice


def test_scales_that_leave_int32_stay_float_with_a_reason() -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 8, 8, 2), scale=1.0)
    compiled = compile_tflite(builder.build([builder.mean(x, (1, 2), "output", scale=1e-7)]))
    assert "leave 32 bits" in float_reasons(compiled)["output"]


def onnx_means(scale: float, zero_point: int, x_scale: float, dtype: str = "int8") -> bytes:
    builder = OnnxBuilder(dtype=dtype)
    x = builder.input("x", (2, 8, 7, 5), x_scale, 11)
    spatial = builder.operator("GlobalAveragePool", [x], "spatial", scale, zero_point)
    flat = builder.operator("ReduceMean", [x], "flat", scale, zero_point, {"axes": (2, 3), "keepdims": 0})
    last = builder.operator("ReduceMean", [x], "last", scale, zero_point, {"axes": (-1,), "keepdims": 1})
    channels = builder.operator("ReduceMean", [x], "channels", scale, zero_point, {"axes": (1,), "keepdims": 0})
    axes = builder.constant("axes", np.array([2], np.int64))
    rows = builder.operator("ReduceSum", [x, axes], "rows", 8 * scale, zero_point, {"keepdims": 1})
    return builder.build([spatial, flat, last, channels, rows])


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx_with_another_scale_at_the_output(dtype: str) -> None:
    model = onnx_means(0.01113017, 3, 0.02131733, dtype)
    compiled = assert_near_onnxruntime(model, random_samples({"x": (2, 8, 7, 5)}, seed=5, count=6, dtype=dtype))
    assert operators(compiled).count("mean") == 4
    assert operators(compiled).count("sum") == 1


@pytest.mark.parametrize("scale", [0.25, 0.125, 1.0])
def test_onnx_ties_go_to_the_even_neighbour(scale: float) -> None:
    # Powers of two: ONNX Runtime's sums are exact.
    assert_equals_onnxruntime(onnx_means(scale, 11, 0.25), random_samples({"x": (2, 8, 7, 5)}, seed=6, count=6))


def test_onnx_mean_of_a_convolutions_output_needs_no_transpose() -> None:
    rng = np.random.default_rng(7)
    builder = OnnxBuilder()
    x = builder.input("x", (1, 1, 9, 9), 0.0213, 11)
    y = builder.conv(x, builder.weights("weights", rng.normal(size=(6, 1, 3, 3))), None, "y", scale=0.0517, zero_point=-3)
    model = builder.build([builder.operator("GlobalAveragePool", [y], "output", 0.0317, -9)])
    compiled = assert_near_onnxruntime(model, random_samples({"x": (1, 1, 9, 9)}, seed=8, count=20), share=2e-2)
    assert operators(compiled) == ["conv2d", "mean"]
