"""Softmax in integers: TFLite's bit for bit, ONNX Runtime's float one to the last step."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import (
    assert_equals,
    assert_equals_litert,
    assert_near_onnxruntime,
    compile_tflite,
    float_reasons,
    operators,
    outputs_of,
    random_samples,
)
from tests.op.tflite_micro import run_tflite_micro
from tvm_tiny.op.softmax import exact_exponentials, tflite_exponentials
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def tflite_model(rows: tuple[int, ...], *inputs: tuple[int, float, int, float]) -> tuple[bytes, dict[str, tuple[int, ...]]]:
    """One softmax for each (depth, scale, zero point, beta)."""
    builder, outputs, shapes = TFLiteBuilder(), [], {}
    for index, (depth, scale, zero_point, beta) in enumerate(inputs):
        shapes[f"x{index}"] = (*rows, depth)
        x = builder.input(f"x{index}", (*rows, depth), scale=scale, zero_point=zero_point)
        outputs.append(builder.softmax(x, f"y{index}", beta=beta))
    return builder.build(outputs), shapes


CASES = [
    (10, 0.1, 0, 1.0),
    (2, 0.02, 3, 0.5),
    (1, 0.1, -128, 1.0),
    (300, 0.05, -5, 1.0),
    (12, 8.0, 127, 2.0),
    (12, 1e-4, 0, 1.0),
    (5, 300.0, 0, 1.0),
]


def test_tflite_for_any_depth_scale_and_beta() -> None:
    model, shapes = tflite_model((2, 3), *CASES)
    samples = random_samples(shapes, seed=0)
    compiled = assert_equals_litert(model, samples)
    assert operators(compiled) == ["softmax"] * len(CASES)
    micro = run_tflite_micro(model, samples)
    ours = outputs_of(compile_tflite(model, "tflite-micro"), samples)
    assert_equals(ours, [dict(zip(ours[0], outputs, strict=True)) for outputs in micro])


def test_tflite_over_many_random_scales() -> None:
    rng = np.random.default_rng(1)
    inputs = [
        (int(rng.integers(2, 40)), float(np.float32(10 ** rng.uniform(-3, 0.5))), int(rng.integers(-128, 128)), 1.0)
        for _ in range(20)
    ]
    model, shapes = tflite_model((16,), *inputs)
    assert_equals_litert(model, random_samples(shapes, seed=2, count=1))


def test_a_sum_of_512_and_more_rounds_every_output_to_zero() -> None:
    """LiteRT's kernel gives up on such a row."""
    model, shapes = tflite_model((1,), (700, 0.001, 0, 1.0))
    outputs = outputs_of(compile_tflite(model), random_samples(shapes, seed=3))
    assert all((sample["y0"] == -128).all() for sample in outputs)


def test_uint8_is_held_as_int8() -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (4, 10), "uint8", scale=0.1, zero_point=120)
    model = builder.build([builder.operator("SOFTMAX", [x], (4, 10), "y", 1 / 256, 0, "SoftmaxOptions", {"Beta": 1.0})])
    compiled = assert_equals_litert(model, random_samples({"x": (4, 10)}, seed=4, dtype="uint8"))
    assert operators(compiled) == ["recenter", "softmax", "recenter"]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(
    ("depth", "scale", "output_scale", "output_zero_point"),
    [
        (2, 0.05, 1 / 255, -128),  # equal inputs: 127.49999 steps
        (2, 0.02, 1 / 256, -128),
        (3, 0.1, 0.0038, -128),
        (10, 0.3, 0.00391, -127),
        (512, 0.01, 1 / 256, -128),  # equal inputs: half a step
        (7, 0.15, 1e-4, -100),
        (4, 0.05, 1.5, 0),
    ],
)
def test_onnx(dtype: str, depth: int, scale: float, output_scale: float, output_zero_point: int) -> None:
    offset = 128 if dtype == "uint8" else 0
    builder = OnnxBuilder(dtype)
    x = builder.input("x", (50, depth), scale=scale, zero_point=3 + offset)
    model = builder.build([builder.operator("Softmax", [x], "y", output_scale, output_zero_point + offset, {"axis": -1})])
    rng = np.random.default_rng(depth)
    middle = {"x": (rng.integers(-20, 20, (50, depth)) + offset).astype(dtype)}
    assert_near_onnxruntime(model, [*random_samples({"x": (50, depth)}, seed=5, dtype=dtype), middle])


def test_onnx_over_another_axis_than_the_last() -> None:
    builder = OnnxBuilder()
    x = builder.input("x", (2, 5, 3, 4), scale=0.1, zero_point=3)
    model = builder.build([builder.operator("Softmax", [x], "y", 1 / 256, -128, {"axis": 1})])
    assert_near_onnxruntime(model, random_samples({"x": (2, 5, 3, 4)}, seed=6))


def test_exponentials_are_those_of_real_numbers() -> None:
    differences = np.arange(256)
    real = np.exp(-0.05 * differences)
    np.testing.assert_allclose(tflite_exponentials(0.05, 1.0) / 2.0**31, real, rtol=0, atol=3e-7)
    np.testing.assert_allclose(exact_exponentials(0.05, 1.0, 10) / 2.0**26, real, atol=2.0**-27)
    assert exact_exponentials(0.0, 1.0, 1000).astype(np.int64)[:250].sum() * 4 <= 2**31 - 1


def test_what_tflite_cannot_do_stays_float_with_its_reason() -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 10), scale=0.1)
    model = builder.build([builder.operator("SOFTMAX", [x], (1, 10), "y", 1 / 100, 0, "SoftmaxOptions", {"Beta": 1.0})])
    assert "scale 1/256 and zero point -128" in float_reasons(compile_tflite(model))["y"]
