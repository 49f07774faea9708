"""Integer arithmetic in Python's unbounded integers: the references of this room, written from the definitions."""

from __future__ import annotations

import numpy as np

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
EDGES = np.array([0, 1, -1, 2, -2, 127, -128, 2**30, 2**30 - 1, -(2**30), 2**31 - 2, INT32_MAX, INT32_MIN, INT32_MIN + 1])


def half_up(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded to nearest, halves towards plus infinity."""
    return (2 * numerator + denominator) // (2 * denominator)


def half_away(numerator: int, denominator: int) -> int:
    """numerator / denominator rounded to nearest, halves away from zero."""
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def saturate(x: int) -> int:
    """``x`` held within int32."""
    return min(max(x, INT32_MIN), INT32_MAX)


def wrap(x: int) -> int:
    """The low 32 bits of ``x`` as an int32."""
    return (x - INT32_MIN) % 2**32 + INT32_MIN


def spread(rng: np.random.Generator, count: int) -> np.ndarray:
    """``count`` int32 numbers of every magnitude, with the edges of the type among them."""
    bits = rng.integers(0, 32, count)
    numbers = rng.integers(INT32_MIN, INT32_MAX, count, endpoint=True) >> bits
    numbers[: EDGES.size] = EDGES
    return numbers
