"""A convolution or fully connected layer seen as a matrix product: inputs under the window of each output pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from tvm import te, tirx

from tvm_tiny.op.operator import Node


@dataclass(frozen=True)
class Window:
    """``depth`` inputs for each of ``pixels`` outputs; the image is (n, height, width, channels)."""

    image: tuple[int, int, int, int]
    rows: int
    columns: int
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    top: int = 0
    left: int = 0
    padded: bool = False
    pad_value: int = 0

    @property
    def depth(self) -> int:
        return self.kernel[0] * self.kernel[1] * self.image[3]

    @property
    def pixels(self) -> int:
        return self.image[0] * self.rows * self.columns

    @property
    def pointwise(self) -> bool:
        """The window of a pixel is the pixel itself: its inputs are neighbours, and so are those of the next one."""
        return self.kernel == (1, 1) and self.strides == (1, 1) and not self.padded

    def tap(self, x: te.Tensor, pixel: tirx.Expr, kh: tirx.Expr, kw: tirx.Expr, channel: tirx.Expr) -> tirx.Expr:
        """An input under the window of ``pixel``, int8, or the padding's value; ``x`` is flat."""
        _, height, width, channels = self.image
        column, row, image = pixel % self.columns, pixel // self.columns % self.rows, pixel // (self.columns * self.rows)
        y = row * self.strides[0] + kh * self.dilation[0] - self.top
        z = column * self.strides[1] + kw * self.dilation[1] - self.left
        value = x[((image * height + y) * width + z) * channels + channel]
        if not self.padded:
            return value
        inside = tirx.all(y >= 0, y < height, z >= 0, z < width)
        return tirx.if_then_else(inside, value, tirx.const(self.pad_value, "int8"))


def window_of(node: Node) -> Window:
    """The window of a conv2d or fully_connected node."""
    x = node.value(0)
    if node.op.name == "fully_connected":
        return Window((math.prod(x.shape[:-1]), 1, 1, x.shape[-1]), 1, 1, (1, 1))
    attrs, (_, kernel_h, kernel_w, _) = node.attrs, node.constant(1).shape
    n, height, width, channels = x.shape
    _, rows, columns, _ = node.output.shape
    top, left, _, _ = attrs.padding
    padded = any(attrs.padding)
    kernel = (kernel_h, kernel_w)
    return Window(
        (n, height, width, channels), rows, columns, kernel, attrs.strides, attrs.dilation, top, left, padded, attrs.pad_value
    )


def reach_of(node: Node) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest sum of each output channel, bias included: as a pass has noted it, else for any int8 input.

    Weights are (channels, ...) or, of a depthwise convolution, (..., channels).
    """
    if node.accumulator is not None:
        return node.accumulator
    weight, bias = node.constant(1).astype(np.int64), node.constant(2).astype(np.int64)
    axes = (0, 1) if node.op.name == "depthwise_conv2d" else tuple(range(1, weight.ndim))
    low, high = weight_reach(weight, axes)
    return bias + low, bias + high


def weight_reach(weight: np.ndarray, axes: tuple[int, ...] | int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest sum over ``axes`` of weights times any int8 inputs."""
    wide = weight.astype(np.int64)
    low = np.where(wide > 0, wide * -128, wide * 127).sum(axis=axes)
    high = np.where(wide > 0, wide * 127, wide * -128).sum(axis=axes)
    return low, high
