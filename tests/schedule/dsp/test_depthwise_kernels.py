"""The functions of runtime/dsp_depthwise.h, dsp_gather.h and dsp.h one by one: the portable twins on this machine, with sanitizers,
and the assembly on an emulated core, against NumPy. What a function gets lies in memory that ends where it must not read on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tvm_tiny.board import get_board
from tvm_tiny.codegen.runtime import header_files
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.model import TensorSpec

from .products import M4

RNG = np.random.default_rng(8)
BYTES = np.concatenate([np.array([-128, 127, -128, -128, 127, 127, 0, -1], np.int8), RNG.integers(-128, 128, 4088).astype(np.int8)])
HEADER = "tvm_tiny/runtime/dsp_depthwise.h"


def computed(body: str, words: int) -> np.ndarray:
    """What ``body`` writes to the int32 array ``y`` of so many words, zero before; ``x`` is :data:`BYTES`. The same on both."""
    size = len(BYTES) + 4 * words
    header = f"""#ifndef HAND_H_
#define HAND_H_
#include <stdint.h>
#define HAND_ARENA_SIZE {size}u
#define HAND_ARENA_ALIGNMENT 16u
#define HAND_X_SIZE {len(BYTES)}u
#define HAND_X_OFFSET 0u
#define HAND_Y_SIZE {4 * words}u
#define HAND_Y_OFFSET {len(BYTES)}u
enum hand_status {{ HAND_OK = 0 }};
struct hand_inputs {{ const int8_t *x; }};
struct hand_outputs {{ int32_t *y; }};
enum hand_status hand_run(void *arena, const struct hand_inputs *inputs, const struct hand_outputs *outputs);
#endif
"""
    source = f"""#include "hand.h"
#include <stddef.h>
#include <string.h>
#include "{HEADER}"
enum hand_status hand_run(void *arena, const struct hand_inputs *inputs, const struct hand_outputs *outputs) {{
  const int8_t *x = (inputs != NULL && inputs->x != NULL) ? inputs->x : (int8_t *)arena;
  int32_t *y = (outputs != NULL && outputs->y != NULL) ? outputs->y : (int32_t *)(void *)((int8_t *)arena + HAND_Y_OFFSET);
  (void)memset(y, 0, HAND_Y_SIZE);
  (void)x;
{body}
  return HAND_OK;
}}
"""
    module = CModule(
        name="hand",
        target="cortex-m4",
        files={"hand.h": header, "hand.c": source, **header_files([HEADER])},
        sources=("hand.c",),
        inputs=(TensorSpec("x", BYTES.shape, "int8"),),
        outputs=(TensorSpec("y", (words,), "int32"),),
        input_members=("x",),
        output_members=("y",),
        arena_size=size,
        arena_alignment=16,
        weights_size=0,
        layers=(),
    )
    host, core = get_board("host"), get_board(M4)
    portable = host.run(host.build(module, sanitize=True), [{"x": BYTES}]).outputs[0]["y"]
    assembly = core.run(core.build(module), [{"x": BYTES}]).outputs[0]["y"]
    np.testing.assert_array_equal(assembly, portable)
    return portable


def packed(low: np.ndarray | int, high: np.ndarray | int) -> np.ndarray:
    both = (np.asarray(low, np.int64) & 0xFFFF) | ((np.asarray(high, np.int64) & 0xFFFF) << 16)
    return both.astype(np.uint32).view(np.int32)


def wrapped(values: np.ndarray) -> np.ndarray:
    return (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


LANES = BYTES.view("<i2").reshape(-1, 2).astype(np.int64)  # of each word
WORDS = BYTES.view("<i4").astype(np.int64)
FOURS = BYTES.reshape(-1, 4).astype(np.int64)
NEXT = np.roll(WORDS, -1)
SINGLE = {
    "tvm_tiny_even_lanes((uint32_t)a)": packed(FOURS[:, 0], FOURS[:, 2]),
    "tvm_tiny_odd_lanes((uint32_t)a)": packed(256 * FOURS[:, 1] - FOURS[:, 0] + 127, 256 * FOURS[:, 3] - FOURS[:, 2] + 127),
    "tvm_tiny_sum_odd(a, b, a)": wrapped(WORDS + LANES.sum(axis=1) + np.roll(LANES, -1, axis=0).sum(axis=1)),
    "(int32_t)tvm_tiny_load_s8x4(x + 4 * i)": WORDS,
    "(int32_t)tvm_tiny_pack_s8x4(x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3])": WORDS,
    "tvm_tiny_wrapping_add(a, b)": wrapped(WORDS + NEXT),
    "tvm_tiny_smlad(a, b, a)": wrapped(WORDS + (LANES * np.roll(LANES, -1, axis=0)).sum(axis=1)),
    "tvm_tiny_minus_128(a)": wrapped(-128 * WORDS),
    "tvm_tiny_high_word(a, b, a)": wrapped(((WORDS * NEXT) >> 32) + WORDS),
    "tvm_tiny_saturate_s8(a >> 20)": np.clip(WORDS >> 20, -128, 127),
    "tvm_tiny_less_if_negative(a / 2, b / 4, b)": np.fix(WORDS / 2) - np.where(NEXT < 0, np.fix(NEXT / 4), 0),
    "tvm_tiny_requantize_high(a, b, 5, 22)": np.clip((((WORDS * NEXT) >> 32) + 5) >> 22, -128, 127),
    "tvm_tiny_pack_s16x2(a, b)": packed(WORDS, NEXT),
    "tvm_tiny_lane_s16(a, 0)": LANES[:, 0],
    "tvm_tiny_lane_s16(a, 1)": LANES[:, 1],
}


def test_arithmetic() -> None:
    count = len(WORDS)
    loop = "for (int32_t i = 0; i < {count}; ++i) {{ const int32_t a = (int32_t)tvm_tiny_load_s8x4(x + 4 * i);\n"
    loop += (
        "const int32_t b = (int32_t)tvm_tiny_load_s8x4(x + 4 * ((i + 1) % {count})); (void)a; (void)b;\ny[{at} + i] = {call}; }}"
    )
    body = "\n".join(loop.format(count=count, at=n * count, call=call) for n, call in enumerate(SINGLE))
    found = computed(body, len(SINGLE) * count).reshape(-1, count)
    for (call, expected), values in zip(SINGLE.items(), found, strict=True):
        np.testing.assert_array_equal(values, expected, err_msg=call)


@pytest.mark.parametrize("signed", [True, False])
def test_four_weights_against_lanes(signed: bool) -> None:
    """256 times the sum of products, and what is too much in it; a lane is 256 * w_even + w_odd, w_odd signed or not."""
    count, lanes = len(WORDS) - 1, "tvm_tiny_even_lanes((uint32_t)a), tvm_tiny_odd_lanes((uint32_t)a)"
    read = "const int32_t a = (int32_t)tvm_tiny_load_s8x4(x + 4 * i), b = (int32_t)tvm_tiny_load_s8x4(x + 4 * i + 4);"
    calls = [f"tvm_tiny_dot_{'s' if signed else 'u'}8x4({lanes}, b, 3)", f"tvm_tiny_dot_x8x4({lanes}, b, 3, {int(signed)})"]
    loops = [f"for (int32_t i = 0; i < {count}; ++i) {{ {read} y[{n * count} + i] = {call}; }}" for n, call in enumerate(calls)]
    found = computed("\n".join(loops), 2 * count).reshape(2, count)
    inputs, odd = FOURS[:-1], FOURS[1:, ::2] if signed else FOURS[1:, ::2] & 0xFF
    even = (LANES[1:] - odd) // 256
    exact = 256 * (inputs[:, ::2] * even + inputs[:, 1::2] * odd).sum(axis=1) + 127 * odd.sum(axis=1)
    np.testing.assert_array_equal(found, np.stack([3 + exact, 3 + exact]))


def test_rows_are_gathered() -> None:
    """Counts around whole turns of the loop, one row and several, steps up and down in memory."""
    body, expected = [], []
    for stride, pitch in ((1, 5), (2, 9)):
        for count, rows, step in itertools.product((1, 2, 7, 8, 9, 16, 17), (1, 2, 6), (1, 3, 40)):
            at, advance = len(expected) * 160, 5
            low, high = 11, 900
            body.append(f"tvm_tiny_gather_rows_s{stride}(y + {at}, x + {low}, x + {high}, {step}, {count}, {rows}, {advance});")
            words = np.zeros(160, np.int32)
            for row, n in itertools.product(range(rows), range(count)):
                place = row * advance + n * step
                words[pitch * n + row] = packed(int(BYTES[low + place]), int(BYTES[high + place]))
            expected.append(words)
    found = computed("\n".join(body), 160 * len(expected)).reshape(-1, 160)
    np.testing.assert_array_equal(found, np.stack(expected))


@pytest.mark.parametrize("lane", ["low", "high"])
def test_one_row_beside_padding(lane: str) -> None:
    cases = list(itertools.product((1, 2, 7, 8, 9, 16, 25), (1, 4, 33), (-128, 127)))
    body, expected = [], np.zeros((len(cases), 180), np.int32)
    for index, (count, step, other) in enumerate(cases):
        body.append(f"tvm_tiny_gather_{lane}_s1(y + {180 * index}, x + 3, {other}, {step}, {count});")
        values = BYTES[3 : 3 + step * count : step]
        expected[index, : 5 * count : 5] = packed(values, other) if lane == "low" else packed(other, values)
    np.testing.assert_array_equal(computed("\n".join(body), expected.size).reshape(expected.shape), expected)


def test_filling() -> None:
    found = computed("tvm_tiny_fill_words(y + 1, -5, 2, 3, 4); tvm_tiny_fill_words(y, 9, 0, 3, 4);", 12)
    assert found.tolist() == [0, -5, -5, 0, 0, -5, -5, 0, 0, -5, -5, 0]


def ordered(weights: np.ndarray, order: tuple[int, ...]) -> str:
    """The nine weights, (across, along), as C; ``order`` lists 3 * along + across."""
    return "{" + ", ".join(str(weight) for weight in weights.T.reshape(9)[list(order)]) + "}"


ORDERS = {1: (0, 3, 1, 4, 6, 2, 7, 5, 8), 2: (0, 1, 3, 4, 2, 6, 5, 7, 8)}
WEIGHTS = [np.full((3, 3), -128, np.int8), np.full((3, 3), 127, np.int8), RNG.integers(-128, 128, (3, 3)).astype(np.int8)]


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["by12", "by15", "by9", "by6", "sums"])
def test_kernels(kind: str, stride: int) -> None:
    """Every entry into the loop and several turns of it; one row and several; the image lies with steps of 50 and 2."""
    body, expected, pad = [], [], -7
    for case, (along, across) in enumerate(itertools.product((2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 20), (1, 2, 3, 4))):
        weights, begin, multiplier = WEIGHTS[case % 3], int(RNG.integers(-(2**29), 2**29)), int(RNG.integers(2**22, 2**31))
        height, width, top, left = (across, along, 1, 1) if stride == 1 else (2 * across, 2 * along, 0, case % 2)
        image = np.full((2 * across + 3, 2 * along + 5), pad, np.int64)
        rows = np.arange(height)[:, None] * 50 + np.arange(width) * 2
        image[top : top + height, left : left + width] = BYTES[rows]
        total = np.full((across, along), begin, np.int64)
        for i, j in itertools.product(range(3), range(3)):
            part = image[i : i + stride * (across - 1) + 1 : stride, j : j + stride * (along - 1) + 1 : stride]
            total += 256 * part * int(weights[i, j])
        total = wrapped(total).astype(np.int64)
        at = 100 * len(expected)
        gather = (
            f"tvm_tiny_depthwise_plane_s1(plane, x, {pad}, 1, {height}, {along}, 50, 2);"
            if stride == 1
            else f"tvm_tiny_depthwise_plane_s2(plane, x, {pad}, 0, {height}, 1, {along}, 50, 2, {left}, {width});"
        )
        sums = kind == "sums"
        steps, target = (f"{4 * along}, 4", f"y + {at}") if sums else (f"{along}, 1", f"(int8_t *)(y + {at})")
        body.append(
            f"{{ int32_t plane[200], shape[9]; static const int32_t parameters[2] = {{{begin}, {multiplier}}};\n"
            f"static const int8_t weights[9] = {ordered(weights, ORDERS[stride])};\n{gather}\n"
            f"tvm_tiny_depthwise_shape(shape, {stride}, {along}, {steps}, {pad}, {int(sums)});\n"
            f"tvm_tiny_depthwise_s{stride}_{kind}(plane, {target}, weights, shape, {across}, parameters); }}"
        )
        words = np.zeros(100, np.int32)
        if sums:
            words[: total.size] = total.ravel()
        else:
            words.view(np.int8)[: total.size] = np.clip((total * multiplier) >> (32 + int(kind[2:])), -128, 127).ravel()
        expected.append(words)
    np.testing.assert_array_equal(computed("\n".join(body), 100 * len(expected)).reshape(-1, 100), np.stack(expected))
