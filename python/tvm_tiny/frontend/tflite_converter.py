"""TVM's TFLite importer with the operators overridden that it gets wrong, or that it puts in another form than ours.

What every override holds to:

- Quantised arithmetic is ``dequantize`` → float operator → ``quantize``, with the fused activation as a ``clip`` of the stored values
  whose limits are TFLite's own.
- Operators that only move values (reshape, pad, max pool, concatenation, ...) work on the stored integers. TFLite's kernels do not
  look at scales there, even where a file gives the output other ones than the input.
- Weights are constants in the layout that the convolution wants, behind one ``dequantize``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tvm
from tvm import relax
from tvm.relax.frontend.tflite.tflite_frontend import OperatorConverter, TensorWrapper, get_pad_value

from tvm_tiny.frontend.refusal import Refusal, Refused, reason_of
from tvm_tiny.frontend.tflite_file import Graph, Operator, Tensor
from tvm_tiny.frontend.tflite_operators import early_reason, live_operators

# Limits of TFLite's fused activations on real values; TANH and SIGN_BIT are in the schema but not in its kernels.
_ACTIVATION_RANGES = {"RELU": (0.0, None), "RELU_N1_TO_1": (-1.0, 1.0), "RELU6": (0.0, 6.0)}


class CanonicalConverter(OperatorConverter):
    """TVM's converter, with our forms of the operators.

    Attributes
    ----------
    tensors : dict of int to relax.Var
        Tensors of the file that operators computed, by index, in the order of execution.
    refusals : list of Refusal
        Operators that could not be converted. A placeholder stands for their outputs, so that the others are still looked at.
    """

    def __init__(self, graph: Graph, *importer: Any) -> None:
        super().__init__(*importer)
        self.graph = graph
        self.tensors: dict[int, relax.Var] = {}
        self.refusals: list[Refusal] = []
        self._operator: Operator = graph.operators[0] if graph.operators else Operator(0, "", "", (), ())
        self._operands: dict[int, TensorWrapper] = {}
        self.convert_map.update(
            {
                "AVERAGE_POOL_2D": self._average_pool,
                "BATCH_TO_SPACE_ND": self._batch_to_space,
                "CONCATENATION": self._concatenation,
                "CONV_2D": functools.partial(self._convolution, depthwise=False),
                "DEPTHWISE_CONV_2D": functools.partial(self._convolution, depthwise=True),
                "DEQUANTIZE": self._dequantize,
                "EXPAND_DIMS": self._reshape,
                "FULLY_CONNECTED": self._fully_connected,
                "GATHER": self._gather,
                "MAX_POOL_2D": self._max_pool,
                "PAD": self._pad,
                "PADV2": self._pad,
                "PRELU": self._prelu,
                "RESHAPE": self._reshape,
                "SOFTMAX": self._softmax,
                "SPACE_TO_BATCH_ND": self._space_to_batch,
                "SQUEEZE": self._reshape,
                "TRANSPOSE_CONV": self._transpose_conv,
            }
        )

    # ---- the importer's frame ----------------------------------------------------------------------------------------------------

    def check_unsupported_ops(self) -> None:
        """Nothing: each operator is judged where it is converted, so that one message can list all."""

    def convert_op_to_relax(self) -> None:
        """Convert the operators that the outputs depend on, in the file's order."""
        live = live_operators(self.graph)
        for self._operator in (operator for operator in self.graph.operators if operator.index in live):
            try:
                reason = early_reason(self._operator, self.graph, self.convert_map)
                if reason is not None:
                    raise Refused(reason)
                results = self._converted()
            except Exception as error:
                self._refuse(reason_of(error))
                results = [_placeholder(self._tensor(i)) for i in self._operator.outputs]
            for i, result in zip(self._operator.outputs, results, strict=True):
                self.tensors[i] = result
                self.exp_tab.set_expr(_importer_name(i), result)

    def _refuse(self, reason: str) -> None:
        operator = self._operator
        first = self._tensor(operator.outputs[0]).name if operator.outputs else ""
        self.refusals.append(Refusal(operator.label, operator.index, first, reason))

    def _converted(self) -> list[relax.Var]:
        """The current operator's outputs, each bound to a variable, with the types that the file declares."""
        result = self.convert_map[self._operator.code](op=self.subgraph.Operators(self._operator.index))
        if result is None:
            raise Refused("it has no value")
        if len(self._operator.outputs) == 1:
            results = [self.bb.emit(result)]
        elif isinstance(result, relax.Tuple):
            results = [self.bb.emit(field) for field in result.fields]
        else:
            results = [self.bb.emit(relax.TupleGetItem(self.bb.emit(result), i)) for i in range(len(self._operator.outputs))]
        for i, (index, var) in enumerate(zip(self._operator.outputs, results, strict=True)):
            results[i] = self._as_declared(var, self._tensor(index))
        return results

    def _as_declared(self, var: relax.Var, tensor: Tensor) -> relax.Var:
        """``var`` with the dtype of ``tensor``; a wrong shape means that the importer and the file mean different things."""
        shape = tuple(int(extent) for extent in var.ty.shape.values)
        # A rank of 0 may also stand for one that the converter did not know.
        if tensor.shape and shape != tensor.shape:
            raise Refused(f"its output has the shape {tensor.shape} in the file, but the operator gives {shape}")
        if str(var.ty.dtype) == tensor.dtype:
            return var
        if {str(var.ty.dtype), tensor.dtype} <= {"int32", "int64"}:
            return self.bb.emit(relax.op.astype(var, tensor.dtype))
        raise Refused(f"its output is {tensor.dtype} in the file, but the operator gives {var.ty.dtype}")

    def get_tensors(self, tensors_idx_list: Any) -> list[TensorWrapper]:
        """The importer's view of tensors, with their quantisation parameters as checked in :mod:`tflite_file`."""
        return [self._wrapped(int(i)) for i in self._indices_or_empty(tensors_idx_list)]

    def _wrapped(self, index: int) -> TensorWrapper:
        if index < 0:
            return TensorWrapper(index, 0, 0)
        if index not in self._operands:
            table, tensor = self.subgraph.Tensors(index), self._tensor(index)
            params = {"scale": _scale(tensor), "zero_point": _zero_point(tensor), "axis": tensor.axis} if tensor.quantized else None
            self._operands[index] = TensorWrapper(index, table, self.model.Buffers(table.Buffer()), params)
        return self._operands[index]

    def get_expr(self, input_tensor_idx: int) -> relax.Expr:
        """The value of a tensor, computed or constant."""
        return self._value(self._tensor(int(input_tensor_idx)))

    def get_tensor_value(self, tensor_wrapper: TensorWrapper, is_sparse: bool = False) -> np.ndarray:
        """The array of an operand that has to be a constant: axes, sizes, paddings."""
        return self._constant(self._tensor(tensor_wrapper.tensor_idx))

    def convert_qnn_fused_activation_function(
        self, expr: relax.Expr, fused_activation_fn: int, scale: float, zero_point: int, dtype: str
    ) -> relax.Expr:
        """Clip stored values as TFLite's ``CalculateActivationRangeQuantized``: float32, rounded half away from zero."""
        name = self.activation_fn_type[fused_activation_fn]
        if name == "NONE":
            return expr
        if name not in _ACTIVATION_RANGES:
            raise Refused(f"the fused activation {name} has no quantised form")
        limits = np.iinfo(dtype)
        low, high = (None if real is None else _stored(real, scale, zero_point) for real in _ACTIVATION_RANGES[name])
        low = limits.min if low is None else max(low, int(limits.min))
        high = limits.max if high is None else min(high, int(limits.max))
        if (low, high) == (limits.min, limits.max):
            return expr
        return relax.op.clip(expr, float(low), float(high))

    # ---- values ------------------------------------------------------------------------------------------------------------------

    def _tensor(self, index: int) -> Tensor:
        return self.graph.tensors[index]

    def _input(self, position: int) -> Tensor | None:
        """Operand ``position`` of the current operator, None if it is left out."""
        inputs = self._operator.inputs
        return self._tensor(inputs[position]) if position < len(inputs) and inputs[position] >= 0 else None

    def _required(self, position: int) -> Tensor:
        tensor = self._input(position)
        if tensor is None:
            raise Refused(f"its input {position} is missing")
        return tensor

    @property
    def _output(self) -> Tensor:
        return self._tensor(self._operator.outputs[0])

    def _constant(self, tensor: Tensor) -> np.ndarray:
        if tensor.data is not None:
            return tensor.data
        if 0 in tensor.shape:
            return np.empty(tensor.shape, tensor.dtype)
        raise Refused(f"its operand {tensor.name!r} is computed, expected a constant")

    def _value(self, tensor: Tensor) -> relax.Expr:
        name = _importer_name(tensor.index)
        return self.exp_tab.get_expr(name) if self.exp_tab.has_expr(name) else relax.const(self._constant(tensor), tensor.dtype)

    def _real(self, tensor: Tensor) -> relax.Expr:
        value = self._value(tensor)
        return self.dequantize(value, self._wrapped(tensor.index)) if tensor.quantized else value

    def _activated(self, expr: relax.Expr, activation: int) -> relax.Expr:
        """``expr``, stored values of the current operator's output or floats, behind its fused activation."""
        output = self._output
        if not output.quantized:
            return self.convert_fused_activation_function(expr, activation)
        scale, zero_point = float(output.scale[0]), int(output.zero_point[0])
        return self.convert_qnn_fused_activation_function(expr, activation, scale, zero_point, output.dtype)

    def _result(self, real: relax.Expr, activation: int) -> relax.Expr:
        """A float result as the current operator's output: quantised if that is."""
        quantized = self.quantize(real, self._wrapped(self._output.index)) if self._output.quantized else real
        return self._activated(quantized, activation)

    def _options(self, op: Any, name: str) -> Any:
        import tflite

        table = op.BuiltinOptions()
        if table is None or op.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, name):
            raise Refused(f"its options ({name}) are missing")
        options = getattr(tflite, name)()
        options.Init(table.Bytes, table.Pos)
        return options

    # ---- operators with weights --------------------------------------------------------------------------------------------------

    def _weights(self, tensor: Tensor, axes: Sequence[int], shape: Sequence[int], channel_axis: int, from_axis: int) -> relax.Expr:
        """Weights transposed by ``axes`` and given ``shape``, as floats. Channels move from ``from_axis`` to ``channel_axis``."""
        if tensor.data is not None:
            moved = relax.const(np.ascontiguousarray(tensor.data.transpose(axes)).reshape(shape), tensor.dtype)
        else:
            moved = relax.op.reshape(relax.op.permute_dims(self._value(tensor), list(axes)), list(shape))
        if not tensor.quantized:
            return moved
        if tensor.scale.size > 1:
            if tensor.axis != from_axis or tensor.scale.size != shape[channel_axis]:
                raise Refused(f"its weights have {tensor.scale.size} scales along axis {tensor.axis}, expected one per output channel")
            if tensor.zero_point.any():
                raise Refused("its weights have a scale per channel and zero points other than 0")
        return relax.op.dequantize(moved, _scale(tensor), _zero_point(tensor), axis=channel_axis)

    def _add_bias(self, real: relax.Expr, bias: Tensor | None, x: Tensor, weights: Tensor) -> relax.Expr:
        """TFLite's kernels add the stored bias to the accumulator as it is: its scale is that of the accumulator."""
        if bias is None:
            return real
        value = self._value(bias)
        if bias.dtype != "float32":
            if bias.dtype != "int32" or not x.quantized:
                raise Refused(f"its bias is {bias.dtype}, expected int32")
            scale = (x.scale[0].astype(np.float64) * weights.scale.astype(np.float64)).astype(np.float32)
            value = relax.op.dequantize(value, relax.const(scale if scale.size > 1 else scale[0]), relax.const(0, "int32"), axis=0)
        return relax.op.add(real, value)

    def _convolution(self, op: Any, depthwise: bool) -> relax.Expr:
        options = self._options(op, "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions")
        x, weights = self._required(0), self._required(1)
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
            self._real(x),
            kernel_weights,
            strides=strides,
            padding=_padding(options.Padding(), x.shape[1:3], kernel, strides, dilation),
            dilation=dilation,
            groups=groups,
            data_layout="NHWC",
            kernel_layout=layout,
        )
        return self._result(self._add_bias(real, self._input(2), x, weights), options.FusedActivationFunction())

    def _fully_connected(self, op: Any) -> relax.Expr:
        options = self._options(op, "FullyConnectedOptions")
        x, weights = self._required(0), self._required(1)
        if options.WeightsFormat() != 0:
            raise Refused("its weights are in a shuffled format")
        units, depth = weights.shape
        real = self._real(x)
        if len(x.shape) != 2:
            flat = relax.op.reshape(self._value(x), (int(np.prod(x.shape)) // depth, depth))
            real = self.dequantize(flat, self._wrapped(x.index)) if x.quantized else flat
        real = relax.op.matmul(real, self._weights(weights, (1, 0), (depth, units), 1, 0))
        result = self._result(self._add_bias(real, self._input(2), x, weights), options.FusedActivationFunction())
        return result if len(self._output.shape) in (0, 2) else relax.op.reshape(result, self._output.shape)

    def _transpose_conv(self, op: Any) -> relax.Expr:
        options = self._options(op, "TransposeConvOptions")
        shape, weights, x = self._constant(self._required(0)), self._required(1), self._required(2)
        filters, kernel_h, kernel_w, channels = weights.shape
        strides = (options.StrideH(), options.StrideW())
        height, width = (int(extent) for extent in shape[1:3])
        padding = _padding(options.Padding(), (height, width), (kernel_h, kernel_w), strides, (1, 1))
        # A transposed convolution's output size is ambiguous: what the padding leaves open is added below and to the right.
        covered = [
            (n - 1) * stride + size - before - after
            for n, stride, size, before, after in zip(x.shape[1:3], strides, (kernel_h, kernel_w), padding[:2], padding[2:], strict=True)
        ]
        real = relax.op.nn.conv2d_transpose(
            self._real(x),
            self._weights(weights, (3, 0, 1, 2), (channels, filters, kernel_h, kernel_w), 1, 0),
            strides=strides,
            padding=padding,
            output_padding=(height - covered[0], width - covered[1]),
            data_layout="NHWC",
            kernel_layout="IOHW",
        )
        return self._result(self._add_bias(real, self._input(3), x, weights), options.FusedActivationFunction())

    # ---- elementwise -------------------------------------------------------------------------------------------------------------

    def _convert_elemwise(self, op: Any, relax_op: Any, comparison_op: bool = False) -> relax.Expr:
        if comparison_op or not self._output.quantized:
            return super()._convert_elemwise(op, relax_op, comparison_op)
        activation = 0
        if self._operator.code in ("ADD", "SUB", "MUL", "DIV"):
            activation = self._options(op, f"{self._operator.code.capitalize()}Options").FusedActivationFunction()
        return self._result(relax_op(self._real(self._required(0)), self._real(self._required(1))), activation)

    def _softmax(self, op: Any) -> relax.Expr:
        real, beta = self._real(self._required(0)), float(self._options(op, "SoftmaxOptions").Beta())
        if beta != 1.0:
            real = relax.op.multiply(real, relax.const(beta, "float32"))
        return self._result(relax.op.nn.softmax(real, axis=-1), 0)

    def _prelu(self, op: Any) -> relax.Expr:
        x, alpha = self._required(0), self._required(1)
        if alpha.data is None or alpha.data.size not in (1, x.shape[-1]) or alpha.data.size != alpha.shape[-1]:
            raise Refused(f"its slopes have the shape {alpha.shape}, expected one slope per channel")
        slopes = np.broadcast_to(alpha.data.reshape(-1), x.shape[-1:])
        real = relax.const(np.ascontiguousarray(slopes), alpha.dtype)
        if alpha.quantized:
            real = self.dequantize(real, self._wrapped(alpha.index))
        return self._result(relax.op.nn.prelu(self._real(x), real, axis=len(x.shape) - 1), 0)

    def _dequantize(self, op: Any) -> relax.Expr:
        x = self._required(0)
        if not x.quantized:
            raise Refused(f"its input {x.name!r} has no quantisation parameters")
        return self._real(x)

    # ---- pooling -----------------------------------------------------------------------------------------------------------------

    def _window(self, op: Any) -> tuple[dict[str, Any], int]:
        """A pooling operator's Relax attributes, and its fused activation."""
        options = self._options(op, "Pool2DOptions")
        size, strides = (options.FilterHeight(), options.FilterWidth()), (options.StrideH(), options.StrideW())
        padding = _padding(options.Padding(), self._required(0).shape[1:3], size, strides, (1, 1))
        return {"pool_size": size, "strides": strides, "padding": padding, "layout": "NHWC"}, options.FusedActivationFunction()

    def _average_pool(self, op: Any) -> relax.Expr:
        """Quantised, TFLite's kernel averages stored values: the result has the scale of the input."""
        window, activation = self._window(op)
        x = self._required(0)
        pooled = relax.op.nn.avg_pool2d(self._real(x), **window)
        return self._activated(self.quantize(pooled, self._wrapped(x.index)) if x.quantized else pooled, activation)

    def _max_pool(self, op: Any) -> relax.Expr:
        window, activation = self._window(op)
        return self._activated(relax.op.nn.max_pool2d(self._value(self._required(0)), **window), activation)

    # ---- moves of data -----------------------------------------------------------------------------------------------------------

    def _reshape(self, op: Any) -> relax.Expr:
        """The file knows the shape: operands that compute it need not be looked at."""
        return relax.op.reshape(self._value(self._required(0)), self._output.shape)

    def _concatenation(self, op: Any) -> relax.Expr:
        options = self._options(op, "ConcatenationOptions")
        parts = [self._required(i) for i in range(len(self._operator.inputs))]
        if options.FusedActivationFunction() != 0:
            raise Refused("it has a fused activation, which TFLite does not define for it")
        if not self._output.quantized or all(_same_parameters(part, self._output) for part in parts):
            return relax.op.concat([self._value(part) for part in parts], axis=options.Axis())
        if self._output.dtype == "int8":
            raise Refused("its inputs and its output have different scales, which TFLite does not allow for int8")
        return self._result(relax.op.concat([self._real(part) for part in parts], axis=options.Axis()), 0)

    def _pad(self, op: Any) -> relax.Expr:
        widths = [int(width) for width in self._constant(self._required(1)).reshape(-1)]
        value, given = 0.0, self._input(2)
        if given is not None:
            value = float(self._constant(given).reshape(-1)[0])
        elif self._output.quantized:
            value = float(self._output.zero_point[0])
        return relax.op.nn.pad(self._value(self._required(0)), widths, pad_value=value)

    def _gather(self, op: Any) -> relax.Expr:
        options = self._options(op, "GatherOptions")
        x, indices = self._required(0), self._constant(self._required(1))
        axis = options.Axis() % len(x.shape)
        if options.BatchDims() != 0:
            raise Refused(f"it has {options.BatchDims()} batch dimensions, expected none")
        if indices.size and not (0 <= indices.min() and indices.max() < x.shape[axis]):
            raise Refused(f"an index lies outside of the axis of {x.shape[axis]} elements")
        return relax.op.take(self._value(x), relax.const(indices.astype(np.int64)), axis=axis, mode="fast")

    def _space_to_batch(self, op: Any) -> relax.Expr:
        x = self._required(0)
        blocks = [int(block) for block in self._constant(self._required(1))]
        pairs = [(int(before), int(after)) for before, after in self._constant(self._required(2))]
        rest = len(x.shape) - 1 - len(blocks)
        widths = [width for pair in [(0, 0), *pairs, *[(0, 0)] * rest] for width in pair]
        zero = float(self._output.zero_point[0]) if self._output.quantized else 0.0
        padded = relax.op.nn.pad(self._value(x), widths, pad_value=zero)
        extents = [n + sum(pair) for n, pair in zip(x.shape[1:], pairs, strict=False)]
        split = [part for n, block in zip(extents, blocks, strict=True) for part in (n // block, block)]
        spatial = range(len(blocks))
        axes = [*(2 + 2 * i for i in spatial), 0, *(1 + 2 * i for i in spatial), *(1 + 2 * len(blocks) + i for i in range(rest))]
        blocked = relax.op.reshape(padded, [x.shape[0], *split, *x.shape[1 + len(blocks) :]])
        return relax.op.reshape(relax.op.permute_dims(blocked, axes), self._output.shape)

    def _batch_to_space(self, op: Any) -> relax.Expr:
        x = self._required(0)
        blocks = [int(block) for block in self._constant(self._required(1))]
        crops = [(int(before), int(after)) for before, after in self._constant(self._required(2))]
        count, rest = len(blocks), len(x.shape) - 1 - len(blocks)
        batch = x.shape[0] // int(np.prod(blocks))
        axes = [count, *(axis for i in range(count) for axis in (count + 1 + i, i)), *(2 * count + 1 + i for i in range(rest))]
        blocked = relax.op.permute_dims(relax.op.reshape(self._value(x), [*blocks, batch, *x.shape[1:]]), axes)
        extents = [n * block for n, block in zip(x.shape[1:], blocks, strict=False)]
        whole = relax.op.reshape(blocked, [batch, *extents, *x.shape[1 + count :]])
        begin = [before for before, _ in crops]
        end = [n - after for n, (_, after) in zip(extents, crops, strict=True)]
        return relax.op.strided_slice(whole, axes=list(range(1, count + 1)), begin=begin, end=end)


def _importer_name(index: int) -> str:
    """What a tensor is called inside the importer, where names must be unique."""
    return f"t{index}"


def _scale(tensor: Tensor) -> relax.Expr:
    return relax.const(tensor.scale if tensor.scale.size > 1 else tensor.scale[0], "float32")


def _zero_point(tensor: Tensor) -> relax.Expr:
    same = bool((tensor.zero_point == tensor.zero_point[0]).all())
    return relax.const(int(tensor.zero_point[0]) if same else tensor.zero_point.astype(np.int32), "int32")


def _same_parameters(a: Tensor, b: Tensor) -> bool:
    return a.quantized and a.scale[0] == b.scale[0] and a.zero_point[0] == b.zero_point[0]


def _stored(real: float, scale: float, zero_point: int) -> int:
    scaled = np.float32(real) / np.float32(scale)
    return int(np.trunc(scaled + np.copysign(np.float32(0.5), scaled))) + zero_point


def _padding(
    mode: int, size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of the schema's Padding ``mode``: 0 is SAME, 1 is VALID."""
    if mode == 1:
        return 0, 0, 0, 0
    extents = [(n - 1) * step + 1 for n, step in zip(kernel, dilation, strict=True)]
    (top, bottom), (left, right) = (get_pad_value(*axis) for axis in zip(size, extents, strides, strict=True))
    return top, left, bottom, right


def _placeholder(tensor: Tensor) -> relax.Var:
    return relax.Var(_importer_name(tensor.index), relax.TensorType(tensor.shape, tvm.DataType(tensor.dtype)))
