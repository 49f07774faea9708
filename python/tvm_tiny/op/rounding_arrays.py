"""The C of the roundings on whole arrays of int64, bit for bit, for compile-time proofs.

Each function takes what the C function of :mod:`tvm_tiny.op.rounding` takes, as arrays that broadcast. It returns
:class:`Rounded`: the results, and where the C arithmetic held every bit on the way. As long as no bit is lost, each function is
monotone in its first operand. So the results at the ends of an interval, when both are whole, bound the results of everything
in between exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tvm_tiny.op.rounding import Rounding, quantize_multipliers

_INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Rounded:
    """``value`` is int64; ``whole`` is False where int32 could not hold it, or something on the way to it."""

    value: np.ndarray
    whole: np.ndarray


def requantized(acc: np.ndarray, scales: np.ndarray, rounding: Rounding) -> Rounded:
    """``acc`` (int64, within int32) times ``scales`` (float64, as a node holds them): the twin of :func:`rounding.requantized`."""
    if rounding == "real":
        return _real(acc, scales.astype(np.float64))
    return rescaled(acc, *quantize_multipliers(scales), rounding)


def rescaled(value: np.ndarray, multiplier: np.ndarray | int, shift: np.ndarray | int, rounding: Rounding) -> Rounded:
    """``value`` times ``multiplier * 2^(shift - 31)``, -31 <= shift <= 30: the functions of ``rounding.FUNCTIONS``."""
    value, multiplier, shift = (np.asarray(each, dtype=np.int64) for each in (value, multiplier, shift))
    if rounding == "double":
        return _double(value, multiplier, shift)
    product, right = value * multiplier, 31 - shift
    # The product has at most 62 bits, and so has what is added to it: no sum leaves int64.
    if rounding == "single":
        result = (product + (np.int64(1) << (right - 1))) >> right
    else:
        assert rounding == "even", rounding
        result = shifted_right_even(product, right)
    return Rounded(result, fits(value) & fits(result))


def shifted_right_even(value: np.ndarray, bits: np.ndarray | int) -> np.ndarray:
    """``value / 2^bits``, ties to even; 1 <= bits <= 62, ``|value|`` <= 2^62."""
    bits = np.asarray(bits, dtype=np.int64)
    return (value + ((np.int64(1) << (bits - 1)) - 1) + ((value >> bits) & 1)) >> bits


def divided(total: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    """``total / count``, halves away from zero: ``tvm_tiny_round_divide``; count > 0."""
    total, count = np.asarray(total, dtype=np.int64), np.asarray(count, dtype=np.int64)
    magnitude = (np.abs(total) + count // 2) // count
    return np.where(total > 0, magnitude, -magnitude)


def divided_even(total: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    """``total / count``, ties to even: ``tvm_tiny_round_divide_even``; count > 0."""
    total, count = np.asarray(total, dtype=np.int64), np.asarray(count, dtype=np.int64)
    quotient, remainder = np.divmod(total, count)
    up = (2 * remainder > count) | ((2 * remainder == count) & (quotient & 1 == 1))
    return quotient + up


def fits(value: np.ndarray) -> np.ndarray:
    """Where int32 holds ``value``."""
    return (value >= _INT32.min) & (value <= _INT32.max)


def _double(value: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> Rounded:
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    widened = value << left  # at most 31 + 30 bits
    whole = fits(value) & fits(widened)
    held = widened.astype(np.int32).astype(np.int64)  # the bits that C keeps
    high = (held * multiplier + (np.int64(1) << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    result = (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))
    return Rounded(result, whole)


def _real(acc: np.ndarray, scales: np.ndarray) -> Rounded:
    scaled = acc.astype(np.float64) * scales
    toward_zero = np.trunc(scaled)
    nearest = toward_zero + (scaled >= toward_zero + 0.5) - (scaled <= toward_zero - 0.5)
    value = np.clip(nearest, _INT32.min, _INT32.max).astype(np.int64)
    return Rounded(value, np.isfinite(scaled) & fits(acc))
