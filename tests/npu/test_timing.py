"""Cycles counted by hand, and the closed form of a plain weight-stationary array on the layers of MLPerf Tiny."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.npu.bench import ETPU_16, ETPU_64, stream_of
from tvm_tiny.npu.commands import (
    Clamp,
    Command,
    Convolution,
    Elementwise,
    Lookup,
    Map,
    Pool,
    Region,
    Resize,
    Softmax,
    Transfer,
    Unit,
    Waits,
    Window,
)
from tvm_tiny.npu.device import Run, count
from tvm_tiny.target.npu import Npu

LARGE = replace(ETPU_16, sram=1 << 26, accumulators=1 << 16, fetch=0)
"""Holds any layer at once; its commands cost nothing to fetch."""
ISSUE, PARAMETERS, DRAIN = 4, 16, 16 + 16 - 2 + 8
"""Of etpu-16: to read a command, to load 16 channels' parameters of 16 bytes, from the last input to the last output."""
NOTHING = Waits()
NO_STALLS = {"wait": 0, "feed": 0, "weights": 0, "queue": 0}


def run(*commands: Command, npu: Npu = LARGE, overlap: bool = True) -> Run:
    return count(npu, stream_of(npu, commands, [Region("", 1 << 20, True)]), overlap=overlap)


def convolution(
    height: int, width: int, depth: int, channels: int, *, kernel: tuple[int, int] = (1, 1), stride: int = 1, dilation: int = 1,
    pixel_bytes: int = 0, depth_step: int = 16, split: int = 1, depthwise: bool = False, waits: Waits = NOTHING,
) -> Convolution:  # fmt: skip
    """``height`` by ``width`` is the output; the input lies in the first 16 MiB, the output in the second, weights behind them."""
    pixel = pixel_bytes or depth
    shape = ((height - 1) * stride + (kernel[0] - 1) * dilation + 1, (width - 1) * stride + (kernel[1] - 1) * dilation + 1, depth)
    return Convolution(
        0, Map(0, shape[1] * pixel, pixel, shape[0]), shape, Map(1 << 24, width * channels, channels, height), width, channels, 0,
        height, Window(kernel, (stride, stride), (dilation, dilation)), 1 << 25, 3 << 24, depth_step, Clamp(),
        split=split, depthwise=depthwise, waits=waits,
    )  # fmt: skip


def test_one_fold() -> None:
    """Read, load parameters and 16 rows of weights, 20 pixels, drain."""
    (event,) = run(convolution(4, 5, 16, 16)).events
    assert (event.issue, event.start, event.end) == (4, 4 + 16 + 16, 36 + 20 + DRAIN)
    assert event.busy == 20
    assert event.stalls == NO_STALLS | {"queue": 4, "weights": 32}
    assert event.macs == 20 * 16 * 16
    assert (event.sram_read, event.sram_written) == (20 * 16 + 16 * 16 + 16 * 16, 20 * 16)


def test_weights_of_the_next_fold_of_depth_are_loaded_meanwhile() -> None:
    """A fold of 20 pixels is longer than its successor's 16 rows; one of 10 is not."""
    (event,) = run(convolution(4, 5, 48, 16)).events
    assert event.end == 36 + 3 * 20 + DRAIN
    (event,) = run(convolution(2, 5, 48, 16)).events
    assert event.end == 36 + 2 * 16 + 10 + DRAIN
    assert event.stalls["weights"] == 32 + 2 * 6
    (event,) = run(convolution(2, 5, 37, 16)).events  # the last fold has 5 rows: loaded in time
    assert event.end == 36 + 16 + 10 + 10 + DRAIN


def test_a_fold_of_channels_brings_its_parameters() -> None:
    (event,) = run(convolution(4, 5, 16, 40)).events
    # The second fold's 16 + 16 cycles begin with the first one; the last has 8 channels: 8 + 16 cycles.
    assert event.end == 36 + 32 + 24 + 20 + DRAIN
    assert event.stalls["weights"] == 32 + 12 + 4


def test_split_divides_pixels_channels_and_feeds() -> None:
    """Four groups of four columns: 30 pixels take 8 steps; parameters of 4 channels 4 cycles; a step with two runs two cycles."""
    (event,) = run(convolution(5, 6, 16, 4, split=4)).events
    assert event.end == 4 + 4 + 16 + 8 + (16 + 4 - 2 + 8)
    (event,) = run(convolution(5, 6, 5, 4, kernel=(2, 1), split=4, pixel_bytes=7)).events
    assert event.end == 4 + 4 + 10 + 2 * 8 + (16 + 4 - 2 + 8)
    assert event.stalls["feed"] == 8
    (event,) = run(convolution(5, 6, 5, 4, kernel=(2, 1), split=2, pixel_bytes=7)).events  # two feeds for each group
    assert event.end == 4 + 4 + 10 + 15 + (16 + 8 - 2 + 8)


@pytest.mark.parametrize(
    ("options", "cycles"),
    [
        # 3 x 3 of 5 channels: rows of the kernel are runs of 15 bytes; folds of 16 begin and end within them.
        ({"depth": 5, "kernel": (3, 3)}, 3 * 20),
        # Channels of other layers between the pixels: 9 runs of 5 bytes; folds touch 4, 4 and 3 of them.
        ({"depth": 5, "kernel": (3, 3), "pixel_bytes": 8}, 3 * 20),
        # One channel: rows of 4 bytes each, 4 to a fold.
        ({"depth": 1, "kernel": (10, 4)}, 3 * 20),
        # Dilated taps are runs of one byte: 16, 16 and 8 reads by 4 ports.
        ({"depth": 1, "kernel": (10, 4), "dilation": 2}, (4 + 4 + 2) * 20),
    ],
)
def test_feeds(options: dict[str, object], cycles: int) -> None:
    (event,) = run(convolution(4, 5, channels=16, **options)).events  # type: ignore[arg-type]
    assert event.busy + event.stalls["feed"] == cycles
    assert event.busy == 60


@pytest.mark.parametrize(
    ("options", "row"),
    [
        ({}, 3 + 4 * 1),  # nine positions by four ports, then three for each pixel
        ({"stride": 2}, 3 + 4 * 2),
        ({"stride": 3}, 3 + 4 * 3),
        ({"dilation": 2}, 3 + 4 * 3),
        ({"kernel": (5, 1)}, 2 + 4 * 2),
        ({"depth_step": 6}, (2 + 4 * 1) + (1 + 4 * 1)),  # two passes: 2 x 3 and 1 x 3 taps
    ],
)
def test_depthwise(options: dict[str, object], row: int) -> None:
    arguments: dict[str, object] = {"kernel": (3, 3), "depthwise": True, **options}
    (event,) = run(convolution(4, 5, 16, 16, **arguments)).events  # type: ignore[arg-type]
    assert event.busy + event.stalls["feed"] == 4 * row
    assert event.macs == 20 * 16 * math.prod(arguments["kernel"])  # type: ignore[arg-type]


def test_depthwise_goes_through_folds_of_channels() -> None:
    (event,) = run(convolution(4, 5, 40, 40, kernel=(3, 3), depthwise=True)).events
    # 16 + 9 cycles of loading fit into the 28 of a pass.
    assert event.end == 4 + 16 + 9 + 3 * 28 + DRAIN
    (event,) = run(convolution(4, 5, 40, 40, kernel=(3, 3), depthwise=True), npu=replace(ETPU_64, sram=1 << 26, fetch=0)).events
    assert event.end == 4 + 10 + 9 + 4 * (2 + 4) + (64 + 64 - 2 + 8)  # 8 ports


def test_the_next_command_follows_directly() -> None:
    first, second = run(convolution(4, 5, 16, 16), convolution(4, 5, 16, 16)).events
    # Loaded while the first computes: 36 + 32 is behind its end at 56.
    assert (second.issue, second.start) == (8, 36 + 32)
    assert second.stalls == NO_STALLS | {"weights": 12}
    first, second = run(convolution(8, 5, 16, 16), convolution(4, 5, 16, 16)).events
    assert second.start == 36 + 40
    assert first.end == 76 + DRAIN
    first, second = run(convolution(8, 5, 16, 16), convolution(4, 5, 16, 16, waits=Waits(array=1))).events
    assert second.start == first.end
    assert second.stalls == NO_STALLS | {"wait": DRAIN}


def test_results_leave_the_array_in_order() -> None:
    """A command in four groups has a shorter way through the array than the one before it."""
    first, second = run(convolution(4, 5, 16, 16), convolution(1, 1, 4, 4, split=4)).events
    assert second.start + 1 + (16 + 4 - 2 + 8) < first.end
    assert second.end == first.end


def transfer(length: int, *, rows: int = 1, offset: int = 0, stride: int = 0, waits: Waits = NOTHING) -> Transfer:
    return Transfer(0, True, 0, offset, stride, Map(0, length, 0, rows), 0, rows, length, waits)


def test_transfers_count_beats_that_they_touch() -> None:
    first, second, third = run(transfer(64), transfer(64, offset=5), transfer(3, rows=4, offset=6, stride=10)).events
    assert (first.start, first.end) == (4, 4 + 32 + 8)
    assert second.end == first.end + 32 + 9
    # Bytes 6 to 8, 16 to 18, 26 to 28, 36 to 38: only the first lies in two beats.
    assert third.end == second.end + 32 + 5
    assert (third.offchip_read, third.sram_written) == (12, 12)


def test_the_loader_waits_for_the_transfer_alone() -> None:
    """Weights come while the vector unit still works on the input."""
    lookup = Lookup(0, Map(0, 1600, 16, 1), Map(1 << 20, 1600, 16, 1), 100, 16, 0, 1, 1 << 21)
    events = run(transfer(64), lookup, convolution(4, 5, 16, 16, waits=Waits(dma=1, vector=1))).events
    assert events[1].end == 8 + 400 + 8
    assert events[2].start == events[1].end  # loaded from 44 to 76
    assert events[2].stalls == NO_STALLS | {"queue": 12, "wait": 416 - 12}
    events = run(transfer(6400), lookup, convolution(4, 5, 16, 16, waits=Waits(dma=1, vector=1))).events
    assert events[0].end == 4 + 32 + 800
    assert events[2].start == events[0].end + 32


@pytest.mark.parametrize(
    ("command", "cycles"),
    [
        (Lookup(0, Map(0, 70, 10, 3), Map(900, 70, 10, 3), 7, 10, 0, 3, 2000), 3 * 18),
        (Lookup(0, Map(0, 70, 10, 3), Map(900, 99, 11, 3), 7, 10, 0, 3, 2000), 3 * 7 * 3),
        (Softmax(0, Map(0, 70, 10, 3), Map(900, 70, 10, 3), 7, 10, 0, 3, 2000, Clamp(-128)), 21 * (3 * 3 + 32)),
        (Resize(0, Map(0, 200, 20, 3), (3, 10, 20), Map(900, 100, 20, 2), 5, 0, 2), 10 * 2),
        (Pool(0, "max", Map(0, 200, 20, 4), (4, 10, 20), Map(900, 100, 20, 2), 5, 0, 2, Window((2, 2), (2, 2)), Clamp()), 80),
        (Pool(0, "average", Map(0, 200, 20, 4), (4, 10, 20), Map(900, 20, 20, 1), 1, 0, 1, Window((4, 10)), Clamp()), 2 * 41),
    ],
    ids=["lookup", "lookup with gaps", "softmax", "resize", "maximum", "average"],
)  # fmt: skip
def test_vector_unit(command: Command, cycles: int) -> None:
    (event,) = run(command).events
    assert event.unit == Unit.VECTOR
    assert (event.start, event.end) == (ISSUE, ISSUE + cycles + 8)


def test_elementwise() -> None:
    dense, gaps = Map(0, 70, 10, 3), Map(400, 77, 11, 3)

    def cycles(second: Map) -> int:
        return (
            run(Elementwise(0, "add", (dense, second), dense, 7, 10, 0, 3, (0, 0), (1, 1), (0, 0), 1, 0, Clamp())).events[0].busy
            - 8
        )

    assert cycles(dense) == 3 * 5  # 70 elements a row
    assert cycles(gaps) == 3 * 7


def test_a_full_queue_holds_the_command_processor() -> None:
    """Two commands wait in front of the DMA engine; what the vector unit could do stands behind them."""
    npu = replace(LARGE, queue=2)
    resize = Resize(0, Map(0, 16, 16, 1), (1, 1, 16), Map(900, 16, 16, 1), 1, 0, 1)
    events = run(*[transfer(64)] * 5, resize, npu=npu).events
    # They begin at 4, 44, 84, 124, 164. The third finds the first begun; the fourth waits for the second to begin.
    assert [event.start for event in events[:5]] == [4, 44, 84, 124, 164]
    assert [event.issue for event in events] == [4, 8, 12, 44, 84, 88]
    assert events[5].start == 88


def test_the_stream_is_fetched() -> None:
    """After 32 cycles come the header and a region of 8 bytes each cycle, then 40 bytes for a transfer, 76 for a convolution."""
    commands = transfer(64), convolution(4, 5, 16, 16), transfer(8)
    events = run(*commands, npu=replace(LARGE, fetch=8)).events
    assert events[0].issue == 32 + math.ceil((36 + 8) / 8) + 40 // 8
    assert [event.issue - events[0].issue for event in events] == [0, math.ceil(76 / 8), math.ceil(76 / 8) + 40 // 8]
    assert [event.fetched for event in events] == [36 + 8 + 40, 76, 40]
    assert sum(event.fetched for event in events) == len(stream_of(LARGE, commands, [Region("", 1 << 20, True)]))
    # Through a wide port the command is decoded for longer than it is read; the first ones still come after the latency.
    wide = run(*commands, npu=replace(LARGE, fetch=64)).events
    assert [event.issue for event in wide] == [32 + 1 + 4, 32 + 1 + 8, 32 + 1 + 12]
    assert {event.fetched for event in run(*commands).events} == {0}


def test_old_waits_are_met() -> None:
    """More commands than the device model remembers."""
    commands = [transfer(8, waits=Waits(dma=min(index, 1))) for index in range(1200)]
    result = run(*commands, convolution(4, 5, 16, 16, waits=Waits(dma=1)))
    assert result.cycles == 4 + 1200 * 33
    # It enters its queue when the queue in front of the DMA engine takes the last transfer, 16 before the end.
    assert result.events[-1].start == 4 + 1183 * 33 + 4 + 32


def test_sums() -> None:
    first, second = convolution(4, 5, 16, 16), replace(convolution(4, 5, 16, 16), layer=1)
    result = run(first, second, transfer(64))
    array = result.by_unit()[Unit.ARRAY]
    assert (array.commands, array.busy, array.macs) == (2, 40, 2 * 5120)
    assert array.stalls == NO_STALLS | {"queue": 4, "weights": 44}
    assert result.by_unit()[Unit.VECTOR].commands == 0
    layers = result.by_layer()
    assert set(layers) == {0, 1}
    assert set(layers[0]) == {Unit.ARRAY, Unit.DMA}
    assert layers[1][Unit.ARRAY].busy == 20
    assert result.cycles == max(event.end for event in result.events)
    assert result.utilisation == 2 * 5120 / (result.cycles * 256)


# The plain array.


def closed_form(depth: int, channels: int, pixels: int, size: int) -> int:
    """Folds of K and M, for each N cycles for the weights and 2 N + T - 2 for the skewed inputs and outputs."""
    return math.ceil(depth / size) * math.ceil(channels / size) * (2 * size + size + pixels - 2)


@pytest.mark.parametrize("size", [16, 64])
def test_plain_mode_is_the_closed_form(size: int) -> None:
    npu = replace(LARGE, size=size)
    layer = convolution(7, 9, 20, 40, kernel=(3, 3), depth_step=size, dilation=2)
    (event,) = run(layer, npu=npu, overlap=False).events
    assert event.busy == closed_form(180, 40, 63, size)
    # Between them: parameters of 16 bytes, and inputs that come in more reads than there are ports.
    assert event.stalls["weights"] == 40 * 16 // size
    assert event.stalls["feed"] == run(layer, npu=npu).events[0].stalls["feed"]
    assert event.end == ISSUE + event.busy + event.stalls["weights"] + event.stalls["feed"] + 8
    one, two = run(layer, layer, npu=npu, overlap=False).events
    assert two.start == one.end + 16 * min(size, 40) // size  # no weights are loaded ahead


PUBLISHED = {"kws": 56960, "vww": 211822, "ic": 63140, "ad": 48880}
"""SCALE-Sim's sums for 16 x 16, weight-stationary. It maps a depthwise layer channel by channel."""


def layers(path: Path) -> Iterator[tuple[tuple[int, int], int, tuple[int, int], int, bool]]:
    """Kernel, channels of the input, (height, width) and channels of the output, depthwise."""
    import tflite

    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        opcode = model.OperatorCodes(operator.OpcodeIndex())
        code = max(opcode.BuiltinCode(), opcode.DeprecatedBuiltinCode())
        weights, output = (
            tuple(int(extent) for extent in graph.Tensors(tensor).ShapeAsNumpy())
            for tensor in (operator.Inputs(min(1, operator.InputsLength() - 1)), operator.Outputs(0))
        )
        if code == tflite.BuiltinOperator.CONV_2D:
            yield (weights[1], weights[2]), weights[3], (output[1], output[2]), weights[0], False
        elif code == tflite.BuiltinOperator.DEPTHWISE_CONV_2D:
            yield (weights[1], weights[2]), weights[3], (output[1], output[2]), weights[3], True
        elif code == tflite.BuiltinOperator.FULLY_CONNECTED:
            yield (1, 1), weights[1], (1, 1), weights[0], False


@pytest.mark.models
@pytest.mark.parametrize("model", PUBLISHED)
def test_plain_mode_on_the_models(model: str, models_dir: Path) -> None:
    """Every convolution and dense layer takes what the closed form says; their sum is what SCALE-Sim publishes."""
    commands, wanted = [], []
    for kernel, depth, (height, width), channels, depthwise in layers(models_dir / f"{model}.tflite"):
        if depthwise:  # as SCALE-Sim maps it: each channel is a convolution of its own
            one = convolution(height, width, 1, 1, kernel=kernel, pixel_bytes=channels)
            commands += [replace(one, input=replace(one.input, address=c)) for c in range(channels)]
            wanted += [closed_form(math.prod(kernel), 1, height * width, 16)] * channels
        else:
            commands.append(convolution(height, width, depth, channels, kernel=kernel))
            wanted.append(closed_form(math.prod(kernel) * depth, channels, height * width, 16))
    events = run(*commands, overlap=False).events
    assert [event.busy for event in events] == wanted
    assert sum(wanted) == PUBLISHED[model]
