"""Integer TIRx expressions over whole loop nests at once, as NumPy arrays.

A loop's variable is an array along an axis of its own; an expression's value has that axis with length 1 where it does not depend
on the loop, so that an index costs as many elements as there are different ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from tvm import ir, tirx

Values = np.ndarray | int | bool


class NotUnderstood(Exception):
    """A function does something that this analysis cannot follow."""


def _truncated_division(a: Values, b: Values) -> Values:
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


_KNOWN: Mapping[str, Callable[..., Values]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "FloorDiv": lambda a, b: a // b,
    "FloorMod": lambda a, b: a % b,
    "Div": _truncated_division,
    "Mod": lambda a, b: a - _truncated_division(a, b) * b,
    "Min": np.minimum,
    "Max": np.maximum,
    "EQ": lambda a, b: a == b,
    "NE": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GE": lambda a, b: a >= b,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Not": np.logical_not,
    "Cast": lambda a: a,
    "likely": lambda a: a,
    "Select": np.where,
    "if_then_else": np.where,
    "LShift": lambda a, b: a << b,
    "RShift": lambda a, b: a >> b,
    "BitwiseAnd": lambda a, b: a & b,
    "BitwiseOr": lambda a, b: a | b,
}


def evaluate(expr: ir.Expr, known: Mapping[tirx.Var, Values]) -> Values:
    """The value of ``expr``, an array or a plain number, where variables have the values in ``known``.

    Raises
    ------
    NotUnderstood
        It depends on memory or on anything else that is not known here.
    """
    if isinstance(expr, tirx.IntImm):
        return int(expr.value)
    if isinstance(expr, tirx.Var) and expr in known:
        return known[expr]
    kind = kind_of(expr)
    if kind in _KNOWN and (kind != "Cast" or str(expr.ty.dtype) in ("int32", "int64")):
        return _KNOWN[kind](*(evaluate(each, known) for each in operands(expr)))
    raise NotUnderstood(f"the value of {kind} {expr}")


def variables(expr: ir.Expr, known: Mapping[tirx.Var, frozenset[int]]) -> frozenset[int]:
    """The loops on which ``expr`` depends, given those on which each variable does.

    Raises
    ------
    NotUnderstood
        :func:`evaluate` would not know its value.
    """
    if isinstance(expr, tirx.IntImm):
        return frozenset()
    if isinstance(expr, tirx.Var) and expr in known:
        return known[expr]
    if kind_of(expr) not in _KNOWN:
        raise NotUnderstood(f"the value of {kind_of(expr)} {expr}")
    found: frozenset[int] = frozenset()
    for each in operands(expr):
        found |= variables(each, known)
    return found


def kind_of(expr: ir.Expr) -> str:
    """The class of a node, and of a call of an intrinsic its name without what is in front of the dot."""
    if isinstance(expr, ir.Call) and isinstance(expr.op, ir.Op):
        return str(expr.op.name).rpartition(".")[2]
    return type(expr).__name__


def operands(expr: ir.Expr) -> list[ir.Expr]:
    """The expressions directly in ``expr``."""
    found = [getattr(expr, name, None) for name in ("a", "b", "value", "condition", "true_value", "false_value", "body")]
    found += [*getattr(expr, "args", ()), *getattr(expr, "indices", ())]
    return [each for each in found if isinstance(each, ir.Expr)]
