"""One node → one layer: scheduled by the best implementation that applies, lowered to loops, its constants named."""

from __future__ import annotations

import numpy as np

from tvm_tiny.op.operator import Node
from tvm_tiny.program import Constant, Layer
from tvm_tiny.schedule.implementation import Decide, Scheduled, by_default
from tvm_tiny.schedule.lower import lower_function
from tvm_tiny.schedule.overlap import overlaps_of
from tvm_tiny.schedule.scratch import scratch_of
from tvm_tiny.schedule.select import applying
from tvm_tiny.schedule.walk import computes_in_integers
from tvm_tiny.target import Core


def node_layer(
    node: Node,
    core: Core,
    name: str,
    inputs: tuple[str, ...],
    output: str,
    *,
    macs: int | None = None,
    source: str = "",
    decide: Decide = by_default,
) -> Layer:
    """The layer ``name`` that computes ``node`` from the tensors ``inputs`` into ``output``.

    ``macs`` are the multiply-accumulates of the file's operator, where they differ from the node's; ``source`` is the output's name
    in the file; ``decide`` tells what tuning has found for a node.
    """
    scheduled, tuned = scheduled_node(node, core, decide)
    return layer_of(scheduled, node, core, name, inputs, output, macs=macs, source=source, tuned=tuned)


def layer_of(
    scheduled: Scheduled,
    node: Node,
    core: Core,
    name: str,
    inputs: tuple[str, ...],
    output: str,
    *,
    macs: int | None = None,
    source: str = "",
    tuned: bool = False,
) -> Layer:
    """:func:`node_layer` of what has been scheduled."""
    func = lower_function(scheduled.func, core)
    live_macs = node.op.macs(node)
    return Layer(
        name,
        node.op.name,
        func,
        inputs,
        (output,),
        tuple(Constant(f"{name}_{role}", data) for role, data in scheduled.constants.items()),
        scratch_of(func),
        live_macs if macs is None else macs,
        live_macs,
        schedule="tuned" if tuned else "default",
        integer=computes_in_integers(func),
        comment=_comment(node, source),
        overlaps=overlaps_of(scheduled.func, inputs, (output,)),
        node=node,
    )


def scheduled_node(node: Node, core: Core, decide: Decide) -> tuple[Scheduled, bool]:
    """``node`` as decided, and True; where nothing is decided, or that does not apply any more, the default, and False."""
    decision = decide(node, core)
    if decision is not None:
        for each in applying(node, core, decision.implementation):
            if decision.fits(each, node, core):
                return each.schedule(node, core, decision.choices), True
    return next(applying(node, core)).schedule(node, core), False


def _comment(node: Node, source: str) -> str:
    """One line that tells the reader of the C what the layer is."""
    shapes = " x ".join(_shape(value.shape) for value in node.inputs if not isinstance(value, np.ndarray))
    text = f"{node.op.name} {shapes} -> {_shape(node.output.shape)}"
    return f"{text}: {source.split(';')[0]}" if source else text


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(str(extent) for extent in shape) + ")"
