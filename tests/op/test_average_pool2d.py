"""Average pooling: TFLite's division of the stored values bit for bit, ONNX's to the rounding of the real mean."""

import numpy as np
import pytest

import tvm_tiny
from tests.op.helpers import (
    ACTIVATIONS,
    assert_equals_litert,
    assert_equals_onnxruntime,
    assert_near_onnxruntime,
    compile_tflite,
    onnx_differences,
    operators,
    outputs_of,
    random_samples,
    random_scale,
    random_zero_point,
)
from tests.op.tflite_micro import run_tflite_micro
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

SHAPES = [
    ((1, 9, 7, 5), (3, 3), (2, 2)),
    ((2, 8, 8, 3), (2, 2), (2, 2)),
    ((1, 5, 11, 1), (4, 3), (1, 3)),
    ((1, 6, 5, 8), (6, 5), (1, 1)),
]


def tflite_pools() -> tuple[bytes, dict[str, tuple[int, ...]]]:
    """Windows of several sizes with every padding and activation; zero points at the ends."""
    rng = np.random.default_rng(1)
    builder, outputs, shapes = TFLiteBuilder(), [], {}
    for index, (shape, size, stride) in enumerate(SHAPES):
        x = builder.input(f"x{index}", shape, scale=random_scale(rng), zero_point=random_zero_point(rng))
        shapes[f"x{index}"] = shape
        for padding in ("SAME", "VALID"):
            name, activation = f"output{len(outputs)}", ACTIVATIONS[len(outputs) % 4]
            outputs.append(builder.average_pool2d(x, size, name, stride=stride, padding=padding, activation=activation))
    return builder.build(outputs), shapes


def test_equals_litert() -> None:
    model, shapes = tflite_pools()
    compiled = assert_equals_litert(model, random_samples(shapes, seed=2, count=4))
    assert set(operators(compiled)) == {"average_pool2d"}
    assert all(layer.macs == 0 for layer in compiled.module.layers)


def test_uint8_equals_litert() -> None:
    """Its kernel rounds halves up: windows of 2 x 2 over small numbers have many."""
    rng = np.random.default_rng(4)
    builder, outputs, shapes = TFLiteBuilder(), [], {}
    for index, (shape, size, stride) in enumerate(SHAPES):
        x = builder.input(f"x{index}", shape, "uint8", random_scale(rng), random_zero_point(rng, "uint8"))
        shapes[f"x{index}"] = shape
        for padding in ("SAME", "VALID"):
            name, activation = f"output{len(outputs)}", ACTIVATIONS[len(outputs) % 4]
            outputs.append(builder.average_pool2d(x, size, name, stride=stride, padding=padding, activation=activation))
    model = builder.build(outputs)
    samples = random_samples(shapes, seed=5, count=4, dtype="uint8")
    small = [{name: (array % 4).astype(np.uint8) for name, array in sample.items()} for sample in samples]
    compiled = assert_equals_litert(model, [*samples, *small])
    assert set(operators(compiled)) <= {"average_pool2d", "recenter"}


def test_equals_tflite_micro() -> None:
    model, shapes = tflite_pools()
    samples = random_samples(shapes, seed=3)
    for actual, expected in zip(
        outputs_of(compile_tflite(model, "tflite-micro"), samples), run_tflite_micro(model, samples), strict=True
    ):
        for index, values in enumerate(expected):
            np.testing.assert_array_equal(actual[f"output{index}"], values)


POOLS = [
    ((3, 3), (2, 2), (1, 1, 1, 1), {}),
    ((3, 3), (2, 2), (1, 1, 1, 1), {"count_include_pad": 1}),
    ((2, 3), (1, 2), (0, 2, 1, 0), {}),
    ((4, 2), (3, 3), (0, 0, 0, 0), {"ceil_mode": 1}),
    ((5, 5), (5, 5), (0, 0, 0, 0), {}),
]


def onnx_pools(dtype: str, scale: float, x_scale: float = 0.02131733) -> bytes:
    builder, outputs = OnnxBuilder(dtype=dtype), []
    offset = 128 if dtype == "uint8" else 0
    x = builder.input("x", (2, 6, 21, 19), x_scale, 11 + offset)
    for index, (size, strides, pads, others) in enumerate(POOLS):
        attributes = {"kernel_shape": size, "strides": strides, "pads": pads, **others}
        outputs.append(builder.operator("AveragePool", [x], f"output{index}", scale, -7 + offset, attributes))
    return builder.build(outputs)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_onnx_with_another_scale_at_the_output(dtype: str) -> None:
    samples = random_samples({"x": (2, 6, 21, 19)}, seed=4, dtype=dtype)
    compiled = assert_near_onnxruntime(onnx_pools(dtype, 0.01113017), samples)
    assert operators(compiled).count("average_pool2d") == len(POOLS)


def test_onnx_ties_go_to_the_even_neighbour() -> None:
    # Powers of two: ONNX Runtime's sums are exact, and a quarter of the means of four are ties.
    builder = OnnxBuilder()
    x = builder.input("x", (1, 4, 32, 32), 0.25, 3)
    same = builder.average_pool(x, (2, 2), "same", scale=0.25, zero_point=3)
    other = builder.average_pool(x, (2, 4), "other", scale=0.125, zero_point=-3)
    assert_equals_onnxruntime(builder.build([same, other]), random_samples({"x": (1, 4, 32, 32)}, seed=5))


def test_onnx_with_equal_scales_differs_at_ties_only() -> None:
    """ONNX Runtime's quantiser gives AveragePool's output the scale of its input. Ties are frequent then, and it is chance to which
    side of them ONNX Runtime's float32 sums fall; nowhere else may we differ."""
    builder, zero_point = OnnxBuilder(), 11
    x = builder.input("x", (1, 8, 64, 64), 0.02131733, zero_point)
    four = builder.average_pool(x, (2, 2), "four", scale=0.02131733, zero_point=zero_point)
    nine = builder.average_pool(x, (3, 3), "nine", scale=0.02131733, zero_point=zero_point)
    samples = random_samples({"x": (1, 8, 64, 64)}, seed=6)
    _, differences = onnx_differences(builder.build([four, nine]), samples)
    sums = np.stack([sample["x"] for sample in samples]).astype(int).reshape(-1, 1, 8, 32, 2, 32, 2).sum(axis=(-3, -1))
    ties = (sums - 4 * zero_point) % 4 == 2
    assert 0.1 < ties.mean() < 0.3
    assert not differences["four"][~ties].any()
    assert np.abs(differences["four"]).max() <= 1
    assert not differences["nine"].any()  # a mean of nine is never a tie


def test_adaptive_pooling() -> None:
    from tvm import relax

    from tvm_tiny.model import Model, TensorSpec

    builder = relax.BlockBuilder()
    x = relax.Var("x", relax.TensorType([1, 8, 6, 3], "int8"))
    scale, output_scale, zero_point = (relax.const(each) for each in (np.float32(0.1), np.float32(0.031), np.int32(-9)))
    with builder.function("main", [x]):
        with builder.dataflow():
            real = builder.emit(relax.op.dequantize(x, scale, relax.const(np.int32(4)), axis=-1))
            pooled = builder.emit(relax.op.nn.adaptive_avg_pool2d(real, (2, 2), layout="NHWC"))
            result = builder.emit_output(relax.op.quantize(pooled, output_scale, zero_point, axis=-1, out_dtype="int8"))
        builder.emit_func_output(result)
    specs = TensorSpec("x", (1, 8, 6, 3), "int8", 0.1, 4), TensorSpec("y", (1, 2, 2, 3), "int8", 0.031, -9)
    compiled = tvm_tiny.compile(Model("adaptive", builder.get(), specs[:1], specs[1:], "onnx", b"", {}))
    assert operators(compiled) == ["average_pool2d"]
    samples = random_samples({"x": (1, 8, 6, 3)}, seed=7)
    for sample, actual in zip(samples, outputs_of(compiled, samples), strict=True):
        means = (sample["x"].astype(float) - 4).reshape(1, 2, 4, 2, 3, 3).mean(axis=(2, 4))
        expected = np.clip(np.rint(means * 0.1 / np.float32(0.031)) - 9, -128, 127)
        np.testing.assert_array_equal(actual["y"], expected)
