"""The choice of layers that run row by row: what it saves, what it may cost, and that nothing better is left."""

from __future__ import annotations

import math
from functools import partial

import pytest

from tests.schedule.chained import NETWORKS, Net, program_of
from tvm_tiny.memory.chains import with_chains
from tvm_tiny.memory.order import plan_in_order
from tvm_tiny.memory.planner import plan_memory
from tvm_tiny.program import Program
from tvm_tiny.schedule.chain import chain_of, stage_layer, with_chain
from tvm_tiny.target import Core


def chains(program: Program) -> list[str]:
    return [layer.name for layer in program.layers if layer.chain is not None]


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55", "cortex-m0"])
@pytest.mark.parametrize("name", ["residual", "separable"])
def test_the_arena_becomes_smaller(name: str, target: str) -> None:
    _, program, core = program_of(NETWORKS[name](), target)
    chained, plan = with_chains(program, core, plan_in_order, most_extra=math.inf)
    assert chains(chained)
    assert plan.arena_size == plan_memory(chained).arena_size < plan_memory(program).arena_size


@pytest.mark.parametrize("name", NETWORKS)
def test_no_single_chain_makes_it_smaller(name: str) -> None:
    """Of single rows, against the plans of all of them."""
    _, program, core = program_of(NETWORKS[name](), "cortex-m4")
    _, plan = with_chains(program, core, plan_in_order, most_extra=math.inf)
    assert plan.arena_size <= min(arenas_of_single_chains(program, core)) * 1.02  # sizes are estimated without alignment


def arenas_of_single_chains(program: Program, core: Core) -> list[int]:
    count, arenas = len(program.layers), []
    for first in range(count):
        for last in range(first + 1, count):
            chain = chain_of(program, first, last, 1)
            if chain is not None:
                chained = with_chain(program, chain, lambda layer, rows: stage_layer(layer, rows, core))
                arenas.append(plan_memory(chained, algorithm="greedy-by-size").arena_size)
    return arenas


def test_chains_cost_something() -> None:
    _, program, core = program_of(NETWORKS["residual"](), "cortex-m4")
    assert with_chains(program, core, plan_in_order, most_extra=0.0)[0] is program


def test_a_program_without_chains_stays_as_it_is() -> None:
    net = Net((6, 6, 4))
    _, program, core = program_of(net.b.build([net.conv(net.x, 4, 3)]), "cortex-m4")
    assert with_chains(program, core, plan_in_order)[0] is program


def test_what_lies_outside_the_arena_takes_no_part() -> None:
    """Here the tensor in the middle is all that the arena holds beside scratch memory."""
    net = Net((16, 16, 2))
    _, program, core = program_of(net.b.build([net.conv(net.conv(net.x, 16, 3), 2, 3)]), "cortex-m4")

    outside = partial(plan_in_order, io="outside")
    chained, plan = with_chains(program, core, outside, most_extra=math.inf)
    assert chains(chained) == ["conv2d_0_to_conv2d_1"]
    assert plan.arena_size < outside(program)[1].arena_size / 2
