"""Data movement of stored values: the same move of the int8 tensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tvm_tiny.op.moves import as_move
from tvm_tiny.op.qdq import DirectSite

if TYPE_CHECKING:
    from tvm import relax


def lower_direct(site: DirectSite) -> relax.Expr | None:
    """The rule for a move (reshape, transpose, slice, part of a split, ...) of stored values."""
    move = as_move(site.call, site.graph.resolve)
    return None if move is None else move.apply(site.stored(move.source))
