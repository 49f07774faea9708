"""Padding of an NHWC tensor as a TE stage called "padded"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvm import te


def padded(x: te.Tensor, padding: tuple[int, int, int, int], value: int) -> te.Tensor:
    """``x`` (n, h, w, c) with (top, left, bottom, right) rows and columns of ``value`` around it; ``x`` where there are none."""
    from tvm import te, tirx

    if not any(padding):
        return x
    top, left, bottom, right = padding
    n, height, width, channels = (int(extent) for extent in x.shape)

    def at(b: tirx.Var, row: tirx.Var, column: tirx.Var, c: tirx.Var) -> tirx.Expr:
        inside = []
        if top:
            inside.append(row >= top)
        if bottom:
            inside.append(row < top + height)
        if left:
            inside.append(column >= left)
        if right:
            inside.append(column < left + width)
        return tirx.if_then_else(tirx.all(*inside), x[b, row - top, column - left, c], tirx.const(value, str(x.dtype)))

    return te.compute((n, height + top + bottom, width + left + right, channels), at, "padded")
