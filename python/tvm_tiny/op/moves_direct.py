"""Data movement of stored values: the same move of the int8 tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm_tiny.op.moves import as_move
from tvm_tiny.op.operator import is_ours, with_notes
from tvm_tiny.op.qdq import DirectSite

if TYPE_CHECKING:
    from tvm import relax


def lower_direct(site: DirectSite) -> relax.Expr | None:
    """The rule for a move (reshape, transpose, slice, part of a split, ...) of stored values."""
    move = as_move(site.call, site.graph.resolve, site.graph.arithmetic.is_tflite)
    if move is None:
        return None
    moved = move.apply(site.stored(move.source))
    return with_notes(moved, source=site.source) if is_ours(moved) else moved
