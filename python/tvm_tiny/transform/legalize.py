"""TVM's loops for the Relax operators that stay: its own legalisation, but for the operators whose loops give wrong results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tvm
from tvm import ir, relax, te, tirx, topi

from tvm_tiny.errors import UnsupportedOperatorError
from tvm_tiny.schedule.program import VIEWS

Legalization = Callable[[relax.BlockBuilder, relax.Call], relax.Expr]


def legalize(mod: tvm.IRModule) -> tvm.IRModule:
    """Every Relax operator but our own and views becomes a ``call_tir``.

    Raises
    ------
    UnsupportedOperatorError
        TVM fails to make loops of an operator.
    """
    calls = [binding.value for block in mod["main"].body.blocks for binding in block.bindings]
    names = {str(call.op.name) for call in calls if isinstance(call, relax.Call) and isinstance(call.op, ir.Op)}
    failed: list[str] = []
    theirs = {name: ir.Op.get(name).get_attr("FLegalize") for name in names}
    rules = {name: _telling(name, rule, failed) for name, rule in theirs.items() if rule is not None} | _OURS
    lowered = relax.transform.LegalizeOps(rules, skip_ops=list(VIEWS))(mod)
    if failed:
        operator = failed[0].removeprefix("relax.").removeprefix("nn.")
        raise UnsupportedOperatorError(
            f"operator {operator} cannot be compiled to C: TVM makes no loops of this form of it",
            "replace it in the model, or split the model there",
        )
    return lowered


def _telling(name: str, rule: Legalization, failed: list[str]) -> Legalization:
    """``rule``, which leaves the call as it is and its name in ``failed`` where it would raise.

    An error inside TVM's pass would not tell of which operator it is, and TVM would print a warning of its own.
    """

    def legalized(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
        try:
            return rule(builder, call)
        except Exception:
            failed.append(name)
            return call

    return legalized


# ---- positions -------------------------------------------------------------------------------------------------------------------


def _position(largest: bool) -> Legalization:
    """TVM starts from the smallest value at position -1, which no element of that value replaces."""

    def legalized(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
        axis = None if call.attrs.axis is None else [int(call.attrs.axis)]
        window = _Reduction.of(call, axis)
        return builder.call_te(lambda x: _first_extremum(x, window, largest), call.args[0], primfunc_name_hint=_hint(call))

    return legalized


def _first_extremum(x: te.Tensor, window: _Reduction, largest: bool) -> te.Tensor:
    """Position of the first of the largest or smallest elements, in C order over the axes reduced; int64."""

    def better(held: Any, other: Any) -> tuple[Any, Any]:
        (position, value), (its_position, its_value) = held, other
        beaten = its_value > value if largest else its_value < value
        earlier = tirx.all(its_value.equal(value), its_position < position)
        taken = tirx.any(position < 0, tirx.all(its_position >= 0, tirx.any(beaten, earlier)))
        return tirx.Select(taken, its_position, position), tirx.Select(taken, its_value, value)

    extremum = te.comm_reducer(better, lambda _, dtype: (tirx.const(-1, "int32"), tirx.const(0, dtype)), "first_extremum")
    along = window.along()

    def element(*at: tirx.Var) -> Any:
        position: Any = tirx.const(0, "int32")
        for axis in along:
            position = position * window.shape[axis] + along[axis]
        return extremum((position.astype("int32"), x[window.index(at, along)]), axis=list(along.values()))

    positions, _ = te.compute(window.output, element, name="position")
    return te.compute(window.output, lambda *at: positions[at].astype("int64"), name="output")


# ---- extrema ---------------------------------------------------------------------------------------------------------------------


def _extremum(largest: bool) -> Legalization:
    """TVM starts floats from the largest finite number, which is more than infinities are, and has no start for truth values."""

    def legalized(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
        axes = None if call.attrs.axis is None else [int(axis) for axis in call.attrs.axis]
        window = _Reduction.of(call, axes)
        return builder.call_te(lambda x: _reduced(x, window, largest), call.args[0], primfunc_name_hint=_hint(call))

    return legalized


def _reduced(x: te.Tensor, window: _Reduction, largest: bool) -> te.Tensor:
    def start(dtype: str) -> Any:
        if dtype.startswith("float"):
            return tirx.const(-np.inf if largest else np.inf, dtype)
        return tirx.min_value(dtype) if largest else tirx.max_value(dtype)

    def better(a: Any, b: Any) -> Any:
        return tirx.Max(a, b) if largest else tirx.Min(a, b)

    dtype = str(x.dtype)
    computed = "int8" if dtype == "bool" else dtype
    reducer = te.comm_reducer(better, start, "extremum")
    along = window.along()

    def element(*at: tirx.Var) -> Any:
        return reducer(x[window.index(at, along)].astype(computed), axis=list(along.values()))

    found = te.compute(window.output, element, name="extremum")
    return found if computed == dtype else te.compute(window.output, lambda *at: found[at].astype(dtype), name="output")


class _Reduction:
    """Shapes and indices of a reduction of ``shape`` over ``reduced`` axes; ``kept`` are the axes that the output has."""

    def __init__(self, shape: list[int], reduced: list[int], keepdims: bool) -> None:
        self.shape, self.reduced = shape, reduced
        self.kept = [axis for axis in range(len(shape)) if keepdims or axis not in reduced]
        self.output = [1 if axis in reduced else shape[axis] for axis in self.kept]

    @staticmethod
    def of(call: relax.Call, axes: list[int] | None) -> _Reduction:
        shape = [int(extent) for extent in call.args[0].ty.shape]
        reduced = list(range(len(shape))) if axes is None else sorted(axis % len(shape) for axis in axes)
        return _Reduction(shape, reduced, bool(call.attrs.keepdims))

    def along(self) -> dict[int, tirx.IterVar]:
        return {axis: te.reduce_axis((0, self.shape[axis]), f"r{axis}") for axis in self.reduced}

    def index(self, at: tuple[tirx.Var, ...], along: dict[int, tirx.IterVar]) -> tuple[Any, ...]:
        outer = dict(zip(self.kept, at, strict=True))
        return tuple(along[axis] if axis in along else outer[axis] for axis in range(len(self.shape)))


# ---- remainders ------------------------------------------------------------------------------------------------------------------


def _floor_mod(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    """Of floats, TVM takes a - floor(a / b) * b: wrong by b where a / b rounds to a whole number, and NaN for infinite b."""
    if not str(call.ty.dtype).startswith("float"):
        return ir.Op.get("relax.floor_mod").get_attr("FLegalize")(builder, call)
    return builder.call_te(_signed_remainder, *call.args, primfunc_name_hint=_hint(call))


def _signed_remainder(a: te.Tensor, b: te.Tensor) -> te.Tensor:
    """The exact remainder, moved to the side of zero where the divisor is; one of zero has the divisor's sign."""
    remainder = topi.mod(a, b)
    divisor = topi.broadcast_to(b, remainder.shape)

    def element(*at: tirx.Var) -> Any:
        left, by = remainder[at], divisor[at]
        zero, negative_zero = (tirx.const(value, str(a.dtype)) for value in (0.0, -0.0))
        across = tirx.any(tirx.all(left < zero, by > zero), tirx.all(left > zero, by < zero))
        none = tirx.Select(by < zero, negative_zero, zero)
        return tirx.Select(left.equal(zero), none, tirx.Select(across, left + by, left))

    return te.compute(remainder.shape, element, name="remainder")


def _hint(call: relax.Call) -> str:
    return str(call.op.name).removeprefix("relax.")


_OURS: dict[str, Legalization] = {
    "relax.argmax": _position(largest=True),
    "relax.argmin": _position(largest=False),
    "relax.floor_mod": _floor_mod,
    "relax.max": _extremum(largest=True),
    "relax.min": _extremum(largest=False),
}
