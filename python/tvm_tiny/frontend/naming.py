"""``main`` as the frontends hand it over: one dataflow block, no dead code, and variables whose names tell their origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import tvm_ffi
from tvm import IRModule, relax

from tvm_tiny.frontend.refusal import Refused
from tvm_tiny.model import c_identifier

# Fused TFLite layers have names of several hundred characters, the names of all that was fused. They become C names later.
_LONGEST_NAME = 48


def named_module(mod: IRModule, tensors: Iterable[tuple[str, relax.Expr]]) -> tuple[IRModule, dict[str, str]]:
    """Rebuild ``main`` of an imported module.

    Parameters
    ----------
    mod : IRModule
    tensors : iterable of (str, Expr)
        (name in the file, what holds it), most important first: of several names for one variable, the first counts. What is no
        variable of ``main`` is left out.

    Returns
    -------
    mod : IRModule
        Variables that hold a tensor of the file are called like it, as C identifiers; the others like the operator that computes
        them. All names are unique. The functions that ``main`` calls are kept.
    tensor_names : dict of str to str
        Variable → name in the file.
    """
    function = mod["main"]
    bound = {binding.var: binding for block in function.body.blocks for binding in block.bindings}
    result = _source(function.body.body, bound)
    sources: dict[relax.Var, str] = {}
    for name, expr in tensors:
        found = _source(expr, bound)
        if isinstance(found, relax.Var) and (found in bound or found in function.params):
            sources.setdefault(found, name)

    used: set[str] = {"main"}
    now: dict[relax.Var, relax.Var] = {}
    for param in function.params:
        now[param] = relax.Var(_unique(_readable(sources.get(param, param.name)), used), param.ty)
    live = _live(result, bound)
    bindings = []
    for var, binding in bound.items():
        if var not in live:
            continue
        name = _unique(_readable(sources[var]) if var in sources else _operator_name(binding.value), used)
        now[var] = (relax.Var if var == result else relax.DataflowVar)(name, var.ty)
        bindings.append(relax.VarBinding(now[var], _rewritten(binding.value, now, bound)))
    if result not in live:  # a constant, or a parameter as it came
        output = relax.Var(_unique("output", used), result.ty)
        bindings.append(relax.VarBinding(output, _rewritten(result, now, bound)))
    else:
        output = now[result]

    body = relax.SeqExpr([relax.DataflowBlock(bindings)], output)
    main = relax.Function([now[param] for param in function.params], body, output.ty).with_attr("global_symbol", "main")
    functions = {var: callee for var, callee in mod.functions.items() if var.name_hint != "main"}
    rebuilt = relax.transform.Normalize()(IRModule({mod.get_global_var("main"): main, **functions}))
    return rebuilt, {now[var].name: name for var, name in sources.items() if var in now}


def _source(expr: relax.Expr, bound: Mapping[relax.Var, relax.Binding]) -> relax.Expr:
    """``expr`` behind any bindings of a variable to another one, or to a reshape of one that changes nothing."""
    while isinstance(expr, relax.Var) and expr in bound:
        value = bound[expr].value
        if isinstance(value, relax.Call) and getattr(value.op, "name", "") == "relax.reshape":
            value = value.args[0] if tvm_ffi.structural_equal(value.ty, value.args[0].ty) else value
        if not isinstance(value, relax.Var):
            break
        expr = value
    return expr


def _operands(value: relax.Expr) -> Iterable[relax.Expr]:
    if isinstance(value, relax.Call):
        return value.args
    if isinstance(value, relax.Tuple):
        return value.fields
    if isinstance(value, relax.TupleGetItem):
        return [value.tuple_value]
    return []


def _live(result: relax.Expr, bound: Mapping[relax.Var, relax.Binding]) -> set[relax.Var]:
    """Variables that ``result`` depends on."""
    live: set[relax.Var] = set()
    waiting = [result]
    while waiting:
        expr = _source(waiting.pop(), bound)
        if isinstance(expr, relax.Var):
            if expr in live or expr not in bound:
                continue
            live.add(expr)
            if isinstance(bound[expr], relax.MatchCast):
                raise Refused("a shape in it is only known when it runs")
            waiting.extend(_operands(bound[expr].value))
        else:
            waiting.extend(_operands(expr))
    return live


def _rewritten(expr: relax.Expr, now: Mapping[relax.Var, relax.Var], bound: Mapping[relax.Var, relax.Binding]) -> relax.Expr:
    """``expr`` over the new variables, with its type."""
    expr = _source(expr, bound)
    if isinstance(expr, relax.Var):
        return now[expr]
    if isinstance(expr, relax.Call):
        arguments = [_rewritten(argument, now, bound) for argument in expr.args]
        return relax.Call(expr.op, arguments, expr.attrs, expr.ty_args, ret_ty=expr.ty)
    if isinstance(expr, relax.Tuple):
        return relax.Tuple([_rewritten(field, now, bound) for field in expr.fields])
    if isinstance(expr, relax.TupleGetItem):
        return relax.TupleGetItem(_rewritten(expr.tuple_value, now, bound), expr.index)
    return expr


def _readable(name: str) -> str:
    """A tensor's name as the name of a variable. Of the names of fused layers, which TFLite joins by ";", the first."""
    return c_identifier(name.split(";")[0])[-_LONGEST_NAME:].strip("_") or "tensor"


def _operator_name(value: relax.Expr) -> str:
    if isinstance(value, relax.Call):
        called = value.args[0] if getattr(value.op, "name", "").startswith("relax.call_") else value.op
        name = getattr(called, "name", "") or getattr(called, "name_hint", "") or "call"
        return c_identifier(name.split(".")[-1])
    return "outputs" if isinstance(value, relax.Tuple) else "item"


def _unique(name: str, used: set[str]) -> str:
    """``name``, with a number behind it if it is taken."""
    candidate, number = name, 1
    while candidate in used:
        number += 1
        candidate = f"{name}_{number}"
    used.add(candidate)
    return candidate
