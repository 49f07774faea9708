"""The order of execution: the best on small graphs, held against all orders that there are; the model's own where it is as good."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import tvm_tiny
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.memory import check_plan, plan_memory
from tvm_tiny.memory.lifetimes import lifetimes, lower_bound
from tvm_tiny.memory.order import ordered, plan_in_order
from tvm_tiny.program import Layer, Overlap, Program
from tvm_tiny.testing.tflite_builder import TFLiteBuilder

from .programs import layer, program, programs


def orders(net: Program, done: tuple[Layer, ...] = ()) -> Iterator[Program]:
    """The program in every order in which each layer finds what it reads."""
    if len(done) == len(net.layers):
        yield replace(net, layers=done)
        return
    there = {*net.input_tensors, *(name for each in done for name in each.outputs)}
    there |= {net.aliases.get(name, name) for name in there}
    for each in net.layers:
        if each not in done and all(name in there for name in each.inputs):
            yield from orders(net, (*done, each))


def peak(net: Program) -> int:
    return lower_bound(lifetimes(net))


@settings(deadline=None)
@given(programs(most_layers=6))
def test_no_order_of_a_small_graph_is_better(net: Program) -> None:
    assert peak(ordered(net, overlap=False)) == min(map(peak, orders(net)))


def test_a_branch_is_finished_before_the_next_one_begins() -> None:
    # Four branches, each wide inside and narrow at its end; the model lists all their first halves, then all the second ones.
    sizes = {"x": 100, "y": 40} | {f"wide{i}": 1000 for i in range(4)} | {f"narrow{i}": 10 for i in range(4)}
    layers = [layer(f"widen{i}", "x", f"wide{i}") for i in range(4)]
    layers += [layer(f"narrow{i}", f"wide{i}", f"narrow{i}") for i in range(4)]
    net = program(sizes, "x", "y", [*layers, layer("join", "narrow0 narrow1 narrow2 narrow3", "y")])
    assert peak(net) == 4000 + 100
    better = ordered(net)
    assert [each.name for each in better.layers[:3]] == ["widen0", "narrow0", "widen1"]
    assert peak(better) == 100 + 1000 + 30
    found, plan = plan_in_order(net)
    check_plan(found, plan)
    assert plan.arena_size < 1300


def test_the_order_stays_where_nothing_is_gained() -> None:
    sizes = {"x": 100, "a": 50, "b": 50, "y": 100}
    layers = [layer("p", "x", "a"), layer("q", "x", "b"), layer("r", "a b", "y")]
    net = program(sizes, "x", "y", layers)
    assert ordered(net) is net
    found, plan = plan_in_order(net)
    assert found is net
    assert plan == plan_memory(net)


def test_what_overlaps_counts_once() -> None:
    # q may write over a, so that it is better to run it while a is there: before p, which needs room of its own.
    sizes = {"x": 10, "a": 100, "b": 100, "c": 60, "y": 10}
    layers = [
        layer("begin", "x", "a"),
        layer("p", "x", "c"),
        layer("q", "a", "b", (), [Overlap("a", "b", 0, 100, True)]),
        layer("end", "b c", "y"),
    ]
    net = program(sizes, "x", "y", layers)
    assert ordered(net) is net  # 170 bytes at most: b lies on a
    assert peak(net) == 260


def test_a_large_graph_is_ordered_well_and_soon() -> None:
    # 60 branches of three layers, listed layer by layer: 180 layers, and more sets of them than can be looked at.
    rng = random.Random(2)
    sizes = {"x": 64, "y": 64}
    steps: list[list[Layer]] = [[], [], []]
    for branch in range(60):
        names = ["x", *(f"t{branch}_{step}" for step in range(3))]
        sizes |= {names[1]: 2000 + rng.randrange(100), names[2]: 1000, names[3]: 8}
        for step, (a, b) in enumerate(pairwise(names)):
            steps[step].append(layer(f"l{branch}_{step}", a, b))
    ends = " ".join(f"t{branch}_2" for branch in range(60))
    net = program(sizes, "x", "y", [*(each for step in steps for each in step), layer("join", ends, "y")])
    assert peak(net) > 60 * 2000
    assert peak(ordered(net)) < 3700


@settings(deadline=None, max_examples=50)
@given(programs(), st.booleans())
def test_plans_in_a_new_order_are_safe_and_no_larger(net: Program, overlap: bool) -> None:
    found, plan = plan_in_order(net, algorithm="greedy-by-size", overlap=overlap)
    check_plan(found, plan)
    assert plan.arena_size <= plan_memory(net, algorithm="greedy-by-size", overlap=overlap).arena_size
    assert sorted(each.name for each in found.layers) == sorted(each.name for each in net.layers)


def test_a_branching_model_gets_smaller_and_stays_exact() -> None:
    """Three branches that widen the image and narrow it again, listed step by step as a breadth-first exporter would."""
    rng = np.random.default_rng(4)
    b = TFLiteBuilder()
    x = b.input("x", (1, 12, 12, 4), "int8", scale=0.05, zero_point=-3)

    def conv(of: object, name: str, channels: int, filters: int) -> object:
        weights = b.weights(f"{name}_w", rng.uniform(-1, 1, (filters, 1, 1, channels)).astype(np.float32))
        return b.conv2d(of, weights, np.zeros(filters, np.int32), name, scale=0.1, zero_point=2)

    wide = [conv(x, f"wide{branch}", 4, 24) for branch in range(3)]
    narrow = [conv(each, f"narrow{branch}", 24, 2) for branch, each in enumerate(wide)]
    total = b.add(b.add(narrow[0], narrow[1], "two", scale=0.1, zero_point=0), narrow[2], "three", scale=0.1, zero_point=0)
    model = load_tflite(b.build([total]), "branches", "branches.tflite")

    compiled = tvm_tiny.compile(model, target="c")
    # All three wide tensors are alive in the model's order, 3 * 3,456 bytes; one is enough.
    assert compiled.report["ram"]["arena"] < 6000
    assert [each.output_source for each in compiled.module.layers][:2] == ["wide0", "narrow0"]
    assert tvm_tiny.verify(model, board="host", samples=5, layers=True).mismatches == 0
