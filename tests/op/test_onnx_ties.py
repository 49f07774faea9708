"""ONNX rounds ties to even in every operator: scales that are powers of two, in which ONNX Runtime's float32 is exact, show it."""

import numpy as np
import pytest

from tests.op.helpers import assert_equals_onnxruntime, operators, random_samples
from tvm_tiny.testing.onnx_builder import OnnxBuilder


@pytest.mark.parametrize("scale", [0.0625, 0.5])
def test_convolutions_and_matrix_products(scale: float) -> None:
    rng = np.random.default_rng(0)
    builder = OnnxBuilder()
    x = builder.input("x", (1, 4, 16, 16), 0.125, 3)
    weights = builder.quantized_constant("weights", rng.integers(-8, 9, (8, 4, 1, 1)).astype(np.int8), 0.0625)
    pointwise = builder.conv(x, weights, None, "pointwise", scale=scale, zero_point=-5)
    filters = builder.quantized_constant("filters", rng.integers(-8, 9, (4, 1, 3, 3)).astype(np.int8), 0.0625)
    depthwise = builder.conv(x, filters, None, "depthwise", scale=scale, zero_point=-5, group=4)
    rows = builder.input("rows", (64, 16), 0.125, 3)
    matrix = builder.quantized_constant("matrix", rng.integers(-8, 9, (16, 12)).astype(np.int8), 0.0625)
    product = builder.matmul(rows, matrix, "product", scale=scale, zero_point=-5)
    samples = random_samples({"x": (1, 4, 16, 16), "rows": (64, 16)}, seed=1)
    compiled = assert_equals_onnxruntime(builder.build([pointwise, depthwise, product]), samples)
    assert {"conv2d", "depthwise_conv2d", "fully_connected"} <= set(operators(compiled))
