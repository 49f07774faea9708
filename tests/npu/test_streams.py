"""What streams a choice makes: commands in order, constants in the cache, regions, tokens."""

from __future__ import annotations

import numpy as np

from tests.npu.bench import ETPU_16
from tests.npu.graphs import Hand, chain
from tvm_tiny.npu.commands import Convolution, Map, Region, Transfer, Waits
from tvm_tiny.npu.region import Graph
from tvm_tiny.npu.search import alone, uniform
from tvm_tiny.npu.streams import Choice, Compiled, Packer, compile_graph
from tvm_tiny.npu.tiling import Tiling


def one_convolution() -> Graph:
    """3 x 3 of 8 channels over 4 x 4 pixels: 576 bytes of weights, 128 of parameters."""
    hand = Hand()
    hand.output(hand.conv(hand.input(4, 4, 8), 8))
    return hand.graph


def compiled(graph: Graph, *tilings: Tiling) -> Compiled:
    return compile_graph(graph, ETPU_16, Choice(tilings, alone(graph)))


def test_a_layer_in_one_command() -> None:
    made = compiled(one_convolution(), Tiling(4), Tiling(4, 1, 16), Tiling(4))
    into, convolution, out = made.run.commands
    assert isinstance(into, Transfer)
    assert isinstance(convolution, Convolution)
    assert isinstance(out, Transfer)
    assert (into.to_sram, into.region, into.row_length) == (True, 1, 128)
    assert (out.to_sram, out.region, out.row_length) == (False, 2, 128)
    assert convolution.input == Map(into.map.address, 4 * 8, 8, 4)
    assert convolution.output.address == out.map.address
    assert [command.waits for command in made.run.commands] == [Waits(), Waits(dma=1), Waits(array=1)]
    assert made.run.regions == (Region("constants", 704), Region("region 0", 128), Region("region 1", 128, written=True))


def test_the_load_stream_fills_the_cache_behind_the_activations() -> None:
    made = compiled(one_convolution(), Tiling(4), Tiling(4, 1, 16), Tiling(4))
    assert made.load is not None
    (load,) = made.load.commands
    assert isinstance(load, Transfer)
    assert load.map == Map(made.sram, 704, 1, 1)
    assert (made.run.cache, made.run.sram) == (made.sram, made.sram + 704)
    convolution = made.run.commands[1]
    assert isinstance(convolution, Convolution)
    assert (convolution.weights, convolution.parameters) == (made.sram, made.sram + 576)
    assert (made.constants[:576] == 1).all(), "the weights"


def test_rows_become_commands() -> None:
    made = compiled(one_convolution(), Tiling(2), Tiling(3, 1, 16), Tiling(4))
    rows = [(each.first_row, each.rows) for each in made.run.commands if isinstance(each, Convolution)]
    assert rows == [(0, 3), (3, 1)]
    waits = [each.waits for each in made.run.commands if isinstance(each, Convolution)]
    assert waits == [Waits(dma=2), Waits(dma=2)], "both see rows of the second transfer"


def test_a_region_without_constants_has_no_token() -> None:
    hand = Hand()
    hand.output(hand.pool(hand.input(4, 4, 8)))
    made = compiled(hand.graph, Tiling(4), Tiling(2), Tiling(2))
    assert made.load is None
    assert made.run.token == 0
    assert made.constants.size == 0


def test_what_is_cut_alike_is_packed_once() -> None:
    graph = one_convolution()
    packer = Packer(graph, ETPU_16)
    first = packer.constants(1, Tiling(4, 1, 16))
    assert packer.constants(1, Tiling(2, 1, 16)) is first, "rows do not matter"
    assert packer.constants(1, Tiling(4, 2, 16)) is not first


def test_constants_have_a_token_of_their_place() -> None:
    made = chain((1, 8, 8, 8))
    choice = Choice(uniform(made, ETPU_16, 1, fro=True), alone(made))
    one, other = (compile_graph(made, ETPU_16, choice, overlap=overlap) for overlap in (True, False))
    assert np.array_equal(one.constants, other.constants)
    assert one.run.cache != other.run.cache
    assert one.run.token != other.run.token
    assert one.load is not None
    assert one.load.token == one.run.token
