"""Multiplication by a scale that is known when the operator is made: the multiplier stands in the C as a number."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tvm_tiny.op.qdq import NotInteger
from tvm_tiny.op.rounding import FUNCTIONS, Rounding, quantize_multiplier

if TYPE_CHECKING:
    from tvm import tirx

IDENTITY = (1 << 30, 1)  # multiplier and shift of a scale of exactly 1
_REACH = 1 << 30


def fixed_point(scale: float, reach: int) -> tuple[int, int]:
    """(multiplier, shift) of ``scale`` for values of magnitude up to ``reach``.

    Raises
    ------
    NotInteger
        The scaled value, or what is computed on the way to it, can leave int32.
    """
    if not scale * reach < _REACH:
        raise NotInteger(f"its scale is {scale:.3g} times that of its output: values up to {reach} times that leave 32 bits")
    return quantize_multiplier(scale)


def exact_ratio(scale: float, output_scale: float, count: int, reach: int) -> tuple[int, int] | None:
    """``scale / (output_scale * count)`` as the fraction that it is, (numerator, denominator), where integer arithmetic on values
    of magnitude up to ``reach`` can hold it; None elsewhere.

    Small fractions (equal scales, powers of two) are those at which rounding ties are frequent.
    """
    ratio = Fraction(scale) / Fraction(output_scale) / count
    if ratio.numerator * reach + ratio.denominator > _REACH:
        return None
    return ratio.numerator, ratio.denominator


def rescaled(value: tirx.Expr, multiplier: int, shift: int, rounding: Rounding) -> tirx.Expr:
    """``value`` (int32) times a :func:`fixed_point` scale, rounded to int32."""
    from tvm import tirx

    if (multiplier, shift) == IDENTITY:
        return value
    return tirx.call_pure_extern("int32", FUNCTIONS[rounding], value, tirx.const(multiplier, "int32"), tirx.const(shift, "int32"))


def divided(value: tirx.Expr, numerator: int, denominator: int | tirx.Expr) -> tirx.Expr:
    """``value * numerator / denominator`` (int32), ties to even."""
    from tvm import tirx

    product = value * tirx.const(numerator, "int32") if numerator != 1 else value
    if isinstance(denominator, int):
        if denominator == 1:
            return product
        denominator = tirx.const(denominator, "int32")
    return tirx.call_pure_extern("int32", "tvm_tiny_round_divide_even", product, denominator)


def centred(value: tirx.Expr, zero_point: int) -> tirx.Expr:
    """``value`` as int32 with the zero point taken off."""
    from tvm import tirx

    wide = value.astype("int32")
    return wide - tirx.const(zero_point, "int32") if zero_point else wide
