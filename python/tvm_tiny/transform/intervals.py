"""What every channel of every tensor can hold: exact limits, by interval arithmetic on integers.

The analysis walks ``main`` once, from the inputs, of which nothing is known but their dtype, to the outputs. For each tensor it
keeps the lowest and the highest stored value of each *channel*, which is what is meant here by an index of the last axis. The
rule of each operator is in :mod:`tvm_tiny.transform.interval_rules`. What has no rule gets the whole range of its dtype.

Why it is exact. Every integer operator of ours is, element by element, a composition of sums with constant weights, of
roundings that are monotone, of limits and of tables. The limits of a weighted sum over independent elements are the sums of the
elements' own limits, and some input reaches them; a monotone function takes limits to limits; a table is looked through entry
by entry. So the limits of an operator's output, given those of its input, are reached and not merely safe. What is lost is
dependence between elements: that two channels are never high together is not seen. The result is then too wide, never too
narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import tvm
from tvm import relax

from tvm_tiny.op.moves import VIEWS
from tvm_tiny.op.operator import node_of
from tvm_tiny.op.qdq import op_name, shape_of
from tvm_tiny.transform.interval_rules import ACCUMULATORS, VALUES, finish_accumulator
from tvm_tiny.transform.limits import Interval, hull, whole_range
from tvm_tiny.transform.slices import Slice
from tvm_tiny.tvm_compat import constant_array


@dataclass(frozen=True)
class Intervals:
    """What an analysis found.

    Attributes
    ----------
    values : dict
        Variable → limits of its stored values, by channel. No entry for tuples and for tensors that are not of integers.
    accumulators : dict
        Variable of a convolution or fully connected layer → limits of the accumulator, bias included, by output channel: what is
        requantised.
    """

    values: dict[relax.Var, Interval] = field(default_factory=dict)
    accumulators: dict[relax.Var, Interval] = field(default_factory=dict)

    def of(self, expr: relax.Expr) -> Interval | None:
        """Limits of a variable or a constant; None where it has no integers."""
        if isinstance(expr, relax.Var):
            return self.values.get(expr)
        array = constant_array(expr)
        return None if array is None or array.dtype.kind not in "iu" or not array.size else Interval.of_array(array)


def analyse(mod: tvm.IRModule) -> Intervals:
    """The limits of every integer tensor of ``main``."""
    found = Intervals()
    for param in mod["main"].params:
        _record(found, param, None)
    for var, value in bindings(mod):
        _record(found, var, _value(found, var, value))
    return found


def accumulator_bounds(mod: tvm.IRModule) -> dict[relax.Var, tuple[np.ndarray, np.ndarray]]:
    """(low, high) of the accumulator of each convolution and fully connected layer, bias included: two int64 (channels,)."""
    return {var: (each.low, each.high) for var, each in analyse(mod).accumulators.items()}


def bindings(mod: tvm.IRModule) -> Iterator[tuple[relax.Var, relax.Expr]]:
    """The bindings of ``main``, in their order."""
    for block in mod["main"].body.blocks:
        for binding in block.bindings:
            yield binding.var, binding.value


def _record(found: Intervals, var: relax.Var, interval: Interval | None) -> None:
    if not isinstance(var.ty, relax.TensorType):
        return
    interval = interval or whole_range(channel_count(var), str(var.ty.dtype))
    if interval is not None:
        assert len(interval.low) == channel_count(var), f"{var.name}: limits of {len(interval.low)} channels"
        found.values[var] = interval


def channel_count(var: relax.Var) -> int:
    """Extent of the last axis; 1 for a scalar."""
    shape = shape_of(var)
    return shape[-1] if shape else 1


def _value(found: Intervals, var: relax.Var, value: relax.Expr) -> Interval | None:
    """Limits of what is bound to ``var``; None where no rule knows them."""
    if not isinstance(value, relax.Call):
        return found.of(value)
    node = node_of(value)
    if node is None:
        return _moved(found, var, value)
    first = found.of(value.args[0])
    if node.op.name in ACCUMULATORS and first is not None:
        accumulator = found.accumulators[var] = ACCUMULATORS[node.op.name](node, first)
        return finish_accumulator(node, accumulator)
    rule = VALUES.get(node.op.name)
    operands = [each for argument in value.args if (each := found.of(argument)) is not None]
    return rule(node, operands) if rule is not None and len(operands) == len(value.args) else None


def _moved(found: Intervals, var: relax.Var, value: relax.Call) -> Interval | None:
    """A reshape, transpose or slice."""
    name = op_name(value)
    operand = found.of(value.args[0]) if name in (*VIEWS, "relax.permute_dims", "relax.strided_slice") else None
    if operand is None:
        return None
    own, new = len(operand.low), channel_count(var)
    if name == "relax.permute_dims":
        axes = value.attrs.axes
        return operand if axes is not None and int(axes[-1]) % len(axes) == len(axes) - 1 else hull(operand, new)
    if name == "relax.strided_slice":
        taken = Slice.of(value)
        if taken is None:
            return hull(operand, new)
        return Interval(*(end[list(taken.last_axis)] for end in (operand.low, operand.high)))
    # An element at place p of the flat tensor is of channel p % channels, before and after a reshape.
    if new % own == 0:
        return Interval(np.tile(operand.low, new // own), np.tile(operand.high, new // own))
    if own % new == 0:
        return Interval(operand.low.reshape(-1, new).min(axis=0), operand.high.reshape(-1, new).max(axis=0))
    return hull(operand, new)
