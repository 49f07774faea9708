"""ONNX operators in our form, where TVM's importer gives another one or a wrong result.

It gives loops instead of operators for Clip, Pad and SAME padding, and quantisation parameters in whatever shape the file has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from tvm import relax

from tvm_tiny.frontend.onnx_corrections import CORRECTIONS
from tvm_tiny.frontend.onnx_node import Converter, Node, shape_of
from tvm_tiny.frontend.refusal import Refused
from tvm_tiny.tvm_compat import constant_array

if TYPE_CHECKING:
    from tvm_tiny.frontend.onnx_importer import CanonicalImporter

_PAD_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
_STORED = ("int8", "uint8")


# ---- quantisation ----------------------------------------------------------------------------------------------------------------


def _quantization(node: Node, stored: str) -> tuple[relax.Expr, relax.Expr, int]:
    """Scale, zero point and axis of a quantising node: scalars for one scale, else a vector of scales along a non-negative axis."""
    if node.attributes.get("block_size", 0):
        raise Refused("it is quantised in blocks, expected one scale or one per channel")
    scale = node.array(1, "scale")
    if scale.dtype != np.float32:
        raise Refused(f"its scale is {scale.dtype}, expected float32")
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise Refused("its scale is not positive")
    zero_point = node.array(2, "zero point") if node.has(2) else np.zeros(scale.shape, stored)
    if str(zero_point.dtype) != stored:
        raise Refused(f"its zero point is {zero_point.dtype}, expected {stored}")
    if zero_point.size != scale.size:
        raise Refused(f"it has {scale.size} scales but {zero_point.size} zero points")
    zero_point = zero_point.astype(np.int32)
    if scale.size == 1:
        return relax.const(scale.reshape(())), relax.const(zero_point.reshape(())), 0
    shape = shape_of(node.x)
    axis = int(node.attributes.get("axis", 1))
    if not -len(shape) <= axis < len(shape) or scale.shape != (shape[axis],):
        raise Refused(f"it has {scale.size} scales along axis {axis} of a tensor of shape {shape}")
    same = bool((zero_point == zero_point[0]).all())
    return relax.const(scale), relax.const(zero_point[0] if same else zero_point), axis % len(shape)


def _quantize(importer: CanonicalImporter, node: Node) -> relax.Expr:
    zero_point = node.inputs[2] if node.has(2) else None
    dtype = (node.outputs[0].dtype or "uint8") if zero_point is None else str(zero_point.ty.dtype)
    if dtype not in _STORED:
        raise Refused(f"it quantises to {dtype}, expected int8 or uint8")
    scale, offset, axis = _quantization(node, dtype)
    return relax.op.quantize(node.x, scale, offset, axis=axis, out_dtype=dtype)


def _dequantize(importer: CanonicalImporter, node: Node) -> relax.Expr:
    dtype = str(node.x.ty.dtype)
    if dtype not in (*_STORED, "int32"):
        raise Refused(f"it dequantises {dtype}, expected int8, uint8 or int32")
    scale, zero_point, axis = _quantization(node, dtype)
    return relax.op.dequantize(node.x, scale, zero_point, axis=axis)


# ---- windows ---------------------------------------------------------------------------------------------------------------------


def _explicit_padding(node: Node, kernel: Sequence[int], ceil_mode: bool) -> list[int]:
    """All befores, then all afters, such that the output has ONNX's size without auto_pad and ceil_mode."""
    size = shape_of(node.x)[2:]
    strides = node.attributes.get("strides", (1,) * len(size))
    dilations = node.attributes.get("dilations", (1,) * len(size))
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    mode = node.text("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        totals = [max((-(-n // s) - 1) * s + e - n, 0) for n, s, e in zip(size, strides, extents, strict=True)]
        smaller, larger = [total // 2 for total in totals], [total - total // 2 for total in totals]
        return [*smaller, *larger] if mode == "SAME_UPPER" else [*larger, *smaller]
    pads = [int(pad) for pad in node.attributes.get("pads", ())] if mode == "NOTSET" else []
    pads = pads or [0] * (2 * len(size))
    if min(pads) < 0:
        raise Refused("it has negative padding")
    if ceil_mode:
        for i, (n, s, e) in enumerate(zip(size, strides, extents, strict=True)):
            count = -(-(n + pads[i] + pads[i + len(size)] - e) // s) + 1
            if (count - 1) * s >= n + pads[i]:  # a window that starts in the padding behind the data does not count
                count -= 1
            missing = (count - 1) * s + e - (n + pads[i] + pads[i + len(size)])
            if missing > 0 and node.attributes.get("count_include_pad", 0):
                raise Refused("ceil_mode together with count_include_pad is not supported")
            pads[i + len(size)] += max(missing, 0)
    return pads


def _conv(importer: CanonicalImporter, node: Node) -> relax.Expr:
    kernel = shape_of(node.inputs[1])[2:]
    attributes = {key: value for key, value in node.attributes.items() if key != "auto_pad"}
    attributes["pads"] = _explicit_padding(node, kernel, False)
    real = importer.imported("Conv", node.inputs[:2], attributes)
    if not node.has(2):
        return real
    shape = (1, shape_of(node.inputs[2])[0], *(1,) * len(kernel))
    bias = constant_array(node.inputs[2])
    moved = relax.op.reshape(node.inputs[2], shape) if bias is None else relax.const(bias.reshape(shape))
    return relax.op.add(importer.bb.emit(real), moved)


def _gemm(importer: CanonicalImporter, node: Node) -> relax.Expr:
    a, b = (_transposed(node.inputs[i], bool(node.attributes.get(f"trans{'AB'[i]}", 0))) for i in range(2))
    real = relax.op.matmul(a, b)
    alpha, beta = (float(node.attributes.get(name, 1.0)) for name in ("alpha", "beta"))
    if alpha != 1.0:
        real = relax.op.multiply(real, relax.const(alpha, "float32"))
    if not node.has(2):
        return real
    summand = node.inputs[2] if beta == 1.0 else relax.op.multiply(node.inputs[2], relax.const(beta, "float32"))
    return relax.op.add(real, summand)


def _transposed(matrix: relax.Expr, wanted: bool) -> relax.Expr:
    if not wanted:
        return matrix
    array = constant_array(matrix)
    return relax.op.permute_dims(matrix, (1, 0)) if array is None else relax.const(np.ascontiguousarray(array.T))


def _pool(importer: CanonicalImporter, node: Node) -> relax.Expr:
    if len(node.outputs) > 1:
        raise Refused("its second output, the indices, is not supported")
    kernel = node.attributes["kernel_shape"]
    attributes = {key: value for key, value in node.attributes.items() if key not in ("auto_pad", "ceil_mode")}
    attributes["pads"] = _explicit_padding(node, kernel, bool(node.attributes.get("ceil_mode", 0)))
    return importer.imported(node.operator, node.inputs, attributes)


def _pad(importer: CanonicalImporter, node: Node) -> relax.Expr:
    x = node.x
    rank = len(shape_of(x))
    pads = node.array(1, "padding")
    axes = [int(axis) % rank for axis in node.array(3, "list of axes")] if node.has(3) else list(range(rank))
    value = float(node.array(2, "value").item()) if node.has(2) else 0.0
    mode = node.text("mode", "constant")
    if pads.size != 2 * len(axes) or mode not in _PAD_MODES:
        raise Refused(f"it has {pads.size} paddings for {len(axes)} axes in the mode {mode!r}")
    if pads.size and pads.min() < 0:
        raise Refused("it has negative padding")
    widths = [0] * (2 * rank)
    for i, axis in enumerate(axes):
        widths[2 * axis : 2 * axis + 2] = int(pads[i]), int(pads[i + len(axes)])
    return relax.op.nn.pad(x, widths, pad_mode=_PAD_MODES[mode], pad_value=value)


# ---- elementwise -----------------------------------------------------------------------------------------------------------------


def _clip(importer: CanonicalImporter, node: Node) -> relax.Expr:
    x = node.x
    dtype = np.dtype(str(x.ty.dtype))
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    low = float(node.array(1, "lower limit").item()) if node.has(1) else float(limits.min)
    high = float(node.array(2, "upper limit").item()) if node.has(2) else float(limits.max)
    if np.isnan(low) or np.isnan(high):
        raise Refused("one of its limits is not a number")
    low, high = max(low, float(limits.min)), min(high, float(limits.max))
    if low == 0.0 and high == float(limits.max):
        return relax.op.nn.relu(x)
    # Where the limits cross, ONNX gives the upper one.
    return relax.op.clip(x, min(low, high), high)


def _hard_swish(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """ONNX defines it as x * HardSigmoid(x); any other way of writing it rounds otherwise."""
    x = node.x
    gate = relax.op.add(relax.op.multiply(x, relax.const(1 / 6, "float32")), relax.const(0.5, "float32"))
    return relax.op.multiply(x, relax.op.clip(gate, 0.0, 1.0))


def _batch_normalization(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """One factor and one summand per channel, worked out in float64."""
    if node.attributes.get("training_mode", 0) or len(node.outputs) > 1:
        raise Refused("it is in training mode: export the model for inference")
    names = ("scale", "bias", "mean", "variance")
    gamma, beta, mean, variance = (node.array(i + 1, name).astype(np.float64) for i, name in enumerate(names))
    factor = gamma / np.sqrt(variance + float(node.attributes.get("epsilon", 1e-5)))
    x = node.x
    shape = (1, -1) + (1,) * (len(shape_of(x)) - 2)
    factors, summands = (relax.const(v.astype(np.float32).reshape(shape)) for v in (factor, beta - mean * factor))
    return relax.op.add(relax.op.multiply(x, factors), summands)


def _pairwise(operator: Callable[[relax.Expr, relax.Expr], relax.Expr]) -> Converter:
    """Operators of any number of inputs as a chain of those of two."""

    def convert(importer: CanonicalImporter, node: Node) -> relax.Expr:
        return reduce(lambda a, b: importer.bb.normalize(operator(a, b)), node.inputs)

    return convert


def _mean(importer: CanonicalImporter, node: Node) -> relax.Expr:
    total = _pairwise(relax.op.add)(importer, node)
    return relax.op.divide(total, relax.const(float(len(node.inputs)), "float32"))


# ---- moves of data ---------------------------------------------------------------------------------------------------------------


def _identity(importer: CanonicalImporter, node: Node) -> relax.Expr:
    return node.x


def _dropout(importer: CanonicalImporter, node: Node) -> relax.Expr:
    if len(node.outputs) > 1 or (node.has(2) and bool(node.array(2, "training mode").item())):
        raise Refused("it is in training mode: export the model for inference")
    return node.x


def _reshape(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """Reshape, Flatten, Squeeze and Unsqueeze alike, to the shape that shape inference found."""
    shape = node.outputs[0].fixed
    if shape is None:
        return importer.imported(node.operator, node.inputs, node.attributes)
    return relax.op.reshape(node.x, shape)


def _gather(importer: CanonicalImporter, node: Node) -> relax.Expr:
    """Of an activation by constant indices, which are made positive."""
    indices = constant_array(node.inputs[1]) if node.has(1) else None
    if indices is None or constant_array(node.x) is not None or not isinstance(node.x.ty, relax.TensorType):
        return importer.imported(node.operator, node.inputs, node.attributes)
    shape = shape_of(node.x)
    axis = int(node.attributes.get("axis", 0)) % len(shape)
    extent = shape[axis]
    if indices.size and not (-extent <= indices.min() and indices.max() < extent):
        raise Refused(f"its indices reach from {indices.min()} to {indices.max()} along an axis of {extent} elements")
    return relax.op.take(node.x, relax.const(np.where(indices < 0, indices + extent, indices).astype(np.int64)), axis, mode="fast")


def _tile(importer: CanonicalImporter, node: Node) -> relax.Expr:
    return relax.op.tile(node.x, [int(count) for count in node.array(1, "number of repeats")])


CONVERTERS: dict[str, Converter] = {
    **CORRECTIONS,
    "AveragePool": _pool,
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Conv": _conv,
    "DequantizeLinear": _dequantize,
    "Dropout": _dropout,
    "Flatten": _reshape,
    "Gather": _gather,
    "Gemm": _gemm,
    "HardSwish": _hard_swish,
    "Identity": _identity,
    "Max": _pairwise(relax.op.maximum),
    "MaxPool": _pool,
    "Mean": _mean,
    "Min": _pairwise(relax.op.minimum),
    "Pad": _pad,
    "QuantizeLinear": _quantize,
    "Reshape": _reshape,
    "Squeeze": _reshape,
    "Sum": _pairwise(relax.op.add),
    "Tile": _tile,
    "Unsqueeze": _reshape,
}
