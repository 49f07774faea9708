"""Random inputs that exercise a model: not noise alone, which drives most networks into one corner of their range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tvm_tiny.errors import InputError
from tvm_tiny.model import TensorSpec

# Ten samples hold 3 of uniform noise, 4 smooth patterns, 2 of normal noise and 1 extreme, so mixed that a short run sees each kind
# that it has room for.
_KINDS = ("uniform", "smooth", "normal", "smooth", "extreme", "uniform", "smooth", "uniform", "smooth", "normal")


def random_inputs(specs: Sequence[TensorSpec], samples: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Seeded inputs for a model: for each sample, input name → array of the input's shape and dtype.

    A sample is uniform noise over the dtype's whole range, a smooth pattern (a few waves of low spatial frequency), normal noise
    about the zero point, or one of the two constant extremes. Inputs that are float have the range -1 to 1. Sample ``i`` depends on
    ``seed`` and ``i`` only: a longer run repeats a shorter one and goes on.

    Raises
    ------
    InputError
        ``samples`` is less than one, or an input's dtype is neither an integer, a float nor bool.
    """
    if samples < 1:
        raise InputError(f"expected at least one sample, found {samples}")
    return [{spec.name: _sample(spec, seed, i, j) for j, spec in enumerate(specs)} for i in range(samples)]


def _sample(spec: TensorSpec, seed: int, index: int, position: int) -> np.ndarray:
    rng = np.random.default_rng([seed, index, position])
    low, high, middle = _range(spec)
    kind = _KINDS[index % len(_KINDS)]
    if kind == "uniform":
        values = rng.uniform(low, high, spec.shape)
    elif kind == "normal":
        values = middle + rng.normal(0.0, rng.uniform(0.05, 0.25) * (high - low), spec.shape)
    elif kind == "smooth":
        values = low + (high - low) * _smooth(spec.shape, rng)
    else:
        values = np.full(spec.shape, low if index // len(_KINDS) % 2 == 0 else high)
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "b":
        return values > 0.5
    return np.clip(values if dtype.kind == "f" else np.rint(values), low, high).astype(dtype)


def _range(spec: TensorSpec) -> tuple[float, float, float]:
    """Lowest and highest stored value, and the one about which normal noise lies."""
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        return -1.0, 1.0, 0.0
    if dtype.kind == "b":
        return 0.0, 1.0, 0.5
    # Beyond 32 bits a float64 no longer holds every value.
    if dtype.kind not in "iu" or dtype.itemsize > 4:
        raise InputError(f"input {spec.name!r}: no random values are known for dtype {spec.dtype}")
    limits = np.iinfo(dtype)
    return float(limits.min), float(limits.max), float(spec.zero_point or 0)


def _smooth(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Three waves with at most two periods along each axis, added and stretched to the range 0 to 1."""
    axes = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    waves = np.zeros(shape)
    for _ in range(3):
        phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * sum((rng.uniform(0, 2) * axis for axis in axes), np.zeros(shape))
        waves += rng.uniform(0.3, 1.0) * np.sin(phase)
    spread = np.ptp(waves)
    return (waves - waves.min()) / spread if spread > 0 else np.full(shape, 0.5)
