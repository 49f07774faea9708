"""The vector unit against LiteRT: sums, products, pools, tables, softmax, resizing, padding; stripes and gaps between pixels."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tests.npu.bench import ETPU_16, Bench, limits
from tvm_tiny.errors import StreamError
from tvm_tiny.npu.commands import Clamp, Command, Elementwise, Lookup, Map, Pool, Resize, Softmax, Window
from tvm_tiny.op.resize_nearest import tflite_places
from tvm_tiny.op.rounding import quantize_multiplier
from tvm_tiny.op.softmax import tflite_exponentials
from tvm_tiny.testing.litert_reference import LiteRTReference
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

SHAPE = (5, 7, 9)
GAPS = {"pixel_gap": 3, "row_gap": 2, "ahead": 1}


def values_of(rng: np.random.Generator, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return rng.integers(-128, 128, shape).astype(np.int8)


def in_stripes(command: Command, rows: int) -> list[Command]:
    assert not isinstance(command, Lookup) or command.rows
    first, count = command.first_row, command.rows  # type: ignore[union-attr]
    return [replace(command, first_row=row, rows=min(rows, first + count - row)) for row in range(first, first + count, rows)]  # type: ignore[call-arg]


def gaps(index: int) -> dict[str, int]:
    return GAPS if index % 2 else {}


def f64(value: float) -> float:
    return float(np.float32(value))


def elementwise(kind: str, scales: tuple[float, float, float], zeros: tuple[int, int, int], activation: str) -> Elementwise:
    """The command with TFLite's multipliers; its maps are to be filled in."""
    first, second, output = (f64(scale) for scale in scales)
    none = Map(0, 0, 0, 1)
    if kind == "mul":
        ratio = f64(np.float32(scales[0]) * np.float32(scales[1]) / np.float32(scales[2]))
        pairs = [(0, 0), (0, 0), quantize_multiplier(ratio)]
    else:
        twice = 2 * max(first, second)
        pairs = [quantize_multiplier(ratio) for ratio in (first / twice, second / twice, twice / ((1 << 20) * output))]
    multipliers, shifts = zip(*pairs, strict=True)
    return Elementwise(
        0, kind, (none, none), none, SHAPE[1], SHAPE[2], 0, SHAPE[0],
        zeros[:2], multipliers[:2], shifts[:2], multipliers[2], shifts[2], limits(activation, scales[2], zeros[2]),
    )  # fmt: skip


CASES = [
    ((0.05, 0.03, 0.09), (3, -128, 5), "NONE"),
    ((0.01, 0.5, 0.3), (127, -4, -128), "RELU"),
    ((0.2, 0.2, 0.05), (0, 0, 0), "RELU6"),
    ((0.004, 0.004, 0.03), (-20, 11, 60), "RELU_N1_TO_1"),
]


@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_elementwise(kind: str, case: int) -> None:
    scales, zeros, activation = CASES[case]
    rng = np.random.default_rng(case)
    builder = TFLiteBuilder()
    operands = [builder.input(name, (1, *SHAPE), scale=scales[i], zero_point=zeros[i]) for i, name in enumerate("xy")]
    result = getattr(builder, kind)(*operands, "z", scale=scales[2], zero_point=zeros[2], activation=activation)
    x, y = values_of(rng), values_of(rng)
    expected = LiteRTReference(builder.build([result])).run({"x": x[None], "y": y[None]})["z"][0]
    for layout in range(4):
        bench = Bench()
        inputs = bench.filled(x, **gaps(layout)), bench.filled(y, **gaps(layout // 2))
        output = bench.map(SHAPE, **gaps(layout))
        bench.run(*in_stripes(replace(elementwise(kind, scales, zeros, activation), inputs=inputs, output=output), layout + 1))
        np.testing.assert_array_equal(bench.view(output, SHAPE), expected)


def test_elementwise_in_place_and_broadcast() -> None:
    scales, zeros, activation = CASES[0]
    rng = np.random.default_rng(9)
    builder = TFLiteBuilder()
    first = builder.input("x", (1, *SHAPE), scale=scales[0], zero_point=zeros[0])
    second = builder.input("y", (1, 1, 1, SHAPE[2]), scale=scales[1], zero_point=zeros[1])
    model = builder.build([builder.mul(first, second, "z", scale=scales[2], zero_point=zeros[2])])
    x, y = values_of(rng), values_of(rng, (1, 1, SHAPE[2]))
    expected = LiteRTReference(model).run({"x": x[None], "y": y[None]})["z"][0]
    bench = Bench()
    map = bench.filled(x)
    vector = replace(bench.filled(y), row_bytes=0, pixel_bytes=0, buffer_rows=SHAPE[0])
    bench.run(replace(elementwise("mul", scales, zeros, activation), inputs=(map, vector), output=map))
    np.testing.assert_array_equal(bench.view(map, SHAPE), expected)


POOLS = [
    ((9, 7, 5), (3, 3), (2, 2)),
    ((8, 8, 18), (2, 2), (2, 2)),
    ((5, 11, 1), (4, 3), (1, 3)),
    ((6, 5, 8), (6, 5), (1, 1)),
]


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("case", range(len(POOLS)))
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_pool(kind: str, padding: str, case: int, dtype: str) -> None:
    shape, size, stride = POOLS[case]
    activation = ("NONE", "RELU", "RELU6")[case % 3]
    offset = 128 if dtype == "uint8" else 0
    builder = TFLiteBuilder()
    x = builder.input("x", (1, *shape), dtype, 0.05, -3 + offset)
    method = builder.max_pool2d if kind == "max" else builder.average_pool2d
    y = method(x, size, "y", stride=stride, padding=padding, activation=activation)
    values = values_of(np.random.default_rng(case), shape)
    stored = (values.astype(np.int16) + offset).astype(dtype)
    expected = LiteRTReference(builder.build([y])).run({"x": stored[None]})["y"][0].astype(np.int16) - offset
    height, width = expected.shape[:2]
    before = [max((o - 1) * s + k - n, 0) // 2 for o, s, k, n in zip(expected.shape, stride, size, shape, strict=False)]
    top, left = before if padding == "SAME" else (0, 0)
    bench = Bench()
    output = bench.map(expected.shape, **gaps(case))
    command = Pool(
        0, kind, bench.filled(values, **gaps(case + 1)), shape, output, width, 0, height, Window(size, stride, (1, 1), top, left),
        replace(limits(activation, 0.05, -3), zero_point=0), offset if kind == "average" else 0,
    )  # fmt: skip
    bench.run(*in_stripes(command, 2))
    np.testing.assert_array_equal(bench.view(output, expected.shape), expected)


def test_lookup() -> None:
    """LiteRT's logistic, whose table is made by itself from all inputs; in place and out of place."""
    builder = TFLiteBuilder()
    model = builder.build([builder.logistic(builder.input("x", (1, 256), scale=0.04, zero_point=9), "y")])
    table = LiteRTReference(model).run({"x": np.arange(-128, 128, dtype=np.int8)[None]})["y"][0]
    values = values_of(np.random.default_rng(1))
    for index in range(4):
        bench = Bench()
        input = bench.filled(values, **gaps(index))
        output = input if index < 2 else bench.map(SHAPE, **gaps(index // 2))
        bench.run(*in_stripes(Lookup(0, input, output, SHAPE[1], SHAPE[2], 0, SHAPE[0], bench.place(table)), 2))
        np.testing.assert_array_equal(bench.view(output, SHAPE), table[values.astype(int) + 128])


@pytest.mark.parametrize(("channels", "scale"), [(2, 0.02), (10, 0.1), (300, 0.05), (1, 0.1), (500, 1e-4), (4095, 0.3)])
def test_softmax(channels: int, scale: float) -> None:
    shape = (2, 3, channels)
    builder = TFLiteBuilder()
    model = builder.build([builder.softmax(builder.input("x", (1, *shape), scale=scale, zero_point=3), "y")])
    values = values_of(np.random.default_rng(channels), shape)
    expected = LiteRTReference(model).run({"x": values[None]})["y"][0]
    bench = Bench()
    input = bench.filled(values, pixel_gap=1)
    for output in (bench.map(shape, row_gap=4), input):
        table = bench.place(tflite_exponentials(scale, 1.0))
        bench.run(Softmax(0, input, output, 3, channels, 0, 2, table, Clamp(-128, -128, 127)))
        np.testing.assert_array_equal(bench.view(output, shape), expected)


def test_a_sum_of_512_and_more_makes_every_output_less_than_a_half() -> None:
    """LiteRT's kernel gives up on such a pixel."""
    bench = Bench()
    shape = (1, 1, 4095)
    map = bench.filled(values_of(np.random.default_rng(1), shape))
    bench.run(Softmax(0, map, map, 1, 4095, 0, 1, bench.place(tflite_exponentials(1e-4, 1.0)), Clamp(-128, -128, 127)))
    assert (bench.view(map, shape) == -128).all()


def test_softmax_whose_table_sums_up_to_nothing_stops_the_device() -> None:
    bench = Bench()
    table = bench.place(np.full(256, -5, np.int32))
    with pytest.raises(StreamError, match=r"command 0: the table of a softmax gives a sum that is not positive"):
        bench.run(Softmax(0, bench.map((1, 1, 4)), bench.map((1, 1, 4)), 1, 4, 0, 1, table, Clamp(-128)))


@pytest.mark.parametrize(("before", "after"), list(product([(4, 6), (5, 3)], [(8, 12), (13, 9), (3, 2)])))
def test_resize_nearest(before: tuple[int, int], after: tuple[int, int]) -> None:
    values = values_of(np.random.default_rng(1), (*before, 6))
    builder = TFLiteBuilder()
    y = builder.resize_nearest_neighbor(builder.input("x", (1, *values.shape), scale=0.1, zero_point=0), after, "y")
    expected = LiteRTReference(builder.build([y])).run({"x": values[None]})["y"][0]
    # The smallest scale whose places are TFLite's.
    scales = []
    for old, new in zip(before, after, strict=True):
        places = tflite_places(old, new, "asymmetric", "")
        scales.append(next(s for s in range(1 << 19) if all((i * s) >> 16 == place for i, place in enumerate(places))))
    bench = Bench()
    output = bench.map(expected.shape, **GAPS)
    command = Resize(0, bench.filled(values), values.shape, output, after[1], 0, after[0], (scales[0], scales[1]))
    bench.run(*in_stripes(command, 2))
    np.testing.assert_array_equal(bench.view(output, expected.shape), expected)


def test_padded_copy_and_slices_of_channels() -> None:
    """A copy with a border, into the middle of a map with more channels: what a concatenation of padded maps is."""
    values = values_of(np.random.default_rng(2), (3, 4, 5))
    bench = Bench()
    whole = bench.map((6, 8, 12))
    everything = bench.view(whole, (6, 8, 12))
    everything[:] = 77
    output = replace(whole, address=whole.address + 4)
    bench.run(Resize(0, bench.filled(values), (3, 4, 5), output, 8, 0, 6, top=1, left=3, pad_value=-9))
    expected = np.full((6, 8, 12), 77, np.int8)
    expected[:, :, 4:9] = np.pad(values, ((1, 2), (3, 1), (0, 0)), constant_values=-9)
    np.testing.assert_array_equal(everything, expected)


def test_rows_of_a_rolling_buffer() -> None:
    """Rows 5 to 7 of a map of which four rows are kept: row 5 lies in the second of them."""
    values = values_of(np.random.default_rng(3), (3, 4, 5))
    bench = Bench(ETPU_16)
    buffer, output = bench.map((8, 4, 5), buffer_rows=4), bench.map((8, 4, 5))
    slots = bench.view(buffer, (4, 4, 5))
    for row in range(5, 8):
        slots[row % 4] = values[row - 5]
    table = bench.place(np.arange(-128, 128, dtype=np.int8)[::-1])
    bench.run(Lookup(0, buffer, output, 4, 5, 5, 3, table))
    np.testing.assert_array_equal(bench.view(output, (8, 4, 5))[5:], -1 - values)
