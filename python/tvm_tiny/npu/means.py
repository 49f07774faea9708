"""The mean over height and width as a depthwise convolution whose weights are all 1: the array adds, the unit behind it rescales.

TFLite's multiplier of a mean is divided in integers (op/mean.py) and need not be normalised, so that it is handed over as it is.
For ONNX's, one rounding with ties to even, npu/requantize.py looks for a multiplier and a nudge: the sums' range is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tvm_tiny.npu.commands import Requantization
from tvm_tiny.npu.requantize import Rescale, proved_of
from tvm_tiny.op.conv2d import Conv2dAttrs
from tvm_tiny.op.depthwise_conv2d import DEPTHWISE_CONV2D
from tvm_tiny.op.operator import Node, Value
from tvm_tiny.op.rounding_arrays import divided_even, rescaled


@dataclass(frozen=True)
class SumAttrs(Conv2dAttrs):
    """A convolution with one ``multiplier`` and ``shift`` for all channels instead of scales, or one ``ratio``, as a mean has."""

    multiplier: int = 0
    shift: int = 0
    ratio: tuple[int, ...] = ()


def rescale_of_sums(node: Node) -> Rescale | None:
    """How the requantisation unit computes the mean that ``node``, of :func:`as_depthwise`, is; None where it cannot."""
    attrs, channels = node.attrs, int(node.output.shape[-1])
    assert isinstance(attrs, SumAttrs)
    if attrs.rounding == "double":
        found = Rescale(Requantization.DOUBLE, *(np.array([each], np.int32) for each in (attrs.multiplier, 0, attrs.shift)))
    else:
        count, bias = node.constant(1)[..., 0].size, int(node.constant(2)[0])
        limits = np.array([bias - 128 * count]), np.array([bias + 127 * count])
        scale = attrs.ratio[0] / attrs.ratio[1] if attrs.ratio else attrs.multiplier * 2.0 ** (attrs.shift - 31)
        proof = proved_of(lambda sums: _rounded(sums, attrs), np.array([scale]), limits, attrs.zero_point, attrs.low, attrs.high)
        if proof is None:
            return None
        found = proof
    return Rescale(found.kind, *(np.repeat(each, channels) for each in (found.multiplier, found.nudge, found.shift)))


def _rounded(sums: np.ndarray, attrs: SumAttrs) -> np.ndarray:
    if attrs.ratio:
        return divided_even(sums * attrs.ratio[0], attrs.ratio[1])
    return rescaled(sums, attrs.multiplier, attrs.shift, attrs.rounding).value


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
        rounding=attrs.rounding,
        multiplier=attrs.multiplier,
        shift=attrs.shift,
        ratio=attrs.ratio,
    )
    ones = np.ones((height, width, channels), np.int8)
    bias = np.full(channels, -attrs.sum_zero_point, np.int32)
    operator = replace(DEPTHWISE_CONV2D, name=node.op.name, macs=lambda _node: 0)
    output = Value((1, 1, 1, channels), node.output.dtype)
    return Node(operator, window, (node.inputs[0], ones, bias, np.ones(1)), output)
