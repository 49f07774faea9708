"""What a tuner may choose of a region: every choice computes the same, and what a database knows is used where it is better."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tests.npu.bench import ETPU_16, ETPU_64
from tests.npu.graphs import chain, graph
from tests.npu.test_operators import Net
from tvm_tiny.npu.device import Device
from tvm_tiny.npu.hazards import find_hazards
from tvm_tiny.npu.knobs import CASCADE, Region
from tvm_tiny.npu.region import Graph
from tvm_tiny.npu.search import compile_for, found_region, tuned_choice
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Compiled, compile_graph


@pytest.fixture(scope="module")
def network() -> Graph:
    """A convolution, a depthwise one, a sum of both and a dense layer."""
    net = Net(shape=(1, 12, 12, 8))
    a = net.conv(net.x, 24, "a")
    b = net.depthwise(a, "b")
    return graph(net, [net.conv(net.b.add(a, b, "s", scale=0.08, zero_point=0), 8, "c")], ETPU_64)


def outputs(compiled: Compiled, seed: int = 0) -> np.ndarray:
    device = Device(ETPU_64)
    constants, *regions = compiled.run.regions
    assert constants.size == compiled.constants.size
    rng = np.random.default_rng(seed)
    arrays = [np.zeros(each.size, np.uint8) if each.written else rng.integers(0, 256, each.size, np.uint8) for each in regions]
    for stream in (compiled.load, compiled.run):
        if stream is not None:
            device.run(encode(stream), [compiled.constants, *arrays])
    return np.concatenate([array for array, each in zip(arrays, regions, strict=True) if each.written])


def test_the_first_value_of_each_knob_is_the_search_s(network: Graph) -> None:
    region = found_region(network, ETPU_64)
    assert region.choice({}) == region.base
    assert region.choice({name: values[0] for name, values in region.knobs.items()}) == region.base
    assert all(len(values) == len(set(values)) > 1 for values in region.knobs.values())
    array = next(number for number, operation in enumerate(network.operations) if operation.kind == "conv2d")
    assert {f"{array}.rows", f"{array}.split", f"{array}.step", CASCADE} <= set(region.knobs)


@pytest.mark.parametrize("optimize", ["speed", "ram"])
def test_every_choice_computes_the_same(network: Graph, optimize: str) -> None:
    region = found_region(network, ETPU_64, optimize)
    rng = random.Random(1)
    wanted = outputs(compile_graph(network, ETPU_64, region.base, overlap=optimize == "ram"))
    assert len(set(wanted.tolist())) > 50
    for _ in range(40):
        values = {name: rng.choice(each) for name, each in region.knobs.items()}
        compiled = compile_graph(network, ETPU_64, region.choice(values), region.packer, overlap=optimize == "ram")
        assert find_hazards(compiled.run.commands) == []
        assert np.array_equal(outputs(compiled), wanted), values


def test_a_cascade_of_the_first_operations(network: Graph) -> None:
    choice = found_region(network, ETPU_64).choice({CASCADE: 3})
    assert choice.groups == ((0, 1, 2), *((number,) for number in range(3, len(network.operations))))
    assert choice.rolling


def slow(region: Region) -> Region:
    """One row in each command."""
    values = {name: 1 for name, each in region.knobs.items() if name.endswith(".rows") and 1 in each}
    return Region(region.graph, region.npu, region.optimize, region.choice(values))


def test_what_is_known_is_used_where_it_costs_less(network: Graph) -> None:
    found = found_region(network, ETPU_64)
    rows = {f"{number}.rows": tiling.rows for number, tiling in enumerate(found.base.tilings)}
    assert tuned_choice(slow(found), lambda _region: rows) == found.base
    assert tuned_choice(found, lambda _region: dict.fromkeys(rows, 1)) is None, "more cycles than the search's"
    assert tuned_choice(found, lambda _region: None) is None
    assert not compile_for(network, ETPU_64, known=lambda _region: dict.fromkeys(rows, 1)).tuned


def test_a_record_is_of_one_region_on_one_machine(network: Graph) -> None:
    """Not of weights: another network of the same shapes is the same region."""
    here = found_region(network, ETPU_64).description
    assert found_region(network, ETPU_16).description != here
    assert found_region(network, ETPU_64, "ram").description != here
    one, other = (found_region(chain(shape), ETPU_64).description for shape in ((1, 8, 8, 8), (1, 8, 8, 16)))
    assert one != other
    assert found_region(chain((1, 8, 8, 8)), ETPU_64).description == one
