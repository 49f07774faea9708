"""Nearest-neighbour resizing, up and down, by any factor: each element is the reference's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.op.helpers import assert_equals_litert, assert_equals_onnxruntime, operators, random_samples
from tvm_tiny.op.resize_nearest import onnx_places, tflite_places
from tvm_tiny.testing.onnx_builder import OnnxBuilder
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

SIZES = [(8, 12), (7, 11), (12, 3), (2, 5), (1, 1), (13, 18)]


@pytest.mark.parametrize(("align_corners", "half_pixel"), [(False, False), (True, False), (False, True)])
def test_tflite(align_corners: bool, half_pixel: bool) -> None:
    builder = TFLiteBuilder()
    x = builder.input("x", (1, 4, 6, 3), scale=0.1, zero_point=3)
    outputs = [
        builder.resize_nearest_neighbor(x, size, f"y{i}", align_corners=align_corners, half_pixel_centers=half_pixel)
        for i, size in enumerate(SIZES)
    ]
    compiled = assert_equals_litert(builder.build(outputs), random_samples({"x": (1, 4, 6, 3)}, 0))
    assert operators(compiled) == ["resize_nearest"] * len(SIZES)


@pytest.mark.parametrize("mode", ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"])
@pytest.mark.parametrize("nearest", ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
def test_onnx(mode: str, nearest: str) -> None:
    builder = OnnxBuilder(opset=13)
    x = builder.input("x", (1, 2, 4, 6), scale=0.1, zero_point=3)
    outputs = []
    for i, size in enumerate(SIZES):
        roi = builder.constant(f"roi{i}", np.zeros(0, np.float32))
        scales = builder.constant(f"scales{i}", np.zeros(0, np.float32))
        sizes = builder.constant(f"sizes{i}", np.array((1, 2, *size), np.int64))
        attributes = {"mode": "nearest", "coordinate_transformation_mode": mode, "nearest_mode": nearest}
        outputs.append(builder.operator("Resize", [x, roi, scales, sizes], f"y{i}", 0.1, 3, attributes))
    compiled = assert_equals_onnxruntime(builder.build(outputs), random_samples({"x": (1, 2, 4, 6)}, 1, count=1))
    assert set(operators(compiled)) <= {"resize_nearest", "transpose", *(f"transpose{i}" for i in range(1, 20))}


def test_places_within_and_beyond() -> None:
    assert tflite_places(2, 4, "asymmetric", "") == (0, 0, 1, 1)
    assert tflite_places(4, 2, "half_pixel", "round_prefer_ceil") == (1, 3)
    assert onnx_places(3, 6, "asymmetric", "ceil") == (0, 1, 1, 2, 2, 2)
