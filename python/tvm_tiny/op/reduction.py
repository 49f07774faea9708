"""What the reductions over axes share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tvm_tiny.op.qdq import NotInteger

if TYPE_CHECKING:
    from tvm import relax, te


def match_axes(reduction: relax.Call, rank: int) -> tuple[tuple[int, ...], bool]:
    """The axes that a Relax reduction of a tensor of ``rank`` axes is over, ascending, and whether it keeps them with extent 1."""
    axes = reduction.attrs.axis
    numbers = range(rank) if axes is None else (int(axis) % rank for axis in axes)
    return tuple(sorted(set(numbers))), bool(reduction.attrs.keepdims)


def kept_shape(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """Shape of the result of a reduction."""
    return tuple(1 if axis in axes else extent for axis, extent in enumerate(shape) if keepdims or axis not in axes)


def accumulated(x: te.Tensor, axes: tuple[int, ...], keepdims: bool, reduce: Callable[..., te.Tensor]) -> te.Tensor:
    """The stage "acc": ``x`` as int32, reduced over ``axes``."""
    from tvm import te, tirx

    shape = tuple(int(extent) for extent in x.shape)
    inner = [te.reduce_axis((0, shape[axis]), f"r{axis}") for axis in axes]

    def element(*at: tirx.Var) -> te.Tensor:
        kept = iter(at)
        indices = []
        for axis in range(len(shape)):
            if axis in axes:
                indices.append(inner[axes.index(axis)])
                if keepdims:
                    next(kept)
            else:
                indices.append(next(kept))
        return reduce(x[tuple(indices)].astype("int32"), axis=inner)

    return te.compute(kept_shape(shape, axes, keepdims), element, "acc")


def refuse_nothing_reduced(axes: tuple[int, ...]) -> None:
    """Raise :class:`NotInteger` for a reduction over no axes."""
    if not axes:
        raise NotInteger("it reduces no axis")
