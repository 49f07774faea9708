"""Estimates of cycles."""

from __future__ import annotations

import pytest

from tests.schedule.chained import NETWORKS, Net, program_of
from tvm_tiny.schedule.cost import COSTS, cycles
from tvm_tiny.schedule.rows import row_node
from tvm_tiny.schedule.select import DSP, MVE, SCALAR
from tvm_tiny.target import get_core

ONLY_TUNED = {"blocks", "dense blocks", "winograd"}  # behind implementations that apply wherever these do


@pytest.mark.parametrize("isa", [SCALAR, DSP, MVE], ids=["scalar", "dsp", "mve"])
def test_every_implementation_has_a_cost(isa: tuple) -> None:
    assert {each.name for each in isa} - ONLY_TUNED <= set(COSTS)


def test_a_layer_costs_less_than_its_rows_one_by_one() -> None:
    _, program, core = program_of(NETWORKS["separable"](), "cortex-m4")
    for layer in program.layers:
        rows = layer.node.output.shape[1]
        assert cycles(layer.node, core) <= rows * cycles(row_node(layer.node, 1), core)


def test_a_core_with_simd_is_faster() -> None:
    net = Net((16, 16, 16))
    _, program, _ = program_of(net.b.build([net.conv(net.x, 16, 3)]))
    node = program.layers[0].node
    estimates = [cycles(node, get_core(core)) for core in ("cortex-m55", "cortex-m4", "cortex-m3")]
    assert estimates == sorted(estimates)
    assert estimates[0] * 4 < estimates[2]
