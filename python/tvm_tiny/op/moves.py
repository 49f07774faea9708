"""Pure data movement: operators whose every output element is one of the input's, unchanged.

Such an operator commutes with everything that works element by element. So the rules may look through it: a moved dequantize is the
dequantize of the moved integers, and what is quantised after a move may as well be quantised before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tvm_tiny.op.resize_nearest import emit_resize, is_nearest
from tvm_tiny.tvm_compat import constant_array

if TYPE_CHECKING:
    from tvm import relax

VIEWS = ("relax.reshape", "relax.expand_dims", "relax.squeeze", "relax.flatten")
"""Moves that leave every element where it is in memory."""

MOVES = (
    *VIEWS,
    "relax.permute_dims",
    "relax.broadcast_to",
    "relax.strided_slice",
    "relax.tile",
    "relax.repeat",
    "relax.flip",
    "relax.take",
)


@dataclass(frozen=True)
class Move:
    """A move of ``source``; ``apply`` makes the same move of another tensor of its shape, of any dtype."""

    source: relax.Expr
    apply: Callable[[relax.Expr], relax.Expr]


def as_move(expr: relax.Expr, resolve: Callable[[relax.Expr], relax.Expr], tflite: bool) -> Move | None:
    """``expr`` as a move; None if it is none, or if where elements go depends on data.

    One part of a split comes as the slice that it is, so that no part is computed in vain. ``resolve`` looks through variables;
    ``tflite`` tells whose nearest neighbour is meant in a resizing, which becomes an operator of ours on int8.
    """
    from tvm import relax

    found = resolve(expr)
    if _name(found) == "relax.image.resize2d" and is_nearest(found):
        return Move(found.args[0], lambda x: emit_resize(x, found, tflite))
    if isinstance(found, relax.TupleGetItem):
        split = resolve(found.tuple_value)
        return _part_of_split(split, found.index) if _name(split) == "relax.split" else None
    if not isinstance(found, relax.Call) or _name(found) not in MOVES:
        return None
    others = list(found.args[1:])
    if any(isinstance(other, relax.Var) and constant_array(resolve(other)) is None for other in others):
        return None
    others = [resolve(other) for other in others]
    return Move(found.args[0], lambda x: relax.Call(found.op, [x, *others], found.attrs))


def _name(expr: relax.Expr) -> str:
    return str(getattr(getattr(expr, "op", None), "name", ""))


def _part_of_split(split: relax.Call, index: int) -> Move:
    from tvm import relax

    shape = [int(extent) for extent in split.args[0].ty.shape]
    axis = int(split.attrs.axis) % len(shape)
    sections = split.attrs.indices_or_sections
    if hasattr(sections, "__len__"):
        borders = [0, *(int(border) for border in sections), shape[axis]]
    else:
        count = int(sections)
        step = -(-shape[axis] // count)
        borders = [min(step * part, shape[axis]) for part in range(count + 1)]
    begin, end = borders[index], borders[index + 1]
    return Move(split.args[0], lambda x: relax.op.strided_slice(x, axes=[axis], begin=[begin], end=[end]))
