"""The requantisation of a node on MVE: its vector form as constants, and as the end of a block's body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tvm import tirx
from tvm.script.ir_builder import tirx as T

from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.mve.reach import reach_of
from tvm_tiny.schedule.mve.vector_form import Reference, vector_form

_FUNCTIONS = {2: "tvm_tiny_mve_requantize", 3: "tvm_tiny_mve_requantize_signed"}
"""C function of one accumulator, by the number of roles."""

Element = tuple[tirx.Buffer, Sequence[tirx.Expr]]
"""A buffer, and where in it."""


@dataclass(frozen=True)
class Form:
    """What the instructions of all channels have in common.

    Attributes
    ----------
    roles : int
        Numbers of each channel: bias, multiplier, and the unit of negative sums where there are three.
    scalars : tuple of int
        What is the same for all channels: the last arguments of the C functions.
    """

    roles: int
    scalars: tuple[int, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """What functions for either form take: roles, left, offset, shift, low, high."""
        return (self.roles, *self.scalars, *((-128, 127) if self.roles == 2 else ()))

    def function(self, name: str) -> str:
        """The C function ``name`` in the variant for this form."""
        return name if self.roles == 2 else f"{name}_signed"

    def store(
        self, output: Element, acc: tirx.Expr, parameters: Element, channel: tirx.Expr, reads: Sequence[tirx.BufferRegion]
    ) -> None:
        """The body of a block: an element of the output from its accumulator, whose computation reads ``reads``; ``parameters`` are
        those of the element's group, and ``channel`` is its index in there.
        """
        (out, at), (values, group) = output, parameters
        T.reads(*reads, values[(*group, slice(0, self.roles), channel)])
        T.writes(out[tuple(at)])
        arguments = [values[(*group, role, channel)] for role in range(self.roles)]
        scalars = (tirx.const(each, "int32") for each in self.scalars)
        element = tirx.call_pure_extern("int32", _FUNCTIONS[self.roles], acc, *arguments, *scalars)
        T.buffer_store(out, element.astype("int8"), list(at))


@dataclass(frozen=True)
class Requantization:
    """What follows the sums of a layer: ``parameters`` is an int32 array (roles, channels)."""

    parameters: np.ndarray
    form: Form

    def grouped(self, first: int, groups: int, channels: int) -> np.ndarray:
        """The parameters of ``groups`` groups of ``channels`` channels from channel ``first`` on: (groups, roles, channels)."""
        chosen = self.parameters[:, first : first + groups * channels]
        return np.ascontiguousarray(chosen.reshape(self.form.roles, groups, channels).transpose(1, 0, 2))


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
        return Requantization(np.stack([form.bias, form.multiplier]), Form(2, scalars))
    unit = np.zeros_like(form.bias) if form.unit is None else form.unit
    return Requantization(np.stack([form.bias, form.multiplier, unit]), Form(3, (*scalars, attrs.low, attrs.high)))
