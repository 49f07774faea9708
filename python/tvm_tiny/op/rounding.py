"""From an int32 accumulator to a quantised output: which arithmetic, and how TE says it.

A scale is kept as the real number in float64 for as long as possible. What is made of it depends on whose arithmetic is followed:

==============  =====================================================================================================
"double"        TFLite's ``MultiplyByQuantizedMultiplier``: doubling high multiply by a 31-bit multiplier, rounded, then
                a rounding shift (gemmlowp's fixed-point arithmetic).
"single"        One 64-bit product, one rounding, half up (TFLite built with TFLITE_SINGLE_ROUNDING).
"even"          As "single", but a tie goes to the even neighbour: what ONNX's QuantizeLinear makes of the real number.
"real"          ``round(acc * scale)`` in float64, half away from zero (LiteRT's fully-connected kernel).
==============  =====================================================================================================
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from tvm import te, tirx

Rounding = Literal["double", "single", "even", "real"]
ROUNDINGS: tuple[Rounding, ...] = ("double", "single", "even", "real")

FUNCTIONS = {"double": "tvm_tiny_requantize", "single": "tvm_tiny_requantize_single", "even": "tvm_tiny_requantize_single_even"}
"""C functions of (acc, multiplier, shift), by rounding."""


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real`` as (multiplier, shift): real ≈ multiplier * 2^(shift - 31), multiplier in [2^30, 2^31).

    As TFLite's ``QuantizeMultiplier`` (quantization_util.cc): the mantissa is rounded half away from zero; what is below 2^-31
    becomes zero.
    """
    if real == 0.0:
        return 0, 0
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(abs(mantissa) * (1 << 31) + 0.5) * (1 if real > 0 else -1)
    if abs(multiplier) == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, min(shift, 30)


def quantize_multipliers(scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`quantize_multiplier` of each element: two int32 arrays of the shape of ``scales``."""
    pairs = [quantize_multiplier(float(scale)) for scale in scales.ravel()]
    multiplier = np.array([pair[0] for pair in pairs], dtype=np.int32).reshape(scales.shape)
    shift = np.array([pair[1] for pair in pairs], dtype=np.int32).reshape(scales.shape)
    return multiplier, shift


def requantize_constants(scales: np.ndarray, rounding: Rounding) -> dict[str, tuple[te.Tensor, np.ndarray]]:
    """The constants that :func:`requantized` reads, by role, for scales of shape (channels,) in float64."""
    from tvm import te

    if rounding == "real":
        scales = scales.astype(np.float64)
        return {"scale": (te.placeholder(scales.shape, "float64", "scale"), scales)}
    multiplier, shift = quantize_multipliers(scales)
    return {
        "multiplier": (te.placeholder(multiplier.shape, "int32", "multiplier"), multiplier),
        "shift": (te.placeholder(shift.shape, "int8", "shift"), shift.astype(np.int8)),  # -31 to 30
    }


def requantized(
    acc: tirx.Expr, channel: tirx.Expr, constants: dict[str, tuple[te.Tensor, np.ndarray]], rounding: Rounding
) -> tirx.Expr:
    """``acc`` (int32) times the scale of ``channel``, rounded to int32. One scale for all: a constant of length 1."""
    from tvm import tirx

    def at(role: str) -> tirx.Expr:
        tensor = constants[role][0]
        return tensor[channel] if int(tensor.shape[0]) > 1 else tensor[0]

    if rounding == "real":
        return tirx.call_pure_extern("int32", "tvm_tiny_requantize_real", acc, at("scale"))
    return tirx.call_pure_extern("int32", FUNCTIONS[rounding], acc, at("multiplier"), at("shift").astype("int32"))


def clamped(value: tirx.Expr, zero_point: int, low: int, high: int, dtype: str = "int8") -> tirx.Expr:
    """``value`` (int32) moved by the output's zero point, held within [low, high] and cast to the output's dtype."""
    from tvm import tirx

    moved = value + tirx.const(zero_point, "int32") if zero_point else value
    held = tirx.call_pure_extern("int32", "tvm_tiny_clamp", moved, tirx.const(low, "int32"), tirx.const(high, "int32"))
    return held.astype(dtype)


def held(value: tirx.Expr, low: int, high: int) -> tirx.Expr:
    """``value`` (int32, within int8) held within [low, high] as int8; no test where the limits are those of int8."""
    return value.astype("int8") if low <= -128 and high >= 127 else clamped(value, 0, low, high)
