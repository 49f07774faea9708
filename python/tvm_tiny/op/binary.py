"""What the elementwise operators of two operands share: their operands, and how they broadcast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tvm_tiny.op.operator import Definition, Node, Value
from tvm_tiny.op.qdq import NotInteger, Site

if TYPE_CHECKING:
    from tvm import relax, te, tirx

_FRACTION_BITS = 20


@dataclass(frozen=True)
class Side:
    """One operand: real = scale * (stored - zero_point), the difference at most ``magnitude`` in magnitude.

    ``expr`` is an int8 activation, an int8 constant, or, for a constant that the file does not hold in 8 bits with one scale, an
    int32 constant of fixed-point values.
    """

    expr: relax.Expr
    scale: float
    zero_point: int
    magnitude: int
    constant: bool


def sides(site: Site, constant_unit: float) -> tuple[Side, Side]:
    """Both operands of the site's producer.

    A constant that is not held in 8 bits with one scale becomes an int32 in units of ``constant_unit`` / 2^20; only ONNX has those.

    Raises
    ------
    NotInteger
        An operand is neither a quantised activation nor a constant, or both are constant.
    """
    first, second = (_side(site, index, constant_unit) for index in (0, 1))
    if first.constant and second.constant:
        raise NotInteger("both of its inputs are constant")
    return first, second


def _side(site: Site, index: int, constant_unit: float) -> Side:
    from tvm import relax

    graph, expr = site.graph, site.producer.args[index]
    operand = graph.operand(expr)
    if operand is not None:
        zero_point = operand.zero_point
        return Side(operand.expr, operand.scale, zero_point, max(127 - zero_point, zero_point + 128), False)
    quantized = graph.quantized_constant(expr)
    if (
        quantized is not None
        and str(quantized.data.dtype) in ("int8", "uint8")
        and np.all(quantized.scale == quantized.scale.flat[0])
    ):
        offset = 128 if str(quantized.data.dtype) == "uint8" else 0
        zero_points = np.unique(quantized.zero_point)
        if zero_points.size == 1:
            stored = (quantized.data.astype(np.int16) - offset).astype(np.int8)
            zero_point = int(zero_points[0]) - offset
            magnitude = int(np.abs(stored.astype(np.int32) - zero_point).max(initial=0))
            return Side(relax.const(stored), float(quantized.scale.flat[0]), zero_point, magnitude, True)
    real = quantized.real() if quantized is not None else graph.constant(expr)
    if real is None:
        raise NotInteger(f"input {index} is not quantised with one scale for the whole tensor")
    if site.arithmetic.is_tflite:
        raise NotInteger(f"input {index} is a constant that is not int8 with one scale")
    return _fixed_point_constant(real.astype(np.float64), index, constant_unit)


def _fixed_point_constant(real: np.ndarray, index: int, unit: float) -> Side:
    from tvm import relax

    if not np.all(np.isfinite(real)):
        raise NotInteger(f"input {index} is a constant that is not finite")
    scale = unit / (1 << _FRACTION_BITS)
    fixed = np.rint(real / scale)
    magnitude = np.abs(fixed).max(initial=0)
    if magnitude >= 1 << 30:
        raise NotInteger(f"input {index} is a constant of up to {np.abs(real).max():.3g}, too large beside a unit of {unit:.3g}")
    return Side(relax.const(fixed.astype(np.int32)), scale, 0, int(magnitude), True)


def broadcast_shape(inputs: Sequence[Value | np.ndarray]) -> tuple[int, ...]:
    """Shape of an elementwise result."""
    return np.broadcast_shapes(*(tuple(each.shape) for each in inputs))


@dataclass(frozen=True)
class Loads:
    """The operands of a node as TE reads them: placeholders of activations and constants. A constant of one element is a number."""

    inputs: tuple[te.Tensor, ...]
    constants: dict[str, tuple[te.Tensor, np.ndarray]]
    _sources: tuple[te.Tensor | int, ...]

    def at(self, index: Sequence[tirx.Var]) -> list[tirx.Expr]:
        """Both operands, int32, for the output element ``index``."""
        from tvm import tirx

        values = []
        for source in self._sources:
            if isinstance(source, int):
                values.append(tirx.const(source, "int32"))
                continue
            own = index[len(index) - len(source.shape) :]
            where = [0 if int(extent) == 1 else each for extent, each in zip(source.shape, own, strict=True)]
            values.append(source[tuple(where)].astype("int32"))
        return values


def loads(node: Node) -> Loads:
    """How TE reads the operands of ``node``."""
    from tvm import te

    inputs: list[te.Tensor] = []
    constants: dict[str, tuple[te.Tensor, np.ndarray]] = {}
    sources: list[te.Tensor | int] = []
    for argument, name in zip(node.inputs, ("x", "y"), strict=True):
        if isinstance(argument, np.ndarray) and argument.size == 1:
            sources.append(int(argument.item()))
            continue
        placeholder = te.placeholder(argument.shape, str(argument.dtype), name)
        sources.append(placeholder)
        if isinstance(argument, np.ndarray):
            constants["operand"] = (placeholder, argument)
        else:
            inputs.append(placeholder)
    return Loads(tuple(inputs), constants, tuple(sources))


def definition(read: Loads, shape: tuple[int, ...], compute: Callable[[tirx.Expr, tirx.Expr], tirx.Expr]) -> Definition:
    """The definition of an elementwise operator: ``compute`` makes the output element out of the two operands' elements."""
    from tvm import te

    output = te.compute(shape, lambda *at: compute(*read.at(at)), "output")
    return Definition(read.inputs, read.constants, output)
