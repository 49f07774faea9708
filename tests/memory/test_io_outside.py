"""Inputs and outputs that have no place in the arena."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from tvm_tiny.memory import PlanError, check_plan, plan_memory
from tvm_tiny.program import Program

from .programs import layer, program, programs

NET = program({"x": 64, "a": 32, "y": 48}, "x", "y", [layer("conv", "x", "a", [16]), layer("dense", "a", "y")])


def test_the_arena_holds_what_lies_between() -> None:
    plan = plan_memory(NET, io="outside")
    assert set(plan.placements) == {"a", "conv.s0"}
    assert plan.outside == {"x", "y"}
    assert (plan.arena_size, plan.lower_bound) == (48, 48)


def test_an_output_that_is_a_view_lies_where_the_whole_lies() -> None:
    net = program({"x": 64, "y": 32, "v": 32}, "x", "v", [layer("conv", "x", "y")], {"v": "y"})
    assert plan_memory(net, io="outside").placements == {}


def test_an_output_that_is_a_part_is_copied_out_of_the_arena() -> None:
    net = program({"x": 64, "a": 32, "part": 8}, "x", "part", [layer("conv", "x", "a")], {"part": "a"})
    assert set(plan_memory(net, io="outside").placements) == {"a"}


@settings(deadline=None)
@given(programs())
def test_random_programs_need_no_more_and_are_safe(net: Program) -> None:
    inside, outside = plan_memory(net), plan_memory(net, io="outside")
    check_plan(net, outside)
    assert outside.arena_size <= inside.arena_size
    assert set(inside.placements) == set(outside.placements) | outside.outside


def test_only_inputs_and_outputs_may_lie_outside() -> None:
    plan = plan_memory(NET, io="outside")
    with pytest.raises(PlanError, match="'a' lies outside the arena, and is no input or output"):
        check_plan(NET, replace(plan, outside=plan.outside | {"a"}))
