"""Permutations of axes. ``permute_dims(x, order)`` has as its axis i the axis ``order[i]`` of x."""

from __future__ import annotations

from collections.abc import Sequence

Order = tuple[int, ...]


def identity(axes: Sequence[int]) -> Order:
    """The order that leaves as many axes where they are."""
    return tuple(range(len(axes)))


def composed(first: Order, then: Order) -> Order:
    """The order of ``permute_dims(permute_dims(x, first), then)``."""
    return tuple(first[axis] for axis in then)


def inverse(order: Order) -> Order:
    """The order that undoes ``order``."""
    return tuple(order.index(axis) for axis in range(len(order)))


def permuted(shape: Sequence[int], order: Order) -> tuple[int, ...]:
    """Shape of ``permute_dims(x, order)`` for x of ``shape``."""
    return tuple(shape[axis] for axis in order)


def keeps_memory_order(shape: Sequence[int], order: Order) -> bool:
    """Whether the transpose moves only extents of 1, so that every element stays where it is in memory."""
    moved = [axis for axis in order if shape[axis] != 1]
    return moved == sorted(moved)
