"""How a region is cut, ordered and placed: tilings, cascades, SRAM and waits, on a network made for looking at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.npu.bench import ETPU_16, ETPU_64
from tests.npu.test_operators import Net
from tvm_tiny.frontend.tflite import load_tflite
from tvm_tiny.npu.commands import Convolution, Elementwise, Transfer, Unit, Waits
from tvm_tiny.npu.device import count
from tvm_tiny.npu.hazards import find_hazards
from tvm_tiny.npu.order import rolling_rows, steps_of
from tvm_tiny.npu.partition import is_region, partition
from tvm_tiny.npu.region import graph_of
from tvm_tiny.npu.search import alone, cascaded, uniform
from tvm_tiny.npu.sram import place
from tvm_tiny.npu.stream import encode
from tvm_tiny.npu.streams import Choice, compile_graph
from tvm_tiny.npu.tiling import Tiling, best_tiling, cycles_of_pass, depth_steps, splits
from tvm_tiny.op.qdq import Arithmetic
from tvm_tiny.transform.lower_integer import lower_integer
from tvm_tiny.transform.pipeline import run_passes


def graph(net, outputs, npu=ETPU_16):
    model = load_tflite(net.b.build(outputs), "net", "net.tflite")
    mod = partition(run_passes(lower_integer(model, Arithmetic("litert")).mod), npu).mod
    (region,) = (function for function in mod.functions.values() if is_region(function))
    return graph_of(mod, region)


def chain(shape=(1, 16, 16, 16)):
    """Three convolutions, one behind the other, that keep the shape."""
    net = Net(shape=shape)
    x = net.x
    for name in "abc":
        x = net.conv(x, shape[3], name)
    return graph(net, [x])


@pytest.mark.parametrize("npu", [ETPU_16, ETPU_64], ids=lambda npu: npu.name)
@pytest.mark.parametrize("layer", ["conv", "narrow", "depthwise"])
def test_the_closed_form_is_what_the_device_counts(npu, layer):
    """One command: what is in front of its first step and behind its last one is all that the form leaves out."""
    net = Net(shape=(1, 10, 13, 24))
    y = {
        "conv": lambda: net.conv(net.x, 70, "y"),
        "narrow": lambda: net.conv(net.x, 9, "y", (5, 5), stride=(2, 2)),
        "depthwise": lambda: net.depthwise(net.x, "y", stride=(2, 2)),
    }[layer]()
    made = graph(net, [y], npu)
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


def test_a_narrow_layer_is_split():
    net = Net(shape=(1, 16, 16, 16))
    made = graph(net, [net.conv(net.x, 16, "y")], ETPU_64)
    (operation,) = (each for each in made.operations if each.on_array)
    assert best_tiling(operation, 16, ETPU_64).split == 4


def test_a_cascade_keeps_few_rows():
    made = chain()
    tilings = [Tiling(2 if operation.moved else 1, 1, 16) for operation in made.operations]
    steps = steps_of(made, tilings, cascaded(made, len(made.operations)))
    rows = rolling_rows(made, steps)
    between = [operation.output.storage for operation in made.operations if operation.on_array][:-1]
    assert [rows[name] for name in between] == [3, 3]  # what a window of 3 rows sees
    whole = place(made, steps_of(made, tilings, alone(made)), {}, overlap=False).size
    assert place(made, steps, rows).size < whole / 2


def test_every_row_is_made_once_and_before_it_is_read():
    made = chain()
    for groups in (alone(made), cascaded(made, 3), cascaded(made, len(made.operations))):
        done = {number: set() for number in range(len(made.operations))}
        writer = {each.output.storage: number for number, each in enumerate(made.operations) if each.kind != "output"}
        for step in steps_of(made, uniform(made, ETPU_16, 1), groups):
            operation = made.operations[step.operation]
            for index, feature in enumerate(operation.inputs):
                assert set(operation.rows_read(index, step.first, step.rows)) <= done[writer[feature.storage]]
            rows = set(range(step.first, step.first + step.rows))
            assert not rows & done[step.operation]
            done[step.operation] |= rows
        assert all(len(done[number]) == each.output.shape[0] for number, each in enumerate(made.operations))


def test_outputs_lie_on_rows_that_nobody_reads_any_more():
    """Forwards a little in front of the input, backwards a little behind it: one map and some rows are enough."""
    made = chain()
    tilings = uniform(made, ETPU_16, 2, fro=True)
    size = 16 * 16 * 16
    assert place(made, steps_of(made, tilings, alone(made)), {}).size <= size * 1.5
    assert place(made, steps_of(made, tilings, alone(made)), {}, overlap=False).size >= 2 * size


def test_sums_are_made_in_place_while_the_array_works():
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


def test_a_wait_that_is_taken_away_is_a_hazard():
    """The first convolution waits for its input, the transfer at the end for every convolution."""
    made = chain((1, 8, 8, 8))
    compiled = compile_graph(made, ETPU_16, Choice(uniform(made, ETPU_16, 1), alone(made)))
    commands = list(compiled.run.commands)
    assert find_hazards(commands) == []
    first = next(index for index, command in enumerate(commands) if isinstance(command, Convolution))
    assert commands[first].waits.dma > 0
    without = [replace(command, waits=Waits()) if index == first else command for index, command in enumerate(commands)]
    assert find_hazards(without)
    last = commands[-1]
    assert isinstance(last, Transfer)
    assert last.waits.array == sum(isinstance(command, Convolution) for command in commands)


def test_constants_have_a_token_of_their_place():
    made = chain((1, 8, 8, 8))
    choice = Choice(uniform(made, ETPU_16, 1, fro=True), alone(made))
    one, other = (compile_graph(made, ETPU_16, choice, overlap=overlap) for overlap in (True, False))
    assert np.array_equal(one.constants, other.constants)
    assert one.run.cache != other.run.cache
    assert one.run.token != other.run.token
    assert one.load is not None
    assert one.load.token == one.run.token
