"""Plans are safe, tight and repeatable."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvm_tiny.memory import check_plan, plan_memory
from tvm_tiny.memory.plan import Placement
from tvm_tiny.program import Overlap, Program

from .programs import layer, program, programs


def clash(a: Placement, b: Placement) -> bool:
    """Two buffers share a byte at one time."""
    together = a.first <= b.last and b.first <= a.last
    return together and a.offset < b.offset + b.size and b.offset < a.offset + a.size


def allowed(net: Program, output: Placement, dying: Placement) -> bool:
    """A layer may write ``output`` where it is, over ``dying``, and does not see either of them in any other role."""
    distance = output.offset - dying.offset
    return any(
        (each.input, each.output) == (dying.name, output.name)
        and (distance <= -each.before or distance >= each.after or (each.same and distance == 0))
        and (dying.last, output.first) == (time, time)
        and all(net.aliases.get(name, name) != dying.name for name in net.output_tensors)
        for time, layer in enumerate(net.layers)
        for each in layer.overlaps
    )


def test_an_output_takes_the_place_of_an_input_that_dies():
    elementwise = [Overlap("x", "y", 0, 96, True)]
    net = program({"x": 96, "y": 96}, "x", "y", [layer("relu", "x", "y", (), elementwise)])
    plan = plan_memory(net)
    assert plan.arena_size == plan.overlap_bound == 96
    assert plan.lower_bound == 192
    apart = plan_memory(net, overlap=False)
    assert apart.arena_size == apart.overlap_bound == apart.lower_bound == 192


def test_an_output_keeps_its_distance():
    # A convolution that writes 160 bytes from 96, and needs each row of 16 until the one after it is written.
    net = program({"x": 96, "y": 160}, "x", "y", [layer("conv", "x", "y", (), [Overlap("x", "y", 80, 96)])])
    plan = plan_memory(net)
    assert plan.placements["x"].offset - plan.placements["y"].offset == 80
    assert plan.arena_size == 176


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


@settings(deadline=None)
@given(programs(), st.sampled_from([1, 4, 16, 64]), st.booleans())
def test_random_programs_get_safe_plans(net: Program, alignment: int, overlap: bool):
    plan = plan_memory(net, alignment=alignment, overlap=overlap)
    check_plan(net, plan)
    for a, b in combinations(plan.placements.values(), 2):
        if clash(a, b):
            assert overlap
            assert allowed(net, a, b) or allowed(net, b, a)
    assert plan.arena_size >= plan.overlap_bound
    assert overlap or plan.arena_size >= plan.lower_bound
    assert plan.arena_size == max(place.offset + place.size for place in plan.placements.values())


@pytest.mark.parametrize("alignment", [0, -4, 12])
def test_alignment_is_a_power_of_two(alignment: int):
    with pytest.raises(ValueError, match=f"power of two: got {alignment}"):
        plan_memory(program({"x": 1}, "x", "x", []), alignment=alignment)


def test_unknown_algorithm_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown memory planner 'magic': expected one of .*greedy-by-size"):
        plan_memory(program({"x": 1}, "x", "x", []), algorithm="magic")
