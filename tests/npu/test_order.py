"""In which order rows are computed: steps are (operation, first row, rows)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.npu.bench import ETPU_16
from tests.npu.graphs import Hand, chain
from tvm_tiny.npu.order import Step, rolling_rows, steps_of
from tvm_tiny.npu.region import Graph
from tvm_tiny.npu.search import alone, cascaded, uniform
from tvm_tiny.npu.tiling import Tiling


@pytest.fixture
def one_convolution() -> Graph:
    """Operation 0 brings 4 rows in, 1 is a convolution of 3 x 3, 2 brings its rows out."""
    hand = Hand()
    hand.output(hand.conv(hand.input(4, 2, 1), 1))
    return hand.graph


def steps(graph: Graph, rows: Sequence[int], groups: Sequence[Sequence[int]]) -> list[tuple[int, int, int]]:
    found = steps_of(graph, [Tiling(each) for each in rows], groups)
    return [(step.operation, step.first, step.rows) for step in found]


def test_one_operation_after_the_other(one_convolution: Graph) -> None:
    assert steps(one_convolution, [2, 3, 4], [[0], [1], [2]]) == [(0, 0, 2), (0, 2, 2), (1, 0, 3), (1, 3, 1), (2, 0, 4)]


def test_a_cascade_computes_what_the_next_row_needs(one_convolution: Graph) -> None:
    assert steps(one_convolution, [1, 1, 1], [[0, 1, 2]]) == [
        *[(0, 0, 1), (0, 1, 1), (1, 0, 1), (2, 0, 1)],  # the window of row 0 sees rows 0 and 1
        *[(0, 2, 1), (1, 1, 1), (2, 1, 1)],
        *[(0, 3, 1), (1, 2, 1), (2, 2, 1)],
        *[(1, 3, 1), (2, 3, 1)],
    ]


def test_a_cascade_of_the_first_operations(one_convolution: Graph) -> None:
    assert steps(one_convolution, [2, 2, 4], [[0, 1], [2]]) == [(0, 0, 2), (0, 2, 2), (1, 0, 2), (1, 2, 2), (2, 0, 4)]


def test_backwards(one_convolution: Graph) -> None:
    tilings = [Tiling(4), Tiling(3, backwards=True), Tiling(4)]
    found = steps_of(one_convolution, tilings, [[0], [1], [2]])
    assert found == (Step(0, 0, 4), Step(1, 3, 1), Step(1, 0, 3), Step(2, 0, 4))


def test_rows_that_are_alive_at_one_time(one_convolution: Graph) -> None:
    cascade = steps_of(one_convolution, [Tiling(1)] * 3, [[0, 1, 2]])
    assert rolling_rows(one_convolution, cascade) == {"x0": 3, "x1": 1}
    after_another = steps_of(one_convolution, [Tiling(1)] * 3, [[0], [1], [2]])
    assert rolling_rows(one_convolution, after_another) == {}, "all of them"


def test_a_sum_keeps_rows_for_its_other_operand() -> None:
    """The sum of a row and of what three convolutions make of it: they see three rows further."""
    hand = Hand()
    x = hand.input(8, 2, 1)
    hand.output(hand.add(x, hand.conv(hand.conv(hand.conv(x, 1), 1), 1)))
    graph = hand.graph
    rows = rolling_rows(graph, steps_of(graph, [Tiling(1)] * 6, [range(6)]))
    assert rows == {"x0": 4, "x1": 3, "x2": 3, "x3": 1, "x4": 1}


def test_pooling_needs_rows_by_its_stride() -> None:
    hand = Hand()
    hand.output(hand.pool(hand.input(4, 4, 1)))
    found = steps(hand.graph, [1, 1, 1], [[0, 1, 2]])
    assert found == [(0, 0, 1), (0, 1, 1), (1, 0, 1), (2, 0, 1), (0, 2, 1), (0, 3, 1), (1, 1, 1), (2, 1, 1)]


def test_every_row_is_made_once_and_before_it_is_read() -> None:
    made = chain()
    for groups in (alone(made), cascaded(made, 3), cascaded(made, len(made.operations))):
        done: dict[int, set[int]] = {number: set() for number in range(len(made.operations))}
        writer = {each.output.storage: number for number, each in enumerate(made.operations) if each.kind != "output"}
        for step in steps_of(made, uniform(made, ETPU_16, 1), groups):
            operation = made.operations[step.operation]
            for index, feature in enumerate(operation.inputs):
                assert set(operation.rows_read(index, step.first, step.rows)) <= done[writer[feature.storage]]
            rows = set(range(step.first, step.first + step.rows))
            assert not rows & done[step.operation]
            done[step.operation] |= rows
        assert all(len(done[number]) == each.output.shape[0] for number, each in enumerate(made.operations))
