"""TFLite operators that move values without changing them, on the stored integers.

TFLite's kernels do not look at scales here, even where a file gives the output other ones than the input. The zeros that they add
are those of the output: its zero point.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from tvm import relax

from tvm_tiny.frontend.refusal import Refused
from tvm_tiny.frontend.tflite_file import Tensor
from tvm_tiny.frontend.tflite_frame import ConverterFrame


def reshape(converter: ConverterFrame, op: Any) -> relax.Expr:
    """The file knows the shape: operands that compute it need not be looked at."""
    return relax.op.reshape(converter.value(converter.required(0)), converter.output.shape)


def concatenation(converter: ConverterFrame, op: Any) -> relax.Expr:
    options = converter.options(op, "ConcatenationOptions")
    parts = [converter.required(i) for i in range(len(converter.operator.inputs))]
    if options.FusedActivationFunction() != 0:
        raise Refused("it has a fused activation, which TFLite does not define for it")
    if not converter.output.quantized or all(_same_parameters(part, converter.output) for part in parts):
        return relax.op.concat([converter.value(part) for part in parts], axis=options.Axis())
    if converter.output.dtype == "int8":
        raise Refused("its inputs and its output have different scales, which TFLite does not allow for int8")
    return converter.result(relax.op.concat([converter.real(part) for part in parts], axis=options.Axis()), 0)


def pad(converter: ConverterFrame, op: Any) -> relax.Expr:
    widths = [int(width) for width in converter.constant(converter.required(1)).reshape(-1)]
    value, given = 0.0, converter.optional(2)
    if given is not None:
        value = float(converter.constant(given).reshape(-1)[0])
    elif converter.output.quantized:
        value = float(converter.output.zero_point[0])
    return relax.op.nn.pad(converter.value(converter.required(0)), widths, pad_value=value)


def gather(converter: ConverterFrame, op: Any) -> relax.Expr:
    options = converter.options(op, "GatherOptions")
    x, indices = converter.required(0), converter.constant(converter.required(1))
    axis = options.Axis() % len(x.shape)
    if options.BatchDims() != 0:
        raise Refused(f"it has {options.BatchDims()} batch dimensions, expected none")
    if indices.size and (indices.min() < 0 or indices.max() >= x.shape[axis]):
        raise Refused(f"an index lies outside of the axis of {x.shape[axis]} elements")
    return relax.op.take(converter.value(x), relax.const(indices.astype(np.int64)), axis=axis, mode="fast")


def space_to_batch(converter: ConverterFrame, op: Any) -> relax.Expr:
    x = converter.required(0)
    blocks = [int(block) for block in converter.constant(converter.required(1))]
    pairs = [(int(before), int(after)) for before, after in converter.constant(converter.required(2))]
    rest = len(x.shape) - 1 - len(blocks)
    widths = [width for pair in [(0, 0), *pairs, *[(0, 0)] * rest] for width in pair]
    zero = float(converter.output.zero_point[0]) if converter.output.quantized else 0.0
    padded = relax.op.nn.pad(converter.value(x), widths, pad_value=zero)
    extents = [n + sum(pair) for n, pair in zip(x.shape[1:], pairs, strict=False)]
    split = [part for n, block in zip(extents, blocks, strict=True) for part in (n // block, block)]
    spatial = range(len(blocks))
    axes = [*(2 + 2 * i for i in spatial), 0, *(1 + 2 * i for i in spatial), *(1 + 2 * len(blocks) + i for i in range(rest))]
    blocked = relax.op.reshape(padded, [x.shape[0], *split, *x.shape[1 + len(blocks) :]])
    return relax.op.reshape(relax.op.permute_dims(blocked, axes), converter.output.shape)


def batch_to_space(converter: ConverterFrame, op: Any) -> relax.Expr:
    x = converter.required(0)
    blocks = [int(block) for block in converter.constant(converter.required(1))]
    crops = [(int(before), int(after)) for before, after in converter.constant(converter.required(2))]
    count, rest = len(blocks), len(x.shape) - 1 - len(blocks)
    batch = x.shape[0] // math.prod(blocks)
    axes = [count, *(axis for i in range(count) for axis in (count + 1 + i, i)), *(2 * count + 1 + i for i in range(rest))]
    blocked = relax.op.permute_dims(relax.op.reshape(converter.value(x), [*blocks, batch, *x.shape[1:]]), axes)
    extents = [n * block for n, block in zip(x.shape[1:], blocks, strict=False)]
    whole = relax.op.reshape(blocked, [batch, *extents, *x.shape[1 + count :]])
    begin = [before for before, _ in crops]
    end = [n - after for n, (_, after) in zip(extents, crops, strict=True)]
    return relax.op.strided_slice(whole, axes=list(range(1, count + 1)), begin=begin, end=end)


def _same_parameters(a: Tensor, b: Tensor) -> bool:
    return a.quantized and a.scale[0] == b.scale[0] and a.zero_point[0] == b.zero_point[0]


MOVES: dict[str, Callable[[ConverterFrame, Any], relax.Expr]] = {
    "BATCH_TO_SPACE_ND": batch_to_space,
    "CONCATENATION": concatenation,
    "EXPAND_DIMS": reshape,
    "GATHER": gather,
    "PAD": pad,
    "PADV2": pad,
    "RESHAPE": reshape,
    "SPACE_TO_BATCH_ND": space_to_batch,
    "SQUEEZE": reshape,
}
