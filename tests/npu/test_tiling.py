"""How a layer is cut for the array, and the closed form of its cycles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.npu.bench import ETPU_16, ETPU_64
from tests.npu.graphs import Hand, graph
from tests.npu.test_operators import Net
from tvm_tiny.npu.commands import Unit
from tvm_tiny.npu.device import count
from tvm_tiny.npu.region import Feature, Operation
from tvm_tiny.npu.search import alone
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Choice, compile_graph
from tvm_tiny.npu.tiling import Tiling, best_tiling, cycles_of_pass, depth_of, depth_steps, fitting, good_tilings, splits
from tvm_tiny.target.npu import Npu


def layer(height: int, width: int, depth: int, make: Callable[[Hand, Feature], Feature]) -> Operation:
    """The operation that ``make`` adds behind an input of these extents."""
    hand = Hand()
    make(hand, hand.input(height, width, depth))
    return hand.operations[-1]


def pointwise(height: int, width: int, depth: int, channels: int) -> Operation:
    return layer(height, width, depth, lambda hand, x: hand.conv(x, channels, kernel=1))


@pytest.mark.parametrize(
    ("channels", "tiling", "cycles"),
    [
        # 20 pixels through one fold of 16 x 16; parameters of 16 channels take 16 cycles.
        (16, Tiling(4, 1, 16), 20 + 16),
        # Two commands of 10 pixels: the next one's 16 rows of weights take longer.
        (16, Tiling(2, 1, 16), 16 + 16 + 2 * 16),
        # Two folds of 8 rows; parameters come beside the first of them.
        (16, Tiling(4, 1, 8), 20 + 20),
        # 40 channels are three folds.
        (40, Tiling(4, 1, 16), 3 * (20 + 16)),
        # 4 columns to a group: four folds of 5 steps, less than their weights take to load.
        (16, Tiling(4, 4, 16), 4 * (16 + 4)),
        (4, Tiling(4, 4, 16), 16 + 4),
        (4, Tiling(4, 1, 16), 20 + 4),
    ],
)
def test_cycles_of_20_pixels_of_depth_16(channels: int, tiling: Tiling, cycles: int) -> None:
    assert cycles_of_pass(pointwise(4, 5, 16, channels), tiling, ETPU_16) == cycles


def test_a_depthwise_layer_brings_what_neighbours_do_not_share() -> None:
    """A row of 5 pixels: nine positions for the first by four ports, three for each of the others."""
    operation = layer(4, 5, 16, lambda hand, x: hand.depthwise(x))
    assert cycles_of_pass(operation, Tiling(4, 1, 9), ETPU_16) == 4 * (3 + 4) + 16


def test_narrow_layers_are_split() -> None:
    assert best_tiling(pointwise(8, 10, 16, 16), 8, ETPU_16) == Tiling(8, 1, 16)
    assert best_tiling(pointwise(8, 10, 16, 8), 8, ETPU_16) == Tiling(8, 2, 16)
    assert best_tiling(pointwise(8, 10, 16, 4), 8, ETPU_16) == Tiling(8, 4, 16)
    net = Net(shape=(1, 16, 16, 16))
    made = graph(net, [net.conv(net.x, 16, "y")], ETPU_64)
    (operation,) = (each for each in made.operations if each.on_array)
    assert best_tiling(operation, 16, ETPU_64).split == 4


def test_of_equals_the_smaller_split_is_best_and_the_others_are_good() -> None:
    """Loading 16 rows takes longer than 10 or 5 steps."""
    assert good_tilings(pointwise(4, 5, 16, 4), 4, ETPU_16) == [Tiling(4, 2, 16), Tiling(4, 4, 16)]


def test_what_does_not_run_on_the_array_has_rows_only() -> None:
    assert good_tilings(layer(8, 8, 4, lambda hand, x: hand.pool(x)), 3, ETPU_16) == [Tiling(3)]


def test_splits_end_at_the_feeds() -> None:
    operation = pointwise(4, 5, 16, 4)
    assert splits(operation, ETPU_16) == [1, 2, 4]
    assert splits(operation, ETPU_64) == [1, 2, 4, 8]
    assert splits(layer(4, 5, 16, lambda hand, x: hand.depthwise(x)), ETPU_64) == [1]


def test_depth_is_cut_in_equal_folds_or_by_whole_runs() -> None:
    """3 x 3 x 5: three folds of 15, of 16 as far as there are, or of two or three taps' five channels."""
    operation = layer(4, 5, 5, lambda hand, x: hand.conv(x, 4))
    assert depth_of(operation) == 45
    assert depth_steps(operation, ETPU_16) == [10, 15, 16]
    assert depth_steps(layer(4, 5, 16, lambda hand, x: hand.depthwise(x)), ETPU_16) == [9]


def test_a_command_has_no_more_pixels_than_accumulators() -> None:
    operation = pointwise(100, 40, 16, 16)
    assert fitting(operation, 100, 1, ETPU_16) == 1024 // 40
    assert fitting(operation, 100, 4, ETPU_16) == 100, "as many in each group"
    assert fitting(operation, 3, 1, ETPU_16) == 3
    assert best_tiling(operation, 100, replace(ETPU_16, accumulators=40, feeds=1)).rows == 1


@pytest.mark.parametrize("npu", [ETPU_16, ETPU_64], ids=lambda npu: npu.name)
@pytest.mark.parametrize("kind", ["conv", "narrow", "depthwise"])
def test_the_closed_form_is_what_the_device_counts(npu: Npu, kind: str) -> None:
    """One command: what is in front of its first step and behind its last one is all that the form leaves out."""
    hand = Hand()
    x = hand.input(10, 13, 24)
    hand.output(
        {
            "conv": lambda: hand.conv(x, 70),
            "narrow": lambda: hand.conv(x, 9, kernel=5, stride=2),
            "depthwise": lambda: hand.depthwise(x, stride=2),
        }[kind]()
    )
    made = hand.graph
    (operation,) = (each for each in made.operations if each.on_array)
    for split in splits(operation, npu):
        for step in depth_steps(operation, npu):
            tiling = Tiling(10, split, step)
            tilings = [tiling if each.on_array else Tiling(each.output.shape[0]) for each in made.operations]
            compiled = compile_graph(made, npu, Choice(tuple(tilings), alone(made)))
            (event,) = (event for event in count(npu, encode(compiled.run)).events if event.unit == Unit.ARRAY)
            drain = npu.size + npu.size // split - 2 + npu.requantize_latency
            spent = event.end - event.start - drain
            formula = cycles_of_pass(operation, tiling, npu)
            assert spent <= formula + npu.size
            assert spent >= 0.85 * formula - npu.size
