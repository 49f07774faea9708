"""The plane of a depthwise channel: a band of its inputs as 16-bit lanes, for the kernels of runtime/dsp_depthwise.h.

A kernel runs along one axis of the image ("along") for each position of the other ("across"). Two neighbours share a word: across
with stride 1, along with stride 2. A column of the plane has a fixed number of words, which says how many positions make a band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from tvm import tirx

T = TypeVar("T")
Number = Any
"""An int, or an expression of a band that is a variable."""

_TAPS = {1: (0, 3, 1, 4, 6, 2, 7, 5, 8), 2: (0, 1, 3, 4, 2, 6, 5, 7, 8)}

COLUMN = {1: 5, 2: 9}
"""Words of a column by stride: TVM_TINY_COLUMN_S1 and _S2."""


@dataclass(frozen=True)
class Axis:
    """One axis of the image: input and output extent, padding in front, and steps of input and output from one to the next."""

    size: int
    positions: int
    before: int
    input_step: int
    output_step: int


@dataclass(frozen=True)
class Rows:
    """What a band reads along "across": ``count`` inputs from ``first`` on, with so much padding above and below them."""

    first: Number
    count: Number
    above: Number
    below: Number


@dataclass(frozen=True)
class Plane:
    """Where a kernel with ``stride`` finds its inputs. ``transposed``: it runs along the image's columns, not its rows."""

    stride: int
    across: Axis
    along: Axis
    transposed: bool
    pad_value: int

    @property
    def band(self) -> int:
        """Positions across of a band, at most: with stride 1 two to a word, and two more inputs."""
        return 2 * (COLUMN[1] - 1) if self.stride == 1 else (COLUMN[2] - 1) // 2

    @property
    def bands(self) -> int:
        return -(-self.across.positions // self.band)

    @property
    def padded_below(self) -> bool:
        """The plane ends with a row that is all padding, in every band: with stride 1, one band, and an odd number of rows."""
        return self.stride == 1 and self.bands == 1 and self.across.positions % 2 == 1

    @property
    def words(self) -> int:
        """Words of the plane. Its last column ends with the last word that is read."""
        column = COLUMN[self.stride]
        if self.stride == 1:
            return (self.along.positions - 1) * column + min(column, (self.across.positions + 3) // 2)
        return self.along.positions * column + min(column, 2 * self.across.positions + 1)

    def position(self, y: T, x: T) -> tuple[T, T]:
        """(across, along) of the image's (y, x), and back."""
        return (x, y) if self.transposed else (y, x)

    @property
    def taps(self) -> tuple[int, ...]:
        """The order of a channel's weights in memory: 3 * j + i of each one, i across, j along."""
        return _TAPS[self.stride]

    def positions(self, band: Number) -> Number:
        """Positions across of a band, which is a number or a variable."""
        if self.across.positions % self.band == 0:
            return self.band
        return _least(self.band, self.across.positions - band * self.band)

    def rows(self, band: Number) -> Rows:
        """What ``band`` reads. With stride 1 that is what it does not share with the band before it."""
        before, size = self.across.before, self.across.size
        if self.stride == 1:
            last = _least(size, band * self.band + self.band + 1)
            first = (1 if band > 0 else 0) + band * self.band if isinstance(band, int) else _if(band > 0, band * self.band + 1, 0)
            return Rows(first, last - first, 0, 0)
        begin = band * (2 * self.band)  # in the padded image
        needed = 2 * self.positions(band) + 1
        above = _least(_most(before - begin, 0), needed)
        first = _least(_most(begin - before, 0), size)
        count = _most(_least(begin + needed - before, size) - first, 0)
        return Rows(first, count, above, needed - above - count)


def _least(a: Number, b: Number) -> Number:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else tirx.min(a, b)


def _most(a: Number, b: Number) -> Number:
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else tirx.max(a, b)


def _if(condition: tirx.Expr, then: tirx.Expr, otherwise: int) -> tirx.Expr:
    return tirx.Select(condition, then, tirx.const(otherwise, "int32"))
