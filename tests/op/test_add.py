"""Addition and subtraction: TFLite's bit for bit, ONNX's to the rounding of the real number."""

from collections.abc import Sequence

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
    compile_onnx,
    compile_tflite,
    float_reasons,
    operators,
    outputs_of,
    pairs_model,
    random_samples,
    random_scale,
    random_zero_point,
)
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder


def quantizations(seed: int, count: int) -> list[Quantization]:
    """Scales that differ by up to 10^6 between the operands, and simple ratios, in which ties are frequent."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        x_scale = random_scale(rng)
        if index % 3 == 0:
            a, b, c, d = rng.integers(1, 41, 4)
            y_scale, scale = float(np.float32(x_scale * a / b)), float(np.float32(x_scale * c / d))
        else:
            y_scale = float(np.float32(x_scale * 10 ** rng.uniform(-6, 6 if index % 3 == 1 else 0)))
            scale = float(np.float32(max(x_scale, y_scale) * 10 ** rng.uniform(-2, 3)))
        zeros = [random_zero_point(rng) for _ in range(3)]
        made.append((x_scale, zeros[0], y_scale, zeros[1], scale, zeros[2], ACTIVATIONS[index % 4]))
    return made


@pytest.mark.parametrize(("operator", "rounding"), [("add", "litert"), ("sub", "litert"), ("sub", "tflite-micro")])
def test_every_pair_equals_litert(operator: str, rounding: str) -> None:
    model, sample = pairs_model(operator, quantizations(1, 12))
    compiled = assert_equals_litert(model, [sample], rounding)
    assert set(operators(compiled)) == {"add"}


def test_equal_scales_and_extreme_zero_points() -> None:
    zeros = [(-128, -128, 127), (127, 127, -128), (-128, 127, 0), (0, 0, 0)]
    model, sample = pairs_model("add", [(0.1, x, 0.1, y, scale, z, "NONE") for x, y, z in zeros for scale in (0.1, 0.2)])
    assert_equals_litert(model, [sample])


def test_broadcasting() -> None:
    shapes = [((1, 4, 5, 3), (3,)), ((3,), (1, 4, 5, 3)), ((2, 1, 5, 1), (1, 4, 1, 3)), ((7,), (1,)), ((2, 3, 4), (2, 3, 4))]
    builder, outputs, inputs = TFLiteBuilder(), [], {}
    for index, (first, second) in enumerate(shapes):
        x = builder.input(f"x{index}", first, scale=0.03, zero_point=-20)
        y = builder.input(f"y{index}", second, scale=0.11, zero_point=9)
        outputs.append(builder.add(x, y, f"sum{index}", scale=0.13, zero_point=3))
        outputs.append(builder.sub(x, y, f"difference{index}", scale=0.13, zero_point=3))
        inputs |= {f"x{index}": first, f"y{index}": second}
    assert_equals_litert(builder.build(outputs), random_samples(inputs, seed=2))


def test_constant_operand() -> None:
    builder, outputs, rng = TFLiteBuilder(), [], np.random.default_rng(3)
    x = builder.input("x", (1, 4, 5, 3), scale=0.03, zero_point=-20)
    for index, shape in enumerate([(1,), (3,), (1, 4, 5, 3), (1, 1, 1, 1)]):
        y = builder.constant(f"y{index}", rng.integers(-128, 128, shape).astype(np.int8), 0.2, 5)
        for operator in (builder.add, builder.sub):
            for operands in ((x, y), (y, x)):
                name = f"output{len(outputs)}"
                outputs.append(operator(*operands, name, scale=0.21, zero_point=-4, activation="RELU6"))
    assert_equals_litert(builder.build(outputs), random_samples({"x": (1, 4, 5, 3)}, seed=4))


def test_a_tensor_added_to_itself() -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (256,), scale=0.1, zero_point=7)
    model = builder.build([builder.add(x, x, "output", scale=0.15, zero_point=-7)])
    assert_equals_litert(model, [{"x": ROW.ravel()}])


def test_scales_that_leave_int32_stay_float_with_a_reason() -> None:
    builder = TFLiteBuilder()
    x, y = (builder.input(name, (4,), scale=1.0) for name in "xy")
    compiled = compile_tflite(builder.build([builder.add(x, y, "output", scale=1e-6)]))
    assert float_reasons(compiled) == {"output": "its inputs' scale (1) is over 2^18 times that of its output"}


Parameters = tuple[str, float, float, float, tuple[int, int, int]]


def onnx_pairs(parameters: Sequence[Parameters], dtype: str = "int8") -> tuple[bytes, dict[str, np.ndarray]]:
    """A model with one operator over every pair of values for each of (operator, x scale, y scale, scale, zero points)."""
    builder, outputs, sample = OnnxBuilder(dtype=dtype), [], {}
    for index, (operator, x_scale, y_scale, scale, zeros) in enumerate(parameters):
        x = builder.input(f"x{index}", (256, 1), x_scale, zeros[0])
        y = builder.input(f"y{index}", (1, 256), y_scale, zeros[1])
        outputs.append(builder.operator(operator, [x, y], f"output{index}", scale, zeros[2]))
        offset = 128 if dtype == "uint8" else 0
        sample |= {f"x{index}": (COLUMN.astype(int) + offset).astype(dtype), f"y{index}": (ROW.astype(int) + offset).astype(dtype)}
    return builder.build(outputs), sample


def random_parameters(seed: int, dtype: str = "int8") -> list[Parameters]:
    rng = np.random.default_rng(seed)
    made = []
    for index in range(10):
        x_scale, y_scale = random_scale(rng), random_scale(rng)
        scale = float(np.float32(max(x_scale, y_scale) * rng.uniform(0.3, 3)))
        zeros = (random_zero_point(rng, dtype), random_zero_point(rng, dtype), random_zero_point(rng, dtype))
        made.append((("Add", "Sub")[index % 2], x_scale, y_scale, scale, zeros))
    return made


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx_every_pair(dtype: str) -> None:
    model, sample = onnx_pairs(random_parameters(7, dtype), dtype)
    compiled = assert_near_onnxruntime(model, [sample], share=1e-4)
    assert set(operators(compiled)) <= {"add", "recenter"}


def test_onnx_ties_go_to_the_even_neighbour() -> None:
    # Powers of two: ONNX Runtime's float32 is exact, and every other sum is a tie.
    scales = [(0.25, 0.25, 0.5), (0.125, 2.0, 0.5), (0.5, 0.0625, 1.0)]
    model, sample = onnx_pairs([(operator, *each, (3, -5, 7)) for operator in ("Add", "Sub") for each in scales])
    assert_equals_onnxruntime(model, [sample])


def test_onnx_is_the_real_sum_rounded() -> None:
    parameters = random_parameters(8)
    model, sample = onnx_pairs(parameters)
    (actual,) = outputs_of(compile_onnx(model), [sample])
    for index, (operator, x_scale, y_scale, scale, zeros) in enumerate(parameters):
        x, y = (COLUMN.astype(float) - zeros[0]) * x_scale, (ROW.astype(float) - zeros[1]) * y_scale
        real = (x + y if operator == "Add" else x - y) / scale
        clear = np.abs(real - np.floor(real) - 0.5) > 1e-6
        assert clear.mean() > 0.99
        assert np.array_equal(actual[f"output{index}"][clear], np.clip(np.rint(real) + zeros[2], -128, 127)[clear])


def test_onnx_relu_becomes_a_limit() -> None:
    builder = OnnxBuilder()
    x, y = builder.input("x", (256, 1), 0.1013, 3), builder.input("y", (1, 256), 0.0717, -3)
    total = builder.operator("Add", [x, y])
    model = builder.build([builder.operator("Relu", [total], "output", 0.05, -100)])
    assert operators(assert_near_onnxruntime(model, [{"x": COLUMN, "y": ROW}])) == ["add"]


def test_onnx_constant_tensor() -> None:
    rng = np.random.default_rng(5)
    builder, outputs = OnnxBuilder(), []
    x = builder.input("x", (1, 4, 64, 64), 0.0213, 11)
    real = rng.normal(0, 1.5, (4, 1, 1)).astype(np.float32)
    constants = [
        builder.constant("float", real),
        builder.quantized_constant("int8", rng.integers(-128, 128, (4, 1, 1)).astype(np.int8), 0.0137, 4),
        builder.weights("per_channel", real, axis=0),
    ]
    for y in constants:
        outputs.append(builder.operator("Add", [x, y], f"{y.name}_added", 0.0317, 1))
        outputs.append(builder.operator("Sub", [y, x], f"{y.name}_less", 0.0317, 1))
    compiled = assert_near_onnxruntime(builder.build(outputs), random_samples({"x": (1, 4, 64, 64)}, seed=6), share=2e-4)
    assert operators(compiled) == ["add"] * 6
