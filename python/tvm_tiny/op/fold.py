"""What the convolution-like rules share: scales, biases and zero points folded at compile time."""

from __future__ import annotations

import numpy as np

from tvm_tiny.op.qdq import Graph, NotInteger, Operand, OutputQuantization, QuantizedArray

INT32_MAX = 2**31 - 1


def effective_scales(operand: Operand, weight: QuantizedArray, axis: int, output: OutputQuantization) -> np.ndarray:
    """Accumulator → output scales by output channel, float64, as TFLite computes them: (input * weight) / output in double."""
    channel = weight.channel_scales(axis).astype(np.float64)
    return np.float64(np.float32(operand.scale)) * channel / np.float64(np.float32(output.scale))


def folded_bias(bias: np.ndarray, weight: np.ndarray, zero_point: int) -> np.ndarray:
    """Bias (O,) with the input's zero point folded in: ``bias - zero_point * sum(weight)``, weight of shape (O, ...).

    Raises
    ------
    NotInteger
        The accumulator could leave int32 for some int8 input: bounds are exact, per channel, over every partial sum.
    """
    flat = weight.reshape(weight.shape[0], -1).astype(np.int64)
    folded = bias.astype(np.int64) - zero_point * flat.sum(axis=1)
    reach = np.abs(folded) + 128 * np.abs(flat).sum(axis=1)
    if reach.size and int(reach.max()) > INT32_MAX:
        channel = int(reach.argmax())
        raise NotInteger(f"the int32 accumulator of output channel {channel} can overflow (reaches {int(reach.max())})")
    return folded.astype(np.int32)


def integer_bias(graph: Graph, expr: object, accumulator_scales: np.ndarray) -> np.ndarray | None:
    """A bias expression as int32 in units of the accumulator, shape (O,); None if it is not a constant.

    A quantised bias whose scale is the accumulator's (to 1 part in 1000, TFLite's own tolerance) is taken as it is; any other, and
    a float one, is rounded to it.
    """
    quantized = graph.quantized_constant(expr)
    if quantized is not None:
        own = np.broadcast_to(quantized.scale, quantized.data.shape).astype(np.float64).ravel()
        if np.allclose(own, accumulator_scales, rtol=1e-3, atol=0.0):
            return (quantized.data.astype(np.int64) - quantized.zero_point).ravel()
        real = quantized.real().ravel()
    else:
        constant = graph.constant(expr)
        if constant is None:
            return None
        real = constant.astype(np.float64).ravel()
    if real.size == 1 and accumulator_scales.size > 1:
        real = np.broadcast_to(real, accumulator_scales.shape)
    if real.size != accumulator_scales.size:
        raise NotInteger(f"the bias has {real.size} elements, expected one for each of {accumulator_scales.size} output channels")
    return np.rint(real / accumulator_scales).astype(np.int64)
