"""Walks over lowered TIRx. (TVM 0.27 has no visitor for it in Python.)"""

from __future__ import annotations

from collections.abc import Iterator

from tvm import ir, tirx


def statements(stmt: tirx.Stmt) -> Iterator[tirx.Stmt]:
    """``stmt`` and every statement in it, in the order of the text."""
    yield stmt
    if isinstance(stmt, tirx.SeqStmt):
        inner = list(stmt.seq)
    elif isinstance(stmt, tirx.IfThenElse):
        inner = [stmt.then_case] if stmt.else_case is None else [stmt.then_case, stmt.else_case]
    elif isinstance(stmt, (tirx.For, tirx.While, tirx.AttrStmt)):
        inner = [stmt.body]
    else:
        inner = []
    for each in inner:
        yield from statements(each)


def expressions(stmt: tirx.Stmt) -> Iterator[ir.Expr]:
    """Every expression in ``stmt``, subexpressions included."""
    for each in statements(stmt):
        for name in ("value", "condition", "min", "extent"):
            if isinstance(getattr(each, name, None), ir.Expr):
                yield from _subexpressions(getattr(each, name))
        for index in getattr(each, "indices", ()):
            yield from _subexpressions(index)


def _subexpressions(expr: ir.Expr) -> Iterator[ir.Expr]:
    yield expr
    for name in ("a", "b", "value", "condition", "true_value", "false_value"):
        inner = getattr(expr, name, None)
        if isinstance(inner, ir.Expr):
            yield from _subexpressions(inner)
    for inner in (*getattr(expr, "args", ()), *getattr(expr, "indices", ())):
        if isinstance(inner, ir.Expr):
            yield from _subexpressions(inner)


def computes_in_integers(func: tirx.PrimFunc) -> bool:
    """Whether no buffer and no expression of a lowered function is a floating-point number."""
    dtypes = {str(buffer.dtype) for buffer in func.params}
    dtypes |= {str(each.buffer.dtype) for each in statements(func.body) if isinstance(each, (tirx.AllocBuffer, tirx.DeclBuffer))}
    dtypes |= {str(each.ty.dtype) for each in expressions(func.body) if isinstance(getattr(each, "ty", None), ir.PrimType)}
    return not any("float" in dtype for dtype in dtypes)


def count_uses(stmt: tirx.Stmt, buffer: tirx.Var) -> int:
    """How many times ``stmt`` stores to or loads from ``buffer``."""
    stores = sum(isinstance(each, tirx.BufferStore) and each.buffer.same_as(buffer) for each in statements(stmt))
    loads = sum(type(each).__name__ == "TensorLoad" and each.source.same_as(buffer) for each in expressions(stmt))
    return stores + loads
