"""Layers that run row by row as one: what they hold, what may overlap, and that nothing is computed twice."""

from __future__ import annotations

import pytest

from tests.schedule.chained import NETWORKS, Net, only_chain, program_of, whole_chain, with_chain
from tvm_tiny.program import Chain, Layer, Stage
from tvm_tiny.schedule.chain import chain_of


def test_a_residual_block_holds_rows_instead_of_tensors() -> None:
    _, program, core = program_of(NETWORKS["residual"]())
    assert [layer.op for layer in program.layers] == ["conv2d", "conv2d", "conv2d", "add", "conv2d"]
    plan = chain_of(program, 1, 3, 1)
    assert plan is not None
    layer = only_chain(with_chain(program, plan, core))
    assert (layer.name, layer.inputs, layer.outputs) == ("conv2d_1_to_add_3", program.layers[1].inputs, program.layers[3].outputs)
    assert layer.chain is not None
    assert [band.rows for band in layer.chain.bands] == [3, 3, 1]
    assert all(band.row_bytes == 12 * 8 for band in layer.chain.bands)
    # The addition writes a row when everything above it has been read, and the row itself element by element.
    assert [(each.before, each.after) for each in layer.overlaps] == [(0, 12 * 12 * 8)]


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_computed_twice(name: str, coarse: bool) -> None:
    _, program, core = program_of(NETWORKS[name]())
    layer = only_chain(with_chain(program, whole_chain(program, 1, coarse=coarse), core))
    assert layer.chain is not None
    executed = sum(stage.layer.live_macs * stage.count for stage in layer.chain.stages if stage.layer)
    assert executed == sum(layer.live_macs for layer in program.layers) == layer.live_macs


def test_a_row_that_nobody_reads_is_not_computed() -> None:
    net = Net((9, 8, 4))
    _, program, core = program_of(net.b.build([net.b.max_pool2d(net.conv(net.x, 4, 3), (2, 2), "pooled")]))
    layer = only_chain(with_chain(program, whole_chain(program, 1), core))
    assert layer.chain is not None
    assert [(stage.rows, stage.count) for stage in layer.chain.stages if stage.layer] == [(1, 8), (1, 4)]


def test_what_is_needed_outside_ends_a_chain() -> None:
    _, program, _ = program_of(NETWORKS["residual"]())
    assert chain_of(program, 0, 2, 1) is None  # the first convolution's output is added later
    assert chain_of(program, 0, 3, 1) is not None


def test_a_layer_over_the_whole_image_ends_a_chain() -> None:
    net = Net((8, 8, 4))
    pooled = net.b.average_pool2d(net.conv(net.x, 4, 3), (8, 8), "pooled", padding="VALID")
    _, program, _ = program_of(net.b.build([pooled]))
    assert chain_of(program, 0, 1, 1) is None


def test_an_average_pool_with_padding_is_no_row_layer() -> None:
    net = Net((8, 8, 4))
    pooled = net.b.average_pool2d(net.conv(net.x, 4, 3), (3, 3), "pooled", stride=(1, 1), padding="SAME")
    _, program, _ = program_of(net.b.build([pooled]))
    assert chain_of(program, 0, 1, 1) is None


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("name", ["strided_residual", "separable", "pools"])
def test_the_overlap_is_safe_and_not_a_byte_too_cautious(name: str, rows: int) -> None:
    _, program, core = program_of(NETWORKS[name]())
    plan = whole_chain(program, 1) if program.layers[-1].node.output.shape[1] % rows else whole_chain(program, rows)
    layer = only_chain(with_chain(program, plan, core))
    (overlap,) = layer.overlaps
    assert not overwrites_what_is_unread(layer, -overlap.before)
    if -overlap.before < overlap.after:
        assert overwrites_what_is_unread(layer, -overlap.before + 1)


def overwrites_what_is_unread(layer: Layer, shift: int) -> bool:
    """Whether a stage reads a byte of the input that the output, ``shift`` bytes behind it, has overwritten or is overwriting."""
    chain, written = layer.chain, set[int]()
    assert chain is not None
    for tick in range(chain.ticks):
        for stage in chain.stages:
            turn, rest = divmod(tick - stage.first, stage.period)
            if rest or not 0 <= turn < stage.count:
                continue
            if stage.output.buffer in layer.outputs:
                begin = shift + stage.output.offset + turn * stage.output.advance
                written |= set(range(begin, begin + stage.output.advance))
            for access, size in zip(stage.inputs, read_sizes(stage, chain), strict=True):
                if access.buffer in layer.inputs:
                    begin = access.offset + turn * access.advance
                    if written & set(range(begin, begin + size)):
                        return True
    return False


def read_sizes(stage: Stage, chain: Chain) -> list[int]:
    """Bytes of each operand that a firing reads."""
    if stage.layer is None:
        return [stage.inputs[0].advance]
    return [value.size for value in stage.layer.node.inputs if hasattr(value, "size") and not hasattr(value, "strides")]


def test_accesses_stay_within_their_buffers() -> None:
    for name in NETWORKS:
        _, program, core = program_of(NETWORKS[name]())
        layer = only_chain(with_chain(program, whole_chain(program, 1), core))
        chain = layer.chain
        assert chain is not None
        sizes = {band.name: band.nbytes for band in chain.bands}
        sizes |= {each: program.tensors[each].nbytes for each in (*layer.inputs, *layer.outputs)}
        for stage in chain.stages:
            for access, size in zip(stage.inputs, read_sizes(stage, chain), strict=True):
                end = access.offset + (stage.count - 1) * access.advance + size
                assert access.offset >= 0
                assert end <= sizes[access.buffer], (name, stage.tensor)
