"""The requantisation of a node on MVE: its vector form as constants, as the body of a block, and as intrinsics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from tvm import tirx
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.mve.intrinsics import Intrinsic, Operand
from tvm_tiny.schedule.mve.reach import reach_of
from tvm_tiny.schedule.mve.vector_form import Reference, vector_form

_FUNCTIONS = {2: "tvm_tiny_mve_requantize", 3: "tvm_tiny_mve_requantize_signed"}
"""C function of one accumulator, by the number of roles."""

Element = tuple[tirx.Buffer, Sequence[tirx.Expr]]


@dataclass(frozen=True)
class Requantization:
    """What follows the sums of a layer.

    Attributes
    ----------
    parameters : array (roles, channels)
        int32: bias, multiplier, and the unit of negative sums where there are three roles.
    scalars : tuple of int
        What is the same for all channels: the last arguments of the C functions.
    """

    parameters: np.ndarray
    scalars: tuple[int, ...]

    @property
    def roles(self) -> int:
        return len(self.parameters)

    def grouped(self, first: int, groups: int, channels: int) -> np.ndarray:
        """The parameters of ``groups`` groups of ``channels`` channels from channel ``first`` on: (groups, roles, channels)."""
        chosen = self.parameters[:, first : first + groups * channels]
        return np.ascontiguousarray(chosen.reshape(self.roles, groups, channels).transpose(1, 0, 2))

    def store(self, output: Element, acc: Element, parameters: Element, channel: tirx.Expr) -> None:
        """The body of a block: an element of the output from one of ``acc``; ``parameters`` are those of the element's group."""
        _store(output, acc, parameters, channel, self.roles, self.scalars)

    def tile(self, pixels: int, channels: int, pitch: int) -> str:
        """The intrinsic for ``pixels`` pixels of up to four channels that lie ``pitch`` apart in the output."""
        return _tile(pixels, channels, pitch, self.roles, self.scalars)

    def row(self, channels: int) -> str:
        """The intrinsic for any number of channels of one pixel."""
        return _row(channels, self.roles, self.scalars)


def requantization_of(node: Node) -> Requantization | None:
    """For sums without the bias, which is constant 2 of the node; its scales are constant 3. None where no form is exact."""
    attrs = node.attrs
    scales = np.broadcast_to(node.constant(3), (node.output.shape[-1],))
    reference = Reference(scales, attrs.rounding, attrs.zero_point, attrs.low, attrs.high, node.constant(2), reach_of(node))
    form = vector_form(reference)
    if form is None:
        return None
    scalars = (form.left, form.offset, form.shift)
    if form.unit is None and (attrs.low, attrs.high) == (-128, 127):
        return Requantization(np.stack([form.bias, form.multiplier]), scalars)
    unit = np.zeros_like(form.bias) if form.unit is None else form.unit
    return Requantization(np.stack([form.bias, form.multiplier, unit]), (*scalars, attrs.low, attrs.high))


def _store(output: Element, acc: Element, parameters: Element, channel: tirx.Expr, roles: int, scalars: tuple[int, ...]) -> None:
    (out, at), (sums, sum_at), (values, group) = output, acc, parameters
    T.reads(sums[tuple(sum_at)], values[(*group, slice(0, roles), channel)])
    T.writes(out[tuple(at)])
    arguments = [values[(*group, role, channel)] for role in range(roles)]
    element = tirx.call_pure_extern("int32", _FUNCTIONS[roles], sums[tuple(sum_at)], *arguments, *map(_int32, scalars))
    T.buffer_store(out, element.astype("int8"), list(at))


def _int32(value: int) -> tirx.IntImm:
    return tirx.const(value, "int32")


@cache
def _tile(pixels: int, channels: int, pitch: int, roles: int, scalars: tuple[int, ...]) -> str:
    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        _store((output, axes), (inputs[0], axes), (inputs[1], ()), axes[1], roles, scalars)

    return Intrinsic(
        _FUNCTIONS[roles].replace("requantize", "requantize_tile"),
        (Operand("acc", (pixels, channels), "int32"), Operand("parameters", (roles, channels), "int32")),
        Operand("output", (pixels, channels), "int8", (pitch, 1)),
        (pixels, channels, pitch, *scalars),
        (pixels, channels),
        compute,
    ).register()


@cache
def _row(channels: int, roles: int, scalars: tuple[int, ...]) -> str:
    def compute(axes: Sequence[tirx.Expr], inputs: Sequence[tirx.Buffer], output: tirx.Buffer) -> None:
        _store((output, axes), (inputs[0], axes), (inputs[1], ()), axes[0], roles, scalars)

    return Intrinsic(
        _FUNCTIONS[roles].replace("requantize", "requantize_row"),
        (Operand("acc", (channels,), "int32"), Operand("parameters", (roles, channels), "int32")),
        Operand("output", (channels,), "int8"),
        (channels, *scalars),
        (channels,),
        compute,
    ).register()
