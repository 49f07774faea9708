"""A quantised graph as an operator's rule sees it: dequantize → float operator → quantize.

A :class:`Site` is one ``quantize`` of the graph together with the float operator under it. Rules ask it for operands and build an
integer operator, or raise :class:`NotInteger` with the reason, which is what the user reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from tvm_tiny.op.moves import as_move
from tvm_tiny.op.rounding import Rounding
from tvm_tiny.tvm_compat import constant_array, prim_value

if TYPE_CHECKING:
    from tvm import relax

Style = Literal["tflite-micro", "litert", "onnx"]

_ACTIVATIONS = ("relax.nn.relu", "relax.nn.relu6", "relax.clip")
_MOVES = ("relax.reshape", "relax.permute_dims", "relax.expand_dims", "relax.squeeze", "relax.flatten", "relax.broadcast_to")


class NotInteger(Exception):
    """This operator has no integer form here; the message is the reason that the user reads."""


@dataclass(frozen=True)
class Arithmetic:
    """Whose arithmetic the integer operators follow.

    ``style`` is "tflite-micro" or "litert" for a TFLite model (the two differ in fully-connected layers), "onnx" for an ONNX model.
    """

    style: Style

    @property
    def is_tflite(self) -> bool:
        return self.style != "onnx"

    @property
    def rounding(self) -> Rounding:
        """How an accumulator is requantised unless the operator's reference kernel does otherwise."""
        return "double" if self.is_tflite else "even"


@dataclass(frozen=True)
class Operand:
    """A quantised activation: ``expr`` holds the stored values; real = scale * (stored - zero_point)."""

    expr: relax.Expr
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class QuantizedArray:
    """A quantised constant. ``scale`` (float32) and ``zero_point`` have the rank of ``data`` and broadcast against it."""

    data: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray

    def channel_scales(self, axis: int) -> np.ndarray:
        """Scales along ``axis``, shape (data.shape[axis],) in float32.

        Raises
        ------
        NotInteger
            The scales vary along another axis.
        """
        moved = np.moveaxis(np.broadcast_to(self.scale, self.data.shape), axis, 0).reshape(self.data.shape[axis], -1)
        if not np.all(moved == moved[:, :1]):
            raise NotInteger(f"the weights' scales vary along another axis than the output channels (shape {self.scale.shape})")
        return np.ascontiguousarray(moved[:, 0])

    def centred(self) -> np.ndarray:
        """Values with the zero point taken off: int8 where they fit, else int16."""
        values = self.data.astype(np.int32) - self.zero_point
        return values.astype(np.int8) if values.min() >= -128 and values.max() <= 127 else values.astype(np.int16)

    def real(self) -> np.ndarray:
        """Real values in float64."""
        return (self.data.astype(np.int64) - self.zero_point) * self.scale.astype(np.float64)


@dataclass(frozen=True)
class OutputQuantization:
    """Parameters of a site's output.

    ``low`` and ``high`` bound the stored value (the fused activation). ``offset`` is file value - stored value (128 for uint8).
    """

    scale: float
    zero_point: int
    low: int
    high: int
    offset: int = 0


@dataclass(frozen=True)
class Graph:
    """The function that is being lowered.

    ``bindings`` maps the variables of the original function to what they are bound to; ``stored`` maps those that hold quantised
    values to the expression that now holds them as int8, with ``offset`` = file value - stored value (128 for uint8 tensors).
    ``operands`` maps float variables to the activations that they are dequantised from, data movement already done.
    """

    bindings: Mapping[relax.Var, relax.Expr]
    stored: Mapping[relax.Var, tuple[relax.Expr, int]]
    arithmetic: Arithmetic
    operands: Mapping[relax.Var, Operand] = field(default_factory=dict)

    def resolve(self, expr: relax.Expr) -> relax.Expr:
        """What ``expr`` is bound to, through any chain of variables."""
        from tvm import relax

        while isinstance(expr, relax.Var) and expr in self.bindings:
            expr = self.bindings[expr]
        return expr

    def call(self, expr: relax.Expr, *names: str) -> relax.Call | None:
        """``expr`` as a call of one of the Relax operators ``names``; None if it is something else."""
        from tvm import relax

        found = self.resolve(expr)
        if isinstance(found, relax.Call) and op_name(found) in names:
            return found
        return None

    def operand(self, expr: relax.Expr) -> Operand | None:
        """``expr`` as ``dequantize`` of an activation with one scale; None if it is something else.

        Data movement behind the dequantize is done on the stored values instead.
        """
        from tvm import relax

        bound = expr
        while isinstance(bound, relax.Var):
            if bound in self.operands:
                return self.operands[bound]
            if bound not in self.bindings:
                return None
            bound = self.bindings[bound]
        move = as_move(bound, self.resolve, self.arithmetic.is_tflite)
        if move is not None:
            inner = self.operand(move.source)
            return None if inner is None else replace(inner, expr=move.apply(inner.expr), shape=shape_of(expr))
        found = self.call(expr, "relax.dequantize")
        if found is None or constant_array(self.resolve(found.args[0])) is not None:
            return None
        scale, zero_point = self.constant(found.args[1]), self.constant(found.args[2])
        if scale is None or zero_point is None or scale.size != 1:
            return None
        stored = self.stored_value(found.args[0])
        if stored is None:
            return None
        expr_now, offset = stored
        return Operand(expr_now, shape_of(found.args[0]), float(np.float32(scale.item())), int(zero_point.item()) - offset)

    def stored_value(self, expr: relax.Expr) -> tuple[relax.Expr, int] | None:
        """The int8 expression that now holds the integer activation ``expr``, and its offset."""
        from tvm import relax

        while isinstance(expr, relax.Var):
            if expr in self.stored:
                return self.stored[expr]
            if expr not in self.bindings:
                return None
            expr = self.bindings[expr]
        return None

    def constant(self, expr: relax.Expr) -> np.ndarray | None:
        """The value of a constant expression (a constant behind reshapes, transposes and casts); None if it is not constant."""
        from tvm import relax

        found = self.resolve(expr)
        array = constant_array(found)
        if array is not None:
            return array
        if isinstance(found, relax.Call):
            if op_name(found) in _MOVES:
                inner = self.constant(found.args[0])
                return None if inner is None else moved(inner, found)
            if op_name(found) == "relax.astype":
                inner = self.constant(found.args[0])
                return None if inner is None else inner.astype(str(found.attrs.dtype))
        return None

    def quantized_constant(self, expr: relax.Expr) -> QuantizedArray | None:
        """``expr`` as a dequantised constant, behind any reshapes and transposes before or after the dequantize."""
        from tvm import relax

        found = self.resolve(expr)
        if not isinstance(found, relax.Call):
            return None
        if op_name(found) in _MOVES:
            inner = self.quantized_constant(found.args[0])
            if inner is None:
                return None
            full = inner.data.shape
            return QuantizedArray(
                moved(inner.data, found),
                moved(np.broadcast_to(inner.scale, full), found),
                moved(np.broadcast_to(inner.zero_point, full), found),
            )
        if op_name(found) != "relax.dequantize":
            return None
        data, scale, zero_point = (self.constant(argument) for argument in found.args)
        if data is None or scale is None or zero_point is None:
            return None
        axis = int(found.attrs.axis) % max(data.ndim, 1)
        return QuantizedArray(data, _along(scale, axis, data.ndim), _along(zero_point.astype(np.int32), axis, data.ndim))


@dataclass(frozen=True)
class Site:
    """One quantised operator to be lowered.

    Attributes
    ----------
    producer : relax.Call
        The float operator under the quantize, fused activations peeled off.
    activated : bool
        Activations were peeled off; they are the limits of ``output``.
    output : OutputQuantization
    shape : tuple of int
        Of the output.
    source : str
        The output tensor's name in the model file.
    graph : Graph
    """

    producer: relax.Call
    output: OutputQuantization
    shape: tuple[int, ...]
    source: str
    graph: Graph = field(repr=False)
    activated: bool = False

    @property
    def arithmetic(self) -> Arithmetic:
        return self.graph.arithmetic

    def operand(self, index: int) -> Operand:
        """Argument ``index`` of the producer as a quantised activation.

        Raises
        ------
        NotInteger
            It is not quantised, or not with one scale.
        """
        found = self.graph.operand(self.producer.args[index])
        if found is None:
            raise NotInteger(f"input {index} is not quantised with one scale for the whole tensor")
        return found


@dataclass(frozen=True)
class DirectSite:
    """A call that works on stored values, with no dequantize and quantize around it: moves of data, comparisons.

    ``offset`` is file value - stored value, of the operands and of the result (128 for uint8 tensors, else 0).
    """

    call: relax.Call
    shape: tuple[int, ...]
    offset: int
    source: str
    graph: Graph = field(repr=False)

    def stored(self, expr: relax.Expr) -> relax.Expr:
        """The int8 expression that holds the operand ``expr``.

        Raises
        ------
        NotInteger
            It is not held as int8, or with another offset than the result.
        """
        constant = self.graph.constant(expr)
        if constant is not None:
            from tvm import relax

            return relax.const((constant.astype(np.int16) - self.offset).astype(np.int8))
        found = self.graph.stored_value(expr)
        if found is None or found[1] != self.offset:
            raise NotInteger("one of its inputs is not a quantised tensor of the output's dtype")
        return found[0]


def op_name(expr: relax.Expr) -> str:
    """Name of the called Relax operator, "" for a call of something else and for what is no call."""
    return str(getattr(getattr(expr, "op", None), "name", ""))


def shape_of(expr: relax.Expr) -> tuple[int, ...]:
    """Static shape of a Relax expression."""
    return tuple(int(extent) for extent in expr.ty.shape)


def _along(values: np.ndarray, axis: int, rank: int) -> np.ndarray:
    """A scalar or vector of quantisation parameters as an array of ``rank`` axes that varies along ``axis``."""
    if values.size == 1:
        return values.reshape((1,) * rank)
    shape = [1] * rank
    shape[axis] = values.size
    return values.reshape(shape)


def moved(array: np.ndarray, call: relax.Call) -> np.ndarray:
    """What the pure data movement ``call`` makes of ``array``."""
    if op_name(call) == "relax.permute_dims":
        axes = call.attrs.axes
        return np.transpose(array, None if axes is None else [int(axis) for axis in axes])
    if op_name(call) == "relax.broadcast_to":
        return np.broadcast_to(array, shape_of(call))
    return np.ascontiguousarray(array).reshape(shape_of(call))


def activation_limits(
    expr: relax.Expr, graph: Graph, scale: float, zero_point: int, low: int, high: int
) -> tuple[relax.Expr, int, int]:
    """Peel activations off ``expr``: the expression under them, and the limits that they put on the stored output.

    relu, relu6 and clip commute with a monotone rounding, so they become limits on the quantised value. The limits are rounded as
    the values themselves are: half away from zero after a division in float32 by TFLite's ``CalculateActivationRangeQuantized``,
    half to even by ONNX.
    """
    rounded = _rounded if graph.arithmetic.is_tflite else _rounded_to_even
    while (call := graph.call(expr, *_ACTIVATIONS)) is not None:
        bounds = _activation_bounds(call)
        if bounds is None:
            break
        minimum, maximum = bounds
        if minimum is not None:
            low = max(low, zero_point + rounded(minimum, scale))
        if maximum is not None:
            high = min(high, zero_point + rounded(maximum, scale))
        expr = call.args[0]
    return expr, low, high


def _activation_bounds(call: relax.Call) -> tuple[float | None, float | None] | None:
    if op_name(call) == "relax.nn.relu":
        return 0.0, None
    if op_name(call) == "relax.nn.relu6":
        return 0.0, 6.0
    minimum, maximum = (prim_value(argument) for argument in call.args[1:3])
    if minimum is None or maximum is None:
        return None
    return (None if np.isinf(minimum) else minimum), (None if np.isinf(maximum) else maximum)


def _rounded(real: float, scale: float) -> int:
    steps = float(np.float32(real) / np.float32(scale))
    return int(np.trunc(steps + np.copysign(0.5, steps)))


def _rounded_to_even(real: float, scale: float) -> int:
    return int(np.rint(np.float32(real) / np.float32(scale)))
