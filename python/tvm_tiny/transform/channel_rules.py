"""How the channels of an operator's output hang together with those of its operands: see :mod:`tvm_tiny.transform.dead_channels`.

There are three ways in which an operand is read.

- *Tied*: some channels of operand and output stand or fall together, as in elementwise operators, depthwise convolutions, pools and
  views. A :class:`Tie` gives them equal labels.
- *Read*: which channels of the operand are needed depends on which of the output's are, as in convolutions.
- *Whole*: all channels of operand and output stay. That is the rule for every operator that is not named here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from tvm import relax

from tvm_tiny.op.moves import VIEWS
from tvm_tiny.op.operator import Node, node_of, with_notes
from tvm_tiny.op.qdq import op_name, shape_of
from tvm_tiny.transform.convolution_channels import ChannelReader
from tvm_tiny.transform.intervals import Intervals
from tvm_tiny.transform.slices import Slice
from tvm_tiny.tvm_compat import constant_array, tensor_constant

UNTIED = -1


@dataclass(frozen=True)
class Tie:
    """Channels of an operand and of the output with the same label stay or go together; those labelled ``UNTIED`` are free."""

    operand: relax.Var
    inner: np.ndarray
    outer: np.ndarray


@dataclass(frozen=True)
class Read:
    """``needed`` maps a mask of the output's channels to the mask of those of ``operand`` that they need."""

    operand: relax.Var
    needed: Callable[[np.ndarray], np.ndarray]


Masks = Mapping[relax.Var, np.ndarray]
Shrink = Callable[[relax.Call, Masks, np.ndarray], relax.Call]


@dataclass(frozen=True)
class Channels:
    """The rule of one call.

    ``shrink`` makes the call on fewer channels, of (the call with its new operands, the masks of the old ones, the mask of the
    output). Without one, every channel of operands and output stays.
    """

    ties: Sequence[Tie] = ()
    reads: Sequence[Read] = ()
    shrink: Shrink | None = None


def channels_of(var: relax.Var, value: relax.Expr, found: Intervals) -> Channels:
    """The rule of a binding."""
    if not isinstance(value, relax.Call):
        return Channels()
    node = node_of(value)
    if node is None:
        rule = _view if op_name(value) in VIEWS else _MOVES.get(op_name(value))
        # A moved constant, as float operators have them, stays as it is: only variables have channels to lose.
        return Channels() if rule is None or not isinstance(value.args[0], relax.Var) else rule(var, value)
    known = _OURS.get(node.op.name)
    return Channels() if known is None else known(_Context(var, value, node, found))


@dataclass(frozen=True)
class _Context:
    var: relax.Var
    call: relax.Call
    node: Node
    found: Intervals = field(repr=False)

    @property
    def channels(self) -> int:
        return self.node.output.shape[-1] if self.node.output.shape else 1

    def tied(self, operand: relax.Expr) -> Tie:
        """``operand`` channel by channel."""
        own = np.arange(self.channels)
        return Tie(operand, own, own)


# ---- layers with weights ---------------------------------------------------------------------------------------------------------


def _reader(at: _Context) -> Channels:
    """conv2d and fully_connected."""
    x = at.call.args[0]
    operand, output = at.found.of(x), at.found.of(at.var)
    if not isinstance(x, relax.Var) or operand is None or output is None:
        return Channels()
    reader = ChannelReader.of(at.node, operand, output, at.found.accumulators[at.var])

    def shrink(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
        return _with_constants(call, at.node, reader.shrunk(at.node, masks[x], outputs))

    return Channels(reads=[Read(x, reader.needed)], shrink=shrink)


def _depthwise(at: _Context) -> Channels:
    x = at.call.args[0]
    own = at.node.value(0).shape[-1]
    labels = np.arange(at.channels) // (at.channels // own)

    def shrink(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
        weight, bias, scales = (at.node.constant(index) for index in (1, 2, 3))
        constants = (
            np.ascontiguousarray(weight[..., outputs]),
            bias[outputs],
            scales[outputs] if scales.size > 1 else scales,
        )
        return _with_constants(call, at.node, constants)

    if own == 1:  # any number of outputs may read the one channel
        return Channels(reads=[Read(x, lambda outputs: np.array([True]))], shrink=shrink)
    return Channels(ties=[Tie(x, np.arange(own), labels)], shrink=shrink)


def _with_constants(call: relax.Call, node: Node, constants: Sequence[np.ndarray]) -> relax.Call:
    """``call`` with other weights, bias and scales; it keeps the number of multiply-accumulates that the model asks for."""
    new = relax.Call(call.op, [call.args[0], *(tensor_constant(each) for each in constants)], call.attrs)
    return new if "macs" in call.attrs.keys() else with_notes(new, macs=node.op.macs(node))


# ---- channel by channel ----------------------------------------------------------------------------------------------------------


def _elementwise(at: _Context) -> Channels:
    """Operators of one or two operands with broadcasting, and pools: a channel of the output reads that channel of its operands."""
    operands = list(at.call.args)[: _OPERANDS.get(at.node.op.name, 1)]
    wide = [_last_extent(operand) == at.channels for operand in operands]
    ties = [at.tied(operand) for operand, each in zip(operands, wide, strict=True) if each and isinstance(operand, relax.Var)]
    reads = [
        Read(operand, lambda outputs: np.array([True]))
        for operand, each in zip(operands, wide, strict=True)
        if not each and isinstance(operand, relax.Var)
    ]

    def shrink(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
        new = [_sliced(operand, outputs) if each else operand for operand, each in zip(call.args, wide, strict=False)]
        return relax.Call(call.op, [*new, *call.args[len(wide) :]], call.attrs)

    return Channels(ties=ties, reads=reads, shrink=shrink)


_OPERANDS = {"add": 2, "mul": 2}


def _reduction(at: _Context) -> Channels:
    return Channels() if len(at.node.value(0).shape) - 1 in at.node.attrs.axes else _elementwise(at)


def _concatenate(at: _Context) -> Channels:
    if at.node.attrs.axis != len(at.node.output.shape) - 1:
        parts = list(at.call.args)

        def shrink_all(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
            return relax.Call(call.op, [_sliced(each, outputs) for each in call.args], call.attrs)

        return Channels(ties=[at.tied(part) for part in parts if isinstance(part, relax.Var)], shrink=shrink_all)
    ends = np.cumsum([_last_extent(part) for part in at.call.args])
    begins = [0, *ends[:-1]]
    ties = [
        Tie(part, np.arange(begin, end), np.arange(at.channels))
        for part, begin, end in zip(at.call.args, begins, ends, strict=True)
        if isinstance(part, relax.Var)
    ]

    def shrink(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
        own = [outputs[begin:end] for begin, end in zip(begins, ends, strict=True)]
        parts = [_sliced(part, kept) for part, kept in zip(call.args, own, strict=True) if kept.any()]
        return relax.Call(call.op, parts, call.attrs)

    return Channels(ties=ties, shrink=shrink)


def _pad(at: _Context) -> Channels:
    before, after = ([int(width) for width in at.call.attrs[name]] for name in ("before", "after"))
    own = at.node.value(0).shape[-1]
    tie = Tie(at.call.args[0], np.arange(own) + before[-1], np.arange(at.channels))

    def shrink(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
        widths = {
            "before": (*before[:-1], int(outputs[: before[-1]].sum())),
            "after": (*after[:-1], int(outputs[before[-1] + own :].sum())),
        }
        return with_notes(call, **widths)

    return Channels(ties=[tie], shrink=shrink)


def _view(var: relax.Var, value: relax.Call) -> Channels:
    """A reshape. An element at place p of the flat tensor is of channel p % channels, before and after."""
    own, new = _last_extent(value.args[0]), shape_of(var)[-1] if shape_of(var) else 1
    if own == 0 or max(own, new) % max(min(own, new), 1):
        return Channels()
    labels = min(own, new)
    tie = Tie(value.args[0], np.arange(own) % labels, np.arange(new) % labels)

    def shrink(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
        return relax.op.reshape(call.args[0], (*shape_of(var)[:-1], int(outputs.sum())))

    return Channels(ties=[tie], shrink=shrink)


def _permute_dims(var: relax.Var, value: relax.Call) -> Channels:
    axes = value.attrs.axes
    if axes is None or int(axes[-1]) % len(axes) != len(axes) - 1:
        return Channels()
    own = np.arange(_last_extent(value.args[0]))
    return Channels(ties=[Tie(value.args[0], own, own)], shrink=lambda call, masks, outputs: call)


def _strided_slice(var: relax.Var, value: relax.Call) -> Channels:
    """A slice of other axes, or of the last one in steps of 1."""
    found, x = Slice.of(value), value.args[0]
    if found is None or found.last_axis.step != 1:
        return Channels()
    taken, own = found.last_axis, np.arange(found.shape[-1])
    labels = np.where((own >= taken.start) & (own < taken.stop), own - taken.start, UNTIED)

    def shrink(call: relax.Call, masks: Masks, outputs: np.ndarray) -> relax.Call:
        return found.applied(call.args[0], int(masks[x][: taken.start].sum()), int(outputs.sum()))

    return Channels(ties=[Tie(x, labels, np.arange(len(taken)))], shrink=shrink)


def _last_extent(expr: relax.Expr) -> int:
    array = constant_array(expr)
    shape = shape_of(expr) if array is None else array.shape
    return int(shape[-1]) if shape else 1


def _sliced(expr: relax.Expr, kept: np.ndarray) -> relax.Expr:
    """A constant without the channels that go; an activation, which has lost them already, as it is."""
    array = constant_array(expr)
    return expr if array is None else tensor_constant(np.ascontiguousarray(array[..., kept]))


_OURS: dict[str, Callable[[_Context], Channels]] = {
    "add": _elementwise,
    "average_pool2d": _elementwise,
    "concatenate": _concatenate,
    "conv2d": _reader,
    "depthwise_conv2d": _depthwise,
    "fully_connected": _reader,
    "lookup": _elementwise,
    "max_pool2d": _elementwise,
    "mean": _reduction,
    "mul": _elementwise,
    "pad": _pad,
    "reduce_max": _reduction,
    "reduce_min": _reduction,
    "sum": _reduction,
}

_MOVES: dict[str, Callable[[relax.Var, relax.Call], Channels]] = {
    "relax.permute_dims": _permute_dims,
    "relax.strided_slice": _strided_slice,
}
