"""``relax.strided_slice`` with its numbers read."""

from __future__ import annotations

from dataclasses import dataclass

from tvm import relax

from tvm_tiny.op.qdq import shape_of
from tvm_tiny.tvm_compat import prim_value


@dataclass(frozen=True)
class Slice:
    """The arguments of a slice, one number for each of ``axes``."""

    axes: tuple[int, ...]
    begin: tuple[int, ...]
    end: tuple[int, ...]
    strides: tuple[int, ...]
    shape: tuple[int, ...]

    @staticmethod
    def of(call: relax.Call) -> Slice | None:
        """The slice that ``call`` is; None where a number is not known."""
        numbers = [_numbers(argument) for argument in call.args[1:]]
        if len(numbers) not in (3, 4) or any(each is None for each in numbers):
            return None
        axes, begin, end, *rest = (each for each in numbers if each is not None)
        shape = shape_of(call.args[0])
        strides = rest[0] if rest else (1,) * len(axes)
        return Slice(tuple(axis % len(shape) for axis in axes), begin, end, strides, shape)

    @property
    def last_axis(self) -> range:
        """The indices of the last axis that it takes."""
        taken = range(self.shape[-1])
        for axis, begin, end, stride in zip(self.axes, self.begin, self.end, self.strides, strict=True):
            if axis == len(self.shape) - 1:
                taken = taken[begin:end:stride]
        return taken

    def applied(self, x: relax.Expr, first: int, count: int) -> relax.Call:
        """The same slice of ``x``, but ``count`` indices from ``first`` on along the last axis."""
        last = len(self.shape) - 1
        begin = [first if axis == last else each for axis, each in zip(self.axes, self.begin, strict=True)]
        end = [first + count if axis == last else each for axis, each in zip(self.axes, self.end, strict=True)]
        strides = [1 if axis == last else each for axis, each in zip(self.axes, self.strides, strict=True)]
        return relax.op.strided_slice(x, list(self.axes), begin, end, strides)


def _numbers(expr: relax.Expr) -> tuple[int, ...] | None:
    """The integers of a tuple of immediates, no larger than any extent needs; None where one is not known."""
    values = [prim_value(item) for item in expr.fields] if hasattr(expr, "fields") else [None]
    if any(value is None for value in values):
        return None
    return tuple(int(min(max(value, -(2.0**31)), 2.0**31 - 1)) for value in values if value is not None)
