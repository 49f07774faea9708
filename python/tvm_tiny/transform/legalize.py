"""TVM's loops for the Relax operators that stay: its own legalisation, but for the operators whose loops give wrong results."""

from __future__ import annotations

from typing import Any

import tvm
from tvm import relax, te, tirx

from tvm_tiny.schedule.program import VIEWS


def legalize(mod: tvm.IRModule) -> tvm.IRModule:
    """Every Relax operator but our own and views becomes a ``call_tir``."""
    ours = {"relax.argmax": _argmax, "relax.argmin": _argmin}
    return relax.transform.LegalizeOps(ours, skip_ops=list(VIEWS))(mod)


def _argmax(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    return _position(builder, call, largest=True)


def _argmin(builder: relax.BlockBuilder, call: relax.Call) -> relax.Expr:
    return _position(builder, call, largest=False)


def _position(builder: relax.BlockBuilder, call: relax.Call, largest: bool) -> relax.Expr:
    """TVM starts from the smallest value at position -1, which no element of that value replaces."""
    axis = None if call.attrs.axis is None else int(call.attrs.axis)
    keepdims = bool(call.attrs.keepdims)

    def position(x: te.Tensor) -> te.Tensor:
        return _first_extremum(x, axis, keepdims, largest)

    return builder.call_te(position, call.args[0], primfunc_name_hint="argmax" if largest else "argmin")


def _first_extremum(x: te.Tensor, axis: int | None, keepdims: bool, largest: bool) -> te.Tensor:
    """Position of the first of the largest or smallest elements along ``axis``, or in all of ``x`` in C order; int64."""
    shape = [int(extent) for extent in x.shape]
    reduced = list(range(len(shape))) if axis is None else [axis % len(shape)]
    along = {each: te.reduce_axis((0, shape[each]), f"r{each}") for each in reduced}
    kept = [each for each in range(len(shape)) if keepdims or each not in reduced]

    def better(held: Any, other: Any) -> tuple[Any, Any]:
        (position, value), (its_position, its_value) = held, other
        beaten = its_value > value if largest else its_value < value
        earlier = tirx.all(its_value.equal(value), its_position < position)
        taken = tirx.any(position < 0, tirx.all(its_position >= 0, tirx.any(beaten, earlier)))
        return tirx.Select(taken, its_position, position), tirx.Select(taken, its_value, value)

    def nothing(_: str, dtype: str) -> tuple[Any, Any]:
        return tirx.const(-1, "int32"), tirx.const(0, dtype)

    extremum = te.comm_reducer(better, nothing, "first_extremum")

    def element(*at: tirx.Var) -> Any:
        outer = dict(zip(kept, at, strict=True))
        index = [along[each] if each in along else outer[each] for each in range(len(shape))]
        position: Any = tirx.const(0, "int32")
        for each in reduced:
            position = position * shape[each] + along[each]
        return extremum((position.astype("int32"), x[tuple(index)]), axis=list(along.values()))

    outputs = [1 if each in reduced else shape[each] for each in kept]
    positions, _ = te.compute(outputs, element, name="position")
    return te.compute(outputs, lambda *at: positions[at].astype("int64"), name="output")
