"""How far the accumulators of a layer reach."""

from __future__ import annotations

import numpy as np

from tvm_tiny.op.operator import Node


def reach_of(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest accumulator of each output channel, bias included: as a pass has noted it, else for any int8 input."""
    if node.accumulator is not None:
        return node.accumulator
    channels = node.output.shape[-1]
    weight, bias = node.constant(1).astype(np.int64), node.constant(2).astype(np.int64)
    by_channel = weight.reshape(-1, channels).T if node.op.name == "depthwise_conv2d" else weight.reshape(channels, -1)
    low = bias + np.where(by_channel > 0, by_channel * -128, by_channel * 127).sum(axis=1)
    high = bias + np.where(by_channel > 0, by_channel * 127, by_channel * -128).sum(axis=1)
    return low, high
