"""When the steps of a chain fire, held against a simulation that follows every row."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tvm_tiny.schedule.firing import Firing, Pace, Reach, Step, fire

SAME = Reach(3, 1, 1, -128)
PLAIN = Reach()
HALVING = Reach(3, 2, 0, -128)
PADDING = -1
"""A row of padding, in a simulation where rows are their numbers."""


def residual_block() -> list[Step]:
    return [Step("a", 32, (("x", SAME),)), Step("b", 32, (("a", SAME),)), Step("sum", 32, (("x", PLAIN), ("b", PLAIN)))]


def strided_block() -> list[Step]:
    return [
        Step("a", 16, (("x", HALVING),)),
        Step("b", 16, (("a", SAME),)),
        Step("shortcut", 16, (("x", Reach(1, 2)),)),
        Step("sum", 16, (("b", PLAIN), ("shortcut", PLAIN))),
    ]


def pair() -> list[Step]:
    return [Step("a", 48, (("x", PLAIN),)), Step("b", 24, (("a", HALVING),))]


def test_a_residual_block_holds_three_rows_of_each_padded_tensor() -> None:
    firing = fire(residual_block(), {"x": 32}, 1)
    assert firing is not None
    assert {name: band.rows for name, band in firing.bands.items()} == {"x": 3, "a": 3, "b": 1}
    assert firing.paces["sum"] == Pace(rows=1, period=1, first=2, count=32, padding=0)
    assert firing.paces["a"] == Pace(rows=1, period=1, first=1, count=32, padding=1)
    assert firing.places["sum", 0].advance == 1  # the addition reads the whole tensor, row by row


def test_steps_in_front_of_a_stride_fire_twice_as_often() -> None:
    firing = fire(strided_block(), {"x": 32}, 1)
    assert firing is not None
    assert {name: band.rows for name, band in firing.bands.items()} == {"x": 3, "a": 3, "b": 1, "shortcut": 1}
    assert {name: pace.period for name, pace in firing.paces.items()} == {"x": 1, "a": 2, "b": 2, "shortcut": 2, "sum": 2}
    assert firing.places["shortcut", 0].advance == 2


@pytest.mark.parametrize("rows", [1, 2, 8])
def test_a_band_moves_up_once_for_each_firing_of_its_reader(rows: int) -> None:
    firing = fire(pair(), {"x": 48}, rows)
    assert firing is not None
    assert (firing.bands["a"].rows, firing.bands["a"].cycle) == (2 * rows + 1, 2 * rows)


def test_coarse_steps_fire_all_rows_that_the_next_one_takes() -> None:
    firing = fire(pair(), {"x": 48}, 1, coarse=True)
    assert firing is not None
    assert firing.paces["a"] == Pace(rows=2, period=1, first=0, count=24, padding=1)
    assert firing.bands["a"].rows == 4


def test_rates_that_do_not_match_have_no_firing() -> None:
    steps = [Step("a", 16, (("x", HALVING),)), Step("b", 16, (("x", SAME),)), Step("sum", 16, (("a", PLAIN), ("b", PLAIN)))]
    assert fire(steps, {"x": 32}, 1) is None


def test_padding_of_two_kinds_has_no_firing() -> None:
    pool = Reach(3, 1, 1, 0)
    steps = [Step("a", 8, (("x", SAME),)), Step("b", 8, (("x", pool),)), Step("sum", 8, (("a", PLAIN), ("b", PLAIN)))]
    assert fire(steps, {"x": 8}, 1) is None


def test_rows_must_divide_the_height() -> None:
    with pytest.raises(ValueError, match="16 rows cannot be computed 3 at a time"):
        fire(strided_block(), {"x": 32}, 3)


def test_a_step_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="reads a"):
        fire([Step("a", 8, (("x", PLAIN),)), Step("b", 8, (("x", PLAIN),))], {"x": 8}, 1)


# ---- a simulation ----------------------------------------------------------------------------------------------------------------


@dataclass
class Graph:
    """Steps with heights that follow from their windows."""

    steps: list[Step]
    heights: dict[str, int]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Chains with kernels of 1 to 5 rows, strides, dilations, any padding, and skip connections around some of the steps."""
    heights = {"x": draw(st.integers(4, 24))}
    steps: list[Step] = []
    newest, waiting = "x", "x"  # `waiting` is what a skip connection may still read
    for index in range(draw(st.integers(1, 5))):
        name, height = f"t{index}", heights[newest]
        if steps and waiting != newest and heights[waiting] == height and draw(st.booleans()):
            steps.append(Step(name, height, ((waiting, PLAIN), (newest, PLAIN))))
            heights[name], newest, waiting = height, name, name
            continue
        kernel, stride, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
        extent = (kernel - 1) * dilation + 1
        top, bottom = draw(st.integers(0, extent - 1)), draw(st.integers(0, extent - 1))
        if height + top + bottom < extent:
            break
        rows = (height + top + bottom - extent) // stride + 1
        reach = Reach(extent, stride, top, -128 if top or bottom else None)
        steps.append(Step(name, rows, ((newest, reach),)))
        heights[name], newest = rows, name
        if stride != 1 or draw(st.booleans()):
            waiting = name
    assume(steps)
    return Graph(steps, heights)


def check(graph: Graph, firing: Firing) -> None:
    """Play the ticks as the C does, with the rows' numbers for their content; every read must find the rows of its window."""
    produced: dict[str, list[int]] = {name: [] for name in graph.heights}
    top = {name: held.rows - held.top for name, held in firing.bands.items()}
    bands: dict[str, list[int | None]] = {name: [None] * held.rows for name, held in firing.bands.items()}
    for name, held in firing.bands.items():
        begin = held.rows - held.cycle * firing.paces[name].rows + (held.phase or held.cycle) * firing.paces[name].rows - held.top
        assert 0 <= begin <= top[name]
        bands[name][begin : begin + held.top] = [PADDING] * held.top

    def append(name: str, turn: int) -> None:
        held, pace = firing.bands[name], firing.paces[name]
        band, at = bands[name], (turn + held.phase) % held.cycle
        if at == 0:
            new = held.cycle * pace.rows
            band[:] = [*band[new:], *[None] * new]
        rows = [turn * pace.rows + row for row in range(pace.rows)]
        if turn < pace.count:
            produced[name] += rows
        begin = held.rows - held.cycle * pace.rows + at * pace.rows
        assert 0 <= begin <= held.rows - pace.rows
        band[begin : begin + pace.rows] = rows if turn < pace.count else [PADDING] * pace.rows

    for tick in range(firing.ticks):
        for name in [*(each for each in firing.bands if each == "x"), *(step.tensor for step in graph.steps)]:
            turn = firing.paces[name].turn(tick)
            if turn is None:
                continue
            step = next((step for step in graph.steps if step.tensor == name), None)
            if step is not None and turn < firing.paces[name].count:
                for operand, (source, reach) in enumerate(step.reads):
                    first = turn * firing.paces[name].rows * reach.stride - reach.top
                    window = range(first, first + reach.rows(firing.paces[name].rows))
                    wanted = [row if 0 <= row < graph.heights[source] else PADDING for row in window]
                    place = firing.places[name, operand]
                    if place.advance:
                        assert PADDING not in wanted
                        assert place.row + turn * place.advance == first
                    else:
                        assert bands[source][place.row : place.row + len(wanted)] == wanted
            if name in firing.bands:
                append(name, turn)
            else:
                produced[name] += [turn * firing.paces[name].rows + row for row in range(firing.paces[name].rows)]
    last = graph.steps[-1]
    assert produced[last.tensor] == list(range(last.height))
    for rows in produced.values():
        assert rows == list(range(len(rows)))  # each once, in order


@given(graphs(), st.integers(1, 6), st.booleans())
def test_every_step_finds_its_rows(graph: Graph, rows: int, coarse: bool) -> None:
    last = graph.steps[-1]
    read = {name for step in graph.steps for name, _ in step.reads}
    assume(last.height % rows == 0 and all(step.tensor in read for step in graph.steps[:-1]))
    firing = fire(graph.steps, {"x": graph.heights["x"]}, rows, coarse=coarse)
    assert firing is not None
    check(graph, firing)


@given(graphs())
def test_no_band_could_be_a_row_shorter(graph: Graph) -> None:
    """Of a step with one reader, single rows at a time: what is held is one window."""
    read = {name for step in graph.steps for name, _ in step.reads}
    assume(all(step.tensor in read for step in graph.steps[:-1]))
    firing = fire(graph.steps, {"x": graph.heights["x"]}, 1)
    assert firing is not None
    for name, held in firing.bands.items():
        readers = [reach for step in graph.steps for source, reach in step.reads if source == name]
        if len(readers) == 1:
            assert held.rows == readers[0].extent
