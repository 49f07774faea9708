"""Walks over TIRx with blocks."""

from __future__ import annotations

from collections.abc import Iterator

from tvm import ir, tirx

from tvm_tiny.schedule.index_values import kind_of, operands


def _inner_statements(stmt: tirx.Stmt, *, nested: bool) -> Iterator[tirx.Stmt]:
    """``stmt`` and all statements in it, those of blocks in it only if ``nested``."""
    yield stmt
    if type(stmt).__name__ == "SBlockRealize" and not nested:
        return
    for name in ("block", "init", "body", "then_case", "else_case"):
        inner = getattr(stmt, name, None)
        if isinstance(inner, tirx.Stmt):
            yield from _inner_statements(inner, nested=nested)
    for inner in getattr(stmt, "seq", ()):
        yield from _inner_statements(inner, nested=nested)


def subexpressions(stmt: tirx.Stmt, *, nested: bool) -> Iterator[ir.Expr]:
    """All expressions of ``stmt`` down to variables and numbers."""
    for each in _inner_statements(stmt, nested=nested):
        pending = [getattr(each, name, None) for name in ("value", "condition", "min", "extent", "predicate")]
        pending += [*getattr(each, "indices", ()), *getattr(each, "iter_values", ())]
        while pending:
            expr = pending.pop()
            if isinstance(expr, ir.Expr):
                yield expr
                pending += [*operands(expr), getattr(expr, "source", None)]
        if isinstance(each, tirx.BufferStore):
            yield each.buffer


def takes_pointer(expr: ir.Expr) -> bool:
    """Whether ``expr`` itself is the address of a buffer."""
    return kind_of(expr) in ("tvm_access_ptr", "address_of", "buffer_data")
