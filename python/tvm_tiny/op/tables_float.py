"""Tables of float functions of one int8 tensor: a subgraph of elementwise operators, run over all 256 inputs.

The subgraph may have any form (x * clip(x + 3, 0, 6) / 6 is one table), as long as it starts at dequantised values of one
tensor, and all else in it is scalar constants. It is evaluated in float32, operator by operator, as an ONNX interpreter does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.qdq import Graph, Operand, OutputQuantization, op_name
from tvm_tiny.tvm_compat import prim_value

if TYPE_CHECKING:
    from tvm import relax

_Function = Callable[..., np.ndarray]

_SELU_ALPHA, _SELU_GAMMA = 1.67326324, 1.05070099


def _in_double(function: _Function) -> _Function:
    """``function`` in float64, rounded to float32 once: within half a unit in the last place, whatever NumPy's float32 loops do."""
    return lambda *operands: function(*(np.asarray(operand, np.float64) for operand in operands)).astype(np.float32)


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


_erf = np.vectorize(math.erf, otypes=[np.float64])

_FUNCTIONS: dict[str, _Function] = {
    "relax.abs": np.abs,
    "relax.add": np.add,
    "relax.ceil": np.ceil,
    "relax.cos": _in_double(np.cos),
    "relax.divide": np.divide,
    "relax.equal": np.equal,
    "relax.erf": _in_double(_erf),
    "relax.exp": _in_double(np.exp),
    "relax.floor": np.floor,
    "relax.greater": np.greater,
    "relax.greater_equal": np.greater_equal,
    "relax.isnan": np.isnan,
    "relax.less": np.less,
    "relax.less_equal": np.less_equal,
    "relax.log": _in_double(np.log),
    "relax.logical_and": np.logical_and,
    "relax.logical_not": np.logical_not,
    "relax.logical_or": np.logical_or,
    "relax.maximum": np.maximum,
    "relax.minimum": np.minimum,
    "relax.multiply": np.multiply,
    "relax.negative": np.negative,
    "relax.nn.gelu": _in_double(lambda x: 0.5 * x * (1.0 + _erf(x * math.sqrt(0.5)))),
    "relax.nn.gelu_tanh": _in_double(_gelu_tanh),
    "relax.nn.relu": lambda x: np.maximum(x, np.float32(0)),
    "relax.nn.relu6": lambda x: np.clip(x, np.float32(0), np.float32(6)),
    "relax.nn.selu": _in_double(lambda x: _SELU_GAMMA * np.where(x > 0, x, _SELU_ALPHA * np.expm1(x))),
    "relax.nn.silu": _in_double(lambda x: x / (1.0 + np.exp(-x))),
    "relax.not_equal": np.not_equal,
    "relax.power": _in_double(np.power),
    "relax.round": np.rint,
    "relax.rsqrt": _in_double(lambda x: 1.0 / np.sqrt(x)),
    "relax.sigmoid": _in_double(lambda x: 1.0 / (1.0 + np.exp(-x))),
    "relax.sign": np.sign,
    "relax.sin": _in_double(np.sin),
    "relax.sqrt": np.sqrt,
    "relax.square": np.square,
    "relax.subtract": np.subtract,
    "relax.tan": _in_double(np.tan),
    "relax.tanh": _in_double(np.tanh),
    "relax.trunc": np.trunc,
    "relax.where": np.where,
}
"""Elementwise operators without attributes, on float32 (or bool) arrays."""


def _clip(call: relax.Call, x: np.ndarray) -> np.ndarray:
    low, high = (prim_value(bound) for bound in call.args[1:3])
    return np.clip(x, np.float32(-math.inf if low is None else low), np.float32(math.inf if high is None else high))


def _leaky_relu(call: relax.Call, x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, x * np.float32(call.attrs.alpha))


def _prelu(call: relax.Call, x: np.ndarray, slope: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, x * slope)


def _softplus(call: relax.Call, x: np.ndarray) -> np.ndarray:
    beta, threshold = float(call.attrs.beta), float(call.attrs.threshold)
    wide = x.astype(np.float64)
    return np.where(wide * beta > threshold, wide, np.log1p(np.exp(np.minimum(wide * beta, 700.0))) / beta).astype(np.float32)


def _astype(call: relax.Call, x: np.ndarray) -> np.ndarray:
    return x.astype(str(call.attrs.dtype))


_WITH_ATTRIBUTES: dict[str, tuple[int, _Function]] = {
    "relax.astype": (1, _astype),
    "relax.clip": (1, _clip),
    "relax.nn.leakyrelu": (1, _leaky_relu),
    "relax.nn.prelu": (2, _prelu),
    "relax.nn.softplus": (1, _softplus),
}
"""Operator → number of tensors it takes, and its function of (call, tensors)."""


@dataclass(frozen=True)
class FloatFunction:
    """What a subgraph makes of each of ``operand``'s 256 stored values, in float32."""

    operand: Operand
    values: np.ndarray


def float_function(graph: Graph, expr: relax.Expr) -> FloatFunction | None:
    """``expr`` as an elementwise function of one activation; None if it is something else."""
    evaluation = _Evaluation(graph, [], {})
    values = evaluation.value(expr)
    if values is None or len(evaluation.operands) != 1 or values.dtype.kind != "f":
        return None
    return FloatFunction(evaluation.operands[0], np.broadcast_to(values, (256,)).astype(np.float32))


@dataclass
class _Evaluation:
    graph: Graph
    operands: list[Operand]
    known: dict[relax.Expr, np.ndarray | None]

    def value(self, expr: relax.Expr) -> np.ndarray | None:
        """``expr`` for stored values of -128 to 127, shape (256,), or a scalar; None if it is not elementwise."""
        found = self.graph.resolve(expr)
        if found not in self.known:
            self.known[found] = self._value(found)
        return self.known[found]

    def _value(self, expr: relax.Expr) -> np.ndarray | None:
        constant = self._constant(expr)
        if constant is not None:
            return constant.reshape(()) if constant.size == 1 else None
        operand = self.graph.operand(expr)
        if operand is not None:
            if not any(operand.expr.same_as(other.expr) for other in self.operands):
                self.operands.append(operand)
            centred = np.arange(-128, 128, dtype=np.float32) - np.float32(operand.zero_point)
            return np.float32(operand.scale) * centred
        name = op_name(expr)
        if name in _FUNCTIONS:
            return self._apply(_FUNCTIONS[name], expr.args)
        if name in _WITH_ATTRIBUTES:
            count, function = _WITH_ATTRIBUTES[name]
            return self._apply(lambda *tensors: function(expr, *tensors), expr.args[:count])
        return None

    def _constant(self, expr: relax.Expr) -> np.ndarray | None:
        constant = self.graph.constant(expr)
        if constant is not None:
            return constant
        quantized = self.graph.quantized_constant(expr)
        return (
            None
            if quantized is None
            else quantized.scale * (quantized.data.astype(np.float32) - quantized.zero_point.astype(np.float32))
        )

    def _apply(self, function: _Function, args: Sequence[relax.Expr]) -> np.ndarray | None:
        values = [self.value(argument) for argument in args]
        if any(value is None for value in values):
            return None
        with np.errstate(all="ignore"):
            return np.asarray(function(*values))


def quantized(values: np.ndarray, output: OutputQuantization) -> np.ndarray:
    """Real values as int8, halves to even (ONNX QuantizeLinear). NaN becomes the lowest value, as in ONNX Runtime."""
    with np.errstate(all="ignore"):
        steps = np.rint(values.astype(np.float32) / np.float32(output.scale)).astype(np.float64) + output.zero_point
    return np.clip(np.nan_to_num(steps, nan=output.low, posinf=output.high, neginf=output.low), output.low, output.high).astype(
        np.int8
    )
