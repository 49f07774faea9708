"""Weights, parameters and tables as the NPU reads them."""

from __future__ import annotations

import numpy as np

from tvm_tiny.npu.region import Operation
from tvm_tiny.npu.requantize import Rescale
from tvm_tiny.npu.tiling import Tiling
from tvm_tiny.target.npu import Npu

ALIGNMENT = 16
"""Of everything in SRAM, in bytes: whole words of the widest bus."""


def matrix(operation: Operation) -> np.ndarray:
    """The weights as (depth, channels): rows in the order (kh, kw, c), or taps in depthwise mode."""
    assert operation.node is not None
    weight = operation.node.constant(1)
    if operation.kind == "depthwise_conv2d":
        return weight.reshape(-1, weight.shape[-1])[:, operation.part]
    return weight.reshape(weight.shape[0], -1).T[:, operation.part]


def folds(operation: Operation, tiling: Tiling, npu: Npu) -> np.ndarray:
    """The weights' folds, one behind the other: for each fold of channels those of the depth, each (rows, columns). uint8."""
    weight = matrix(operation)
    columns = npu.size // tiling.split
    parts = [
        weight[row : row + tiling.depth_step, column : column + columns].tobytes()
        for column in range(0, weight.shape[1], columns)
        for row in range(0, weight.shape[0], tiling.depth_step)
    ]
    return np.frombuffer(b"".join(parts), np.uint8)


def parameters(operation: Operation, rescale: Rescale) -> np.ndarray:
    """Bias, multiplier, nudge and shift of each channel. uint8 (16 * channels,)."""
    assert operation.node is not None
    columns = [operation.node.constant(2), rescale.multiplier, rescale.nudge, rescale.shift]
    table = np.stack([np.asarray(column, dtype="<i4")[operation.part] for column in columns], axis=1)
    return np.frombuffer(table.tobytes(), np.uint8)


def constants(operation: Operation, tiling: Tiling, npu: Npu, rescale: Rescale | None) -> dict[str, np.ndarray]:
    """What the operation reads beside its feature maps, by role, as bytes: "weights" and "parameters", or "table".

    ``rescale`` is :func:`tvm_tiny.npu.support.rescale_of` an operation on the array.
    """
    if operation.on_array:
        assert rescale is not None, f"{operation.name} has passed its checks"
        return {"weights": folds(operation, tiling, npu), "parameters": parameters(operation, rescale)}
    if operation.kind in ("lookup", "softmax"):
        assert operation.node is not None
        table = operation.node.constant(1)
        return {"table": np.frombuffer(table.astype(table.dtype.newbyteorder("<")).tobytes(), np.uint8)}
    return {}


def aligned(size: int) -> int:
    """``size`` rounded up to whole words."""
    return -(-size // ALIGNMENT) * ALIGNMENT
