"""The independent test finds every unsafe plan and no safe one."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvm_tiny.memory import PlanError, check_plan, plan_memory
from tvm_tiny.memory.plan import MemoryPlan
from tvm_tiny.program import Overlap

from .programs import layer, program, programs
from .test_planner import allowed, clash

NET = program(
    {"x": 16, "a": 32, "y": 16},
    "x",
    "y",
    [layer("conv", "x", "a", [16]), layer("pool", "a", "y")],
)


def move(plan: MemoryPlan, name: str, **changes: int) -> MemoryPlan:
    return replace(plan, placements=plan.placements | {name: replace(plan.placements[name], **changes)})


def test_planned_program_passes():
    check_plan(NET, plan_memory(NET))


@pytest.mark.parametrize(
    ("name", "onto", "message"),
    [
        ("a", "x", "while layer 'conv' runs: 16 of the 16 bytes of 'x' hold 'a'"),
        ("conv.s0", "x", "while layer 'conv' runs: 16 of the 16 bytes of 'x' hold 'conv.s0'"),
        ("y", "a", "while layer 'pool' runs: 16 of the 32 bytes of 'a' hold 'y'"),
    ],
)
def test_overlap_is_found(name: str, onto: str, message: str):
    plan = plan_memory(NET)
    with pytest.raises(PlanError, match=message):
        check_plan(NET, move(plan, name, offset=plan.placements[onto].offset))


def test_output_that_a_later_layer_overwrites_is_found():
    net = program({"x": 16, "y": 16, "z": 16}, "x", "y z", [layer("p", "x", "y"), layer("q", "x", "z")])
    plan = plan_memory(net)
    with pytest.raises(PlanError, match="after the last layer: 16 of the 16 bytes of 'y' hold 'z'"):
        check_plan(net, move(plan, "z", offset=plan.placements["y"].offset))


def test_inputs_that_overwrite_each_other_are_found_even_if_unused():
    net = program({"x": 16, "unused": 16, "y": 16}, "x unused", "y", [layer("p", "x", "y")])
    plan = plan_memory(net)
    with pytest.raises(PlanError, match="before the first layer"):
        check_plan(net, move(plan, "unused", offset=plan.placements["x"].offset))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": 31}, "needs 32 bytes: 31 are planned"),
        ({"offset": 8}, "not aligned to 16"),
        ({"offset": 4096}, "leaves the arena"),
        ({"offset": -16}, "leaves the arena"),
    ],
)
def test_wrong_places_are_found(changes: dict[str, int], message: str):
    with pytest.raises(PlanError, match=message):
        check_plan(NET, move(plan_memory(NET), "a", **changes))


def test_missing_and_foreign_places_are_found():
    plan = plan_memory(NET)
    with pytest.raises(PlanError, match=r"no place: conv\.s0"):
        check_plan(NET, replace(plan, placements={k: v for k, v in plan.placements.items() if k != "conv.s0"}))
    with pytest.raises(PlanError, match="'ghost', which is no buffer"):
        check_plan(NET, replace(plan, placements=plan.placements | {"ghost": plan.placements["x"]}))


@settings(deadline=None)
@given(st.data())
def test_agrees_with_the_overlap_of_intervals_on_random_plans(data: st.DataObject):
    """Playing the program and comparing intervals are two ways to the same answer (for programs that read all inputs first)."""
    net = data.draw(programs(unused_inputs=False))
    plan = plan_memory(net, algorithm="greedy-by-size")
    for name in plan.placements:
        if data.draw(st.integers(0, 3)) == 0:
            plan = move(plan, name, offset=16 * data.draw(st.integers(0, 60)))
    plan = replace(plan, arena_size=plan.arena_size + 16 * 60 + 304)
    pairs = list(combinations(plan.placements.values(), 2))
    if any(clash(a, b) and not (allowed(net, a, b) or allowed(net, b, a)) for a, b in pairs):
        with pytest.raises(PlanError):
            check_plan(net, plan)
    else:
        check_plan(net, plan)


SLIDING = program({"x": 64, "y": 64, "z": 16}, "x", "z", [
    layer("conv", "x", "y", [], [Overlap("x", "y", 16, 48, False)]), layer("pool", "y", "z")
])  # fmt: skip


@pytest.mark.parametrize(("distance", "safe"), [(-64, True), (-16, True), (0, False), (16, False), (32, False), (48, True)])
def test_an_output_over_an_input_keeps_the_distance_that_its_layer_needs(distance: int, safe: bool):
    plan = plan_memory(SLIDING, overlap=False)
    plan = replace(plan, arena_size=256)
    plan = move(move(move(plan, "x", offset=64), "y", offset=64 + distance), "z", offset=192)
    if safe:
        check_plan(SLIDING, plan)
    else:
        with pytest.raises(PlanError, match=r"while layer 'conv' runs: .* of the 64 bytes of 'x' hold 'y'"):
            check_plan(SLIDING, plan)


def test_exactly_in_place_can_be_safe_though_no_neighbouring_distance_is():
    net = program({"x": 64, "y": 64}, "x", "y", [layer("depthwise", "x", "y", [], [Overlap("x", "y", 60, 64, True)])])
    plan = plan_memory(net, overlap=False)
    check_plan(net, move(plan, "y", offset=plan.placements["x"].offset))


@pytest.mark.parametrize("outputs", ["y z", "z x"])
def test_an_input_that_was_overwritten_is_missed_by_whoever_needs_it(outputs: str):
    net = program(
        {"x": 16, "y": 16, "z": 16},
        "x",
        outputs,
        [layer("p", "x", "y", [], [Overlap("x", "y", 0, 16, True)]), layer("q", "x", "z")],
    )
    plan = plan_memory(net, overlap=False)
    with pytest.raises(PlanError, match=r"before layer 'q': 16 of the 16 bytes of 'x' hold 'y'"):
        check_plan(net, move(plan, "y", offset=plan.placements["x"].offset))


def test_scratch_may_never_lie_on_an_input():
    net = program({"x": 16, "y": 16}, "x", "y", [layer("p", "x", "y", [16], [Overlap("x", "y", 0, 16, True)])])
    plan = plan_memory(net)
    with pytest.raises(PlanError, match="while layer 'p' runs"):
        check_plan(net, move(plan, "p.s0", offset=plan.placements["x"].offset))
