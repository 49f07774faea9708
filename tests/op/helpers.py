"""Compiles small models, runs them on this machine, and holds them against the interpreters that define what they compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import tvm_tiny
from tvm_tiny.compiled import CompiledModel
from tvm_tiny.frontend.onnx import load_onnx
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.report.floats import CONVERSIONS, RESCALED
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

Sample = Mapping[str, np.ndarray]
Outputs = Sequence[Mapping[str, np.ndarray]]

INT8 = np.arange(-128, 128).astype(np.int8)
COLUMN, ROW = INT8.reshape(256, 1), INT8.reshape(1, 256)
"""Broadcast against each other they make every pair of int8 values."""

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")

Quantization = tuple[float, int, float, int, float, int, str]
"""x scale, x zero point, y scale, y zero point, output scale, output zero point, activation"""


def compile_tflite(model: bytes, rounding: str = "litert", target: str = "c") -> CompiledModel:
    return tvm_tiny.compile(load_tflite(model, "model", "model.tflite"), target=target, rounding=rounding)


def compile_onnx(model: bytes) -> CompiledModel:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        return tvm_tiny.compile(load_onnx(model, "model", path), target="c")


def operators(compiled: CompiledModel) -> list[str]:
    """What its layers are, in their order."""
    return [layer.op for layer in compiled.module.layers]


def float_reasons(compiled: CompiledModel) -> dict[str, str]:
    """Tensor → why it is computed in float32. Conversions, and sums that LiteRT rescales in float64, are meant to be."""
    meant = (*CONVERSIONS.values(), RESCALED)
    return {each["tensor"]: each["reason"] for each in compiled.report["float_layers"] if each["reason"] not in meant}


def outputs_of(compiled: CompiledModel, samples: Sequence[Sample]) -> Outputs:
    """What the C computes on this machine; every layer must be integer."""
    assert float_reasons(compiled) == {}
    assert [layer.name for layer in compiled.module.layers if layer.output_dtype.startswith("float")] == []
    return compiled.run(samples).outputs


def assert_equals(actual: Outputs, expected: Outputs) -> None:
    for index, (found, wanted) in enumerate(zip(actual, expected, strict=True)):
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            assert found[name].dtype == values.dtype
            np.testing.assert_array_equal(found[name], values, err_msg=f"sample {index}, tensor {name}")


def assert_equals_litert(model: bytes, samples: Sequence[Sample], rounding: str = "litert") -> CompiledModel:
    """Bit for bit what LiteRT's reference kernels compute."""
    compiled = compile_tflite(model, rounding)
    reference = LiteRTReference(model)
    assert_equals(outputs_of(compiled, samples), [reference.run(sample) for sample in samples])
    return compiled


def onnx_differences(model: bytes, samples: Sequence[Sample]) -> tuple[CompiledModel, dict[str, np.ndarray]]:
    """Ours - ONNX Runtime's, by output, samples behind one another along a new axis."""
    compiled = compile_onnx(model)
    reference = OnnxRuntimeReference(model)
    expected = [reference.run(sample) for sample in samples]
    actual = outputs_of(compiled, samples)
    assert all(each.keys() == wanted.keys() for each, wanted in zip(actual, expected, strict=True))
    return compiled, {
        name: np.stack([a[name].astype(int) - e[name].astype(int) for a, e in zip(actual, expected, strict=True)])
        for name in expected[0]
    }


def assert_equals_onnxruntime(model: bytes, samples: Sequence[Sample]) -> CompiledModel:
    """Element for element what ONNX Runtime computes in float32 between dequantize and quantize."""
    compiled, differences = onnx_differences(model, samples)
    for name, difference in differences.items():
        assert not difference.any(), f"{name}: {np.count_nonzero(difference)} of {difference.size} elements differ"
    return compiled


def assert_near_onnxruntime(model: bytes, samples: Sequence[Sample], share: float = 1e-3) -> CompiledModel:
    """At most one step from ONNX Runtime, in at most ``share`` of each output's elements."""
    compiled, differences = onnx_differences(model, samples)
    for name, difference in differences.items():
        assert np.abs(difference).max() <= 1, name
        assert np.count_nonzero(difference) <= share * difference.size, (
            f"{name}: {np.count_nonzero(difference)} of {difference.size}"
        )
    return compiled


def random_samples(
    shapes: Mapping[str, Sequence[int]], seed: int, count: int = 2, dtype: str = "int8"
) -> list[dict[str, np.ndarray]]:
    """``count`` samples of noise over the whole range, then one of the lowest and one of the highest value throughout."""
    rng = np.random.default_rng(seed)
    limits = np.iinfo(dtype)
    samples = [
        {name: rng.integers(limits.min, limits.max, shape, endpoint=True).astype(dtype) for name, shape in shapes.items()}
        for _ in range(count)
    ]
    return samples + [{name: np.full(shape, value, dtype) for name, shape in shapes.items()} for value in (limits.min, limits.max)]


def random_scale(rng: np.random.Generator, low: float = 1e-3, high: float = 1.0) -> float:
    """A scale spread evenly over the orders of magnitude, as a float32 holds it."""
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def random_zero_point(rng: np.random.Generator, dtype: str = "int8") -> int:
    """A zero point; the ends of the range and its middle are frequent."""
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))])) + (128 if dtype == "uint8" else 0)


def pairs_model(operator: str, quantizations: Sequence[Quantization]) -> tuple[bytes, Sample]:
    """A TFLite model with one elementwise ``operator`` ("add") for each quantisation, over every pair of int8 values."""
    builder, outputs, sample = TFLiteBuilder(), [], {}
    for index, (x_scale, x_zero, y_scale, y_zero, scale, zero, activation) in enumerate(quantizations):
        x = builder.input(f"x{index}", (256, 1), scale=x_scale, zero_point=x_zero)
        y = builder.input(f"y{index}", (1, 256), scale=y_scale, zero_point=y_zero)
        method = getattr(builder, operator)
        outputs.append(method(x, y, f"output{index}", scale=scale, zero_point=zero, activation=activation))
        sample |= {f"x{index}": COLUMN, f"y{index}": ROW}
    return builder.build(outputs), sample
