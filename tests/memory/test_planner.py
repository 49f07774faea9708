"""Plans are safe, tight and repeatable."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvm_tiny.memory import check_plan, plan_memory
from tvm_tiny.memory.plan import Placement
from tvm_tiny.program import Program

from .programs import layer, program, programs


def clash(a: Placement, b: Placement) -> bool:
    """Two buffers share a byte at one time."""
    together = a.first <= b.last and b.first <= a.last
    return together and a.offset < b.offset + b.size and b.offset < a.offset + a.size


def test_chain_needs_its_two_largest_neighbours():
    # The tensors of MLPerf Tiny's keyword spotting model: 8,000 bytes in, 8,000 bytes out in every inner layer.
    sizes = {"x": 490} | {f"t{index}": 8000 for index in range(9)} | {"y": 12}
    names = list(sizes)
    layers = [layer(f"layer{index}", a, b) for index, (a, b) in enumerate(pairwise(names))]
    plan = plan_memory(program(sizes, "x", "y", layers))
    assert plan.arena_size == plan.lower_bound == 16000


def test_scratch_is_part_of_the_plan_and_disjoint_from_what_its_layer_touches():
    plan = plan_memory(program({"x": 100, "y": 50}, "x", "y", [layer("conv", "x", "y", [30, 20])]))
    assert set(plan.placements) == {"x", "y", "conv.s0", "conv.s1"}
    assert not any(clash(a, b) for a, b in combinations(plan.placements.values(), 2))


def test_alias_has_no_place_of_its_own():
    net = program({"x": 64, "flat": 64, "y": 8}, "x", "y", [layer("fc", "x", "y")], {"flat": "x"})
    assert set(plan_memory(net).placements) == {"x", "y"}


def test_same_program_gives_the_same_plan():
    net = program({"x": 10, "a": 10, "b": 10, "y": 10}, "x", "y", [layer("p", "x", "a b"), layer("q", "a b", "y")])
    assert plan_memory(net) == plan_memory(net)


@given(programs(), st.sampled_from([1, 4, 16, 64]))
def test_random_programs_get_safe_plans(net: Program, alignment: int):
    plan = plan_memory(net, alignment=alignment)
    check_plan(net, plan)
    assert not any(clash(a, b) for a, b in combinations(plan.placements.values(), 2))
    assert plan.arena_size >= plan.lower_bound
    assert plan.arena_size == max(place.offset + place.size for place in plan.placements.values())


@pytest.mark.parametrize("alignment", [0, -4, 12])
def test_alignment_is_a_power_of_two(alignment: int):
    with pytest.raises(ValueError, match=f"power of two: got {alignment}"):
        plan_memory(program({"x": 1}, "x", "x", []), alignment=alignment)


def test_unknown_algorithm_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown memory planner 'magic': expected one of .*greedy-by-size"):
        plan_memory(program({"x": 1}, "x", "x", []), algorithm="magic")
