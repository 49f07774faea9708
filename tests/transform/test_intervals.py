"""The limits of each channel: never too narrow, and reached wherever an operator's operand is free."""

from __future__ import annotations

import numpy as np
import pytest
import tvm
from tvm import relax

from tests.transform.integer_net import IntegerNet, random_inputs, run
from tests.transform.random_nets import random_net
from tvm_tiny.op.add import ADD, AddAttrs
from tvm_tiny.transform.intervals import accumulator_bounds, analyse
from tvm_tiny.transform.limits import Interval

RNG = np.random.default_rng(1)


def limits(mod: tvm.IRModule, name: str) -> Interval:
    """Of the variable ``name``."""
    (found,) = [interval for var, interval in analyse(mod).values.items() if var.name == name]
    return found


def last(mod: tvm.IRModule) -> tuple[list[int], list[int]]:
    """(low, high) of the last integer tensor."""
    found = list(analyse(mod).values.values())[-1]
    return found.low.tolist(), found.high.tolist()


@pytest.mark.parametrize("seed", [0, 1])
def test_no_value_of_a_random_network_leaves_its_limits(seed: int) -> None:
    mod = random_net(seed)
    found = {var.name: interval for var, interval in analyse(mod).values.items()}
    compared = 0
    for layers in run(mod, random_inputs(mod, 20, seed)).layers:
        for name, stored in layers.items():
            rows = stored.reshape(-1, stored.shape[-1])
            assert np.all(rows.min(axis=0) >= found[name].low), name
            assert np.all(rows.max(axis=0) <= found[name].high), name
            compared += rows.size
    assert compared > 10_000


# ---- convolutions: the extreme input reaches both limits -------------------------------------------------------------------------


def extremes(weight: np.ndarray) -> list[np.ndarray]:
    """Inputs of the weights' shape that make the sum lowest and highest."""
    highest = np.where(weight > 0, 127, -128).astype(np.int8)
    return [(-1 - highest).astype(np.int8), highest]


def reached(mod: tvm.IRModule, samples: list[np.ndarray]) -> tuple[list[int], list[int]]:
    """(lowest, highest) output of each channel over ``samples``."""
    outputs = [each["y0"] for each in run(mod, [{"x0": sample} for sample in samples]).outputs]
    rows = np.concatenate([output.reshape(-1, output.shape[-1]) for output in outputs])
    return rows.min(axis=0).tolist(), rows.max(axis=0).tolist()


@pytest.mark.parametrize("rounding", ["double", "single", "even", "real"])
def test_conv2d_reaches_its_limits(rounding: str) -> None:
    weight = RNG.integers(-127, 128, (5, 3, 3, 2))
    net = IntegerNet()
    y = net.conv(net.input(1, 3, 3, 2), weight, RNG.integers(-999, 999, 5), scale=0.0004, rounding=rounding)
    mod = net.build(y)
    samples = [sample[None] for each in weight for sample in extremes(each)]
    assert last(mod) == reached(mod, samples)
    assert np.all(np.array(last(mod)) > -128)
    assert np.all(np.array(last(mod)) < 127)


def test_at_a_border_the_padding_stands_for_the_taps_outside() -> None:
    # With a padding of 100 the highest sum is at a corner: 8 taps of 100 beside the weights' own sign.
    weight = np.full((1, 3, 3, 1), -1)
    weight[0, 1, 1, 0] = 1
    net = IntegerNet()
    mod = net.build(net.conv(net.input(1, 4, 4, 1), weight, scale=0.01, padding=(1, 1, 1, 1), pad_value=-250))
    (bounds,) = accumulator_bounds(mod).values()
    inside_only = (-128 - 8 * 127, 127 + 8 * 128)
    corner = (-128 - 3 * 127 + 5 * 250, 127 + 3 * 128 + 5 * 250)
    assert bounds[0].tolist() == [inside_only[0]]
    assert bounds[1].tolist() == [corner[1]]


def test_depthwise_reaches_its_limits() -> None:
    weight = RNG.integers(-127, 128, (3, 3, 4))
    net = IntegerNet()
    mod = net.build(net.conv(net.input(1, 3, 3, 2), weight, 17, scale=0.001, depthwise=True))
    samples = []
    for end in (0, 1):
        for multiple in (0, 1):
            samples.append(np.stack([extremes(weight[..., 2 * channel + multiple])[end] for channel in (0, 1)], axis=2)[None])
    assert last(mod) == reached(mod, samples)


def test_fully_connected_reaches_its_limits_behind_limited_inputs() -> None:
    weight = RNG.integers(-127, 128, (3, 6))
    net = IntegerNet()
    mod = net.build(net.dense(net.clamped(net.input(1, 6), -20, 50), weight, 100, scale=0.003))
    samples = [sample[None] for each in weight for sample in extremes(each)]
    assert last(mod) == reached(mod, samples)


def test_accumulator_bounds_are_those_of_the_extreme_inputs() -> None:
    weight, bias = RNG.integers(-127, 128, (3, 1, 1, 6)), np.array([5, -5, 70_000])
    net = IntegerNet()
    mod = net.build(net.conv(net.input(1, 2, 2, 6), weight, bias))
    ((low, high),) = accumulator_bounds(mod).values()
    sums = np.array([[(each * extreme.astype(np.int64)).sum() for extreme in extremes(each)] for each in weight])
    assert (low.dtype, high.dtype) == (np.int64, np.int64)
    assert np.array_equal(low, sums[:, 0] + bias)
    assert np.array_equal(high, sums[:, 1] + bias)


def test_where_tflites_shift_loses_bits_nothing_is_claimed() -> None:
    # A scale of 2^10 shifts the accumulator out of int32: the results wrap, and the ends of the range say nothing of the rest.
    net = IntegerNet()
    weight = np.full((1, 1, 1, 1), 127)
    mod = net.build(net.conv(net.input(1, 1, 1, 1), weight, bias=1 << 22, scale=1024.0, limits=(-100, 90)))
    assert last(mod) == ([-100], [90])
    assert reached(mod, [np.full((1, 1, 1, 1), value, np.int8) for value in range(-128, 128)]) == ([-100], [90])


# ---- the other operators ---------------------------------------------------------------------------------------------------------


def every_value(net: IntegerNet) -> relax.Var:
    return net.input(256, 1)


def over_every_value(mod: tvm.IRModule) -> tuple[list[int], list[int]]:
    return reached(mod, [np.arange(-128, 128).astype(np.int8).reshape(256, 1)])


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("subtract", [False, True])
def test_add_reaches_its_limits(exact: bool, subtract: bool) -> None:
    net = IntegerNet()
    other = np.array([-128, -7, 60, 127], np.int8)
    mod = net.build(net.add(net.clamped(every_value(net), -60, 31), other, exact=exact, subtract=subtract))
    assert last(mod) == over_every_value(mod)


@pytest.mark.parametrize("rounding", ["double", "even"])
def test_mul_reaches_its_limits(rounding: str) -> None:
    net = IntegerNet()
    mod = net.build(net.mul(net.clamped(every_value(net), -60, 31), np.array([-128, -7, 60, 127], np.int8), rounding=rounding))
    assert last(mod) == over_every_value(mod)


def test_a_table_is_looked_through_between_the_limits() -> None:
    net = IntegerNet()
    table = RNG.integers(-128, 128, 256)
    mod = net.build(net.lookup(net.clamped(every_value(net), -10, 10), table))
    between = table[118:139]
    assert last(mod) == ([between.min()], [between.max()]) == over_every_value(mod)


@pytest.mark.parametrize("away", [True, False])
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_average_pool2d_reaches_its_limits(away: bool, scale: float) -> None:
    net = IntegerNet()
    mod = net.build(net.average_pool(net.clamped(net.input(1, 5, 4, 1), -70, 33), away=away, scale=scale))
    assert last(mod) == reached(mod, [np.full((1, 5, 4, 1), value, np.int8) for value in (-128, 127)])


def test_average_pool2d_of_uint8_reaches_its_limits() -> None:
    net, rng = IntegerNet(), np.random.default_rng(0)
    mod = net.build(net.average_pool(net.clamped(net.input(1, 3, 3, 1), -1, 0), offset=128))
    # Sums of halves: four, six or nine values in a window.
    assert last(mod) == reached(mod, [rng.choice([-128, 127], (1, 3, 3, 1)).astype(np.int8) for _ in range(64)])


def test_max_pool2d_holds_what_its_operand_holds_within_its_limits() -> None:
    net = IntegerNet()
    mod = net.build(net.max_pool(net.clamped(net.input(1, 4, 4, 1), -70, 33), limits=(-9, 127)))
    assert last(mod) == ([-9], [33])


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("axes", [(1, 2), (3,), (1, 2, 3)])
def test_mean_and_sum_reach_their_limits(total: bool, axes: tuple[int, ...]) -> None:
    net = IntegerNet()
    mod = net.build(net.mean(net.clamped(net.input(1, 3, 2, 4), -70, 33), axes, keepdims=True, total=total))
    assert last(mod) == reached(mod, [np.full((1, 3, 2, 4), value, np.int8) for value in (-128, 127)])


def test_the_largest_of_some_channels_is_at_least_the_largest_lower_limit() -> None:
    net = IntegerNet()
    x = net.concatenate(net.clamped(net.input(1, 2, 2, 1), 5, 9), net.clamped(net.input(1, 2, 2, 1), -8, 7))
    assert last(net.build(net.extremum(x, (3,)))) == ([5, 5], [9, 9])
    assert last(net.build(net.extremum(x, (3,), largest=False))) == ([-8, -8], [7, 7])
    assert last(net.build(net.extremum(x, (1, 2)))) == ([5, -8], [9, 7])


def test_padding_adds_its_value() -> None:
    net = IntegerNet()
    x = net.clamped(net.input(1, 2, 2, 1), 5, 9)
    assert last(net.build(net.pad(x, (0, 1, 0, 0), (0, 0, 0, 0), -3))) == ([-3], [9])
    assert last(net.build(net.pad(x, (0, 0, 0, 1), (0, 0, 0, 2), -3))) == ([-3, 5, -3, -3], [-3, 9, -3, -3])


def test_a_concatenation_of_rows_holds_what_any_part_holds() -> None:
    net = IntegerNet()
    parts = [net.clamped(net.input(1, 2, 2, 1), 5, 9), np.full((1, 1, 2, 1), -4, np.int8)]
    assert last(net.build(net.concatenate(*parts, axis=1))) == ([-4], [9])


def test_moves_carry_each_channels_limits() -> None:
    net = IntegerNet()
    parts = [net.clamped(net.input(1, 2, 3, 1), low, low + 5) for low in (1, 2, 3)]
    x = net.concatenate(*parts)
    assert last(net.build(net.reshape(x, 1, 18))) == ([1, 2, 3] * 6, [6, 7, 8] * 6)
    assert last(net.build(net.reshape(net.reshape(x, 1, 18), 1, 2, 9))) == ([1, 2, 3] * 3, [6, 7, 8] * 3)
    assert last(net.build(net.reshape(x, 9, 2))) == ([1, 1], [8, 8])
    assert last(net.build(net.slice(x, 3, 1, 3))) == ([2, 3], [7, 8])
    assert last(net.build(net.slice(x, 3, -1, -4, -1))) == ([3, 2, 1], [8, 7, 6])
    assert last(net.build(net.slice(x, 1, 0, 1))) == ([1, 2, 3], [6, 7, 8])
    assert last(net.build(net.transpose(x, 0, 2, 1, 3))) == ([1, 2, 3], [6, 7, 8])
    assert last(net.build(net.transpose(x, 0, 3, 2, 1))) == ([1, 1], [8, 8])


def test_softmax_can_give_anything() -> None:
    net = IntegerNet()
    assert last(net.build(net.softmax(net.input(1, 2)))) == ([-128, -128], [127, 127])


def test_a_float_operator_in_between_hides_what_was_known() -> None:
    net = IntegerNet()
    x = net.clamped(net.input(1, 2), 3, 3)
    y = net._bind(relax.op.astype(net._bind(relax.op.astype(x, "float32")), "int8"))
    assert last(net.build(y)) == ([-128, -128], [127, 127])


def test_operands_of_one_channel_broadcast() -> None:
    net = IntegerNet()
    x = net.clamped(net.input(1, 2, 2, 1), 10, 10)
    attrs = AddAttrs(False, (0, 0), (1 << 29, 1 << 29), (0, 0), 0, 30, 0, -128, 127, True)
    mod = net.build(net.emit(ADD, [x, np.array([2, 4], np.int8)], attrs))
    assert last(mod) == ([6, 7], [6, 7])
