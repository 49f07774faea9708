"""Channels that cannot change any output disappear.

Trained networks carry channels that no input ever moves (their weights are all zero, or the activation holds them at one
value), and channels that nobody reads. This pass removes both, from tensors and from weights, so that they cost neither time
nor flash nor RAM.

The algorithm, on the integer module:

1. *Forward* (:mod:`tvm_tiny.transform.intervals`): the exact limits of every channel of every tensor. A channel whose limits are
   equal is constant.
2. *Backward* (here): a channel is kept if an output of the model needs it. What an operator needs of its operands is its rule
   in :mod:`tvm_tiny.transform.channel_rules`. A convolution needs no channel whose weights are all zero, none that is constant
   where the constant can join its bias (:mod:`tvm_tiny.transform.convolution_channels`), and none at all for output channels
   that are constant themselves. Operators that work channel by channel tie the channels of their operands and their output
   together: these are kept if any of them is. The masks only grow from one round to the next, and rounds are made until nothing
   changes.
3. Every call is written again on the channels that are left.
4. All of it is repeated until nothing changes. One time is nearly always enough, because the limits of what is left stay the
   same; but, say, a depthwise convolution whose input is down to one channel need no longer give all multiples of it.

It is exact: what is left out of an accumulator is either zero for every input or a known number that is added to the bias, so
that each accumulator that is left holds the same number as before, bit by bit, and everything after it follows. (Only where an
output channel is constant whatever its accumulator may the accumulator be another one.)

Inputs and outputs of the model keep their shapes. A tensor of which no channel is needed keeps its first one: none becomes empty.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tvm
from tvm import relax

from tvm_tiny.op.operator import is_ours, notes_of, with_notes
from tvm_tiny.op.qdq import shape_of
from tvm_tiny.transform.channel_rules import UNTIED, Channels, Tie, channels_of
from tvm_tiny.transform.intervals import analyse, bindings
from tvm_tiny.transform.rebuild import rebuild, variables

Kept = dict[relax.Var, np.ndarray]


def remove_dead_channels(mod: tvm.IRModule) -> tvm.IRModule:
    """``mod`` without its dead and constant channels; ``mod`` itself where it has none.

    ``main`` must be a function of one dataflow block, as :func:`tvm_tiny.transform.lower_integer.lower_integer` leaves it; other
    functions of the module are not carried over. Calls of our operators that lose channels get the notes ``channels`` (those of the
    file's tensor that are left) and ``macs`` (multiply-accumulates before the removal).
    """
    while (smaller := _removed_once(mod)) is not mod:
        mod = smaller
    return mod


def _removed_once(mod: tvm.IRModule) -> tvm.IRModule:
    """One round forward and backward; ``mod`` itself where there was nothing to remove."""
    found = analyse(mod)
    rules = {var: channels_of(var, value, found) for var, value in bindings(mod)}
    kept = live_channels(mod, rules)
    if all(mask.all() for mask in kept.values()):
        return mod
    operands = {var: variables(value) for var, value in bindings(mod)}

    def rewrite(var: relax.Var, value: relax.Expr) -> tuple[relax.Expr, str]:
        shrink = rules[var].shrink
        if shrink is None or all(kept[each].all() for each in (var, *operands[var])):
            return value, var.name
        if isinstance(value, relax.Call) and is_ours(value):
            return _noted(shrink(value, kept, kept[var]), kept[var]), var.name
        # The file's name must not stand for a tensor that is no longer the file's.
        return shrink(value, kept, kept[var]), var.name if kept[var].all() else f"{var.name}_live"

    return rebuild(mod, rewrite)


def live_channels(mod: tvm.IRModule, rules: dict[relax.Var, Channels]) -> Kept:
    """A mask of the last axis for each tensor variable of ``main``: the channels that are kept."""
    function = mod["main"]
    backward = list(reversed(list(bindings(mod))))
    kept: Kept = {}
    for var in (*function.params, *(var for var, _ in backward)):
        if isinstance(var.ty, relax.TensorType):
            kept[var] = np.zeros(shape_of(var)[-1] if shape_of(var) else 1, dtype=bool)
    for var in _whole(function, backward, rules):
        if var in kept:
            kept[var][:] = True
    while True:
        changed = _grow(kept, backward, rules)
        for mask in kept.values():
            if mask.size and not mask.any():
                mask[0] = changed = True
        if not changed:
            return kept


def _whole(
    function: relax.Function, backward: Sequence[tuple[relax.Var, relax.Expr]], rules: dict[relax.Var, Channels]
) -> list[relax.Var]:
    """The tensors that keep every channel: the model's inputs and outputs, and those around operators that have no rule."""
    found = [*function.params, *variables(function.body.body)]
    for var, value in backward:
        if rules[var].shrink is None:
            found += [var, *variables(value)]
    return found


def _grow(kept: Kept, backward: Sequence[tuple[relax.Var, relax.Expr]], rules: dict[relax.Var, Channels]) -> bool:
    """Keep, in one round from the outputs to the inputs, what the channels that are kept need. Returns whether that was more."""
    before = sum(int(mask.sum()) for mask in kept.values())
    for var, _ in backward:
        for read in rules[var].reads:
            kept[read.operand] |= read.needed(kept[var])
        for tie in rules[var].ties:
            _pull_together(kept, tie, var)
    return sum(int(mask.sum()) for mask in kept.values()) > before


def _pull_together(kept: Kept, tie: Tie, output: relax.Var) -> None:
    labels = np.union1d(tie.inner[kept[tie.operand]], tie.outer[kept[output]])
    labels = labels[labels != UNTIED]
    kept[tie.operand] |= np.isin(tie.inner, labels)
    kept[output] |= np.isin(tie.outer, labels)


def _noted(call: relax.Call, mask: np.ndarray) -> relax.Call:
    """``call`` with the note of which of the file's channels it computes."""
    if mask.all():
        return call
    before = notes_of(call).get("channels", range(len(mask)))
    return with_notes(call, channels=[int(channel) for channel, each in zip(before, mask, strict=True) if each])
