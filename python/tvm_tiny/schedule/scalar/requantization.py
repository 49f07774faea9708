"""The requantisation of a node on a scalar core: the cheapest form that is proven exact, else the reference's arithmetic.

A core with a long multiplication (Cortex-M3) takes the high word of a product; one without (Cortex-M0, M0+) multiplies twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from tvm import te, tirx

from tvm_tiny.op.operator import Node
from tvm_tiny.op.rounding import clamped, requantize_constants, requantized
from tvm_tiny.schedule.requantize import HighWord, high_word_form
from tvm_tiny.schedule.scalar.split import Split, split_form
from tvm_tiny.target import Core

Tensors = Mapping[str, te.Tensor]

_SHORT_MULTIPLY = ("cortex-m0", "cortex-m0plus")


@dataclass(frozen=True)
class Requantization:
    """``constants`` by role, and ``apply(acc, channel, tensors)``: the stored output of an accumulator as an int8 expression."""

    constants: Mapping[str, np.ndarray]
    apply: Callable[[tirx.Expr, tirx.Expr, Tensors], tirx.Expr]


def requantization_of(node: Node, reach: tuple[np.ndarray, np.ndarray], core: Core) -> Requantization:
    """For the sums of ``node``, bias included; ``node.attrs`` has zero point, limits and rounding."""
    scales = np.broadcast_to(node.constant(3), (node.output.shape[-1],))
    if np.all(scales == scales[0]):  # one form for all channels, if there is one
        whole = (np.array([reach[0].min()]), np.array([reach[1].max()]))
        found = _cheapest(node, scales[:1], whole, core)
        if found is not None:
            return found
    return _cheapest(node, scales, reach, core) or _by_reference(node)


def _cheapest(node: Node, scales: np.ndarray, reach: tuple[np.ndarray, np.ndarray], core: Core) -> Requantization | None:
    attrs = node.attrs
    wanted = (scales, attrs.rounding, attrs.zero_point, attrs.low, attrs.high, reach)
    if core.mcpu in _SHORT_MULTIPLY:
        split = split_form(*wanted)
        return None if split is None else _by_split(split, attrs.low, attrs.high)
    form = high_word_form(*wanted, 1)
    return None if form is None else _by_high_word(form, attrs.low, attrs.high)


def _by_split(form: Split, low: int, high: int) -> Requantization:
    constants: dict[str, np.ndarray] = {}
    multiplier = _constant_or_array("multiplier", form.multiplier, constants)
    offset = _constant_or_array("offset", form.offset, constants)
    shift = _constant_or_array("shift", form.shift, constants)
    unit = None if form.unit is None else _constant_or_array("unit", form.unit, constants)

    def apply(acc: tirx.Expr, channel: tirx.Expr, at: Tensors) -> tirx.Expr:
        added = _corrected(offset(channel, at), unit and unit(channel, at), acc)
        function = f"tvm_tiny_requantize_{form.digits}_digits"
        result = _extern(function, acc, multiplier(channel, at), _int(form.width), added, shift(channel, at))
        return _held(result, low, high)

    return Requantization(constants, apply)


def _by_high_word(form: HighWord, low: int, high: int) -> Requantization:
    constants: dict[str, np.ndarray] = {}
    multiplier = _constant_or_array("multiplier", form.multiplier, constants)
    offset = _constant_or_array("offset", form.offset, constants)
    shift = _constant_or_array("shift", form.shift.astype(np.int8), constants)  # at most 30
    unit = None if form.unit is None else _constant_or_array("unit", form.unit, constants)

    def apply(acc: tirx.Expr, channel: tirx.Expr, at: Tensors) -> tirx.Expr:
        added = _corrected(offset(channel, at), unit and unit(channel, at), acc)
        return _held(_extern("tvm_tiny_requantize_high", acc, multiplier(channel, at), added, shift(channel, at)), low, high)

    return Requantization(constants, apply)


def _by_reference(node: Node) -> Requantization:
    attrs = node.attrs
    reference = requantize_constants(node.constant(3), attrs.rounding)

    def apply(acc: tirx.Expr, channel: tirx.Expr, at: Tensors) -> tirx.Expr:
        tensors = {role: (at[role], data) for role, (_, data) in reference.items()}
        return clamped(requantized(acc, channel, tensors, attrs.rounding), attrs.zero_point, attrs.low, attrs.high)

    return Requantization({role: data for role, (_, data) in reference.items()}, apply)


def _constant_or_array(
    role: str, values: np.ndarray, constants: dict[str, np.ndarray]
) -> Callable[[tirx.Expr, Tensors], tirx.Expr]:
    """A number where all channels have the same, else an element of an array that is added to ``constants``."""
    if np.all(values == values[0]):
        return lambda _channel, _at: _int(int(values[0]))
    constants[role] = values
    return lambda channel, at: at[role][channel].astype("int32")


def _corrected(offset: tirx.Expr, unit: tirx.Expr | None, acc: tirx.Expr) -> tirx.Expr:
    return offset if unit is None else _extern("tvm_tiny_less_if_negative", offset, unit, acc)


def _held(result: tirx.Expr, low: int, high: int) -> tirx.Expr:
    if (low, high) != (-128, 127):
        result = _extern("tvm_tiny_clamp", result, _int(low), _int(high))
    return result.astype("int8")


def _int(value: int) -> tirx.Expr:
    return tirx.const(value, "int32")


def _extern(name: str, *args: tirx.Expr) -> tirx.Expr:
    return tirx.call_pure_extern("int32", name, *args)
