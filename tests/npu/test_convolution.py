"""Convolutions on the array against LiteRT's reference kernels: shapes, windows, splits, folds, stripes, gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.npu.bench import ETPU_16, ETPU_32, ETPU_64, SMALL, Bench, folded, limits, parameters
from tvm_tiny.errors import StreamError
from tvm_tiny.npu.commands import Clamp, Convolution, Map, Requantization, Waits, Window
from tvm_tiny.op.rounding import quantize_multipliers
from tvm_tiny.target.npu import Npu
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

IN_SCALE, IN_ZERO = 0.04, 7


@dataclass(frozen=True)
class Layer:
    """A convolution as TFLite has it."""

    shape: tuple[int, int, int]
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "SAME"
    activation: str = "NONE"
    depthwise: bool = False
    scale: float = 0.1
    zero_point: int = -11


def reference(layer: Layer, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights (channels, kh, kw, c), bias, real scales, input and what LiteRT makes of it."""
    rng = np.random.default_rng(seed)
    builder = TFLiteBuilder()
    x = builder.input("x", (1, *layer.shape), "int8", scale=IN_SCALE, zero_point=IN_ZERO)
    bias = rng.integers(-2000, 2000, layer.channels).astype(np.int32)
    options = {"stride": layer.stride, "dilation": layer.dilation, "padding": layer.padding, "activation": layer.activation}
    options |= {"scale": layer.scale, "zero_point": layer.zero_point}
    if layer.depthwise:
        stored = builder.weights("w", rng.normal(0, 0.5, (1, *layer.kernel, layer.channels)).astype(np.float32), axis=3)
        y = builder.depthwise_conv2d(x, stored, bias, "y", **options)  # type: ignore[arg-type]
        weights = np.moveaxis(stored.data, 3, 0)
    else:
        shape = (layer.channels, *layer.kernel, layer.shape[2])
        stored = builder.weights("w", rng.normal(0, 0.5, shape).astype(np.float32), axis=0)
        y = builder.conv2d(x, stored, bias, "y", **options)  # type: ignore[arg-type]
        weights = stored.data
    values = rng.integers(-128, 128, (1, *layer.shape)).astype(np.int8)
    scales = np.array([np.float64(np.float32(IN_SCALE)) * s / np.float64(np.float32(layer.scale)) for s in stored.scale])
    expected = LiteRTReference(builder.build([y])).run({"x": values})["y"]
    return weights, bias, scales, values[0], expected[0]


def padding_before(layer: Layer, output: tuple[int, ...]) -> tuple[int, int]:
    if layer.padding == "VALID":
        return 0, 0
    reach = [(o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(output, layer.stride, layer.kernel, layer.dilation, strict=False)]
    return max(reach[0] - layer.shape[0], 0) // 2, max(reach[1] - layer.shape[1], 0) // 2


def command_of(
    bench: Bench, layer: Layer, weights: np.ndarray, bias: np.ndarray, scales: np.ndarray, input: Map, output: Map,
    output_shape: tuple[int, ...], split: int = 1, depth_step: int = 0,
) -> Convolution:  # fmt: skip
    """All rows in one command. The input's zero point goes into the bias, as a compiler puts it."""
    height, width, channels = output_shape
    step = depth_step or bench.npu.size
    moved = bias - IN_ZERO * weights.astype(np.int64).sum(axis=(1, 2, 3))
    top, left = padding_before(layer, output_shape)
    return Convolution(
        layer=3,
        input=input,
        input_shape=layer.shape,
        output=output,
        output_width=width,
        channels=channels,
        first_row=0,
        rows=height,
        window=Window(layer.kernel, layer.stride, layer.dilation, top, left, IN_ZERO),
        weights=bench.place(folded(weights, bench.npu.size // split, step)),
        parameters=bench.place(parameters(moved, *quantize_multipliers(scales))),
        depth_step=step,
        clamp=limits(layer.activation, layer.scale, layer.zero_point),
        split=split,
        depthwise=layer.depthwise,
    )


def stripes(command: Convolution, rows: int) -> list[Convolution]:
    end = command.first_row + command.rows
    return [replace(command, first_row=row, rows=min(rows, end - row)) for row in range(command.first_row, end, rows)]


def check(
    layer: Layer, npu: Npu, *, seed: int = 1, split: int = 1, depth_step: int = 0, rows: int = 0,
    input_gaps: dict[str, int] | None = None, output_gaps: dict[str, int] | None = None,
) -> None:  # fmt: skip
    """The layer on the NPU is LiteRT's, and nothing but its output is written."""
    weights, bias, scales, values, expected = reference(layer, seed)
    bench = Bench(npu, seed)
    input = bench.filled(values, **input_gaps or {})
    output = bench.map(expected.shape, **output_gaps or {})  # type: ignore[arg-type]
    command = command_of(bench, layer, weights, bias, scales, input, output, expected.shape, split, depth_step)
    before = bench.device.sram.copy()
    run = bench.run(*stripes(command, rows or command.rows))
    np.testing.assert_array_equal(bench.view(output, expected.shape), expected)
    bench.view(output, expected.shape)[:] = before.view(np.int8)[0]
    after = bench.device.sram.copy()
    bench.device.sram[:] = before
    bench.view(output, expected.shape)[:] = before.view(np.int8)[0]
    np.testing.assert_array_equal(after, bench.device.sram)
    assert sum(event.macs for event in run.events) == weights[0].size * expected.size


LAYERS = {
    "pointwise": Layer((5, 6, 16), 24),
    "dense": Layer((1, 1, 40), 12),
    "3x3": Layer((7, 6, 5), 8, (3, 3)),
    "3x3 without padding": Layer((7, 6, 5), 8, (3, 3), padding="VALID"),
    "strided": Layer((9, 8, 4), 6, (3, 3), (2, 2)),
    "strides that differ": Layer((9, 8, 4), 6, (3, 3), (2, 1)),
    "dilated": Layer((9, 9, 4), 6, (3, 3), dilation=(2, 3)),
    "large kernel, one channel": Layer((25, 10, 1), 8, (10, 4), (2, 2)),
    "three channels": Layer((8, 8, 3), 16, (3, 3), (2, 2), activation="RELU6"),
    "one channel in and out": Layer((5, 4, 1), 1, (2, 2), activation="RELU"),
    "channels that fill no fold": Layer((4, 4, 6), 37, (3, 3)),
    "one row": Layer((1, 12, 8), 4, (1, 5), activation="RELU_N1_TO_1"),
    "a large output scale": Layer((5, 5, 4), 6, (3, 3), scale=30.0, zero_point=127),
    "a small output scale": Layer((5, 5, 4), 6, (3, 3), scale=0.0007),
}

DEPTHWISE = {
    "3x3": Layer((7, 6, 5), 5, (3, 3), depthwise=True),
    "strided": Layer((9, 8, 20), 20, (3, 3), (2, 2), depthwise=True, activation="RELU6"),
    "dilated": Layer((9, 9, 4), 4, (3, 3), dilation=(2, 3), depthwise=True),
    "more taps than rows": Layer((12, 9, 7), 7, (5, 5), depthwise=True, padding="VALID"),
    "one tap": Layer((3, 4, 33), 33, depthwise=True),
    "a tall kernel": Layer((9, 1, 6), 6, (6, 1), (3, 1), depthwise=True),
}


@pytest.mark.parametrize("npu", [SMALL, ETPU_16, ETPU_32, ETPU_64], ids=["small", "16", "32", "64"])
@pytest.mark.parametrize("name", LAYERS)
def test_equals_litert(name: str, npu: Npu) -> None:
    check(LAYERS[name], npu, rows=3)


@pytest.mark.parametrize("npu", [SMALL, ETPU_16], ids=["small", "16"])
@pytest.mark.parametrize("name", DEPTHWISE)
def test_depthwise_equals_litert(name: str, npu: Npu) -> None:
    check(DEPTHWISE[name], npu, rows=2)
    check(DEPTHWISE[name], npu, rows=4, depth_step=3, input_gaps={"pixel_gap": 2, "row_gap": 5}, output_gaps={"pixel_gap": 3})


@pytest.mark.parametrize("seed", range(12))
def test_any_split_and_fold_gives_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layer = LAYERS[str(rng.choice(list(LAYERS)))]
    npu = [SMALL, ETPU_16, ETPU_64][rng.integers(3)]
    split = int(2 ** rng.integers(0, npu.feeds.bit_length()))
    gaps = {"pixel_gap": int(rng.integers(0, 9)), "row_gap": int(rng.integers(0, 9)), "ahead": int(rng.integers(0, 5))}
    check(layer, npu, seed=seed, split=split, depth_step=int(rng.integers(1, npu.size + 1)), rows=int(rng.integers(1, 6)),
          input_gaps=gaps, output_gaps=dict(reversed(gaps.items())))  # fmt: skip


def test_rows_of_rolling_buffers() -> None:
    """A chain of two 3x3 convolutions, the map between them four rows high."""
    first, second = Layer((9, 6, 5), 8, (3, 3), scale=IN_SCALE, zero_point=IN_ZERO), Layer((9, 6, 8), 6, (3, 3), (2, 1))
    w1, b1, s1, values, between = reference(first, 1)
    w2, b2, s2, _values, _expected = reference(second, 2)
    expected = run_on(second, w2, b2, s2, between)
    bench = Bench(SMALL)
    rolling, output = bench.map(between.shape, buffer_rows=4), bench.map(expected.shape)  # type: ignore[arg-type]
    one = command_of(bench, first, w1, b1, s1, bench.filled(values), rolling, between.shape)
    two = command_of(bench, second, w2, b2, s2, rolling, output, expected.shape)
    commands: list[Convolution] = []
    done = 0
    for row in range(expected.shape[0]):
        wanted = min(row * 2 + 2, between.shape[0])
        commands += [replace(one, first_row=each, rows=1) for each in range(done, wanted)]
        done = max(done, wanted)
        commands.append(replace(two, first_row=row, rows=1, waits=Waits(array=len(commands))))
    bench.run(*commands)
    np.testing.assert_array_equal(bench.view(output, expected.shape), expected)


def run_on(layer: Layer, weights: np.ndarray, bias: np.ndarray, scales: np.ndarray, values: np.ndarray) -> np.ndarray:
    """``layer`` on other values, by NumPy in 64 bits and TFLite's roundings in Python's integers."""
    from tvm_tiny.op.fixed_point import requantize

    top, left = padding_before(
        layer, tuple(-(-extent // stride) for extent, stride in zip(layer.shape, layer.stride, strict=False))
    )
    height, width = (-(-extent // stride) for extent, stride in zip(layer.shape[:2], layer.stride, strict=True))
    padded = np.pad(values.astype(np.int64) - IN_ZERO, ((top, 9), (left, 9), (0, 0)))
    sums = np.zeros((height, width, layer.channels), np.int64)
    for i in range(layer.kernel[0]):
        for j in range(layer.kernel[1]):
            seen = padded[i : i + height * layer.stride[0] : layer.stride[0], j : j + width * layer.stride[1] : layer.stride[1]]
            sums += np.einsum("yxc,oc->yxo", seen[:height, :width], weights[:, i, j, :].astype(np.int64))
    multipliers, shifts = quantize_multipliers(scales)
    clamp = limits(layer.activation, layer.scale, layer.zero_point)
    result = np.empty(sums.shape, np.int8)
    for place in np.ndindex(*sums.shape):
        c = place[2]
        value = requantize(int(sums[place] + bias[c]), int(multipliers[c]), int(shifts[c])) + clamp.zero_point
        result[place] = min(max(value, clamp.low), clamp.high)
    return result


def test_single_rounding_and_its_nudge() -> None:
    """Against the formula in Python's integers, on accumulators from end to end."""
    rng = np.random.default_rng(5)
    channels = 64
    bias = rng.integers(-(2**31), 2**31, channels)
    multiplier, shift = rng.integers(-(2**31), 2**31, channels), rng.integers(-31, 31, channels)
    nudge = rng.integers(-(2**31), 2**31, channels)
    bench = Bench()
    values = rng.integers(-128, 128, (1, 3, 20)).astype(np.int8)
    weights = rng.integers(-128, 128, (channels, 1, 1, 20)).astype(np.int8)
    output = bench.map((1, 3, channels))
    bench.run(
        Convolution(
            0, bench.filled(values), (1, 3, 20), output, 3, channels, 0, 1, Window(), bench.place(folded(weights, 16, 16)),
            bench.place(parameters(bias, multiplier, shift, nudge)), 16, Clamp(-5, -100, 90), Requantization.SINGLE,
        )
    )  # fmt: skip
    sums = np.einsum("yxc,oc->yxo", values.astype(np.int64), weights[:, 0, 0].astype(np.int64))
    for place in np.ndindex(*sums.shape):
        c = place[2]
        total = (int(sums[place]) + int(bias[c]) + 2**31) % 2**32 - 2**31
        value = (total * int(multiplier[c]) + (1 << (30 - int(shift[c]))) + int(nudge[c])) >> (31 - int(shift[c]))
        assert bench.view(output, sums.shape)[place] == min(max(value - 5, -100), 90)


def test_a_shift_out_of_range_stops_the_device() -> None:
    bench = Bench()
    values = np.zeros((1, 1, 4), np.int8)
    row = bench.place(parameters(np.zeros(4), np.full(4, 1 << 30), np.array([0, 31, 0, 0])))
    command = Convolution(
        0, bench.filled(values), (1, 1, 4), bench.map((1, 1, 4)), 1, 4, 0, 1, Window(), bench.room(16), row, 16, Clamp()
    )
    with pytest.raises(StreamError, match=r"command 0: a channel's parameters have a shift out of -31 to 30"):
        bench.run(command)
