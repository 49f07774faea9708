"""Several memories: capacities, costs and pins."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvm_tiny.errors import CapacityError, TargetError
from tvm_tiny.memory import PlanError, check_plan, plan_memory
from tvm_tiny.memory.options import Memory
from tvm_tiny.memory.pools import Pool
from tvm_tiny.program import Constant, Program

from .programs import layer, program, programs

FAST, SLOW = Pool("dtcm", 112), Pool("sram", 1024, cost=2)
NET = program(
    {"x": 64, "a": 96, "y": 48}, "x", "y", [layer("conv", "x", "a", [16]), replace(layer("dense", "a", "y"), constants=(
        Constant("dense_weight", np.zeros(10, np.int8)),))]
)  # fmt: skip


def pools_of(net: Program, pools: tuple[Pool, ...], **pins: str) -> dict[str, str]:
    plan = plan_memory(net, pools=pools, pins={name.replace("__", "."): pool for name, pool in pins.items()})
    check_plan(net, plan)
    return {name: plan.pools[place.pool].name for name, place in plan.placements.items()}


def test_what_is_used_most_lies_in_the_cheap_pool() -> None:
    """Of x (64 bytes, one layer), a (96, two layers), y (48, one layer) and scratch (16), "a" saves the most."""
    assert pools_of(NET, (FAST, SLOW)) == {"x": "sram", "conv.s0": "dtcm", "a": "dtcm", "y": "sram"}


def test_sizes_are_those_of_each_pool() -> None:
    plan = plan_memory(NET, pools=(FAST, SLOW))
    assert [(pool.name, pool.size, pool.capacity, pool.cost) for pool in plan.pools] == [
        ("dtcm", 112, 112, 0),
        ("sram", 64, 1024, 2),
    ]
    assert plan.arena_size == 176


def test_pins_are_kept() -> None:
    found = pools_of(NET, (FAST, SLOW), conv="sram", x="dtcm", conv__s0="sram")
    assert (found["a"], found["x"], found["conv.s0"]) == ("sram", "dtcm", "sram")


def test_constants_take_room() -> None:
    """A fast pool of exactly "a", its scratch and 12 bytes for the ten of the weights; with a byte less, "a" has to go."""
    pins = {"dense_weight": "dtcm"}
    room = plan_memory(NET, pools=(Pool("dtcm", 124), SLOW), pins=pins)
    assert (room.constant_pools, room.pools[room.placements["a"].pool].name) == ({"dense_weight": "dtcm"}, "dtcm")
    tight = plan_memory(NET, pools=(Pool("dtcm", 100), SLOW), pins=pins)
    assert tight.pools[tight.placements["a"].pool].name == "sram"
    with pytest.raises(CapacityError, match="constants pinned to pool dtcm have 12 bytes, 4 more than it has"):
        plan_memory(NET, pools=(Pool("dtcm", 8), SLOW), pins=pins)


def test_one_pool_is_an_arena_with_a_limit() -> None:
    plan = plan_memory(NET, pools=(Pool("ram", 176),))
    assert (plan.pools, plan.arena_size) == ((), 176)
    with pytest.raises(CapacityError, match=r"the pools \(ram 160\) are too small: \d+ bytes of buffers find no room"):
        plan_memory(NET, pools=(Pool("ram", 160),))


@settings(deadline=None)
@given(programs(), st.lists(st.integers(0, 600), min_size=1, max_size=3))
def test_random_programs_in_random_pools(net: Program, sizes: list[int]) -> None:
    """The last pool has no limit, so that there always is a plan; it is safe, and no pool is larger than it may be."""
    pools = (*(Pool(f"p{index}", size, cost=index) for index, size in enumerate(sizes)), Pool("rest", cost=9))
    plan = plan_memory(net, algorithm="hill-climb", pools=pools)
    check_plan(net, plan)
    assert all(pool.capacity is None or pool.size <= pool.capacity for pool in plan.pools)


def test_the_check_of_plans_sees_each_pool_by_itself() -> None:
    plan = plan_memory(NET, pools=(FAST, SLOW))
    moved = replace(plan.placements["x"], pool=0, offset=0)
    with pytest.raises(PlanError, match="of the 64 bytes of 'x' hold 'a'"):
        check_plan(NET, replace(plan, placements=plan.placements | {"x": moved}))
    small = replace(plan, pools=(replace(plan.pools[0], capacity=96), plan.pools[1]))
    with pytest.raises(PlanError, match="pool 'dtcm' has 96 bytes: 112 are planned"):
        check_plan(NET, small)


def test_names_that_are_not_there() -> None:
    with pytest.raises(TargetError, match="no tensor, layer, scratch buffer or constant 'conf' to pin") as raised:
        plan_memory(NET, pools=(FAST, SLOW), pins={"conf": "dtcm"})
    assert "conv" in raised.value.hint
    with pytest.raises(TargetError, match="conv is pinned to pool 'fast': expected one of dtcm, sram"):
        plan_memory(NET, pools=(FAST, SLOW), pins={"conv": "fast"})


@pytest.mark.parametrize(("name", "size", "cost"), [("DTCM", 1, 0), ("1st", 1, 0), ("", 1, 0), ("a", -1, 0), ("a", 1, -1)])
def test_pools_that_are_none(name: str, size: int, cost: int) -> None:
    with pytest.raises(TargetError):
        Pool(name, size, cost)


def test_two_pools_of_one_name() -> None:
    with pytest.raises(TargetError, match="two pools have one name"):
        Memory(pools=(FAST, FAST))
