"""Nearest-neighbour resizing in int8, NHWC (TFLite RESIZE_NEAREST_NEIGHBOR, ONNX Resize and Upsample).

``output[n, y, x, c] = input[n, rows[y], columns[x], c]``

Which row and column is nearest is settled here, in the float32 arithmetic of the reference. Where that is a plain division, as in
doubling, it is computed; otherwise it is read from a table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.operator import Definition, Node, Operator, Value, call, register

if TYPE_CHECKING:
    from tvm import relax, te, tirx

_F32 = np.float32


@dataclass(frozen=True)
class ResizeNearestAttrs:
    """The input's row and column for each of the output's."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]


def _infer(inputs: tuple[Value | np.ndarray, ...], attrs: ResizeNearestAttrs) -> Value:
    n, _, _, channels = inputs[0].shape
    return Value((int(n), len(attrs.rows), len(attrs.columns), int(channels)), "int8")


def _define(node: Node) -> Definition:
    from tvm import te

    attrs: ResizeNearestAttrs = node.attrs
    x = te.placeholder(node.value(0).shape, "int8", "x")
    constants: dict[str, tuple[te.Tensor, np.ndarray]] = {}
    row, column = _nearest("rows", attrs.rows, constants), _nearest("columns", attrs.columns, constants)
    output = te.compute(node.output.shape, lambda n, oh, ow, c: x[n, row(oh), column(ow), c], "output")
    return Definition([x], constants, output)


def _nearest(
    role: str, places: tuple[int, ...], constants: dict[str, tuple[te.Tensor, np.ndarray]]
) -> Callable[[tirx.Expr], tirx.Expr]:
    """From an output's index to the input's; adds a table to ``constants`` where that is no division."""
    from tvm import te

    factor = places.count(0)
    if factor and all(place == index // factor for index, place in enumerate(places)):
        return lambda index: index // factor
    data = np.array(places, dtype=np.int16)
    table = te.placeholder(data.shape, "int16", role)
    constants[role] = (table, data)
    return lambda index: table[index].astype("int32")


RESIZE_NEAREST = register(Operator("resize_nearest", ResizeNearestAttrs, _infer, _define))


def is_nearest(found: relax.Call) -> bool:
    """Whether a ``relax.image.resize2d`` is one of those that this operator knows."""
    attrs = found.attrs
    return (
        str(attrs.method) == "nearest_neighbor"
        and str(attrs.layout) in ("NHWC", "NCHW")
        and str(attrs.coordinate_transformation_mode) in _COORDINATES
        and str(attrs.rounding_method) in _ROUNDINGS
        and len(found.args) >= 2
    )


def emit_resize(x: relax.Expr, found: relax.Call, tflite: bool) -> relax.Expr:
    """The resizing ``found`` of another tensor of the same shape, int8."""
    from tvm import relax

    channels_first = str(found.attrs.layout) == "NCHW"
    spatial = (2, 3) if channels_first else (1, 2)
    before = [int(found.args[0].ty.shape[axis]) for axis in spatial]
    after = [int(extent) for extent in found.args[1].values]
    mode, rounding = str(found.attrs.coordinate_transformation_mode), str(found.attrs.rounding_method)
    places = tflite_places if tflite else onnx_places
    attrs = ResizeNearestAttrs(*(places(old, new, mode, rounding) for old, new in zip(before, after, strict=True)))
    if not channels_first:
        return call(RESIZE_NEAREST, [x], attrs)
    return relax.op.permute_dims(call(RESIZE_NEAREST, [relax.op.permute_dims(x, [0, 2, 3, 1])], attrs), [0, 3, 1, 2])


def tflite_places(before: int, after: int, mode: str, rounding: str) -> tuple[int, ...]:
    """TFLite's ``GetNearestNeighbor`` (reference/resize_nearest_neighbor.h) along an axis of ``before`` elements."""
    half_pixel = mode == "half_pixel"
    align = mode == "align_corners" or (half_pixel and not rounding)  # how TVM's importer tells the two apart
    scale = _F32(before - 1) / _F32(after - 1) if align and after > 1 else _F32(before) / _F32(after)
    real = (np.arange(after, dtype=_F32) + _F32(0.5 if half_pixel else 0.0)) * scale
    nearest = np.trunc(real.astype(np.float64) + 0.5) if align else np.floor(real)
    return tuple(int(place) for place in np.clip(nearest, 0, before - 1))


_COORDINATES: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "asymmetric": lambda index, before, after: index / (_F32(after) / _F32(before)),
    "half_pixel": lambda index, before, after: (index + _F32(0.5)) / (_F32(after) / _F32(before)) - _F32(0.5),
    "pytorch_half_pixel": lambda index, before, after: (
        (index + _F32(0.5)) / (_F32(after) / _F32(before)) - _F32(0.5) if after > 1 else np.zeros_like(index)
    ),
    "tf_half_pixel_for_nn": lambda index, before, after: (index + _F32(0.5)) / (_F32(after) / _F32(before)),
    "align_corners": lambda index, before, after: index * _F32(before - 1) / _F32(max(after - 1, 1)),
}
"""ONNX's coordinate transformations, as ONNX Runtime computes them (GetOriginalCoordinateFromResizedCoordinate, upsample.cc)."""

_ROUNDINGS: dict[str, Callable[[float], int]] = {
    "": math.floor,
    "floor": math.floor,
    "ceil": math.ceil,
    "round_prefer_floor": lambda real: math.ceil(real - 0.5),
    "round_prefer_ceil": lambda real: math.floor(real + 0.5),
}
"""ONNX's nearest modes."""


def onnx_places(before: int, after: int, mode: str, rounding: str) -> tuple[int, ...]:
    """ONNX Runtime's nearest elements along an axis of ``before`` elements."""
    real = _COORDINATES[mode](np.arange(after, dtype=_F32), before, after)
    return tuple(min(max(_ROUNDINGS[rounding](float(each)), 0), before - 1) for each in real)
