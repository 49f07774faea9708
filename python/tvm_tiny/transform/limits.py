"""Limits of stored values by channel (by index of the last axis)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """``low`` and ``high`` are int64 of shape (channels,): the lowest and the highest value that each channel can hold."""

    low: np.ndarray
    high: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """True where a channel holds one value only, whatever the input and the place."""
        return self.low == self.high

    @staticmethod
    def of_array(array: np.ndarray) -> Interval:
        """The limits of a constant."""
        flat = np.atleast_1d(array).astype(np.int64)
        flat = flat.reshape(-1, flat.shape[-1])
        return Interval(flat.min(axis=0), flat.max(axis=0))

    @staticmethod
    def between(low: int, high: int, channels: int) -> Interval:
        """The same limits for every channel."""
        return Interval(np.full(channels, low, np.int64), np.full(channels, high, np.int64))


def whole_range(channels: int, dtype: str) -> Interval | None:
    """The range of ``dtype``, for a tensor of which nothing is known; None for a dtype that has no integers."""
    if dtype == "bool":
        return Interval.between(0, 1, channels)
    if np.dtype(dtype).kind not in "iu" or np.dtype(dtype).itemsize > 4:
        return None
    limits = np.iinfo(dtype)
    return Interval.between(int(limits.min), int(limits.max), channels)


def hull(interval: Interval, channels: int) -> Interval:
    """The limits of all channels together, for each of ``channels``."""
    return Interval.between(int(interval.low.min()), int(interval.high.max()), channels)


def union(first: Interval, second: Interval) -> Interval:
    """The limits of what is in either, channel by channel."""
    return Interval(np.minimum(first.low, second.low), np.maximum(first.high, second.high))
