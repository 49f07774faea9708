"""Requantisation in digits and packed words, against unbounded integers."""

from __future__ import annotations

import numpy as np
import pytest

from .native import Runtime
from .numbers import EDGES, spread, wrap


def cases(digits: int, count: int = 3000) -> tuple[np.ndarray, ...]:
    """acc, multiplier, width, offset and shift for which nothing on the way leaves int32, ends of what that allows among them."""
    rng = np.random.default_rng(digits)
    width = rng.integers(1, 16, count)
    width[:40], width[40:80] = 1, 15
    most = 2 ** (31 - width) - 1  # an accumulator times a digit fits 32 bits
    acc = np.where(rng.random(count) < 0.2, rng.choice([-1, 1], count) * most, rng.integers(-most, most, endpoint=True))
    room = 2**29 // np.maximum(np.abs(acc), 1)  # for the highest digit
    highest = np.where(rng.random(count) < 0.2, room, (rng.random(count) * room).astype(np.int64))
    lower = width * (digits - 1)
    highest = np.minimum(highest, 2 ** (31 - lower) - 1)
    rest = np.where(rng.random(count) < 0.2, 2**lower - 1, (rng.random(count) * 2.0**lower).astype(np.int64))
    offset = rng.integers(-(2**29), 2**29, count)
    return acc, (highest << lower) + rest, width, offset, rng.integers(0, 31, count)


@pytest.mark.parametrize("digits", [2, 3])
def test_requantisation_in_digits(runtime: Runtime, digits: int) -> None:
    acc, multiplier, width, offset, shift = cases(digits)
    product = [(int(a) * int(m)) >> (int(w) * (digits - 1)) for a, m, w in zip(acc, multiplier, width, strict=True)]
    expected = [min(max((p + int(o)) >> int(s), -128), 127) for p, o, s in zip(product, offset, shift, strict=True)]
    assert -128 in expected
    assert 127 in expected
    assert len(set(expected)) > 100
    assert np.array_equal(runtime(f"tvm_tiny_requantize_{digits}_digits", acc, multiplier, width, offset, shift), expected)


def test_clamp_to_int8(runtime: Runtime) -> None:
    x = np.concatenate([spread(np.random.default_rng(6), 2000), np.arange(-300, 300)])
    assert np.array_equal(runtime("tvm_tiny_clamp_s8", x), np.clip(x, -128, 127))


def test_packing(runtime: Runtime) -> None:
    first, second = (
        each.ravel() for each in np.meshgrid([*range(-130, 131, 13), *EDGES.tolist()], [*range(-129, 131, 7), *EDGES.tolist()])
    )
    low = [wrap(int(a) + (int(b) << 21)) for a, b in zip(first, second, strict=True)]
    high = [wrap(int(c) + (int(b) << 10)) for b, c in zip(first, second, strict=True)]
    assert np.array_equal(runtime("tvm_tiny_pack_low", first, second), low)
    assert np.array_equal(runtime("tvm_tiny_pack_high", first, second), high)


def test_unpacking(runtime: Runtime) -> None:
    ends = np.array([-(2**20), -(2**20) + 1, -1024, -1, 0, 1, 1023, 2**11, 2**20 - 1])
    a, b, c = (each.ravel() for each in np.meshgrid(ends, ends, ends))
    low = [wrap(int(x) + (int(y) << 21)) for x, y in zip(a, b, strict=True)]
    high = [wrap(int(z) + (int(y) << 10)) for y, z in zip(b, c, strict=True)]
    for which, values in enumerate((a, b, c)):
        assert np.array_equal(runtime("tvm_tiny_unpacked", low, high, which), values)
    assert np.array_equal(runtime("tvm_tiny_lowest_21", np.array(low) % 2**32), a)
