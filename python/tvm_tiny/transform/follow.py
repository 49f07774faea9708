"""How each operator of ours is computed under a transpose of its operands.

An operator f follows a transpose T if ``f(T(x)) = T'(f'(x))`` where f' is f with other attributes. The table says what f' and T'
are. What is not in it (convolutions, pools, dequantize, which had better read int8 in the file's order than write float32 in
another) has its operands transposed in front of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tvm_tiny.transform.axes import Order

Attributes = Mapping[str, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Followed:
    """f' and T': the attributes that change, and the order in which the output's axes are to be permuted."""

    changes: dict[str, Any]
    order: Order


Follow = Callable[[Attributes, Sequence[Shape], Order], "Followed | None"]


def _elementwise(attrs: Attributes, shapes: Sequence[Shape], order: Order) -> Followed | None:
    return Followed({}, order) if max(len(shape) for shape in shapes) == len(order) else None


def _table(attrs: Attributes, shapes: Sequence[Shape], order: Order) -> Followed | None:
    return Followed({}, order)


def _concatenate(attrs: Attributes, shapes: Sequence[Shape], order: Order) -> Followed | None:
    return Followed({"axis": order[int(attrs["axis"])]}, order)


def _pad(attrs: Attributes, shapes: Sequence[Shape], order: Order) -> Followed | None:
    widths = {name: [int(width) for width in attrs[name]] for name in ("before", "after")}
    return Followed({name: tuple(each[order.index(axis)] for axis in range(len(order))) for name, each in widths.items()}, order)


def _reduce(attrs: Attributes, shapes: Sequence[Shape], order: Order) -> Followed | None:
    axes = {int(axis) for axis in attrs["axes"]}
    changes = {"axes": tuple(sorted(order[axis] for axis in axes))}
    if attrs["keepdims"]:
        return Followed(changes, order)
    kept = [order[axis] for axis in range(len(order)) if axis not in axes]
    return Followed(changes, tuple(sorted(kept).index(axis) for axis in kept))


def _last_axis(attrs: Attributes, shapes: Sequence[Shape], order: Order) -> Followed | None:
    return Followed({}, order) if order[-1] == len(order) - 1 else None


FOLLOW: dict[str, Follow] = {
    "add": _elementwise,
    "concatenate": _concatenate,
    "lookup": _table,
    "mean": _reduce,
    "mul": _elementwise,
    "pad": _pad,
    "quantize": _table,
    "recenter": _table,
    "reduce_max": _reduce,
    "reduce_min": _reduce,
    "softmax": _last_axis,
    "sum": _reduce,
}

ONE_OPERAND = ("lookup", "quantize", "recenter")
"""Elementwise operators of one activation: they follow any movement of data, not only a transpose."""

OPERANDS = {"add": 2, "mul": 2, "concatenate": None}
"""Operators whose operands have one layout among them, and how many those are (None: all arguments); others have one operand."""
