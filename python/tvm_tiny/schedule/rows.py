"""A layer seen row by row: how many rows of its operands an output row reads, and the same operator on just those rows.

What is left of a layer when it computes ``rows`` output rows at a time is an ordinary node whose operands have as many rows as it
reads, and no padding above or below: whoever calls it has put rows of padding there. All implementations apply to it as they do to
any other node.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tvm_tiny.op.operator import Node, Value
from tvm_tiny.schedule.firing import Reach

_ELEMENTWISE = ("add", "mul", "lookup", "recenter")
_POOLS = ("max_pool2d", "average_pool2d")
_CONVOLUTIONS = ("conv2d", "depthwise_conv2d")


def reach_of(node: Node) -> tuple[Reach, ...] | None:
    """What each activation of ``node`` is read by, in order; None if the layer cannot run row by row.

    It can if all activations are int8, of one image, with its rows along axis 1 of four, and if every output row is computed in
    the same way from rows around it.
    """
    activations = [each for each in node.inputs if isinstance(each, Value)]
    if any(len(each.shape) != 4 or each.shape[0] != 1 or each.dtype != "int8" for each in (*activations, node.output)):
        return None
    if node.op.name in _ELEMENTWISE:
        return _elementwise(node, activations)
    if node.op.name in (*_POOLS, *_CONVOLUTIONS):
        return _windowed(node)
    return None


def _elementwise(node: Node, activations: list[Value]) -> tuple[Reach, ...] | None:
    constants = [each for each in node.inputs if isinstance(each, np.ndarray)]
    broadcast = [each for each in constants if node.op.name != "lookup" and each.ndim >= 3 and each.shape[-3] > 1]
    if broadcast or any(each.shape[1] != node.output.shape[1] for each in activations):
        return None
    return (Reach(),) * len(activations)


def _windowed(node: Node) -> tuple[Reach, ...] | None:
    attrs, name = node.attrs, node.op.name
    if name in _POOLS:
        kernel = attrs.kernel[0]
    else:
        kernel = node.constant(1).shape[1 if name == "conv2d" else 0]
    if name == "average_pool2d" and np.ptp(node.constant(1)):
        return None  # rows at the border are divided by another count
    top, _, bottom, _ = attrs.padding
    fill = None
    if top or bottom:
        fill = _pad_value(node)
    return (Reach((kernel - 1) * attrs.dilation[0] + 1, attrs.strides[0], top, fill),)


def _pad_value(node: Node) -> int:
    """What the rows of padding hold, as in the operator's own definition."""
    if node.op.name == "max_pool2d":
        return -128
    if node.op.name == "average_pool2d":
        return 0 if node.attrs.away else int(node.attrs.input_zero_point)
    return int(node.attrs.pad_value)


def row_node(node: Node, rows: int) -> Node:
    """``node`` for ``rows`` rows of output.

    Raises
    ------
    ValueError
        The layer cannot run row by row.
    """
    reaches = reach_of(node)
    if reaches is None:
        raise ValueError(f"a {node.op.name} of this form cannot run row by row")
    heights = iter(reach.rows(rows) for reach in reaches)
    inputs = [_with_height(each, next(heights)) if isinstance(each, Value) else each for each in node.inputs]
    attrs = node.attrs
    if node.op.name in (*_POOLS, *_CONVOLUTIONS):
        _, left, _, right = attrs.padding
        attrs = replace(attrs, padding=(0, left, 0, right))
    if node.op.name == "average_pool2d":
        inputs[1] = node.constant(1)[:rows]  # the count of each row
    output = _with_height(node.output, rows)
    found = node.op.infer(tuple(inputs), attrs)
    assert found == output, f"{node.op.name} of {rows} rows: {found}, expected {output}"
    return replace(node, attrs=attrs, inputs=tuple(inputs), output=output)


def _with_height(value: Value, rows: int) -> Value:
    return Value((1, rows, *value.shape[2:]), value.dtype)
