from __future__ import annotations

from dataclasses import replace

import numpy as np

from tvm_tiny.op.rounding_arrays import requantized
from tvm_tiny.tune.reference import Expected, samples_with_expected

from .conftest import convolution


def by_hand(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Accumulators and outputs of :func:`convolution`, in NumPy."""
    node = convolution()
    weight, bias, scale = (node.constant(index) for index in (1, 2, 3))
    padded = np.full((8, 8, 3), node.attrs.pad_value, np.int64)
    padded[1:7, 1:7] = x[0]
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    total = np.einsum("hwcij,oijc->hwo", windows, weight.astype(np.int64))[None] + bias
    stored = requantized(total, scale, "double").value + node.attrs.zero_point
    return total, np.clip(stored, -128, 127).astype(np.int8)


def test_the_definition_runs_on_the_host() -> None:
    samples, results = samples_with_expected(convolution(), 5)
    assert len(samples) == len(results) == 2
    for sample, found in zip(samples, results, strict=True):
        np.testing.assert_array_equal(found.output, by_hand(sample["x0"])[1])
        assert found.binding is None
    assert {-128, 127} <= set(samples[1]["x0"].ravel().tolist())


def test_only_accumulators_that_the_model_can_reach_are_binding() -> None:
    limit = 30_000
    node = replace(convolution(), accumulator=(np.full(4, -limit), np.full(4, limit)))
    samples, results = samples_with_expected(node, 5)
    for sample, found in zip(samples, results, strict=True):
        total, output = by_hand(sample["x0"])
        np.testing.assert_array_equal(found.output, output)
        np.testing.assert_array_equal(found.binding, abs(total) <= limit)


def test_inputs_are_of_a_smaller_range_where_the_accumulators_ask_for_it() -> None:
    node = replace(convolution(), accumulator=(np.full(4, -6_000), np.full(4, 6_000)))
    assert all(found.share >= 0.5 for found in samples_with_expected(node, 5)[1])


def test_what_differs_is_counted_where_it_binds() -> None:
    wanted = Expected(np.array([[1, 2], [3, 4]], np.int8), np.array([[True, False], [True, True]]))
    assert wanted.differences(np.array([[1, 9], [3, 4]], np.int8)) == 0
    assert wanted.differences(np.array([[9, 9], [9, 4]], np.int8)) == 2
    floats = Expected(np.array([1.0, -0.0], np.float32))
    assert floats.differences(np.array([1.0, 0.0], np.float32)) == 1
