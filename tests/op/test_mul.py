"""Multiplication: TFLite's bit for bit, ONNX's to the rounding of the real number."""

import numpy as np
import pytest

from tests.op.helpers import (
    ACTIVATIONS,
    COLUMN,
    ROW,
    Quantization,
    assert_equals_litert,
    assert_equals_onnxruntime,
    assert_near_onnxruntime,
    compile_tflite,
    float_reasons,
    operators,
    outputs_of,
    pairs_model,
    random_samples,
    random_scale,
    random_zero_point,
)
from tests.op.tflite_micro import run_tflite_micro
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def quantizations(seed: int, count: int) -> list[Quantization]:
    """Scales of many magnitudes, and simple ratios, in which ties are frequent."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        x_scale, y_scale = random_scale(rng), random_scale(rng)
        factor = rng.integers(1, 41) / rng.integers(1, 41) if index % 2 else 10 ** rng.uniform(-2, 4)
        scale = float(np.float32(np.float32(x_scale) * np.float32(y_scale) * factor))
        zeros = [random_zero_point(rng) for _ in range(3)]
        made.append((x_scale, zeros[0], y_scale, zeros[1], scale, zeros[2], ACTIVATIONS[index % 4]))
    return made


def test_every_pair_equals_litert() -> None:
    model, sample = pairs_model("mul", quantizations(1, 14))
    assert set(operators(assert_equals_litert(model, [sample]))) == {"mul"}


def test_litert_multiplies_scales_in_float32_and_tflite_micro_in_double() -> None:
    # The ratio of scales is 1/2 in float32 and just below it in double: every tie tells them apart.
    model, sample = pairs_model("mul", [(0.9917506575584412, 0, 0.005898484960198402, 0, 0.011699652299284935, 0, "NONE")])
    litert = LiteRTReference(model).run(sample)["output0"]
    ((micro,),) = run_tflite_micro(model, [sample])
    assert np.count_nonzero(litert != micro) == 656
    for rounding, expected in (("litert", litert), ("tflite-micro", micro)):
        (actual,) = outputs_of(compile_tflite(model, rounding), [sample])
        assert np.array_equal(actual["output0"], expected), rounding


def test_every_pair_equals_tflite_micro() -> None:
    model, sample = pairs_model("mul", quantizations(2, 8))
    (expected,) = run_tflite_micro(model, [sample])
    (actual,) = outputs_of(compile_tflite(model, "tflite-micro"), [sample])
    for index, values in enumerate(expected):
        np.testing.assert_array_equal(actual[f"output{index}"], values)


def test_broadcasting_and_constants() -> None:
    builder, outputs, rng = TFLiteBuilder(), [], np.random.default_rng(3)
    x = builder.input("x", (1, 4, 5, 3), scale=0.03, zero_point=-20)
    gate = builder.input("gate", (1, 1, 1, 3), scale=1 / 256, zero_point=-128)  # squeeze and excite
    outputs.append(builder.mul(x, gate, "gated", scale=0.02, zero_point=5))
    outputs.append(builder.mul(gate, x, "gated_too", scale=0.02, zero_point=5))
    outputs.append(builder.mul(x, x, "squared", scale=0.11, zero_point=-128))
    for shape in [(1,), (3,), (1, 4, 5, 3)]:
        y = builder.constant(f"y{len(outputs)}", rng.integers(-128, 128, shape).astype(np.int8), 0.2, 5)
        outputs.append(builder.mul(y, x, f"output{len(outputs)}", scale=0.21, zero_point=-4, activation="RELU6"))
    assert_equals_litert(builder.build(outputs), random_samples({"x": (1, 4, 5, 3), "gate": (1, 1, 1, 3)}, seed=4))


def test_scales_that_leave_int32_stay_float_with_a_reason() -> None:
    builder = TFLiteBuilder()
    x, y = (builder.input(name, (4,), scale=1.0) for name in "xy")
    compiled = compile_tflite(builder.build([builder.mul(x, y, "output", scale=1e-5)]))
    assert list(float_reasons(compiled)) == ["output"]
    assert "leave 32 bits" in float_reasons(compiled)["output"]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx_every_pair(dtype: str) -> None:
    rng = np.random.default_rng(5)
    builder, outputs, sample = OnnxBuilder(dtype=dtype), [], {}
    offset = 128 if dtype == "uint8" else 0
    for index in range(8):
        x_scale, y_scale = random_scale(rng), random_scale(rng)
        x = builder.input(f"x{index}", (256, 1), x_scale, random_zero_point(rng, dtype))
        y = builder.input(f"y{index}", (1, 256), y_scale, random_zero_point(rng, dtype))
        scale = float(np.float32(x_scale * y_scale * 10 ** rng.uniform(0, 3)))
        outputs.append(builder.operator("Mul", [x, y], f"output{index}", scale, random_zero_point(rng, dtype)))
        sample |= {f"x{index}": (COLUMN.astype(int) + offset).astype(dtype), f"y{index}": (ROW.astype(int) + offset).astype(dtype)}
    compiled = assert_near_onnxruntime(builder.build(outputs), [sample], share=1e-4)
    assert set(operators(compiled)) <= {"mul", "recenter"}


def test_onnx_ties_go_to_the_even_neighbour() -> None:
    builder = OnnxBuilder()
    x, y = builder.input("x", (256, 1), 0.25, 3), builder.input("y", (1, 256), 0.5, -5)
    model = builder.build([builder.operator("Mul", [x, y], f"output{scale}", scale, 7) for scale in (0.25, 0.5, 2.0, 8.0)])
    assert_equals_onnxruntime(model, [{"x": COLUMN, "y": ROW}])


def test_onnx_constant_tensor() -> None:
    rng = np.random.default_rng(6)
    builder, outputs = OnnxBuilder(), []
    x = builder.input("x", (1, 4, 64, 64), 0.0213, 11)
    real = rng.normal(0, 1.5, (4, 1, 1)).astype(np.float32)
    constants = [
        builder.constant("float", real),
        builder.quantized_constant("int8", rng.integers(-128, 128, (4, 1, 1)).astype(np.int8), 0.0137, 4),
        builder.weights("per_channel", real, axis=0),
    ]
    for y in constants:
        outputs.append(builder.operator("Mul", [y, x], f"{y.name}_times", 0.0317, 1))
    compiled = assert_near_onnxruntime(builder.build(outputs), random_samples({"x": (1, 4, 64, 64)}, seed=7), share=2e-4)
    assert operators(compiled) == ["mul"] * 3
