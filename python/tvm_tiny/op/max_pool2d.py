"""2-D max pooling in int8, NHWC (TFLite MAX_POOL_2D, ONNX MaxPool).

``output = clamp(max(window))`` on stored values; padding is -128, which never wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.alike import conversion, limits_of
from tvm_tiny.op.conv2d import window_extent
from tvm_tiny.op.lookup import emit_lookup
from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register
from tvm_tiny.op.padding import padded
from tvm_tiny.op.qdq import DirectSite, Site, shape_of
from tvm_tiny.op.rounding import held
from tvm_tiny.op.window import POOL_SCALE_TOLERANCE, Four, Pair, channels_last, match_window
from tvm_tiny.tvm_compat import prim_value

if TYPE_CHECKING:
    from tvm import relax


@dataclass(frozen=True)
class MaxPool2dAttrs:
    """``low`` and ``high`` are the fused activation's limits on the stored value."""

    kernel: Pair
    strides: Pair
    padding: Four
    dilation: Pair
    low: int
    high: int


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: MaxPool2dAttrs) -> Value:
    n, height, width, channels = inputs[0].shape
    top, left, bottom, right = attrs.padding
    rows = window_extent(height, top, bottom, attrs.kernel[0], attrs.strides[0], attrs.dilation[0])
    columns = window_extent(width, left, right, attrs.kernel[1], attrs.strides[1], attrs.dilation[1])
    return Value((n, rows, columns, channels), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    attrs: MaxPool2dAttrs = node.attrs
    x = te.placeholder(node.value(0).shape, "int8", "x")
    (stride_h, stride_w), (dilation_h, dilation_w) = attrs.strides, attrs.dilation
    source = padded(x, attrs.padding, -128)
    kh = te.reduce_axis((0, attrs.kernel[0]), "kh")
    kw = te.reduce_axis((0, attrs.kernel[1]), "kw")
    acc = te.compute(
        node.output.shape,
        lambda n, oh, ow, c: te.max(
            source[n, oh * stride_h + kh * dilation_h, ow * stride_w + kw * dilation_w, c].astype("int32"), axis=[kh, kw]
        ),
        "acc",
    )
    output = te.compute(node.output.shape, lambda *at: held(acc[at], attrs.low, attrs.high), "output")
    return Definition([x], {}, output)


MAX_POOL2D = register(Operator("max_pool2d", MaxPool2dAttrs, _infer, _define))


def lower(site: Site) -> relax.Expr | None:
    """The rule: (dequantize → max_pool2d → activation → quantize)."""
    pool = site.graph.call(site.producer, "relax.nn.max_pool2d")
    if pool is None:
        return None
    operand = site.operand(0)
    table = conversion(site, operand, POOL_SCALE_TOLERANCE if site.arithmetic.is_tflite else 0.0)
    limits = limits_of(table)
    if limits is not None:
        return _emit(pool, operand.expr, site.shape, limits, site.source)
    return emit_lookup(_emit(pool, operand.expr, site.shape, (-128, 127), ""), table, site.source)


def lower_direct(site: DirectSite) -> relax.Expr | None:
    """The rule for max_pool2d of stored values, with or without the activation that TFLite leaves as a clip behind it."""
    graph, limits = site.graph, (-128, 127)
    pool = graph.call(site.call, "relax.nn.max_pool2d")
    clip = graph.call(site.call, "relax.clip") if pool is None else None
    if clip is not None:
        pool = graph.call(clip.args[0], "relax.nn.max_pool2d")
        bounds = [prim_value(argument) for argument in clip.args[1:3]]
        if bounds[0] is None or bounds[1] is None:
            return None
        low, high = (min(max(int(bound) - site.offset, -128), 127) for bound in bounds if bound is not None)
        limits = (low, high)
    if pool is None:
        return None
    return _emit(pool, site.stored(pool.args[0]), site.shape, limits, site.source)


def _emit(pool: relax.Call, x: relax.Expr, shape: tuple[int, ...], limits: tuple[int, int], source: str) -> relax.Expr:
    window = match_window(pool, shape_of(pool.args[0]), shape)
    attrs = MaxPool2dAttrs(window.kernel, window.strides, window.padding, window.dilation, *limits)
    return channels_last(x, window.channels_first, lambda each: call(MAX_POOL2D, [each], attrs, source=source))
