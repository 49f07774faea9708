"""The limits of each accumulator reach the node that a schedule sees, and stay there to the end of the pipeline."""

from __future__ import annotations

import numpy as np
import tvm
from tvm import relax

from tests.transform.integer_net import IntegerNet, node
from tvm_tiny.op.operator import node_of
from tvm_tiny.transform.accumulators import note_accumulators
from tvm_tiny.transform.intervals import accumulator_bounds, bindings
from tvm_tiny.transform.pipeline import run_passes

RNG = np.random.default_rng(4)


def network() -> tvm.IRModule:
    net = IntegerNet()
    x = net.conv(net.input(1, 4, 4, 2), RNG.integers(-127, 128, (3, 3, 3, 2)), 50, padding=(1, 1, 1, 1), limits=(-128, 10))
    x = net.conv(x, RNG.integers(-127, 128, (3, 3, 3)), 9, depthwise=True)
    return net.build(net.dense(net.mean(x, (1, 2)), RNG.integers(-127, 128, (2, 3))))


def test_a_node_knows_the_limits_of_its_accumulator() -> None:
    mod = network()
    assert node(mod, "conv2d").accumulator is None
    bounds = list(accumulator_bounds(mod).values())
    noted = note_accumulators(mod)
    for name, (low, high) in zip(("conv2d", "depthwise_conv2d", "fully_connected"), bounds, strict=True):
        found = node(noted, name)
        assert found.accumulator is not None
        assert np.array_equal(found.accumulator, (low, high))
        assert found.accumulator[0].dtype == np.int64
        assert low.shape == (found.output.shape[-1],)
        assert np.array_equal(found.constant(1), node(mod, name).constant(1))
    assert node(noted, "mean").accumulator is None


def test_the_limits_are_there_when_schedules_are_made() -> None:
    mod = run_passes(network())
    nodes = [node_of(value) for _, value in bindings(mod) if isinstance(value, relax.Call)]
    known = {found.op.name: found.accumulator is not None for found in nodes if found is not None}
    assert known == {"conv2d": True, "depthwise_conv2d": True, "mean": False, "fully_connected": True}


def test_the_limits_are_those_of_what_comes_before() -> None:
    # The inputs are held within -20 and 50 here.
    net = IntegerNet()
    weight = np.array([[1, -2, 3]])
    mod = net.build(net.dense(net.clamped(net.input(1, 3), -20, 50), weight, 7))
    found = node(note_accumulators(mod), "fully_connected").accumulator
    assert found is not None
    assert [end.tolist() for end in found] == [[7 - 20 - 100 - 60], [7 + 50 + 40 + 150]]


def test_a_module_without_accumulators_is_left_as_it_is() -> None:
    net = IntegerNet()
    mod = net.build(net.max_pool(net.input(1, 4, 4, 2)))
    assert note_accumulators(mod) is mod
