"""Inner loops of cores without SIMD, in their portable form and in assembly, and moves of rows, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from .kernels import BOARDS, KERNELS

SETTINGS = [(board, optimize) for board in BOARDS for optimize in ("speed", "size")]
everywhere = pytest.mark.parametrize(("board", "optimize"), SETTINGS)


def random_int8(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-128, 128, shape).astype(np.int8)


def constant_or_random(rng: np.random.Generator, case: int, *shape: int) -> np.ndarray:
    """The extremes in the first cases, then random values."""
    return np.full(shape, (-128, 127)[case], np.int8) if case < 2 else random_int8(rng, *shape)


def products(rng: np.random.Generator, most: int, x_shape: tuple[int, ...], w_shape: tuple[int, ...], depths: list[int]) -> list:
    """(depth, x, w) with every pair of extremes at the depth ``most``, then random values at ``depths``."""
    corners = [
        (most, np.full((most, *x_shape), x, np.int8), np.full((most, *w_shape), w, np.int8))
        for x in (-128, 127)
        for w in (-128, 127)
    ]
    return corners + [(depth, random_int8(rng, depth, *x_shape), random_int8(rng, depth, *w_shape)) for depth in depths]


@everywhere
def test_byte_products(board: str, optimize: str) -> None:
    rng = np.random.default_rng(1)
    cases, expected = [], []
    # The sums must stay below 2^22: 255 products of the extremes do.
    for depth, x, w in products(rng, 255, (), (8,), [1, 2, 3, 4, 7, 8, 64, 255, 600]):
        acc = rng.integers(-(2**24), 2**24, 8, np.int32)
        stored = (w.astype(np.int32) + 128).astype(np.uint8)
        cases.append({"acc": acc, "x": x, "w": stored.view(np.uint32), "depth": np.array([depth])})
        expected.append(acc + x.astype(np.int64) @ w.astype(np.int64))
    outputs = KERNELS["tvm_tiny_byte_products_8"](board, optimize, cases)
    assert np.array_equal(outputs, expected)


@everywhere
def test_four_sums_out_of_three_words(board: str, optimize: str) -> None:
    """The words of sums at both ends of what they may be, and around zero and the bytes' borders."""
    rng = np.random.default_rng(2)
    interesting = [0, 1, -1, 127, 128, -128, -129, 255, 256, -256, -257, 2**16, 2**22 - 1, -(2**22) + 1]
    cases, expected = [], []
    for _ in range(60):
        products = np.where(rng.random(4) < 0.7, rng.choice(interesting, 4), rng.integers(-(2**22) + 1, 2**22, 4)).astype(np.int64)
        inputs, sums = int(rng.integers(-(2**15), 2**15)), rng.integers(-1000, 1000, 4, np.int32)
        stored = products + 128 * inputs  # the weights are stored plus 128
        a, b, c, d = (int(each) for each in stored)
        words = [a + (b << 8) + (c << 16) + (d << 24), c + (d << 8), d + (c << 8) + (b << 16) + (a << 24), inputs]
        cases.append({"sums": sums, "words": np.array([word % 2**32 for word in words], np.uint32)})
        expected.append(sums + products)
    outputs = KERNELS["tvm_tiny_add_byte_products"](board, optimize, cases)
    assert np.array_equal(outputs, expected)


def packed(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Three numbers in a low and a high word, modulo 2^32, as int64."""
    a, b, c = (each.astype(np.int64) for each in (first, second, third))
    return (a + (b << 21)) % 2**32, (c + (b << 10)) % 2**32


@everywhere
def test_packed_dot_product(board: str, optimize: str) -> None:
    rng = np.random.default_rng(3)
    cases, expected = [], []
    # The sums must fit 21 bits with their sign: 63 products of the extremes do.
    for depth, x, w in products(rng, 63, (6,), (), [1, 2, 7, 8, 9, 15, 16, 17, 100]):
        words = np.stack([*packed(*x.T[:3]), *packed(*x.T[3:])], axis=1).astype(np.uint32).view(np.int32)
        acc = rng.integers(-(2**24), 2**24, 6, np.int32)
        cases.append({"acc": acc, "x": words, "w": w, "depth": np.array([depth])})
        expected.append(acc + w.astype(np.int64) @ x.astype(np.int64))
    outputs = KERNELS["tvm_tiny_packed_dot_6"](board, optimize, cases)
    assert np.array_equal(outputs, expected)


@everywhere
def test_three_sums_out_of_two_words(board: str, optimize: str) -> None:
    rng = np.random.default_rng(4)
    ends = [0, 1, -1, 1023, 1024, -1024, 2**11, -(2**11), 2**20 - 1, -(2**20)]
    cases, expected = [], []
    for _ in range(60):
        values = np.where(rng.random(3) < 0.7, rng.choice(ends, 3), rng.integers(-(2**20), 2**20, 3)).astype(np.int64)
        sums = rng.integers(-1000, 1000, 3, np.int32)
        cases.append({"sums": sums, "words": np.array(packed(*values)).astype(np.uint32)})
        expected.append(sums + values)
    outputs = KERNELS["tvm_tiny_add_unpacked"](board, optimize, cases)
    assert np.array_equal(outputs, expected)


@everywhere
@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_row(stride: int, board: str, optimize: str) -> None:
    rng = np.random.default_rng(5)
    cases, expected = [], []
    for case in range(12):
        groups = 1 + case % 8
        columns = stride * (4 * groups - 1) + 3
        pitch = (columns + stride - 1) // stride + case % 3  # rows may be longer than what is read of them
        rows = np.zeros((3, stride * pitch), np.int32)
        rows[:, :columns] = constant_or_random(rng, case % 6, 3, columns)
        taps = np.append(constant_or_random(rng, case // 6 + case % 2, 9).astype(np.int32), rng.integers(-(2**20), 2**20))
        plane = rows if stride == 1 else np.concatenate([rows[:, 0::2], rows[:, 1::2]], axis=1)
        windows = np.lib.stride_tricks.sliding_window_view(rows[:, :columns], (3, 3))[0, ::stride]
        before = rng.integers(-1000, 1000, 32, np.int32)  # what the kernel must overwrite, and leave behind its end
        cases.append({"sums": before, "plane": plane, "taps": taps, "size": np.array([groups, pitch])})
        sums = taps[9] + (windows * taps[:9].reshape(3, 3)).sum(axis=(1, 2))
        expected.append(np.concatenate([sums, before[4 * groups :]]))
    outputs = KERNELS[f"tvm_tiny_depthwise_row_3x3_s{stride}"](board, optimize, cases)
    assert np.array_equal(outputs, expected)


@everywhere
def test_move_of_rows(board: str, optimize: str) -> None:
    """To a lower address, over itself or not; words and single bytes."""
    rng = np.random.default_rng(7)
    cases, expected = [], []
    moves = [(0, 4, 0), (0, 4, 1), (0, 4, 64), (4, 8, 100), (1, 1, 90), (3, 4, 33), (0, 16, 150), (2, 100, 98), (8, 92, 100)]
    for to, distance, size in moves:
        x = random_int8(rng, 200)
        moved = x.copy()
        moved[to : to + size] = x[to + distance : to + distance + size]
        cases.append({"x": x, "move": np.array([to, to + distance, size])})
        expected.append(moved)
    outputs = KERNELS["tvm_tiny_rows_move"](board, optimize, cases)
    assert np.array_equal(outputs, expected)
