"""The trained digits network as an ONNX model, and that model quantised to int8."""

from __future__ import annotations

import numpy as np

from tvm_tiny.quantize import quantize
from tvm_tiny.testing.digits.layers import Conv, Dense, DepthwiseConv, Layer, MaxPool, Relu
from tvm_tiny.testing.onnx_builder import OnnxBuilder, Value

CALIBRATION_IMAGES = 200


def to_onnx(layers: list[Layer]) -> bytes:
    """Float ONNX: input "image" (1, 1, 8, 8) in 0 to 1, output "probabilities" (1, 10)."""
    builder = OnnxBuilder()
    value = builder.input("image", (1, 1, 8, 8))
    for i, layer in enumerate(layers):
        value = _add(builder, value, layer, i)
    return builder.build([builder.operator("Softmax", [value], "probabilities", attributes={"axis": 1})])


def to_int8(model: bytes, images: np.ndarray) -> bytes:
    """The float ``model`` as int8 QDQ, per channel, calibrated on the first of the training ``images`` (n, 1, 8, 8)."""
    return quantize(model, images[:CALIBRATION_IMAGES])


def _add(builder: OnnxBuilder, x: Value, layer: Layer, index: int) -> Value:
    if isinstance(layer, Relu):
        return builder.operator("Relu", [x], f"{x.name}/relu")
    if isinstance(layer, MaxPool):
        return builder.max_pool(x, (2, 2), f"pool{index}")
    weights, bias = layer.parameters
    if isinstance(layer, Dense):
        flat = builder.operator("Flatten", [x], "flat")
        return builder.gemm(flat, builder.constant("dense/weights", weights), bias, "scores")
    assert isinstance(layer, (Conv, DepthwiseConv))
    kind, group = ("depthwise", len(weights)) if isinstance(layer, DepthwiseConv) else ("conv", 1)
    pads = (layer.size // 2,) * 4
    return builder.conv(x, builder.constant(f"{kind}{index}/weights", weights), bias, f"{kind}{index}", pads=pads, group=group)
