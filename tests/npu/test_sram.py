"""Where feature maps lie: each is 8 rows of 16 bytes, and operations go row by row unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from tests.npu.bench import ETPU_16
from tests.npu.graphs import Hand, chain, graph
from tests.npu.test_operators import Net
from tvm_tiny.npu.commands import Elementwise, Unit
from tvm_tiny.npu.device import count
from tvm_tiny.npu.order import rolling_rows, steps_of
from tvm_tiny.npu.region import Feature, Graph
from tvm_tiny.npu.search import alone, cascaded, uniform
from tvm_tiny.npu.sram import Layout, place, span
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Choice, compile_graph
from tvm_tiny.npu.tiling import Tiling

ROW, MAP = 16, 8 * 16


def copies(count: int) -> Graph:
    """x0 comes in and is copied ``count`` times."""
    hand = Hand()
    x = hand.input(8, 4, 4)
    for _ in range(count):
        x = hand.copy(x)
    hand.output(x)
    return hand.graph


def placed(graph: Graph, tilings: Sequence[Tiling] | None = None, *, overlap: bool = True) -> Layout:
    steps = steps_of(graph, tilings or [Tiling(1)] * len(graph.operations), alone(graph))
    return place(graph, steps, {}, overlap=overlap)


def test_what_is_alive_at_one_time_lies_side_by_side() -> None:
    layout = placed(copies(2), overlap=False)
    assert layout.size == 2 * MAP
    assert layout.address["x0"] == layout.address["x2"] != layout.address["x1"]


def test_an_output_lies_a_row_in_front_of_its_input() -> None:
    layout = placed(copies(1))
    assert (layout.address, layout.size) == ({"x0": ROW, "x1": 0}, MAP + ROW)


def test_computed_as_a_whole_it_does_not() -> None:
    assert placed(copies(1), [Tiling(8)] * 3).size == 2 * MAP


def test_each_one_goes_further_in_front_or_they_take_turns() -> None:
    assert placed(copies(2)).size == MAP + 2 * ROW
    fro = [Tiling(1), Tiling(1), Tiling(1, backwards=True), Tiling(1)]
    layout = placed(copies(2), fro)
    assert (layout.address, layout.size) == ({"x0": ROW, "x1": 0, "x2": ROW}, MAP + ROW)


def test_a_sum_lies_on_one_of_its_operands() -> None:
    hand = Hand()
    hand.output(hand.add(hand.input(8, 4, 4), hand.input(8, 4, 4)))
    layout = placed(hand.graph, [Tiling(8)] * 4)
    assert layout.size == 2 * MAP
    assert layout.address["x2"] in (layout.address["x0"], layout.address["x1"])
    assert placed(hand.graph, [Tiling(8)] * 4, overlap=False).size == 3 * MAP


def test_not_on_one_that_is_read_again() -> None:
    hand = Hand()
    x = hand.input(8, 4, 4)
    hand.output(hand.add(x, hand.add(x, x)))
    assert placed(hand.graph, [Tiling(8)] * 4).size == 2 * MAP


def test_a_rolling_buffer_takes_its_rows_only() -> None:
    hand = Hand()
    hand.output(hand.conv(hand.input(8, 4, 4), 4))
    steps = steps_of(hand.graph, [Tiling(1)] * 3, [[0, 1, 2]])
    layout = place(hand.graph, steps, rolling_rows(hand.graph, steps))
    assert layout.rolling == {"x0": 3, "x1": 1}
    assert layout.size == 3 * ROW + ROW


def test_the_bytes_of_some_rows() -> None:
    assert span(Feature.whole("x", (8, 4, 4)), 2, 3) == (2 * ROW, 5 * ROW)
    # Channels 2 and 3 of pixels of 4 bytes: the last pixel ends with its channels.
    assert span(Feature("x", (8, 4, 2), ROW, 4, offset=2), 0, 1) == (2, 2 + 3 * 4 + 2)


def test_a_cascade_keeps_few_rows() -> None:
    made = chain()
    tilings = [Tiling(2 if operation.moved else 1, 1, 16) for operation in made.operations]
    steps = steps_of(made, tilings, cascaded(made, len(made.operations)))
    rows = rolling_rows(made, steps)
    between = [operation.output.storage for operation in made.operations if operation.on_array][:-1]
    assert [rows[name] for name in between] == [3, 3]  # what a window of 3 rows sees
    whole = place(made, steps_of(made, tilings, alone(made)), {}, overlap=False).size
    assert place(made, steps, rows).size < whole / 2


def test_convolutions_to_and_fro_need_one_map_and_some_rows() -> None:
    made = chain()
    tilings = uniform(made, ETPU_16, 2, fro=True)
    size = 16 * 16 * 16
    assert place(made, steps_of(made, tilings, alone(made)), {}).size <= size * 1.5
    assert place(made, steps_of(made, tilings, alone(made)), {}, overlap=False).size >= 2 * size


def test_sums_are_made_in_place_while_the_array_works() -> None:
    net = Net(shape=(1, 16, 16, 16))
    a = net.conv(net.x, 16, "a")
    b = net.conv(a, 16, "b")
    made = graph(net, [net.conv(net.b.add(a, b, "s", scale=0.08, zero_point=0), 8, "c")])
    compiled = compile_graph(made, ETPU_16, Choice(uniform(made, ETPU_16, 4), alone(made)))
    sums = [command for command in compiled.run.commands if isinstance(command, Elementwise)]
    assert len(sums) > 1
    assert all(command.output in command.inputs for command in sums)
    events = count(ETPU_16, encode(compiled.run)).events
    vector = [event for event in events if event.unit == Unit.VECTOR]
    array = [event for event in events if event.unit == Unit.ARRAY]
    assert any(v.start < a.end and a.start < v.end and a.layer != v.layer for v in vector for a in array)
