"""The mean over height and width as a depthwise convolution whose weights are all 1: the array adds, the unit behind it rescales.

TFLite's multiplier of a mean is divided in integers (op/mean.py) and need not be normalised, so that it is handed over as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tvm_tiny.op.conv2d import Conv2dAttrs
from tvm_tiny.op.depthwise_conv2d import DEPTHWISE_CONV2D
from tvm_tiny.op.operator import Node, Value


@dataclass(frozen=True)
class SumAttrs(Conv2dAttrs):
    """A convolution with one ``multiplier`` and ``shift`` for all channels instead of scales."""

    multiplier: int = 0
    shift: int = 0


def as_depthwise(node: Node) -> Node:
    """The convolution that computes a mean over the axes 1 and 2 of (1, height, width, channels)."""
    attrs = node.attrs
    _, height, width, channels = node.value(0).shape
    window = SumAttrs(
        strides=(1, 1),
        padding=(0, 0, 0, 0),
        dilation=(1, 1),
        pad_value=0,
        zero_point=attrs.zero_point,
        low=attrs.low,
        high=attrs.high,
        rounding="double",
        multiplier=attrs.multiplier,
        shift=attrs.shift,
    )
    ones = np.ones((height, width, channels), np.int8)
    bias = np.full(channels, -attrs.sum_zero_point, np.int32)
    operator = replace(DEPTHWISE_CONV2D, name=node.op.name, macs=lambda _node: 0)
    output = Value((1, 1, 1, channels), node.output.dtype)
    return Node(operator, window, (node.inputs[0], ones, bias, np.ones(1)), output)
