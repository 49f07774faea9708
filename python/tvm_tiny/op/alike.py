"""Operators that choose or copy elements: they work on stored values, and want input and output quantised alike."""

from __future__ import annotations

import numpy as np

from tvm_tiny.op import tables_float
from tvm_tiny.op.lookup import IDENTITY
from tvm_tiny.op.qdq import NotInteger, Operand, Site


def alike(site: Site, operand: Operand, tolerance: float = 0.0) -> bool:
    """Whether ``operand`` and the output have the same quantisation parameters, their scales up to ``tolerance``."""
    return abs(operand.scale - site.output.scale) <= tolerance and operand.zero_point == site.output.zero_point


def require_alike(site: Site, operand: Operand, tolerance: float = 0.0) -> None:
    """Raise :class:`NotInteger` where they have not."""
    if not alike(site, operand, tolerance):
        raise NotInteger(
            f"TFLite wants its output quantised as its input: found scales {site.output.scale:.6g} and {operand.scale:.6g}, "
            f"zero points {site.output.zero_point} and {operand.zero_point}"
        )


def conversion(site: Site, operand: Operand, tolerance: float = 0.0) -> np.ndarray:
    """The table of 256 that takes a stored value of ``operand`` to one of the output, within its limits.

    It is not decreasing, so that it may come before or behind a choice of the largest or smallest.

    Raises
    ------
    NotInteger
        In TFLite's arithmetic, which has no such conversion: the parameters differ.
    """
    if site.arithmetic.is_tflite:
        require_alike(site, operand, tolerance)
    if alike(site, operand, tolerance):
        return np.clip(IDENTITY, site.output.low, site.output.high).astype(np.int8)
    stored = np.arange(-128, 128, dtype=np.float32)
    return tables_float.quantized((stored - np.float32(operand.zero_point)) * np.float32(operand.scale), site.output)


def limits_of(table: np.ndarray) -> tuple[int, int] | None:
    """``table`` as mere limits (low, high) on a stored value; None if it does more."""
    low, high = int(table[0]), int(table[-1])
    return (low, high) if np.array_equal(table, np.clip(IDENTITY, low, high)) else None
