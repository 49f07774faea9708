"""TVM's TFLite importer with the operators overridden that it gets wrong, or that it puts in another form than ours.

What every override holds to:

- Quantised arithmetic is ``dequantize`` → float operator → ``quantize``, with the fused activation as a ``clip`` of the stored
  values whose limits are TFLite's own.
- Operators that only move values work on the stored integers (:mod:`tflite_moves`).
- Weights are constants in the layout that the convolution wants, behind one ``dequantize``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from tvm import relax
from tvm.relax.frontend.tflite.tflite_frontend import get_pad_value

from tvm_tiny.frontend import tflite_moves as moves
from tvm_tiny.frontend.refusal import Refused
from tvm_tiny.frontend.tflite_file import Graph, Tensor
from tvm_tiny.frontend.tflite_frame import ConverterFrame, scale_of, zero_point_of


class CanonicalConverter(ConverterFrame):
    """TVM's converter, with our forms of the operators."""

    def __init__(self, graph: Graph, *importer: Any) -> None:
        super().__init__(graph, *importer)
        self.convert_map.update(
            {
                "AVERAGE_POOL_2D": self._average_pool,
                "CONV_2D": functools.partial(self._convolution, depthwise=False),
                "DEPTHWISE_CONV_2D": functools.partial(self._convolution, depthwise=True),
                "DEQUANTIZE": self._dequantize,
                "FULLY_CONNECTED": self._fully_connected,
                "MAX_POOL_2D": self._max_pool,
                "ELU": self._elu,
                "GELU": self._gelu,
                "PRELU": self._prelu,
                "SOFTMAX": self._softmax,
                "TRANSPOSE_CONV": self._transpose_conv,
                **{code: functools.partial(move, self) for code, move in moves.MOVES.items()},
            }
        )

    # ---- operators with weights --------------------------------------------------------------------------------------------------

    def _weights(self, tensor: Tensor, axes: Sequence[int], shape: Sequence[int], channel_axis: int, from_axis: int) -> relax.Expr:
        """Weights transposed by ``axes`` and given ``shape``, as floats. Channels move from ``from_axis`` to ``channel_axis``."""
        if tensor.data is not None:
            moved = relax.const(np.ascontiguousarray(tensor.data.transpose(axes)).reshape(shape), tensor.dtype)
        else:
            moved = relax.op.reshape(relax.op.permute_dims(self.value(tensor), list(axes)), list(shape))
        if not tensor.quantized:
            return moved
        if tensor.scale.size > 1:
            if tensor.axis != from_axis or tensor.scale.size != shape[channel_axis]:
                raise Refused(
                    f"its weights have {tensor.scale.size} scales along axis {tensor.axis}, expected one per output channel"
                )
            if tensor.zero_point.any():
                raise Refused("its weights have a scale per channel and zero points other than 0")
        return relax.op.dequantize(moved, scale_of(tensor), zero_point_of(tensor), axis=channel_axis)

    def _add_bias(self, real: relax.Expr, bias: Tensor | None, x: Tensor, weights: Tensor) -> relax.Expr:
        """TFLite's kernels add the stored bias to the accumulator as it is: its scale is that of the accumulator."""
        if bias is None:
            return real
        value = self.value(bias)
        if bias.dtype != "float32":
            if bias.dtype != "int32" or not x.quantized:
                raise Refused(f"its bias is {bias.dtype}, expected int32")
            scale = (x.scale[0].astype(np.float64) * weights.scale.astype(np.float64)).astype(np.float32)
            value = relax.op.dequantize(value, relax.const(scale if scale.size > 1 else scale[0]), relax.const(0, "int32"), axis=0)
        return relax.op.add(real, value)

    def _convolution(self, op: Any, depthwise: bool) -> relax.Expr:
        options = self.options(op, "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions")
        x, weights = self.required(0), self.required(1)
        channels, filters = x.shape[3], weights.shape[3 if depthwise else 0]
        kernel = weights.shape[1:3]
        strides = (options.StrideH(), options.StrideW())
        dilation = (options.DilationHFactor(), options.DilationWFactor())
        if depthwise and channels > 1:
            groups, layout = channels, "HWOI"
            kernel_weights = self._weights(weights, (1, 2, 3, 0), (*kernel, filters, 1), 2, 3)
        elif depthwise:
            groups, layout = 1, "HWIO"
            kernel_weights = self._weights(weights, (1, 2, 0, 3), (*kernel, 1, filters), 3, 3)
        else:
            groups, layout = channels // weights.shape[3], "HWIO"
            kernel_weights = self._weights(weights, (1, 2, 3, 0), (*kernel, weights.shape[3], filters), 3, 0)
        real = relax.op.nn.conv2d(
            self.real(x),
            kernel_weights,
            strides=strides,
            padding=_padding(options.Padding(), x.shape[1:3], kernel, strides, dilation),
            dilation=dilation,
            groups=groups,
            data_layout="NHWC",
            kernel_layout=layout,
        )
        return self.result(self._add_bias(real, self.optional(2), x, weights), options.FusedActivationFunction())

    def _fully_connected(self, op: Any) -> relax.Expr:
        options = self.options(op, "FullyConnectedOptions")
        x, weights = self.required(0), self.required(1)
        if options.WeightsFormat() != 0:
            raise Refused("its weights are in a shuffled format")
        units, depth = weights.shape
        real = self.real(x)
        if len(x.shape) != 2:
            flat = relax.op.reshape(self.value(x), (int(np.prod(x.shape)) // depth, depth))
            real = self.dequantize(flat, self.wrapped(x.index)) if x.quantized else flat
        real = relax.op.matmul(real, self._weights(weights, (1, 0), (depth, units), 1, 0))
        result = self.result(self._add_bias(real, self.optional(2), x, weights), options.FusedActivationFunction())
        return result if len(self.output.shape) in (0, 2) else relax.op.reshape(result, self.output.shape)

    def _transpose_conv(self, op: Any) -> relax.Expr:
        options = self.options(op, "TransposeConvOptions")
        shape, weights, x = self.constant(self.required(0)), self.required(1), self.required(2)
        filters, kernel_h, kernel_w, channels = weights.shape
        strides = (options.StrideH(), options.StrideW())
        height, width = (int(extent) for extent in shape[1:3])
        padding = _padding(options.Padding(), (height, width), (kernel_h, kernel_w), strides, (1, 1))
        # A transposed convolution's output size is ambiguous: what the padding leaves open is added below and to the right.
        covered = [(x.shape[1 + i] - 1) * strides[i] + weights.shape[1 + i] - padding[i] - padding[2 + i] for i in range(2)]
        # TVM computes it with channels first only.
        first = relax.op.permute_dims(self.value(x), (0, 3, 1, 2))
        real = relax.op.nn.conv2d_transpose(
            self.dequantize(first, self.wrapped(x.index)) if x.quantized else first,
            self._weights(weights, (3, 0, 1, 2), (channels, filters, kernel_h, kernel_w), 1, 0),
            strides=strides,
            padding=padding,
            output_padding=(height - covered[0], width - covered[1]),
            data_layout="NCHW",
            kernel_layout="IOHW",
        )
        real = relax.op.permute_dims(real, (0, 2, 3, 1))
        return self.result(self._add_bias(real, self.optional(3), x, weights), options.FusedActivationFunction())

    # ---- elementwise -------------------------------------------------------------------------------------------------------------

    def _convert_elemwise(self, op: Any, relax_op: Any, comparison_op: bool = False) -> relax.Expr:
        if comparison_op or not self.output.quantized:
            return super()._convert_elemwise(op, relax_op, comparison_op)
        activation = 0
        if self.operator.code in ("ADD", "SUB", "MUL", "DIV"):
            activation = self.options(op, f"{self.operator.code.capitalize()}Options").FusedActivationFunction()
        return self.result(relax_op(self.real(self.required(0)), self.real(self.required(1))), activation)

    def _softmax(self, op: Any) -> relax.Expr:
        real, beta = self.real(self.required(0)), float(self.options(op, "SoftmaxOptions").Beta())
        if beta != 1.0:
            real = relax.op.multiply(real, relax.const(beta, "float32"))
        return self.result(relax.op.nn.softmax(real, axis=-1), 0)

    def _elu(self, op: Any) -> relax.Expr:
        real, zero, one = self.real(self.required(0)), relax.const(0.0, "float32"), relax.const(1.0, "float32")
        below = relax.op.subtract(relax.op.exp(real), one)
        return self.result(relax.op.where(relax.op.less(real, zero), below, real), 0)

    def _gelu(self, op: Any) -> relax.Expr:
        gelu = relax.op.nn.gelu_tanh if self.options(op, "GeluOptions").Approximate() else relax.op.nn.gelu
        return self.result(gelu(self.real(self.required(0))), 0)

    def _prelu(self, op: Any) -> relax.Expr:
        x, alpha = self.required(0), self.required(1)
        if alpha.data is None or alpha.data.size not in (1, x.shape[-1]) or alpha.data.size != alpha.shape[-1]:
            raise Refused(f"its slopes have the shape {alpha.shape}, expected one slope per channel")
        slopes = np.broadcast_to(alpha.data.reshape(-1), x.shape[-1:])
        real = relax.const(np.ascontiguousarray(slopes), alpha.dtype)
        if alpha.quantized:
            real = self.dequantize(real, self.wrapped(alpha.index))
        return self.result(relax.op.nn.prelu(self.real(x), real, axis=len(x.shape) - 1), 0)

    def _dequantize(self, op: Any) -> relax.Expr:
        x = self.required(0)
        if not x.quantized:
            raise Refused(f"its input {x.name!r} has no quantisation parameters")
        return self.real(x)

    # ---- pooling -----------------------------------------------------------------------------------------------------------------

    def _window(self, op: Any) -> tuple[dict[str, Any], int]:
        """A pooling operator's Relax attributes, and its fused activation."""
        options = self.options(op, "Pool2DOptions")
        size, strides = (options.FilterHeight(), options.FilterWidth()), (options.StrideH(), options.StrideW())
        padding = _padding(options.Padding(), self.required(0).shape[1:3], size, strides, (1, 1))
        return {"pool_size": size, "strides": strides, "padding": padding, "layout": "NHWC"}, options.FusedActivationFunction()

    def _average_pool(self, op: Any) -> relax.Expr:
        """Quantised, TFLite's kernel averages stored values: the result has the scale of the input."""
        window, activation = self._window(op)
        x = self.required(0)
        pooled = relax.op.nn.avg_pool2d(self.real(x), **window)
        return self.activated(self.quantize(pooled, self.wrapped(x.index)) if x.quantized else pooled, activation)

    def _max_pool(self, op: Any) -> relax.Expr:
        window, activation = self._window(op)
        return self.activated(relax.op.nn.max_pool2d(self.value(self.required(0)), **window), activation)


def _padding(
    mode: int, size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of the schema's Padding ``mode``: 0 is SAME, 1 is VALID."""
    if mode == 1:
        return 0, 0, 0, 0
    extents = [(n - 1) * step + 1 for n, step in zip(kernel, dilation, strict=True)]
    (top, bottom), (left, right) = (get_pad_value(*axis) for axis in zip(size, extents, strides, strict=True))
    return top, left, bottom, right
