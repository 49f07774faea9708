"""Small networks of every operator that the NPU knows, bit for bit as LiteRT computes them, on small and large machines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.npu.bench import ETPU_16, ETPU_64
from tests.npu.offloaded import mismatches, offloaded
from tvm_tiny.errors import CapacityError
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

TINY = replace(ETPU_16, size=4, feeds=2, accumulators=24, sram=1 << 16)
"""A machine on which a small layer has many folds and commands of few rows."""


class Net:
    """A builder with an input (1, 9, 7, 5) and layers with random weights."""

    def __init__(self, seed=3, shape=(1, 9, 7, 5)):
        self.rng = np.random.default_rng(seed)
        self.b = TFLiteBuilder()
        self.x = self.b.input("x", shape, scale=0.05, zero_point=3)

    def conv(self, x, filters, name, size=(3, 3), **options):
        weights = self.b.weights(f"{name}/w", self.rng.normal(0, 0.3, (filters, *size, x.shape[3])), axis=0)
        bias = self.rng.integers(-500, 500, filters).astype(np.int32)
        return self.b.conv2d(x, weights, bias, name, **({"scale": 0.06, "zero_point": -4} | options))

    def depthwise(self, x, name, size=(3, 3), **options):
        weights = self.b.weights(f"{name}/w", self.rng.normal(0, 0.3, (1, *size, x.shape[3])), axis=3)
        bias = self.rng.integers(-500, 500, x.shape[3]).astype(np.int32)
        return self.b.depthwise_conv2d(x, weights, bias, name, **({"scale": 0.05, "zero_point": 2} | options))

    def dense(self, x, units, name, **options):
        weights = self.b.weights(f"{name}/w", self.rng.normal(0, 0.2, (units, x.shape[-1])), axis=None)
        bias = self.rng.integers(-500, 500, units).astype(np.int32)
        return self.b.fully_connected(x, weights, bias, name, **({"scale": 0.3, "zero_point": 1} | options))

    def int8(self, name, shape):
        return self.b.weights(name, self.rng.normal(0, 1, shape), axis=None)


def check(net, outputs):
    """The whole network is one job on each machine, and exact."""
    source = net.b.build(outputs)
    for npu, optimize in ((TINY, "speed"), (ETPU_16, "ram"), (ETPU_64, "speed")):
        compiled = offloaded(source, npu, optimize)
        assert compiled.remarks == ()
        assert [layer.offload for layer in compiled.program.layers] == ["npu"]
        wrong, _runs = mismatches(compiled)
        assert wrong == 0, (npu.size, optimize)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((3, 3), {}),
        ((1, 1), {"activation": "RELU6"}),
        ((5, 2), {"stride": (2, 1), "padding": "VALID"}),
        ((3, 3), {"stride": (2, 2)}),
        ((3, 2), {"dilation": (2, 3)}),
        ((9, 7), {"padding": "VALID"}),
    ],
)
def test_convolutions(size, options):
    net = Net()
    check(net, [net.conv(net.conv(net.x, 9, "a", size, **options), 21, "b", (1, 1))])


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((3, 3), {}),
        ((5, 3), {"stride": (2, 2), "activation": "RELU"}),
        ((3, 3), {"dilation": (2, 2)}),
        ((2, 6), {"padding": "VALID"}),
    ],
)
def test_depthwise_convolutions(size, options):
    net = Net()
    check(net, [net.depthwise(net.depthwise(net.conv(net.x, 18, "a"), "b", size, **options), "c")])


def test_dense_layers_of_several_rows():
    net = Net(shape=(6, 37))
    check(net, [net.dense(net.dense(net.x, 19, "a", activation="RELU"), 5, "b")])


@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
@pytest.mark.parametrize("second", ["branch", "itself", "channels", "whole", "row", "column"])
def test_sums_and_products(kind, second):
    net = Net()
    y = net.conv(net.x, 5, "a")
    other = {
        "branch": lambda: net.x,
        "itself": lambda: y,
        "channels": lambda: net.int8("k", (5,)),
        "whole": lambda: net.int8("k", (1, 9, 7, 5)),
        "row": lambda: net.int8("k", (1, 1, 7, 5)),
        "column": lambda: net.int8("k", (1, 9, 1, 5)),
    }[second]()
    z = getattr(net.b, kind)(y, other, "z", scale=0.11, zero_point=7)
    check(net, [net.conv(z, 4, "c")])


@pytest.mark.parametrize("options", [{}, {"stride": (2, 2)}, {"padding": "VALID", "stride": (1, 2)}])
def test_pooling(options):
    net = Net()
    y = net.conv(net.x, 18, "a")
    z = net.b.max_pool2d(y, (3, 2), "max", **options)
    w = net.b.average_pool2d(y, (3, 2), "mean", **options)
    check(net, [net.b.add(z, w, "sum", scale=0.1, zero_point=0)])


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(("scale", "zero_point"), [(0.06, -4), (0.0171, 11), (1.1, -128)])
def test_means_over_the_image(keep, scale, zero_point):
    net = Net()
    y = net.conv(net.x, 18, "a")
    y = net.b.mean(y, (1, 2), "m", scale=scale, zero_point=zero_point, keep_dims=keep)
    check(net, [net.dense(net.b.reshape(y, (1, 18), "flat"), 4, "b")])


def test_tables_and_softmax():
    net = Net()
    y = net.b.logistic(net.conv(net.x, 6, "a"), "sigmoid")
    check(net, [net.b.softmax(net.conv(y, 11, "b"), "softmax")])


def test_padding_and_resizing():
    net = Net()
    y = net.b.pad(net.conv(net.x, 6, "a"), [(0, 0), (2, 1), (0, 3), (0, 0)], "pad")
    y = net.b.resize_nearest_neighbor(y, (24, 20), "twice")
    check(net, [net.conv(y, 4, "b", stride=(2, 2))])


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_concatenation(axis):
    net = Net()
    y = net.conv(net.x, 5, "a")
    z = net.conv(net.x, 5, "b", scale=0.06, zero_point=-4)
    check(net, [net.conv(net.b.concatenation([y, z, y], axis, "joined"), 4, "c")])


def test_views_and_several_outputs():
    net = Net()
    y = net.conv(net.x, 4, "a")
    z = net.dense(net.b.reshape(y, (9, 28), "rows"), 7, "b")
    check(net, [net.conv(y, 3, "c"), z])


@pytest.mark.parametrize("sram", [12_000, 7_600])
def test_weights_are_fetched_where_the_cache_is_too_small(sram):
    """About 16 KB of weights, and 2.3 KB of activations."""
    net = Net(shape=(1, 8, 8, 8))
    y = net.conv(net.x, 16, "a", activation="RELU")
    y = net.conv(net.depthwise(y, "b", stride=(2, 2)), 40, "c")
    y = net.conv(net.depthwise(y, "d", stride=(2, 2)), 24, "e", activation="RELU")
    source = net.b.build([net.dense(net.b.reshape(y, (1, 96), "flat"), 5, "f")])
    small = replace(ETPU_16, size=8, sram=sram)
    compiled = offloaded(source, small)
    wrong, (run,) = mismatches(compiled)
    assert wrong == 0
    (job,) = (layer.npu for layer in compiled.jobs)
    assert job is not None
    assert job.constants.size > sram
    fetched = sum(event.offchip_read for event in run.events)
    assert fetched > job.constants.size - sram
    whole, (ideal,) = mismatches(offloaded(source, replace(small, sram=1 << 16)))
    assert whole == 0
    assert run.cycles < ideal.cycles + fetched // small.dma_bandwidth  # part of it beside the array's work


def test_a_machine_without_room_says_what_is_missing():
    net = Net(shape=(1, 16, 16, 8))
    source = net.b.build([net.conv(net.x, 16, "a")])
    with pytest.raises(CapacityError, match="bytes of SRAM"):
        offloaded(source, replace(ETPU_16, sram=2_000))


def test_a_residual_block():
    net = Net(shape=(1, 12, 12, 8))
    a = net.conv(net.x, 8, "a", activation="RELU")
    b = net.conv(a, 8, "b")
    s = net.b.add(a, b, "s", scale=0.08, zero_point=-128, activation="RELU")
    c = net.conv(s, 16, "c", stride=(2, 2))
    d = net.conv(s, 16, "d", (1, 1), stride=(2, 2))
    e = net.b.add(c, d, "e", scale=0.1, zero_point=0)
    check(net, [net.b.average_pool2d(e, (6, 6), "pooled", padding="VALID")])
