"""Which taps of a moving window lie inside the tensor, at each kind of place that the window takes.

Padding makes a window's sum depend on where the window is: a tap that lies outside reads the padding. The places fall into a few
classes, one for each set of rows and each set of columns that are inside together; there are never more than a few per axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Taps:
    """``rows`` (row classes, KH) and ``columns`` (column classes, KW) are True where the tap is inside; every class occurs."""

    rows: np.ndarray
    columns: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """True where a tap is inside, by class of places: (classes, KH, KW)."""
        both = self.rows[:, None, :, None] & self.columns[None, :, None, :]
        return both.reshape(-1, self.rows.shape[1], self.columns.shape[1])

    def sums(self, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """Sum over the taps of (KH, KW, ...) arrays, ``inside`` where the tap is inside, else ``outside``: (classes, ...)."""
        mask = self.classes.astype(np.int64)
        return outside.sum(axis=(0, 1)) + np.tensordot(mask, inside - outside, axes=2)


def taps(
    size: tuple[int, int],
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
) -> Taps:
    """The taps of a window over a tensor of ``size`` (height, width); ``padding`` is (top, left, bottom, right)."""
    rows, columns = (
        np.unique(inside_taps(size[axis], kernel[axis], strides[axis], dilation[axis], padding[axis], padding[axis + 2]), axis=0)
        for axis in (0, 1)
    )
    return Taps(rows, columns)


def inside_taps(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> np.ndarray:
    """Whether each tap is inside, for each place of the window along one axis: (places, kernel)."""
    places = (size + before + after - ((kernel - 1) * dilation + 1)) // stride + 1
    at = np.arange(places)[:, None] * stride - before + np.arange(kernel)[None, :] * dilation
    return (at >= 0) & (at < size)
