"""Plans of the C++ planner: safe by a check of every pair, and the smallest by trying everything."""

from dataclasses import replace

import pytest

from tvm_tiny.memory.lifetimes import Lifetime
from tvm_tiny.memory.native import UNLIMITED, Relaxed, algorithms, place
from tvm_tiny.memory.samples import random_problem

from .problems import mistakes, sizes, smallest, value

ALGORITHMS = ("exact", "hill-climb", "greedy-by-conflicts", "greedy-by-size")

# A name, and what random_problem takes: everything alone, then everything together.
KINDS = {
    "plain": {},
    "aligned": {"alignments": (16,)},
    "mixed alignments": {"alignments": (1, 4, 16, 24)},
    "relaxed": {"relaxed": 0.7},
    "pools": {"pools": 3},
    "pinned": {"pinned": 0.1},
    "all": {"alignments": (1, 4, 16), "relaxed": 0.7, "pools": 3, "pinned": 0.1},
}


def test_names():
    assert algorithms() == ALGORITHMS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_random_plans_are_safe(algorithm: str, kind: str):
    for seed in range(100):
        problem = random_problem(seed, count=1 + seed % 40, **KINDS[kind])
        placed = problem.place(algorithm, time_limit=0.01)
        assert list(mistakes(problem, placed)) == [], seed
        if kind != "pools" and kind != "pinned" and kind != "all":
            assert min(pool for pool, _ in placed.places) == 0, seed
            assert placed.bound <= sum(sizes(problem, placed)), seed


@pytest.mark.parametrize("kind", ["plain", "mixed alignments", "relaxed", "all"])
def test_same_problem_gets_the_same_plan(kind: str):
    for seed in range(20):
        problem = random_problem(seed, count=30, **KINDS[kind])
        for algorithm in ALGORITHMS:
            assert problem.place(algorithm, time_limit=0.02) == problem.place(algorithm, time_limit=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_exact_is_never_worse_than_the_others(kind: str):
    for seed in range(40):
        problem = random_problem(seed, count=60, **KINDS[kind])
        best = min(value(problem, problem.place(algorithm)) for algorithm in ALGORITHMS[1:])
        assert value(problem, problem.place("exact", time_limit=0.02)) <= best, seed


@pytest.mark.parametrize("alignments", [(1,), (1, 2, 3)])
def test_exact_is_as_good_as_trying_everything(alignments: tuple[int, ...]):
    tried = 0
    for seed in range(150):
        problem = random_problem(
            seed, 2 + seed % 5, largest=6, steps=4, life=3, alignments=alignments, relaxed=0.9, pinned=seed % 3 * 0.1
        )
        placed = problem.place("exact")
        if min(pool for pool, _ in placed.places) == -1:
            continue  # two pinned buffers clash
        (found,) = sizes(problem, placed)
        assert (found, placed.optimal, placed.bound) == (smallest(problem, found), True, found), seed
        tried += 1
    assert tried > 100


def test_more_overlap_never_needs_more():
    compared = 0
    for seed in range(30):
        problem = random_problem(seed, 15, life=6, relaxed=0.7)
        pairs = problem.relaxed
        plans = [replace(problem, relaxed=pairs[:count]).place("exact") for count in (0, len(pairs) // 2, len(pairs))]
        if all(placed.optimal for placed in plans):
            assert plans[0].bound >= plans[1].bound >= plans[2].bound, seed
            compared += plans[0].bound > plans[2].bound
    assert compared > 5


def test_output_before_its_input_through_a_few_rows():
    # A convolution that writes a row when it has read three: the output lies 20 bytes before its input.
    buffers = [Lifetime("x", 100, 0, 0), Lifetime("y", 100, 0, 0)]
    placed = place("exact", buffers, alignment=1, relaxed=[Relaxed(1, 0, before=20, after=100)])
    assert placed.places == [(0, 20), (0, 0)]
    assert (placed.optimal, placed.bound) == (True, 120)


def test_elementwise_output_lies_on_its_input():
    buffers = [Lifetime("x", 100, 0, 0), Lifetime("y", 100, 0, 0)]
    placed = place("exact", buffers, alignment=16, relaxed=[Relaxed(1, 0, before=100, after=100, same=True)])
    assert placed.places == [(0, 0), (0, 0)]
    assert (placed.optimal, placed.bound) == (True, 100)


def test_output_may_lie_anywhere_before_the_end_of_what_was_read():
    # Half of the input has been read when the first byte is written; a third buffer lies under the input.
    buffers = [Lifetime("x", 100, 0, 1), Lifetime("y", 50, 1, 1), Lifetime("z", 40, 0, 0)]
    placed = place("exact", buffers, alignment=1, relaxed=[Relaxed(1, 0, before=-50, after=100)])
    assert max(offset + buffer.size for buffer, (_, offset) in zip(buffers, placed.places, strict=True)) == 140
    assert placed.optimal


def test_pair_that_is_given_twice_keeps_both():
    buffers = [Lifetime("x", 100, 0, 0), Lifetime("y", 100, 0, 0)]
    pairs = [Relaxed(1, 0, before=20, after=0), Relaxed(1, 0, before=0, after=30)]
    assert place("exact", buffers, alignment=1, relaxed=pairs).bound == 120


def test_pools_are_filled_in_their_order_and_never_beyond_their_capacity():
    buffers = [Lifetime("a", 60, 0, 1), Lifetime("b", 50, 0, 1), Lifetime("c", 40, 1, 2)]
    placed = place("greedy-by-size", buffers, alignment=1, capacities=(100, UNLIMITED))
    assert placed.places == [(0, 0), (1, 0), (0, 60)]


def test_exact_moves_what_costs_least_to_a_slower_pool():
    # The fast pool holds all but one of the three that are alive at step 1; b is alive for the shortest time.
    buffers = [Lifetime("a", 40, 0, 3), Lifetime("b", 40, 1, 1), Lifetime("c", 40, 1, 4)]
    placed = place("exact", buffers, alignment=1, capacities=(100, UNLIMITED), costs=(1, 4))
    assert [pool for pool, _ in placed.places] == [0, 1, 0]


def test_exact_takes_the_cheaper_pool_before_the_preferred_one():
    placed = place("exact", [Lifetime("a", 40, 0, 0)], alignment=1, capacities=(100, 100), costs=(2, 1))
    assert placed.places == [(1, 0)]


@pytest.mark.parametrize("relaxed", [0.0, 0.7])
def test_exact_fits_into_a_pool_of_just_the_optimum(relaxed: float):
    helped = 0
    for seed in range(30):
        problem = random_problem(seed, 25, life=10, relaxed=relaxed)
        placed = problem.place("exact")
        (size,) = sizes(problem, placed)
        tight = replace(problem, capacities=(size,))
        assert min(pool for pool, _ in tight.place("exact").places) == 0, seed
        helped += min(pool for pool, _ in tight.place("hill-climb").places) == -1
        if placed.optimal:
            smaller = replace(problem, capacities=(size - 1,)).place("exact")
            assert min(pool for pool, _ in smaller.places) == -1, seed
            assert list(mistakes(replace(problem, capacities=(size - 1,)), smaller)) == []
    assert helped > 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_buffer_that_fits_into_no_pool_is_told(algorithm: str):
    assert place(algorithm, [Lifetime("a", 60, 0, 0)], alignment=1, capacities=(50,)).places == [(-1, 0)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pinned_buffers_stay_where_they_are(algorithm: str):
    buffers = [Lifetime("a", 60, 0, 1), Lifetime("b", 50, 0, 1), Lifetime("c", 40, 1, 2)]
    placed = place(algorithm, buffers, alignment=1, capacities=(UNLIMITED, UNLIMITED), pools={1: (1,)}, pinned={2: 64})
    assert placed.places == [(0, 0), (1, 0), (0, 64)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pinned_buffers_that_clash_are_told(algorithm: str):
    buffers = [Lifetime("a", 60, 0, 1), Lifetime("b", 50, 0, 1)]
    assert place(algorithm, buffers, alignment=1, pinned={0: 0, 1: 59}).places == [(0, 0), (-1, 0)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_and_empty_buffers(algorithm: str):
    assert place(algorithm, [], alignment=1).bound == 0
    placed = place(algorithm, [Lifetime("a", 0, 0, 3), Lifetime("b", 5, 0, 1), Lifetime("c", 5, 2, 2)], alignment=1)
    assert placed.places == [(0, 0), (0, 0), (0, 0)]
    assert placed.optimal


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"buffers": [Lifetime("a", 1, 2, 1)]}, "first <= last"),
        ({"alignment": 0}, "alignment >= 1"),
        ({"capacities": ()}, "at least one pool"),
        ({"costs": (-1,)}, "cost >= 0"),
        ({"pools": {0: (1,)}}, "pool 1 does not exist: there are 1"),
        ({"pinned": {0: 3}, "alignment": 2}, "alignment 2 cannot be pinned to offset 3"),
        ({"relaxed": [Relaxed(0, 1, 0, 0)]}, "two of the 1 buffers: got 0 and 1"),
        ({"algorithm": "magic"}, "no algorithm is called magic"),
    ],
)
def test_library_refuses_numbers_that_make_no_sense(arguments: dict[str, object], message: str):
    defaults = {"algorithm": "exact", "buffers": [Lifetime("a", 1, 0, 1)], "alignment": 1}
    with pytest.raises(ValueError, match=message):
        place(**(defaults | arguments))
