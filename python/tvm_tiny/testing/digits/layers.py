"""Layers of a convolutional network in NumPy: what each computes, and how a gradient runs back through it.

A layer's ``forward`` gives its output; ``backward`` takes the gradient of the loss by that output, keeps the gradients by its own
parameters, and gives the gradient by its input. Images are (n, channels, height, width), float32.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Layer(Protocol):
    """``parameters`` and ``gradients`` are lists of the same length; training changes the parameters in place."""

    parameters: list[np.ndarray]
    gradients: list[np.ndarray]

    def forward(self, x: np.ndarray) -> np.ndarray: ...

    def backward(self, gradient: np.ndarray) -> np.ndarray: ...


class _Stateless:
    """A layer without parameters."""

    def __init__(self) -> None:
        self.parameters: list[np.ndarray] = []
        self.gradients: list[np.ndarray] = []


class Conv:
    """A convolution with a square kernel of odd size, stride 1 and the padding that keeps the image's size."""

    def __init__(self, channels: int, filters: int, size: int, rng: np.random.Generator) -> None:
        self.size = size
        weights = he_normal((filters, channels, size, size), channels * size * size, rng)
        self.parameters = [weights, np.zeros(filters, np.float32)]
        self.gradients: list[np.ndarray] = []

    def forward(self, x: np.ndarray) -> np.ndarray:
        weights, bias = self.parameters
        n, _, h, w = x.shape
        # One row for each pixel, one column for each weight of a filter: the convolution is a product of two matrices.
        self._columns = windows(x, self.size).transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, -1)
        y = self._columns @ weights.reshape(len(weights), -1).T + bias
        return y.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        weights, _ = self.parameters
        n, filters, h, w = gradient.shape
        rows = gradient.transpose(0, 2, 3, 1).reshape(-1, filters)
        self.gradients = [(rows.T @ self._columns).reshape(weights.shape), rows.sum(0)]
        columns = (rows @ weights.reshape(filters, -1)).reshape(n, h, w, weights.shape[1], self.size, self.size)
        return scatter(columns.transpose(0, 3, 1, 2, 4, 5))


class DepthwiseConv:
    """One filter for each channel, otherwise as :class:`Conv`."""

    def __init__(self, channels: int, size: int, rng: np.random.Generator) -> None:
        self.size = size
        self.parameters = [he_normal((channels, 1, size, size), size * size, rng), np.zeros(channels, np.float32)]
        self.gradients: list[np.ndarray] = []

    def forward(self, x: np.ndarray) -> np.ndarray:
        weights, bias = self.parameters
        self._windows = windows(x, self.size)
        y = sum(weights[:, 0, i, j, None, None] * self._windows[..., i, j] for i, j in np.ndindex(self.size, self.size))
        return y + bias[:, None, None]

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        weights, _ = self.parameters
        taps = [(gradient * self._windows[..., i, j]).sum((0, 2, 3)) for i, j in np.ndindex(self.size, self.size)]
        self.gradients = [np.stack(taps, 1).reshape(weights.shape), gradient.sum((0, 2, 3))]
        return scatter(gradient[..., None, None] * weights[:, 0, None, None])


class Dense(_Stateless):
    """A fully connected layer on the flattened input; the weights are (units, depth)."""

    def __init__(self, depth: int, units: int, rng: np.random.Generator) -> None:
        self.parameters = [he_normal((units, depth), depth, rng), np.zeros(units, np.float32)]
        self.gradients = []

    def forward(self, x: np.ndarray) -> np.ndarray:
        weights, bias = self.parameters
        self._shape, self._x = x.shape, x.reshape(len(x), -1)
        return self._x @ weights.T + bias

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        weights, _ = self.parameters
        self.gradients = [gradient.T @ self._x, gradient.sum(0)]
        return (gradient @ weights).reshape(self._shape)


class Relu(_Stateless):
    def forward(self, x: np.ndarray) -> np.ndarray:
        self._passed = x > 0
        return np.where(self._passed, x, np.float32(0))

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        return gradient * self._passed


class MaxPool(_Stateless):
    """The greatest of each 2 x 2 pixels."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        y = blocks.max((3, 5))
        self._greatest = blocks == y[:, :, :, None, :, None]
        return y

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        n, c, h, w = gradient.shape
        return (self._greatest * gradient[:, :, :, None, :, None]).reshape(n, c, h * 2, w * 2)


def he_normal(shape: tuple[int, ...], fan_in: int, rng: np.random.Generator) -> np.ndarray:
    """Initial weights that keep the signal's strength through a Relu (He et al. 2015, "Delving Deep into Rectifiers")."""
    return rng.normal(0.0, np.sqrt(2 / fan_in), shape).astype(np.float32)


def windows(x: np.ndarray, size: int) -> np.ndarray:
    """The surroundings of every pixel: (n, c, h, w, size, size), zeros beyond the border."""
    edge = size // 2
    padded = np.pad(x, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))


def scatter(surroundings: np.ndarray) -> np.ndarray:
    """The reverse of :func:`windows`: adds what belongs to the same pixel, (n, c, h, w)."""
    n, c, h, w, size, _ = surroundings.shape
    edge = size // 2
    padded = np.zeros((n, c, h + 2 * edge, w + 2 * edge), surroundings.dtype)
    for i, j in np.ndindex(size, size):
        padded[:, :, i : i + h, j : j + w] += surroundings[..., i, j]
    return padded[:, :, edge : edge + h, edge : edge + w]
