"""A function written anew, binding by binding."""

from __future__ import annotations

from collections.abc import Callable

import tvm
from tvm import relax

Rewrite = Callable[[relax.Var, relax.Expr], tuple[relax.Expr, str]]


def rebuild(mod: tvm.IRModule, rewrite: Rewrite) -> tvm.IRModule:
    """The module of ``main`` alone, each binding replaced.

    ``rewrite`` is given a variable of the old function and what was bound to it, over the variables of the new one; it returns
    what is to be bound instead, and the name of the new variable. Shapes and dtypes are inferred again.
    """
    function = mod["main"]
    builder = relax.BlockBuilder()
    params = [relax.Var(param.name, param.ty) for param in function.params]
    now: dict[relax.Var, relax.Expr] = dict(zip(function.params, params, strict=True))
    with builder.function("main", params):
        with builder.dataflow():
            for block in function.body.blocks:
                for binding in block.bindings:
                    value, name = rewrite(binding.var, substituted(binding.value, now))
                    now[binding.var] = builder.emit(value, name_hint=name)
            result = builder.emit_output(substituted(function.body.body, now))
        builder.emit_func_output(result)
    return builder.get()


def substituted(expr: relax.Expr, now: dict[relax.Var, relax.Expr]) -> relax.Expr:
    """``expr`` over the variables that ``now`` maps its own to."""
    if isinstance(expr, relax.Var):
        return now[expr]
    if isinstance(expr, relax.Call):
        return relax.Call(expr.op, [substituted(argument, now) for argument in expr.args], expr.attrs, expr.ty_args)
    if isinstance(expr, relax.Tuple):
        return relax.Tuple([substituted(item, now) for item in expr.fields])
    if isinstance(expr, relax.TupleGetItem):
        return relax.TupleGetItem(substituted(expr.tuple_value, now), expr.index)
    return expr


def variables(expr: relax.Expr) -> list[relax.Var]:
    """The variables that an expression of one binding reads."""
    if isinstance(expr, relax.Var):
        return [expr]
    if isinstance(expr, relax.Call):
        return [var for argument in expr.args for var in variables(argument)]
    if isinstance(expr, relax.Tuple):
        return [var for item in expr.fields for var in variables(item)]
    return variables(expr.tuple_value) if isinstance(expr, relax.TupleGetItem) else []
