"""Windows that move over the rows and columns of a tensor: what the pooling operators share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.conv2d import window_extent
from tvm_tiny.op.qdq import NotInteger, op_name

if TYPE_CHECKING:
    from tvm import relax

Pair = tuple[int, int]
Four = tuple[int, int, int, int]

POOL_SCALE_TOLERANCE = 1e-6
"""TFLite takes the scales of a pooling operator's input and output for equal when they differ by no more (kernels/pooling.cc)."""


@dataclass(frozen=True)
class Window:
    """A window over rows and columns, channels last.

    ``padding`` is (top, left, bottom, right) and covers every window wholly; ``declared`` is what the model says of it, which is
    less where its last windows reach over the end (``ceil_mode``).
    """

    kernel: Pair
    strides: Pair
    dilation: Pair
    padding: Four
    declared: Four
    channels_first: bool

    def output(self, height: int, width: int) -> Pair:
        """Number of window positions over (height, width)."""
        top, left, bottom, right = self.padding
        rows = window_extent(height, top, bottom, self.kernel[0], self.strides[0], self.dilation[0])
        return rows, window_extent(width, left, right, self.kernel[1], self.strides[1], self.dilation[1])

    def counts(self, size: int, axis: int) -> np.ndarray:
        """How many elements of a window along ``axis`` (0: rows) lie inside the tensor, for each of its positions; int32."""
        before, after = self.padding[axis], self.padding[axis + 2]
        kernel, stride, dilation = self.kernel[axis], self.strides[axis], self.dilation[axis]
        positions = window_extent(size, before, after, kernel, stride, dilation)
        at = np.arange(positions)[:, None] * stride - before + np.arange(kernel)[None, :] * dilation
        return np.asarray(((at >= 0) & (at < size)).sum(axis=1), dtype=np.int32)


def match_window(call: relax.Call, shape: tuple[int, ...], result: tuple[int, ...]) -> Window:
    """The window of a 2-D pooling operator over an operand of ``shape`` with a result of shape ``result``.

    Raises
    ------
    NotInteger
        The layout is neither NHWC nor NCHW, or a window lies outside the tensor wholly.
    """
    attrs = call.attrs
    first = channels_first(str(attrs.layout), str(attrs.out_layout))
    height, width, rows, columns = (size for each in (shape, result) for size in (each[2:4] if first else each[1:3]))
    if op_name(call) == "relax.nn.adaptive_avg_pool2d":
        return _adaptive(attrs, (height, width), (rows, columns), first)
    kernel, strides, dilation = (_pair(values) for values in (attrs.pool_size, attrs.strides, attrs.dilation))
    numbers = [int(value) for value in attrs.padding]
    top, left, bottom, right = numbers * (4 // len(numbers))
    reach = [
        (count - 1) * stride + (k - 1) * d + 1
        for count, stride, k, d in zip((rows, columns), strides, kernel, dilation, strict=True)
    ]
    padding = (top, left, max(bottom, reach[0] - height - top), max(right, reach[1] - width - left))
    window = Window(kernel, strides, dilation, padding, (top, left, bottom, right), first)
    if min(window.counts(height, 0).min(), window.counts(width, 1).min()) == 0:
        raise NotInteger("one of its windows lies in the padding wholly")
    assert window.output(height, width) == (rows, columns), (
        f"pooling: {window.output(height, width)} windows, expected {(rows, columns)}"
    )
    return window


def _adaptive(attrs: relax.Expr, size: Pair, output: Pair, first: bool) -> Window:
    if size[0] % output[0] or size[1] % output[1]:
        raise NotInteger(f"its windows are not all alike ({size[0]} x {size[1]} to {output[0]} x {output[1]})")
    kernel = (size[0] // output[0], size[1] // output[1])
    return Window(kernel, kernel, (1, 1), (0, 0, 0, 0), (0, 0, 0, 0), first)


def _pair(values: relax.Expr) -> Pair:
    numbers = [int(value) for value in values]
    first, second = numbers * (2 // len(numbers))
    return first, second


def channels_first(layout: str, out_layout: str) -> bool:
    """Whether a 2-D operator's tensors are NCHW rather than NHWC.

    Raises
    ------
    NotInteger
        They are neither, or the result's layout is another one.
    """
    if layout not in ("NHWC", "NCHW") or out_layout not in ("", layout):
        raise NotInteger(f"its layout is {layout} to {out_layout or layout}, expected NHWC or NCHW")
    return layout == "NCHW"


def channels_last(x: relax.Expr, first: bool, operator: Callable[[relax.Expr], relax.Expr]) -> relax.Expr:
    """``operator`` applied to ``x`` with its channels last, between transposes where the graph has them first."""
    from tvm import relax

    if not first:
        return operator(x)
    return relax.op.permute_dims(operator(relax.op.permute_dims(x, [0, 2, 3, 1])), [0, 3, 1, 2])
