"""Calls of every function of the headers for MVE, with what NumPy says that they compute."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from .mve_program import Call

RNG = np.random.default_rng(55)


def int8(*shape: int) -> np.ndarray:
    """Noise over the whole range, both ends of it in front."""
    values = RNG.integers(-128, 128, shape).astype(np.int8)
    values.ravel()[:2] = (-128, 127)[: values.size]
    return values


class Scale:
    """Parameters of ``channels`` channels, and the arithmetic of ``mve_requantize.h`` in wide integers."""

    def __init__(self, channels: int, signed: bool) -> None:
        self.left, self.offset, self.shift = 6, -3 << 9, 9
        self.low, self.high = (-100, 90) if signed else (-128, 127)
        self.bias = RNG.integers(-(2**16), 2**16, channels).astype(np.int32)
        self.multiplier = RNG.integers(2**25, 2**27, channels).astype(np.int32)
        self.unit = RNG.integers(0, 64, channels).astype(np.int32) if signed else np.zeros(channels, np.int32)
        self.signed = signed

    def __call__(self, acc: np.ndarray) -> np.ndarray:
        """Outputs of accumulators (..., channels)."""
        total = (acc.astype(np.int64) << self.left) + self.bias
        total = total - np.where(total < 0, self.unit, 0)
        high = ((total * self.multiplier) >> 31) + self.offset
        return np.clip((high + (1 << (self.shift - 1))) >> self.shift, self.low, self.high).astype(np.int8)

    def grouped(self, size: int) -> np.ndarray:
        """As they lie in memory: for each group of ``size`` channels, biases, multipliers, and units if there are any."""
        roles = np.stack([self.bias, self.multiplier, self.unit][: 3 if self.signed else 2])
        return np.ascontiguousarray(roles.reshape(len(roles), -1, size).transpose(1, 0, 2))

    @property
    def arguments(self) -> str:
        limits = f", {self.low}, {self.high}" if self.signed else ""
        return f"{self.left}, {self.offset}, {self.shift}{limits}"

    @property
    def all_arguments(self) -> str:
        return f"{3 if self.signed else 2}, {self.left}, {self.offset}, {self.shift}, {self.low}, {self.high}"


def packed(weight: np.ndarray, size: int) -> np.ndarray:
    """Weights (channels, depth) in the order of ``mve_dot.h``, group after group of ``size`` channels."""
    parts = [
        group[channel, first : first + 16]
        for group in weight.reshape(-1, size, weight.shape[1])
        for first in range(0, weight.shape[1], 16)
        for channel in range(size)
    ]
    return np.concatenate(parts)


def dots() -> list[Call]:
    """Products of pixels with channels: depths below a vector, of whole ones, and between; odd pixels; outputs with gaps."""
    calls = []
    shapes = [(2, 1, 5, 7), (5, 2, 32, 32), (4, 1, 39, 20), (3, 3, 100, 96)]  # pixels, groups, pitch, depth
    for size, signed, (pixels, groups, pitch, depth) in itertools.product((1, 2, 3, 4), (False, True), shapes):
        calls += _dot(size, signed, (pixels, groups, pitch, depth), ("2x", "_portable", "_small"))
    for size, signed, (groups, depth) in itertools.product(range(1, 9), (False, True), [(1, 9), (2, 48), (3, 37)]):
        calls += _dot(size, signed, (1, groups, 0, depth), ("1x",))
    return calls


def pipelined_dots() -> list[Call]:
    """Four channels: depths of no, one, two and more vectors with and without a remainder; loops over the depth; far outputs."""
    calls = []
    for signed, pixels, depth, (groups, gap) in itertools.product(
        (False, True), (2, 3, 7, 8), (7, 16, 20, 32, 45, 48, 64, 100, 144), ((1, 0), (3, 5), (2, 140))
    ):
        calls += _dot(4, signed, (pixels, groups, depth + pixels % 3, depth), ("_pipelined",), gap)
    return calls


def _dot(size: int, signed: bool, shape: tuple[int, int, int, int], forms: tuple[str, ...], gap: int = 3) -> list[Call]:
    pixels, groups, pitch, depth = shape
    channels, suffix = groups * size, "_signed" if signed else ""
    width, unroll = channels + gap, 1 if depth < 64 else 2
    x, weight, scale = int8((pixels - 1) * pitch + depth), int8(channels, depth), Scale(channels, signed)
    windows = np.stack([x[pixel * pitch : pixel * pitch + depth] for pixel in range(pixels)]).astype(np.int64)
    expected = np.zeros((pixels, width), np.int8)
    expected[:, :channels] = scale(windows @ weight.T.astype(np.int64))
    written = np.broadcast_to(np.arange(width) < channels, expected.shape)
    inputs = {"x": x, "w": packed(weight, size), "p": scale.grouped(size)}
    front, tile, tail = "({out}, {x}, {w}, {p}, ", f"{pitch}, {depth}", scale.arguments
    counts = {
        "2x": f"{size}{suffix}{front}{pixels}, {groups}, {tile}, {unroll}, {width}, {tail})",
        "1x": f"{size}{suffix}{front}{groups}, {depth}, {unroll}, {tail})",
        "_portable": f"{suffix}{front}{pixels}, {groups}, {size}, {tile}, {width}, {tail})",
        "_small": f"{front}{pixels}, {groups}, {size}, {tile}, {width}, {scale.all_arguments})",
        "_pipelined": f"{suffix}{front}{pixels}, {groups}, {tile}, {unroll}, {width}, {tail})",
    }
    names = {"_pipelined": "dot_pipelined", "2x": "dot_2x", "1x": "dot_1x", "_portable": "dot_portable", "_small": "dot_small"}
    chosen = [form for form in forms if form != "_small" or size in (1, 4)]
    return [Call(f"tvm_tiny_mve_{names[form]}{counts[form]}", inputs, expected, written) for form in chosen]


def one_dot() -> list[Call]:
    """One sum: the place of a channel's weights."""
    x, weight = int8(37), int8(3, 37)
    sums = weight.astype(np.int64) @ x
    inputs = {"x": x, "w": packed(weight, 3)}
    return [
        Call(f"{{out}}[0] = tvm_tiny_mve_dot({{x}}, {{w}}, {c}, 3, 37)", inputs, sums[c : c + 1].astype(np.int32)) for c in range(3)
    ]


def depthwise() -> list[Call]:
    """Windows of 1 to 16 taps, rotated; odd pixels; outputs close together and far apart."""
    calls = []
    shapes = [(2, 3, 9), (5, 6, 9), (7, 1, 16), (3, 4, 1)]  # pixels, step, taps
    for size, signed, (pixels, step, taps), gap in itertools.product((1, 2, 3, 4), (False, True), shapes, (0, 130)):
        suffix, width, plane = "_signed" if signed else "", size + gap, (pixels - 1) * step + taps + 2
        x, weight, scale = int8(size * plane + 16), int8(size, taps), Scale(size, signed)
        rotation = np.roll(np.arange(taps), 1).astype(np.uint8)
        at = np.arange(size)[:, None, None] * plane + np.arange(pixels)[:, None] * step + np.arange(taps)
        sums = (x[at].astype(np.int64) * weight[:, None, rotation]).sum(axis=2).T
        expected = np.zeros((pixels, width), np.int8)
        expected[:, :size] = scale(sums)
        written = np.broadcast_to(np.arange(width) < size, expected.shape)
        inputs = {"x": x, "w": weight, "r": rotation, "p": scale.grouped(size), "each": scale.grouped(1)}
        shape = f"{step}, {plane}, {taps}, {width}"
        front = "({out}, {x}, {w}, {r}, "
        calls += [
            Call(f"tvm_tiny_mve_depthwise_{name}{front}{{{role}}}, {numbers})", inputs, expected, written)
            for name, role, numbers in (
                (f"2x{size}{suffix}", "p", f"{pixels}, {shape}, {scale.arguments}"),
                (f"portable{suffix}", "p", f"{pixels}, {size}, {shape}, {scale.arguments}"),
                ("small", "each", f"{pixels}, {size}, {shape}, {scale.all_arguments}"),
            )
        ]
        calls.append(
            Call(f"{{out}}[0] = tvm_tiny_mve_window({{x}}, {{w}}, {{r}}, {taps})", inputs, sums[:1, :1].reshape(1).astype(np.int32))
        )
    return calls


def requantisation() -> list[Call]:
    """One accumulator: where it saturates, and on both sides of zero."""
    calls = []
    for acc, signed in itertools.product((0, -1, 1, 1000, -1000, 2**20, -(2**20)), (False, True)):
        scale = Scale(1, signed)
        numbers = [acc, scale.bias[0], scale.multiplier[0], *(scale.unit if signed else ())]
        name = "tvm_tiny_mve_requantize_signed" if signed else "tvm_tiny_mve_requantize"
        expected = scale(np.array([acc])).astype(np.int32)
        calls.append(Call(f"{{out}}[0] = {name}({', '.join(map(str, numbers))}, {scale.arguments})", {}, expected))
    return calls


def fills() -> list[Call]:
    return [
        Call(f"tvm_tiny_mve_fill({{out}}, {value}, {size})", {}, np.full(size, value, np.int8))
        for value, size in ((-128, 1), (127, 16), (5, 47))
    ]


def columns() -> list[Call]:
    """Columns of one row of an image: channels of no vector, of a vector and of more; a line buffer at an image's edges."""
    calls = []
    for count, channels, gap in ((5, 1, 2), (7, 3, 6), (6, 5, 5), (4, 8, 8), (3, 16, 0), (3, 21, 40), (1, 3, 3), (2, 5, 300)):
        pitch, source = channels + gap, int8(count, channels)
        expected = np.zeros((count, pitch), np.int8)
        expected[:, :channels] = source
        written = np.broadcast_to(np.arange(pitch) < channels, expected.shape)
        numbers = f"{count}, {channels}, {pitch}"
        filled = np.full((count, pitch), -7, np.int8)
        calls += [
            Call(f"tvm_tiny_mve_copy_columns({{out}}, {{x}}, {numbers})", {"x": source}, expected, written),
            Call(f"tvm_tiny_mve_small_columns_row({{out}}, {{x}}, 0, {numbers})", {"x": source}, expected, written),
            Call(f"tvm_tiny_mve_fill_columns({{out}}, -7, {numbers})", {}, filled, written),
            Call(f"tvm_tiny_mve_small_columns_row({{out}}, 0, -7, {numbers})", {}, filled, written),
        ]
    for dilation, (height, width, channels, kernel, top, left, right) in itertools.product(
        (1, 2), ((4, 5, 3, 3, 1, 1, 1), (2, 6, 17, 4, 2, 0, 2))
    ):
        image, last = int8(height, width, channels), height - 1 + top
        reach = [top, (kernel - 1) * dilation + last - top - height + 1]
        padded = np.pad(image, (tuple(max(0, each) for each in reach), (left, right), (0, 0)), constant_values=-9)
        rows = [padded[first : first + (kernel - 1) * dilation + 1 : dilation] for first in range(last + 1)]
        expected = rows[last].transpose(1, 0, 2)
        shape = f"{height}, {width}, {channels}, {kernel}, {dilation}, {left}, {width + left + right}, {width}, -9, 1"
        for name in ("columns", "columns_small"):
            steps = [f"tvm_tiny_mve_{name}({{out}}, {{x}}, {first - top}, {int(first == 0)}, {shape})" for first in range(last + 1)]
            calls.append(Call(";\n  ".join(steps), {"x": image}, np.ascontiguousarray(expected)))
    return calls


def planes() -> list[Call]:
    """Planes of one row of an image; a line buffer whose rows take turns, at an image's edges."""
    calls = []
    for count, channels, kernel in ((5, 1, 3), (4, 8, 3), (3, 11, 2), (4, 16, 3), (3, 24, 1), (2, 30, 3), (3, 40, 3)):
        plane, source = count * kernel + 2, int8(count, channels)
        expected, written = np.zeros((channels, plane), np.int8), np.zeros((channels, plane), bool)
        expected[:, : count * kernel : kernel], written[:, : count * kernel : kernel] = source.T, True
        numbers = f"{count}, {channels}, {kernel}, {plane}"
        apart = np.pad(source, ((0, 0), (0, 9)), constant_values=99)
        filled = np.full((channels, plane), 11, np.int8)
        calls += [
            Call(f"tvm_tiny_mve_copy_planes({{out}}, {{x}}, {numbers}, {channels})", {"x": source}, expected, written),
            Call(f"tvm_tiny_mve_copy_planes({{out}}, {{x}}, {numbers}, {channels + 9})", {"x": apart}, expected, written),
            Call(f"tvm_tiny_mve_small_planes_row({{out}}, {{x}}, 0, {numbers})", {"x": source}, expected, written),
            Call(f"tvm_tiny_mve_fill_planes({{out}}, 11, {numbers})", {}, filled, written),
            Call(f"tvm_tiny_mve_small_planes_row({{out}}, 0, 11, {numbers})", {}, filled, written),
        ]
    for height, width, channels, left, right in ((4, 5, 3, 1, 1), (3, 4, 20, 0, 2), (3, 4, 9, 2, 1)):
        image, kernel, columns_ = int8(height, width, channels), 3, width + left + right
        padded = np.pad(image, ((1, 1), (left, right), (0, 0)), constant_values=-9)
        pitch = columns_ - min(left, right)  # padding that neighbours share
        expected = np.full((channels * pitch + left) * kernel, -9, np.int8)
        for channel, row in itertools.product(range(channels), range(height - 1, height + 2)):
            expected[channel * pitch * kernel + row % kernel :][: columns_ * kernel : kernel] = padded[row, :, channel]
        rest = f"{channels}, {kernel}, 1, {left}, {pitch}, {width}, -9, 1"
        for name in ("planes", "planes_turned", "planes_of", "planes_small"):
            distances = f"{width * channels}, {channels}" if name == "planes_of" else f"{width}"
            shape = f"{height}, {distances}, {rest}"
            steps = [f"tvm_tiny_mve_{name}({{out}}, {{x}}, -1, 3, 0, 1, {shape})"]
            steps += [
                f"tvm_tiny_mve_{name}({{out}}, {{x}}, {line + 1}, 1, {(line + 2) % 3}, 0, {shape})" for line in range(1, height)
            ]
            seen = image.transpose(1, 0, 2) if name == "planes_turned" else image
            calls.append(Call(";\n  ".join(steps), {"x": np.ascontiguousarray(seen)}, expected))
    return calls


def additions(sizes: Sequence[int] = (1, 4, 30)) -> list[Call]:
    """The linear and the tabled form: sizes that fill no vector, shifts beyond what one instruction does, limits."""
    calls = []
    for size, shift, (low, high) in itertools.product(sizes, (1, 16, 20), ((-128, 127), (-90, 77))):
        x, y = int8(size), int8(size)
        a, b, c = int(1.2 * 2**shift), -int(0.7 * 2**shift), 5 << shift
        half = 1 << (shift - 1)
        linear = (x.astype(np.int64) * a + y.astype(np.int64) * b + c + half) >> shift
        table = RNG.integers(-200 << shift, 200 << shift, 256).astype(np.int32)
        tabled = (table[x.astype(int) + 128].astype(np.int64) + y.astype(np.int64) * b + half) >> shift
        limits, inputs = f"{shift}, {low}, {high}", {"x": x, "y": y, "t": table}
        held = [np.clip(each, low, high) for each in (linear, tabled)]
        calls += [
            Call(
                f"tvm_tiny_mve_linear_row({{out}}, {{x}}, {{y}}, {size}, {a}, {b}, {c}, {limits})", inputs, held[0].astype(np.int8)
            ),
            Call(f"tvm_tiny_mve_table_row({{out}}, {{x}}, {{y}}, {{t}}, {size}, {b}, {limits})", inputs, held[1].astype(np.int8)),
            Call(f"{{out}}[0] = tvm_tiny_mve_linear({x[0]}, {y[0]}, {a}, {b}, {c}, {limits})", {}, held[0][:1].astype(np.int32)),
        ]
    return calls


def windows() -> list[Call]:
    """Sums over windows, on top of what is there."""
    calls = []
    for channels, rows, columns_, width in ((1, 2, 2, 3), (4, 1, 3, 3), (8, 3, 1, 4), (13, 2, 3, 300), (64, 5, 2, 2)):
        image = int8(rows, width, channels)
        before = int.from_bytes(bytes([0x55] * 4), "little")
        sums = image[:, :columns_].astype(np.int64).sum(axis=(0, 1)) + before
        numbers = f"{channels}, {rows}, {columns_}, {width * channels}, {channels}"
        calls.append(Call(f"tvm_tiny_mve_sum_window({{out}}, {{x}}, {numbers})", {"x": image}, sums.astype(np.int32)))
    return calls


CALLS = {
    "products": dots,
    "products, pipelined": pipelined_dots,
    "one product": one_dot,
    "depthwise": depthwise,
    "requantisation": requantisation,
    "fill": fills,
    "columns": columns,
    "planes": planes,
    "additions": additions,
    "windows": windows,
}
