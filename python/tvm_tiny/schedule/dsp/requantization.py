"""The requantisation of a node on a DSP core: the high-word form where it is proven exact, else the reference's arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from tvm import te, tirx

from tvm_tiny.op.operator import Node
from tvm_tiny.op.rounding import clamped, requantize_constants, requantized
from tvm_tiny.schedule.requantize import HighWord, high_word_form

Apply = Callable[[tirx.Expr, tirx.Expr, Mapping[str, te.Tensor]], tirx.Expr]


@dataclass(frozen=True)
class Requantization:
    """``constants`` by role, and ``apply(acc, channel, tensors)``: the stored output of an accumulator as an int8 expression."""

    constants: Mapping[str, np.ndarray]
    apply: Apply


def requantization_of(node: Node, reach: tuple[np.ndarray, np.ndarray], factor: int) -> Requantization:
    """For accumulators that are ``factor`` times the sum, bias included; ``node.attrs`` has zero point, limits and rounding."""
    attrs = node.attrs
    channels = node.output.shape[-1]
    scales = np.broadcast_to(node.constant(3), (channels,))
    form = high_word_form(scales, attrs.rounding, attrs.zero_point, attrs.low, attrs.high, reach, factor)
    return _by_reference(node, factor) if form is None else _by_high_word(form, attrs.low, attrs.high)


def _by_high_word(form: HighWord, low: int, high: int) -> Requantization:
    constants = {"multiplier": form.multiplier, "offset": form.offset}
    if form.common_shift is None:
        constants["shift"] = form.shift
    if form.unit is not None:
        constants["unit"] = form.unit

    def apply(acc: tirx.Expr, channel: tirx.Expr, at: Mapping[str, te.Tensor]) -> tirx.Expr:
        shift = at["shift"][channel] if form.common_shift is None else tirx.const(form.common_shift, "int32")
        offset = at["offset"][channel]
        if form.unit is not None:
            offset = tirx.call_pure_extern("int32", "tvm_tiny_less_if_negative", offset, at["unit"][channel], acc)
        result = tirx.call_pure_extern("int32", "tvm_tiny_requantize_high", acc, at["multiplier"][channel], offset, shift)
        if (low, high) != (-128, 127):
            result = tirx.call_pure_extern("int32", "tvm_tiny_clamp", result, tirx.const(low, "int32"), tirx.const(high, "int32"))
        return result.astype("int8")

    return Requantization(constants, apply)


def _by_reference(node: Node, factor: int) -> Requantization:
    attrs = node.attrs
    reference = requantize_constants(node.constant(3), attrs.rounding)

    def apply(acc: tirx.Expr, channel: tirx.Expr, at: Mapping[str, te.Tensor]) -> tirx.Expr:
        tensors = {role: (at[role], data) for role, (_, data) in reference.items()}
        total = acc if factor == 1 else acc >> tirx.const(int(np.log2(factor)), "int32")
        return clamped(requantized(total, channel, tensors, attrs.rounding), attrs.zero_point, attrs.low, attrs.high)

    return Requantization({role: data for role, (_, data) in reference.items()}, apply)
