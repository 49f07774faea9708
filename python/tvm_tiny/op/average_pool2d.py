"""2-D average pooling in int8, NHWC (TFLite AVERAGE_POOL_2D, ONNX AveragePool).

TFLite's arithmetic (integer_ops/pooling.h and reference/pooling.h) works on the values of the file, whose scale the output shares;
padding does not count:

``output = clamp(sum / count)``, halves away from zero, which for uint8 is up

ONNX's is that of the real numbers, rounded once, ties to even:

``output = clamp(rescale((sum - window * x_zero) / count) + zero_point)``, padding filled with x_zero
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.alike import require_alike
from tvm_tiny.op.conv2d import window_extent
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.padding import padded
from tvm_tiny.op.qdq import Operand, Site
from tvm_tiny.op.rescale import divided, exact_ratio, fixed_point, rescaled
from tvm_tiny.op.rounding import clamped, held, quantize_multiplier, requantize_constants, requantized
from tvm_tiny.op.window import POOL_SCALE_TOLERANCE, Four, Pair, Window, channels_last, match_window

if TYPE_CHECKING:
    from tvm import relax, te, tirx


@dataclass(frozen=True)
class AveragePool2dAttrs:
    """``scale`` is the input's over the output's, ``ratio`` the same as (numerator, denominator) where it is a small fraction, else
    empty.

    With ``away`` TFLite's division is meant, otherwise ONNX's arithmetic. ``low`` and ``high`` are the fused activation's limits on
    the stored value. ``file_offset`` is file value - stored value: 128 for uint8 tensors, whose halves are rounded otherwise.
    """

    kernel: Pair
    strides: Pair
    padding: Four
    dilation: Pair
    scale: float
    ratio: tuple[int, ...]
    input_zero_point: int
    zero_point: int
    low: int
    high: int
    away: bool
    file_offset: int = 0


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: AveragePool2dAttrs) -> Value:
    x = inputs[0]
    assert isinstance(x, Value)
    n, height, width, channels = x.shape
    top, left, bottom, right = attrs.padding
    rows = window_extent(height, top, bottom, attrs.kernel[0], attrs.strides[0], attrs.dilation[0])
    columns = window_extent(width, left, right, attrs.kernel[1], attrs.strides[1], attrs.dilation[1])
    return Value((n, rows, columns, channels), "int8")


def _define(node: Node) -> Definition:
    from tvm import te, tirx

    attrs: AveragePool2dAttrs = node.attrs
    x = te.placeholder(node.value(0).shape, "int8", "x")
    (kernel_h, kernel_w), (stride_h, stride_w), (dilation_h, dilation_w) = attrs.kernel, attrs.strides, attrs.dilation
    source = padded(x, attrs.padding, 0 if attrs.away else attrs.input_zero_point)
    kh = te.reduce_axis((0, kernel_h), "kh")
    kw = te.reduce_axis((0, kernel_w), "kw")
    acc = te.compute(
        node.output.shape,
        lambda n, oh, ow, c: te.sum(
            source[n, oh * stride_h + kh * dilation_h, ow * stride_w + kw * dilation_w, c].astype("int32"), axis=[kh, kw]
        ),
        "acc",
    )
    counts = _Counts.of(node.constant(1), node.constant(2))
    offset = tirx.const(kernel_h * kernel_w * attrs.input_zero_point, "int32")
    scales = attrs.scale / counts.range
    rescale = requantize_constants(scales, "even") if not attrs.ratio and scales.size > 1 else {}

    def average(n: tirx.Var, oh: tirx.Var, ow: tirx.Var, c: tirx.Var) -> tirx.Expr:
        total, count = acc[n, oh, ow, c], counts.at(oh, ow)
        if attrs.away:
            in_file = total + count * attrs.file_offset if attrs.file_offset else total
            quotient = tirx.call_pure_extern("int32", "tvm_tiny_round_divide", in_file, count)
            return held(quotient - attrs.file_offset if attrs.file_offset else quotient, attrs.low, attrs.high)
        if attrs.ratio:
            numerator, denominator = attrs.ratio
            quotient = divided(total - offset, numerator, count * tirx.const(denominator, "int32"))
        elif rescale:
            quotient = requantized(total - offset, count - counts.smallest, rescale, "even")
        else:
            quotient = rescaled(total - offset, *quantize_multiplier(float(scales[0])), "even")
        return clamped(quotient, attrs.zero_point, attrs.low, attrs.high)

    output = te.compute(node.output.shape, average, "output")
    return Definition([x], {**counts.constants, **rescale}, output)


@dataclass(frozen=True)
class _Counts:
    """The number that each window's sum is divided by: a product of one number per row and one per column."""

    rows: np.ndarray
    columns: np.ndarray
    constants: dict[str, tuple[te.Tensor, np.ndarray]]

    @staticmethod
    def of(rows: np.ndarray, columns: np.ndarray) -> _Counts:
        from tvm import te

        named = {"rows": rows, "columns": columns}
        return _Counts(
            rows, columns, {role: (te.placeholder(data.shape, "int32", role), data) for role, data in named.items() if np.ptp(data)}
        )

    def at(self, row: tirx.Var, column: tirx.Var) -> tirx.Expr:
        from tvm import tirx

        factors = [("rows", self.rows, row), ("columns", self.columns, column)]
        first, second = (
            self.constants[role][0][index] if role in self.constants else tirx.const(int(data[0]), "int32")
            for role, data, index in factors
        )
        return first * second

    @property
    def smallest(self) -> int:
        return int(self.rows.min() * self.columns.min())

    @property
    def range(self) -> np.ndarray:
        """Every count from the smallest to the largest."""
        return np.arange(self.smallest, int(self.rows.max() * self.columns.max()) + 1, dtype=np.float64)


AVERAGE_POOL2D = register(Operator("average_pool2d", AveragePool2dAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → avg_pool2d or adaptive_avg_pool2d → activation → quantize)."""
    pool = site.graph.call(site.producer, "relax.nn.avg_pool2d", "relax.nn.adaptive_avg_pool2d")
    if pool is None:
        return None
    operand = site.operand(0)
    window = match_window(pool, operand.shape, site.shape)
    height, width = operand.shape[2:4] if window.channels_first else operand.shape[1:3]
    include_pad = bool(getattr(pool.attrs, "count_include_pad", False))
    rows, columns = (_counts(window, size, axis, include_pad) for axis, size in enumerate((height, width)))
    area = window.kernel[0] * window.kernel[1]
    away = site.arithmetic.is_tflite
    if away:
        require_alike(site, operand, POOL_SCALE_TOLERANCE)
    scale = 1.0 if away else operand.scale / site.output.scale
    fixed_point(scale, 255 * area)
    ratio = (1, 1) if away else _ratio(site, operand, area)
    attrs = AveragePool2dAttrs(
        kernel=window.kernel,
        strides=window.strides,
        padding=window.padding,
        dilation=window.dilation,
        scale=scale,
        ratio=ratio,
        input_zero_point=operand.zero_point,
        zero_point=site.output.zero_point,
        low=site.output.low,
        high=site.output.high,
        away=away,
        file_offset=site.output.offset if away else 0,
    )
    return channels_last(operand.expr, window.channels_first, lambda x: _emit(x, rows, columns, attrs, site.source))


def _ratio(site: Site, operand: Operand, area: int) -> tuple[int, ...]:
    """Input over output scale as a fraction, where its denominator times any count of elements fits."""
    found = exact_ratio(operand.scale, site.output.scale, 1, 255 * area)
    return found if found is not None and found[1] * area < 1 << 30 else ()


def _emit(x: relax.Expr, rows: np.ndarray, columns: np.ndarray, attrs: AveragePool2dAttrs, source: str) -> relax.Expr:
    from tvm import relax

    return call(AVERAGE_POOL2D, [x, relax.const(rows), relax.const(columns)], attrs, source=source)


def _counts(window: Window, size: int, axis: int, include_pad: bool) -> np.ndarray:
    counts = window.counts(size, axis)
    return np.full_like(counts, window.kernel[axis]) if include_pad else counts
