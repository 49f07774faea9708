"""Tables of TFLite's elementwise functions of one int8 tensor: 256 outputs, for the stored inputs -128 to 127 in this order.

Each function here is a TFLite kernel run over all inputs, in that kernel's own arithmetic; its docstring names the kernel. LiteRT
and TFLite Micro share most of them. Where they differ the caller chooses (:mod:`tvm_tiny.op.lookup`). Float kernels compute in
float32; a transcendental function is rounded to float32 from float64, as the C libraries come within a hair's breadth of doing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tvm_tiny.op import fixed_point
from tvm_tiny.op.qdq import NotInteger, Operand, OutputQuantization
from tvm_tiny.op.rounding import quantize_multiplier

INPUTS = range(-128, 128)

_F32 = np.float32


def _table(function: Callable[[int], int], operand: Operand, output: OutputQuantization) -> np.ndarray:
    """``function`` maps (stored input - zero point) to (stored output - zero point)."""
    values = [function(stored - operand.zero_point) + output.zero_point for stored in INPUTS]
    return np.array([min(max(value, output.low), output.high) for value in values], dtype=np.int8)


def _ratio(operand: Operand, output: OutputQuantization) -> float:
    """Input scale / output scale in float32, as most of these kernels divide."""
    return float(_F32(operand.scale) / _F32(output.scale))


def requantized(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """QUANTIZE of an int8 tensor (reference/requantize.h); scales are divided in double."""
    multiplier, shift = quantize_multiplier(float(_F32(operand.scale)) / float(_F32(output.scale)))
    return _table(lambda x: fixed_point.requantize(x, multiplier, shift), operand, output)


def rectified(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """RELU and its relatives with an upper limit (``ReluX``): the limits are those of ``output``.

    TFLite Micro's RELU6 does not rescale at all; that is the same where the parameters are equal, and meaningless elsewhere.
    """
    multiplier, shift = quantize_multiplier(_ratio(operand, output))
    return _table(lambda x: fixed_point.requantize(x, multiplier, shift), operand, output)


def leaky_relu(operand: Operand, output: OutputQuantization, alpha: float) -> np.ndarray:
    """LEAKY_RELU (reference/leaky_relu.h)."""
    positive = quantize_multiplier(_ratio(operand, output))
    slope = float(_F32(operand.scale) * _F32(alpha) / _F32(output.scale))
    multiplier, shift = quantize_multiplier(abs(slope))

    def value(x: int) -> int:
        if x >= 0:
            return fixed_point.requantize(x, *positive)
        scaled = fixed_point.requantize(x, multiplier, shift)
        return -scaled if slope < 0 else scaled

    return _table(value, operand, output)


def hard_swish(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """HARD_SWISH (reference/hard_swish.h): 16-bit fixed point.

    Raises
    ------
    NotInteger
        TFLite refuses the scales.
    """
    fine_scale = _F32(1.0 / 128.0) * _F32(operand.scale)
    output_multiplier, output_shift = quantize_multiplier(float(fine_scale / _F32(output.scale)))
    gate_multiplier, gate_shift = quantize_multiplier(float(fine_scale / (_F32(3.0) / _F32(32768.0))))
    if output_shift > 0:
        raise NotInteger(
            f"TFLite's hard swish needs an output scale of at least 1/128 of the input's: {output.scale:g} and {operand.scale:g}"
        )
    output_16, gate_16 = _upper_half(output_multiplier), _upper_half(gate_multiplier)

    def value(x: int) -> int:
        fine = x << 7
        on_output_scale = fixed_point.doubling_high_mul(fine, output_16, 16)
        gate = fine  # becomes min(max(x + 3, 0), 6) / 6 in 16-bit Q0
        if gate_shift > 0:
            gate = fixed_point.saturating_shift_left(gate, gate_shift - 1, 16)
        gate = fixed_point.doubling_high_mul(gate, gate_16, 16)
        if gate_shift > 0:
            gate = fixed_point.saturating_shift_left(gate, 1, 16)
        if gate_shift < 0:
            gate = fixed_point.rounding_shift_right(gate, -gate_shift, 16)
        gate = (gate + (1 << 15)) >> 1
        product = fixed_point.doubling_high_mul_truncated(gate, on_output_scale)
        return fixed_point.rounding_shift_right(product, -output_shift, 16)

    return _table(value, operand, output)


def _upper_half(multiplier: int) -> int:
    """A 32-bit multiplier rounded to 16 bits (``DownScaleInt32ToInt16Multiplier``)."""
    if multiplier >= fixed_point.INT32_MAX - (1 << 15):
        return (1 << 15) - 1
    return (multiplier + (1 << 15)) >> 16


def logistic(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """TFLite Micro's LOGISTIC (reference/integer_ops/logistic.h), for an output of scale 1/256 and zero point -128."""
    return _squashed(operand, output, fixed_point.logistic, output_bits=8, lowest=0)


def tanh(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """TFLite Micro's TANH (reference/integer_ops/tanh.h), for an output of scale 1/128 and zero point 0."""
    return _squashed(operand, output, fixed_point.tanh, output_bits=7, lowest=-128)


def _squashed(
    operand: Operand, output: OutputQuantization, function: Callable[[int, int], int], output_bits: int, lowest: int
) -> np.ndarray:
    """A function that levels off, over 4 integer bits of input; ``lowest`` is its lower limit in steps of the output."""
    rescale = float(_F32(operand.scale)) * 2.0**27
    multiplier, shift = quantize_multiplier(rescale)
    radius = fixed_point.input_radius(4, math.frexp(rescale)[1])

    def value(x: int) -> int:
        if x <= -radius:
            return lowest
        if x >= radius:
            return lowest + 255
        exact = function(fixed_point.requantize(x, multiplier, shift), 4)
        return min(max(fixed_point.rounding_shift_right(exact, 31 - output_bits), lowest), lowest + 255)

    return _table(value, operand, output)


def absolute(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """ABS (kernels/elementwise.cc)."""
    if _F32(operand.scale) == _F32(output.scale):
        return _table(abs, operand, output)
    multiplier, shift = quantize_multiplier(_ratio(operand, output))
    return _table(lambda x: fixed_point.requantize(abs(x), multiplier, shift), operand, output)


def square_root(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """LiteRT's SQRT (kernels/elementwise.cc), which rounds towards zero. It fails on negative inputs; here they give sqrt(0)."""

    def value(x: int) -> int:
        return int(np.sqrt(_F32(operand.scale) * _F32(max(x, 0))) / _F32(output.scale))

    return _table(value, operand, output)


def reciprocal_square_root(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """RSQRT (kernels/elementwise.cc). 0 gives the largest output; so do negative inputs here, on which TFLite fails."""
    scale = 1.0 / float(np.sqrt(_F32(operand.scale)) * _F32(output.scale))
    multiplier, shift = quantize_multiplier(scale)
    headroom = 20

    def value(x: int) -> int:
        if x <= 0:
            return 127 - output.zero_point
        inverse, inverse_shift = fixed_point.inverse_square_root(x)
        wide = fixed_point.requantize(1, inverse, inverse_shift + headroom)
        return fixed_point.requantize(wide, multiplier, shift - headroom)

    return _table(value, operand, output)


def negated(operand: Operand, output: OutputQuantization) -> np.ndarray:
    """LiteRT's NEG (reference/neg.h) negates the stored int8, so that -128 stays.

    Raises
    ------
    NotInteger
        A zero point is not 0 or the scales differ: the kernel then computes something else than a negation.
    """
    if operand.zero_point or output.zero_point or _F32(operand.scale) != _F32(output.scale):
        raise NotInteger("TFLite negates stored values, which is a negation only for zero point 0 and equal scales")
    return _table(lambda x: fixed_point.wrapped(-x, 8), operand, output)


def transformed(operand: Operand, output: OutputQuantization, function: Callable[[np.float32], np.float32]) -> np.ndarray:
    """A table that TFLite itself fills in float32 at start-up (``LUTPopulate``, kernels/internal/common.h).

    Outputs beyond int32 saturate, as on Arm; TFLite on x86 makes them the lowest value.
    """
    inverse = _F32(1.0) / _F32(output.scale)

    def value(x: int) -> int:
        with np.errstate(over="ignore"):
            scaled = float(function(_F32(operand.scale) * _F32(x)) * inverse)
        return int(math.copysign(math.floor(min(abs(scaled), 2.0**31) + 0.5), scaled))

    return _table(value, operand, output)


def float_logistic(x: np.float32) -> np.float32:
    """LiteRT's LOGISTIC."""
    with np.errstate(over="ignore"):
        return _F32(1.0) / (_F32(1.0) + exp(-x))


def float_tanh(x: np.float32) -> np.float32:
    """LiteRT's TANH."""
    return _F32(math.tanh(x))


def exp(x: np.float32) -> np.float32:
    """EXP."""
    with np.errstate(over="ignore"):
        return _F32(np.exp(np.float64(x)))


def elu(x: np.float32) -> np.float32:
    """LiteRT's ELU."""
    return _F32(math.expm1(x)) if x < 0 else x


def elu_micro(x: np.float32) -> np.float32:
    """TFLite Micro's ELU."""
    return exp(x) - _F32(1.0) if x < 0 else x


def gelu(x: np.float32) -> np.float32:
    """GELU."""
    return _F32(0.5) * x * _F32(math.erfc(x * _F32(-math.sqrt(0.5))))


def gelu_approximate(x: np.float32) -> np.float32:
    """GELU with ``approximate``."""
    inner = _F32(math.sqrt(2.0 / math.pi)) * (x + _F32(0.044715) * x * x * x)
    return _F32(0.5) * x * (_F32(1.0) + _F32(math.tanh(inner)))


def logarithm(operand: Operand, output: OutputQuantization) -> Callable[[np.float32], np.float32]:
    """LiteRT's LOG: what has no logarithm gives the lowest output."""
    lowest = _F32(-128 - output.zero_point) * _F32(output.scale)
    return lambda x: lowest if x <= 0 else _F32(math.log(x))
