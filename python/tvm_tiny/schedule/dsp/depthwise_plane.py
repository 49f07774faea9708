"""The plane of a depthwise channel: its inputs as 16-bit lanes, gathered for one of the kernels of runtime/dsp_depthwise.h.

A kernel runs along one axis of the image ("along", the longer one) for each position of the other ("across"). Two neighbours
share a
word: across with stride 1, along with stride 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tvm import tirx

T = TypeVar("T")

FACTOR = 256
"""The kernels' sums are this many times the sum of products."""

_TAPS = {1: (0, 3, 1, 4, 6, 2, 7, 5, 8), 2: (0, 1, 3, 4, 2, 6, 5, 7, 8)}

Load = Callable[[tirx.Expr, tirx.Expr], tirx.Expr]
"""(row, column) of a plane or an image → what is there."""


@dataclass(frozen=True)
class Axis:
    """One axis of the image: input and output extent, padding in front, and the output's step from one position to the next."""

    size: int
    positions: int
    before: int
    step: int


@dataclass(frozen=True)
class Plane:
    """Where a kernel with ``stride`` finds its inputs. ``transposed``: it runs along the image's columns, not its rows."""

    stride: int
    across: Axis
    along: Axis
    transposed: bool
    pad_value: int

    @property
    def function(self) -> str:
        """The kernel."""
        return f"tvm_tiny_depthwise_3x3_s{self.stride}"

    @property
    def gather(self) -> str:
        """The function that fills the plane."""
        return f"tvm_tiny_depthwise_plane_s{self.stride}"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, in words."""
        rows = (self.across.positions + 3) // 2 if self.stride == 1 else 2 * self.across.positions + 1
        return rows, self.along.positions + 1

    @property
    def nbytes(self) -> int:
        rows, columns = self.shape
        return 4 * rows * columns

    def position(self, y: T, x: T) -> tuple[T, T]:
        """(across, along) of the image's (y, x)."""
        return (x, y) if self.transposed else (y, x)

    @property
    def taps(self) -> tuple[int, ...]:
        """The order of a channel's weights in memory: 3 * j + i of each one, i across, j along."""
        return _TAPS[self.stride]

    @property
    def _limits(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Of the inputs that are read and are no padding: the first across and along, and the one behind the last.

        With stride 1 the padding at the end of a row is the first column of the plane.
        """
        across, along = self.across, self.along
        behind = along.positions + 1 if self.stride == 1 else 2 * along.positions + 1
        return (across.before, across.before + across.size), (along.before, min(along.before + along.size, behind))

    def word(self, load: Load, row: tirx.Expr, column: tirx.Expr) -> tirx.Expr:
        """The word at (row, column) of the plane; ``load(y, x)`` gives an input of the channel."""
        lanes = [self._input(load, a, b) for a, b in self._inputs(row, column)]
        return tirx.call_pure_extern("int32", "tvm_tiny_pack_s16x2", *lanes)

    def _inputs(self, row: tirx.Expr, column: tirx.Expr) -> list[tuple[tirx.Expr, tirx.Expr]]:
        """(across, along) in the padded image of the two inputs of a word."""
        if self.stride == 1:
            return [(2 * row, column), (2 * row + 1, column)]
        return [(row, 2 * column), (row, 2 * column + 1)]

    def _input(self, load: Load, a: tirx.Expr, b: tirx.Expr) -> tirx.Expr:
        (top, bottom), (left, right) = self._limits
        at = (a - self.across.before, b - self.along.before)
        y, x = (at[1], at[0]) if self.transposed else at
        inside = tirx.all(a >= top, a < bottom, b >= left, b < right)
        return tirx.if_then_else(inside, load(y, x).astype("int32"), tirx.const(self.pad_value, "int32"))

    def total(self, load: Load, weight: Callable[[int], tirx.Expr], base: tirx.Expr, a: tirx.Expr, b: tirx.Expr) -> tirx.Expr:
        """``base`` + 256 * sum of products for the output at (across a, along b); ``weight(n)`` is number n in memory."""
        total = None
        for number, tap in enumerate(self.taps):
            term = self._lane(load, a, b, tap % 3, tap // 3) * weight(number).astype("int32") * FACTOR
            total = term if total is None else total + term
        return total + base

    def _lane(self, load: Load, a: tirx.Expr, b: tirx.Expr, i: int, j: int) -> tirx.Expr:
        if self.stride == 1:
            word, lane = load((a + i) // 2, (b + j) % (self.along.positions + 1)), (a + i) % 2
        else:
            word, lane = load(2 * a + i, b + j // 2), tirx.const(j % 2, "int32")
        return tirx.call_pure_extern("int32", "tvm_tiny_lane_s16", word, lane)
