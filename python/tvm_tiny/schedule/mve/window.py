"""Convolutions and fully connected layers as products of contiguous runs of input with the weights of each channel.

Where the inputs under a window are neighbours in memory, they are read where they lie. Otherwise a line buffer holds the columns of
the rows under an output row, a column's rows side by side, padding included: there the inputs under a window are neighbours, and
those of the next pixel begin ``stride`` columns further on. Each input is copied once for each output row that sees it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tvm_tiny.op.operator import Node


@dataclass(frozen=True)
class LineBuffer:
    """The columns under an output row: (columns, kernel rows, channels).

    Attributes
    ----------
    columns : int
        All of them, padding included.
    copied : int
        Columns of the image among them, from ``left`` on.
    """

    height: int
    width: int
    channels: int
    kernel: int
    stride: int
    dilation: int
    top: int
    left: int
    columns: int
    copied: int
    pad_value: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.columns * self.kernel * self.channels

    def reaches_below(self, rows: int) -> bool:
        """Whether the last of ``rows`` rows of outputs sees rows below the image."""
        return (rows - 1) * self.stride - self.top + (self.kernel - 1) * self.dilation >= self.height


@dataclass(frozen=True)
class Window:
    """``rows`` times ``pixels`` outputs; a pixel reads ``depth`` neighbours, ``pitch`` behind those of the pixel before it.

    Without a line buffer the inputs of a row of outputs begin ``row_pitch`` behind those of the one before, and ``image_pitch``
    behind those of the image before.
    """

    rows: int
    pixels: int
    depth: int
    pitch: int
    rows_per_image: int
    row_pitch: int
    image_pitch: int
    buffer: LineBuffer | None


def window_of(node: Node) -> Window | None:
    """The product that a conv2d or fully_connected node is; None where its windows have gaps, or see nothing but padding."""
    shape = node.value(0).shape
    if node.op.name == "fully_connected":
        depth = shape[-1]
        return Window(1, math.prod(shape[:-1]), depth, depth, 1, 0, 0, None)
    attrs = node.attrs
    n, height, width, channels = shape
    _, kernel_h, kernel_w, _ = node.constant(1).shape
    _, rows, pixels, _ = node.output.shape
    top, left, _, _ = attrs.padding
    columns = (pixels - 1) * attrs.strides[1] + kernel_w
    copied = min(width, columns - left)
    if (kernel_w > 1 and attrs.dilation[1] > 1) or copied < 1:
        return None
    padded = any(attrs.padding)
    image = height * width * channels
    if kernel_h == 1 and not padded:
        pitch, row_pitch = attrs.strides[1] * channels, attrs.strides[0] * width * channels
        if row_pitch == pixels * pitch and rows * row_pitch == image:  # every pixel follows the one before
            return Window(1, n * rows * pixels, kernel_w * channels, pitch, 1, 0, 0, None)
        return Window(n * rows, pixels, kernel_w * channels, pitch, rows, row_pitch, image, None)
    buffer = LineBuffer(
        height,
        width,
        channels,
        kernel_h,
        attrs.strides[0],
        attrs.dilation[0],
        top,
        left,
        columns,
        copied,
        attrs.pad_value,
    )
    column = kernel_h * channels
    return Window(n * rows, pixels, kernel_w * column, attrs.strides[1] * column, rows, 0, image, buffer)


def weights_of(node: Node, window: Window) -> np.ndarray:
    """Weights (channels, depth) in the order of the inputs under a window."""
    weight = node.constant(1)
    if weight.ndim == 4 and window.buffer is not None:
        weight = weight.transpose(0, 2, 1, 3)
    return np.ascontiguousarray(weight.reshape(weight.shape[0], -1))
