"""Data movement works on the stored integers, wherever in the float graph it was written."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import (
    assert_equals_litert,
    assert_equals_onnxruntime,
    assert_near_onnxruntime,
    compile_onnx,
    operators,
    random_samples,
)
from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value
from tvm_tiny.testing.onnx_reference import OnnxRuntimeReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

SHAPE = (1, 4, 6, 8)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_moves_of_stored_values(dtype: str) -> None:
    """TFLite's moves have no dequantize around them. A parting split is a slice for each part that is used."""
    builder = TFLiteBuilder()
    zero_point = 131 if dtype == "uint8" else 3
    x = builder.input("x", SHAPE, dtype, scale=0.1, zero_point=zero_point)
    turned = builder.transpose(builder.reshape(x, (4, 6, 8), "r"), (2, 0, 1), "t")
    part = builder.split(turned, 0, 4, "s")[2]
    sliced = builder.strided_slice(part, (0, 3, 5), (2, 0, -7), (1, -2, -1), "u")
    resized = builder.resize_nearest_neighbor(x, (7, 11), "v")
    quantized = builder.quantize(sliced, "w", scale=0.07, zero_point=zero_point, dtype=dtype)
    compiled = assert_equals_litert(builder.build([turned, quantized, resized]), random_samples({"x": SHAPE}, 0, dtype=dtype))
    assert "quantize" not in operators(compiled)
    assert operators(compiled).count("lookup") == 1


def _shape(builder: OnnxBuilder, *numbers: int) -> Value:
    return builder.constant(f"numbers_{len(builder._initializers)}", np.array(numbers, np.int64))


def _slice(builder: OnnxBuilder, x: Value) -> Value:
    begin, end, axes = (_shape(builder, *numbers) for numbers in ((1, 0), (4, 6), (2, 3)))
    return builder.operator("Slice", [x, begin, end, axes], "y", 0.1, 3)


ONNX_MOVES = {
    "Reshape": lambda b, x: b.reshape(x, (1, -1), "y", scale=0.1, zero_point=3),
    "Flatten": lambda b, x: b.operator("Flatten", [x], "y", 0.1, 3),
    "Transpose": lambda b, x: b.operator("Transpose", [x], "y", 0.1, 3, {"perm": (0, 2, 3, 1)}),
    "Squeeze": lambda b, x: b.operator("Squeeze", [x, _shape(b, 0)], "y", 0.1, 3),
    "Unsqueeze": lambda b, x: b.operator("Unsqueeze", [x, _shape(b, 0, 5)], "y", 0.1, 3),
    "Slice": _slice,
    "Tile": lambda b, x: b.operator("Tile", [x, _shape(b, 1, 2, 1, 3)], "y", 0.1, 3),
    "Gather": lambda b, x: b.operator("Gather", [x, _shape(b, 3, 0, -1)], "y", 0.1, 3, {"axis": 1}),
    "Expand": lambda b, x: b.operator("Expand", [x, _shape(b, 2, 4, 6, 8)], "y", 0.1, 3),
    "DepthToSpace": lambda b, x: b.operator("DepthToSpace", [x], "y", 0.1, 3, {"blocksize": 2}),
}


@pytest.mark.parametrize("name", ONNX_MOVES)
def test_an_onnx_move_between_equal_parameters(name: str) -> None:
    builder = OnnxBuilder()
    x = builder.input("x", SHAPE, scale=0.1, zero_point=3)
    compiled = assert_equals_onnxruntime(builder.build([ONNX_MOVES[name](builder, x)]), random_samples({"x": SHAPE}, 1))
    assert {"quantize", "dequantize", "lookup"}.isdisjoint(operators(compiled)) or operators(compiled) == ["lookup"]


def test_a_move_that_the_importer_writes_in_another_form_is_made_in_float() -> None:
    builder = OnnxBuilder(opset=16)
    x = builder.input("x", SHAPE, scale=0.1, zero_point=3)
    indices = builder.constant("i", np.random.default_rng(0).integers(0, 4, (1, 4, 6, 8)))
    model = builder.build([builder.operator("GatherElements", [x, indices], "y", 0.1, 3, {"axis": 1})])
    samples = random_samples({"x": SHAPE}, 1)
    for ours, sample in zip(compile_onnx(model).run(samples).outputs, samples, strict=True):
        np.testing.assert_array_equal(ours["y"], OnnxRuntimeReference(model).run(sample)["y"])


def test_other_parameters_are_a_table() -> None:
    builder = OnnxBuilder()
    x = builder.input("x", SHAPE, scale=0.1, zero_point=3)
    y = builder.operator("Transpose", [x], "y", 0.25, -7, {"perm": (3, 2, 1, 0)})
    compiled = assert_equals_onnxruntime(builder.build([y]), random_samples({"x": SHAPE}, 2))
    assert sorted(operators(compiled)) == ["lookup", "transpose"]


def test_a_move_that_is_not_quantised_itself_lies_before_the_operator_that_reads_it() -> None:
    builder = OnnxBuilder()
    x = builder.input("x", (3, 8), scale=0.1, zero_point=3)
    moved = builder.operator("Transpose", [builder.reshape(x, (6, 4), "r")], attributes={"perm": (1, 0)})
    weights = builder.weights("w", np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32))
    y = builder.gemm(moved, weights, None, "y", scale=0.2, zero_point=0)
    compiled = assert_near_onnxruntime(builder.build([y]), random_samples({"x": (3, 8)}, 3), share=0.05)
    assert operators(compiled) == ["transpose", "fully_connected"]


def test_what_is_quantised_after_a_move_is_quantised_before_it() -> None:
    """Softmax of opset 12 and older is a reshape, a softmax and a reshape, with one quantize behind them."""
    builder = OnnxBuilder()
    x = builder.input("x", (2, 3, 4), scale=0.1, zero_point=3)
    soft = builder.operator("Softmax", [builder.reshape(x, (6, 4), "r")], attributes={"axis": -1})
    y = builder.reshape(soft, (2, 12), "y", scale=1 / 256, zero_point=-128)
    assert operators(assert_near_onnxruntime(builder.build([y]), random_samples({"x": (2, 3, 4)}, 4))) == ["softmax"]
