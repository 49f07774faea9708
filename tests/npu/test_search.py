"""What the search chooses: no worse than what it sets out from, little SRAM where that is asked for, fetches where it must."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.npu.bench import ETPU_16, ETPU_64
from tests.npu.graphs import Hand
from tvm_tiny.errors import CapacityError
from tvm_tiny.npu.cost import Cost, cost_of
from tvm_tiny.npu.device import count
from tvm_tiny.npu.region import Graph
from tvm_tiny.npu.search import MOST_DRAINS, MOST_EXTRA, alone, cascaded, compile_for, found_region, uniform
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Choice, Compiled, Packer
from tvm_tiny.target.npu import Npu


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Operation 0 brings 16 x 16 pixels of 8 channels in, 1 to 3 are convolutions, 4 pools, 5 brings the result out."""
    hand = Hand()
    x = hand.conv(hand.input(16, 16, 8), 16)
    x = hand.conv(hand.depthwise(x), 24, kernel=1)
    hand.output(hand.pool(x))
    return hand.graph


def cost(graph: Graph, npu: Npu, choice: Choice) -> Cost:
    return cost_of(graph, npu, choice, Packer(graph, npu), overlap=False)


def test_groups() -> None:
    hand = Hand()
    hand.output(hand.copy(hand.copy(hand.input(4, 4, 4))))
    assert alone(hand.graph) == ((0,), (1,), (2,), (3,))
    assert cascaded(hand.graph, 2) == ((0, 1), (2,), (3,))


def test_commands_of_about_so_many_pixels(graph: Graph) -> None:
    """64 pixels are 4 rows of 16 or 8 of 8; a transfer is cut by itself."""
    rows = [tiling.rows for tiling in uniform(graph, ETPU_16, 4, moves=2)]
    assert rows == [8, 4, 4, 4, 8, 4]
    fro = [tiling.backwards for tiling in uniform(graph, ETPU_16, 4, fro=True)]
    assert fro == [False, True, False, True, False, False], "every other one, transfers never"


@pytest.mark.parametrize("npu", [ETPU_16, ETPU_64], ids=lambda npu: npu.name)
def test_for_speed_nothing_that_was_tried_is_faster(graph: Graph, npu: Npu) -> None:
    region = found_region(graph, npu)
    found = region.cost({}).cycles
    for pixels in (0.5, 1, 2, 4, 8, 16):
        for moves in (1, 2, 8):
            assert found <= cost(graph, npu, Choice(uniform(graph, npu, pixels, moves=moves), alone(graph))).cycles
    for number, operation in enumerate(graph.operations):
        for rows in {-(-operation.output.shape[0] // stripes) for stripes in (1, 2, 3, 4)}:
            values = {f"{number}.rows": rows}
            assert found <= region.cost(values).cycles * 1.02, "it ends when a round gains less than 2 %"
    assert compile_for(graph, npu).choice == region.base


def test_for_little_sram_cycles_stay_bearable(graph: Graph) -> None:
    fast, small = (found_region(graph, ETPU_16, optimize).cost({}) for optimize in ("speed", "ram"))
    assert small.sram < fast.sram
    assert small.cycles <= (1 + MOST_EXTRA) * fast.cycles + MOST_DRAINS * 2 * 16 * len(graph.operations)


def test_what_does_not_fit_for_speed_takes_less_sram(graph: Graph) -> None:
    whole = compile_for(graph, ETPU_16)
    narrow = replace(ETPU_16, sram=whole.run.sram - 1)
    fit = compile_for(graph, narrow)
    assert fit.run.sram <= narrow.sram
    assert fit.constants.size == whole.constants.size
    assert not staged(fit), "nothing is fetched in each run"


def staged(compiled: Compiled) -> list[str]:
    return [operation.staged for operation in compiled.graph.operations if operation.staged]


def test_weights_are_fetched_where_there_is_no_room_for_all() -> None:
    """Two layers of 9 * 32 * 32 bytes of weights, 2 KiB of activations."""
    hand = Hand()
    hand.output(hand.conv(hand.conv(hand.input(8, 8, 32), 32), 32))
    compiled = compile_for(hand.graph, replace(ETPU_16, sram=14_000))
    assert compiled.run.sram <= 14_000
    assert staged(compiled)
    read = sum(event.offchip_read for event in count(replace(ETPU_16, sram=14_000), encode(compiled.run)).events)
    assert read >= 2 * 9 * 32 * 32 + 2048 - 14_000


def test_a_machine_that_is_too_small_says_by_what() -> None:
    hand = Hand()
    hand.output(hand.conv(hand.input(16, 16, 16), 16))
    with pytest.raises(CapacityError, match=r"etpu-16 has 1,000 bytes of SRAM: [0-9,]+ for activations leave too few"):
        compile_for(hand.graph, replace(ETPU_16, sram=1_000))
