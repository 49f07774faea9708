"""Fixed-point arithmetic at compile time, in exact Python integers.

The functions that TFLite's kernels build on, bit for bit: those of gemmlowp's ``fixedpoint.h`` and of TFLite's ``common.h``. Tables
of an operator are filled with them, so that nothing of this remains to be computed on the target. Every value is the raw int32 of
a number with m integer bits and 31 - m fractional bits ("Qm"); where m matters it is an argument.

Sources: gemmlowp (``fixedpoint/fixedpoint.h``), TFLite (``kernels/internal/common.h``, ``quantization_util.cc``).
"""

from __future__ import annotations

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
ONE = INT32_MAX  # the largest number below 1 in Q0 stands for 1


def wrapped(value: int, bits: int = 32) -> int:
    """``value`` as two's complement of ``bits`` bits holds it."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half


def doubling_high_mul(a: int, b: int, bits: int = 32) -> int:
    """``a * b / 2^(bits-1)`` rounded to nearest, halves towards plus infinity.

    gemmlowp's ``SaturatingRoundingDoublingHighMul``, saturated where both are the lowest number.
    """
    if a == b == -(1 << (bits - 1)):
        return (1 << (bits - 1)) - 1
    product = a * b
    nudged = product + ((1 << (bits - 2)) if product >= 0 else 1 - (1 << (bits - 2)))
    return _truncated_shift(nudged, bits - 1)


def doubling_high_mul_truncated(a: int, b: int) -> int:
    """The 16-bit :func:`doubling_high_mul` without rounding (``SaturatingDoublingHighMul`` of TFLite's hard swish)."""
    return (1 << 15) - 1 if a == b == -(1 << 15) else _truncated_shift(a * b, 15)


def _truncated_shift(value: int, exponent: int) -> int:
    """``value / 2^exponent`` towards zero, as C divides."""
    return value >> exponent if value >= 0 else -(-value >> exponent)


def rounding_shift_right(value: int, exponent: int, bits: int = 32) -> int:
    """``value / 2^exponent`` to nearest, halves away from zero (``RoundingDivideByPOT``, whose mask has ``bits`` bits too)."""
    mask = wrapped((1 << exponent) - 1, bits)
    threshold = (mask >> 1) + (value < 0)
    return (value >> exponent) + ((value & mask) > threshold)


def saturating_shift_left(value: int, exponent: int, bits: int = 32) -> int:
    """``value * 2^exponent`` held within ``bits`` bits."""
    return min(max(value << exponent, -(1 << (bits - 1))), (1 << (bits - 1)) - 1)


def requantize(value: int, multiplier: int, shift: int) -> int:
    """``value * multiplier * 2^(shift-31)`` rounded twice (``MultiplyByQuantizedMultiplier``)."""
    left, right = max(shift, 0), max(-shift, 0)
    return rounding_shift_right(doubling_high_mul(wrapped(value << left), multiplier), right)


def input_radius(integer_bits: int, left_shift: int) -> int:
    """The largest difference whose rescaled value still fits Q``integer_bits`` (``CalculateInputRadius``)."""
    return (((1 << integer_bits) - 1) << (31 - integer_bits)) >> max(left_shift, 0)


_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8) in Q0
_ONE_THIRD = 715827883  # 1/3 in Q0
# exp(-2^k) in Q0 for k = -2 .. 4
_EXP_MINUS_POWERS = ((-2, 1672461947), (-1, 1302514674), (0, 790015084), (1, 290630308), (2, 39332535), (3, 720401), (4, 242))


def exp_on_negative_values(a: int, integer_bits: int) -> int:
    """``exp(a)`` in Q0 for ``a`` <= 0 in Q``integer_bits`` (at most 5).

    The argument is split into a part in [-1/4, 0), for which a Taylor series around -1/8 is summed, and multiples of 1/4, for each
    set bit of which the result is multiplied by a constant.
    """
    if a == 0:
        return ONE
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_0(saturating_shift_left(rest, integer_bits))
    multiples = rest - a
    for exponent, factor in _EXP_MINUS_POWERS:
        if exponent < integer_bits and multiples & (1 << (fractional_bits + exponent)):
            result = doubling_high_mul(result, factor)
    return result


def _exp_between_minus_quarter_and_0(a: int) -> int:
    x = a + (1 << 28)
    x2 = doubling_high_mul(x, x)
    x3 = doubling_high_mul(x2, x)
    x4_over_4 = rounding_shift_right(doubling_high_mul(x2, x2), 2)
    tail = rounding_shift_right(doubling_high_mul(x4_over_4 + x3, _ONE_THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + doubling_high_mul(_EXP_MINUS_EIGHTH, x + tail)


def _newton_reciprocal(a: int) -> int:
    """``1 / ((1 + a) / 2)`` in Q2 for ``a`` in Q0 within [0, 1), by three steps of Newton's method."""
    total = a + ONE
    half_denominator = _truncated_shift(total + (1 if total >= 0 else -1), 1)
    x = 1515870810 + doubling_high_mul(half_denominator, -1010580540)  # 48/17 - 32/17 * d, both constants in Q2
    for _ in range(3):
        error = (1 << 29) - doubling_high_mul(half_denominator, x)
        x = x + saturating_shift_left(doubling_high_mul(x, error), 2)
    return x


def one_over_one_plus(a: int) -> int:
    """``1 / (1 + a)`` in Q0 for ``a`` in Q0 within [0, 1)."""
    return saturating_shift_left(_newton_reciprocal(a), 1)


def logistic(a: int, integer_bits: int) -> int:
    """``1 / (1 + exp(-a))`` in Q0 for ``a`` in Q``integer_bits``."""
    if a == 0:
        return 1 << 30
    positive = one_over_one_plus(exp_on_negative_values(-abs(a), integer_bits))
    return positive if a > 0 else ONE - positive


def tanh(a: int, integer_bits: int) -> int:
    """``tanh(a)`` in Q0 for ``a`` in Q``integer_bits`` (at most 4)."""
    if a == 0:
        return 0
    # Twice the argument is the same raw number with one integer bit more.
    power = exp_on_negative_values(-abs(a), integer_bits + 1)
    positive = saturating_shift_left(_newton_reciprocal(power) - (1 << 29), 2)
    return positive if a > 0 else -positive


def inverse_square_root(value: int) -> tuple[int, int]:
    """``1 / sqrt(value)`` of an integer >= 0 as (multiplier, left shift) (``GetInvSqrtQuantizedMultiplierExp``)."""
    if value <= 1:
        return INT32_MAX, 0
    shift = 11
    while value >= 1 << 29:
        value //= 4
        shift += 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    shift -= pairs
    value <<= 2 * pairs
    half_input = rounding_shift_right(value >> 1, 1)
    half_three = (1 << 28) + (1 << 27)  # 1.5 in Q3
    x = 1 << 28
    for _ in range(5):
        cube = saturating_shift_left(doubling_high_mul(doubling_high_mul(x, x), x), 6)
        x = saturating_shift_left(doubling_high_mul(half_three, x) - doubling_high_mul(half_input, cube), 3)
    x = doubling_high_mul(x, 1518500250)  # sqrt(2) / 2 in Q0
    if shift < 0:
        x, shift = x << -shift, 0
    return x, -shift
