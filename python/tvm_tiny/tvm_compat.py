"""What TVM renames between releases, behind names that stay. Written for TVM 0.27."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tvm import IRModule, relax


def constant_array(expr: relax.Expr) -> np.ndarray | None:
    """The array of a tensor constant; None for any other expression. (``relax.Constant`` until 0.26, ``ir.GenericConst`` since.)"""
    from tvm.ir.expr import GenericConst

    if not isinstance(expr, GenericConst):
        return None
    value = expr.value
    return np.asarray(value.numpy()) if hasattr(value, "numpy") else None


def tensor_constant(array: np.ndarray) -> relax.Expr:
    """``array`` as a tensor constant of its own dtype. (``relax.const`` alone makes float32 of float64, and int32 of int64.)"""
    from tvm import relax

    return relax.const(array, str(array.dtype))


def prim_value(expr: object) -> float | None:
    """The number of a scalar immediate argument (IntImm, FloatImm, or either in a PrimValue); None for anything else."""
    value = getattr(expr, "value", None)
    value = getattr(value, "value", value)
    return float(value) if isinstance(value, (int, float)) else None


def with_main(mod: IRModule, function: relax.Function) -> IRModule:
    """``mod`` with ``function`` as its ``main``; the other functions, which it may call, stay."""
    import tvm

    others = {var: each for var, each in mod.functions.items() if str(var.name_hint) != "main"}
    return tvm.IRModule({**others, mod.get_global_var("main"): function.with_attr("global_symbol", "main")})
