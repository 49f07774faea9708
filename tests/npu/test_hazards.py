"""Commands that touch the same bytes: ordered ones are not told, and where a wait is taken away they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.npu.bench import ETPU_16, stream_of
from tvm_tiny.npu.accesses import Area, accesses
from tvm_tiny.npu.commands import Clamp, Command, Convolution, Lookup, Map, Region, Resize, Transfer, Unit, Waits, Window
from tvm_tiny.npu.device import count
from tvm_tiny.npu.hazards import find_hazards

WEIGHTS, OTHER_WEIGHTS, PARAMETERS, TABLE = 10000, 11000, 12000, 13000
A, B, C = (Map(1000 * index, 64, 16, 4) for index in range(3))


def load(address: int, size: int, waits: Waits) -> Transfer:
    return Transfer(0, True, 0, 0, 0, Map(address, size, 1, 1), 0, 1, size, waits)


def store(map: Map, waits: Waits) -> Transfer:
    return Transfer(0, False, 1, 0, 64, map, 0, 4, 64, waits)


def convolution(input: Map, output: Map, waits: Waits, weights: int = WEIGHTS) -> Convolution:
    return Convolution(0, input, (4, 4, 16), output, 4, 16, 0, 4, Window(), weights, PARAMETERS, 16, Clamp(), waits=waits)


def lookup(input: Map, output: Map, waits: Waits) -> Lookup:
    return Lookup(0, input, output, 4, 16, 0, 4, TABLE, waits)


NETWORK: tuple[Command, ...] = (
    load(PARAMETERS, 256, Waits()),
    load(WEIGHTS, 256, Waits()),
    load(A.address, 256, Waits()),
    convolution(A, B, Waits(dma=3)),
    load(OTHER_WEIGHTS, 256, Waits()),
    convolution(B, C, Waits(dma=4, array=1), OTHER_WEIGHTS),
    lookup(C, A, Waits(array=2)),
    load(WEIGHTS, 256, Waits(array=1)),
    convolution(A, B, Waits(dma=5, vector=1)),
    store(B, Waits(array=3)),
)


def test_a_network_with_all_its_waits_has_none() -> None:
    assert find_hazards(NETWORK) == []


@pytest.mark.parametrize(
    ("place", "waits", "found"),
    [
        (3, Waits(), [(0, "fetch"), (1, "fetch"), (2, "a read")]),
        (3, Waits(dma=1), [(1, "fetch"), (2, "a read")]),
        (3, Waits(dma=2), [(2, "a read")]),
        (5, Waits(dma=3, array=1), [(4, "fetch")]),
        (5, Waits(dma=4), [(3, "a read")]),  # the array's own pipeline
        (6, Waits(), [(2, "write over what that writes"), (3, "write over what that reads"), (5, "a read")]),
        (6, Waits(array=1), [(5, "a read")]),
        (7, Waits(), [(3, "write over what that reads")]),
        (8, Waits(dma=5), [(6, "a read")]),
        (8, Waits(dma=4, vector=1), [(7, "fetch")]),
        (9, Waits(), [(8, "a read")]),  # the transfer before has waited for command 3
        (9, Waits(array=2), [(8, "a read")]),
    ],
)
def test_without_a_wait(place: int, waits: Waits, found: list[tuple[int, str]]) -> None:
    changed = list(NETWORK)
    changed[place] = replace(changed[place], waits=waits)
    hazards = [hazard for hazard in find_hazards(changed) if hazard.second == place]
    assert [hazard.first for hazard in hazards] == [first for first, _kind in found]
    for hazard, (_first, kind) in zip(hazards, found, strict=True):
        assert kind in hazard.kind
    assert str(hazards[0]).startswith(f"command {place} does not wait for command {found[0][0]}: ")


def test_order_goes_through_other_units() -> None:
    """The transfer waits for the table's work, which waited for the convolution."""
    assert find_hazards([convolution(A, B, Waits()), lookup(C, C, Waits(array=1)), store(B, Waits(vector=1))]) == []
    found = find_hazards([convolution(A, B, Waits()), lookup(C, C, Waits()), store(B, Waits(vector=1))])
    assert [(hazard.first, hazard.second) for hazard in found] == [(0, 2)]


def test_the_loader_is_one_command_ahead() -> None:
    """What the array waited for before has come before its next command's weights are fetched."""
    first = convolution(A, B, Waits(dma=1))
    assert find_hazards([load(OTHER_WEIGHTS, 256, Waits()), first, convolution(A, C, Waits(), OTHER_WEIGHTS)]) == []
    first = convolution(A, B, Waits(vector=1))
    written = Map(WEIGHTS, 64, 16, 4)
    assert find_hazards([lookup(C, written, Waits()), first, convolution(A, C, Waits())])[0].kind.startswith("a fetch")
    assert [h.second for h in find_hazards([lookup(C, written, Waits()), first, convolution(A, C, Waits())])] == [1]


def test_waits_for_what_comes_later_are_refused() -> None:
    with pytest.raises(ValueError, match="waits for 1 commands of ARRAY: 0 lie before it"):
        find_hazards([store(B, Waits(array=1))])


def bytes_of(area: Area) -> set[tuple[int, int]]:
    return {
        (area.place, area.address + row * area.row_bytes + x * area.pixel_bytes + c)
        for row in range(area.count)
        for x in range(area.width)
        for c in range(area.channels)
    }


@pytest.mark.parametrize("seed", range(3))
def test_areas_share_bytes(seed: int) -> None:
    """Against sets of addresses. Rows are runs from their first to their last byte, but for pixels that interleave."""
    rng = np.random.default_rng(seed)
    told = shared = 0
    for _ in range(2000):
        step = int(rng.integers(1, 9))
        one, other = (
            Area(-1, place, step * rows, count, step, width, channels)
            for place, rows, count, width, channels in rng.integers([0, 0, 1, 1, 1], [60, 9, 5, 4, step + 1], (2, 5)).tolist()
        )
        runs = [replace(area, width=1, channels=area.extent) for area in (one, other)]
        exact = bool(bytes_of(one) & bytes_of(other))
        assert one.overlaps(other) == other.overlaps(one)
        assert exact <= one.overlaps(other) <= bool(bytes_of(runs[0]) & bytes_of(runs[1]))
        if one.row_bytes % step == other.row_bytes % step == 0 and not exact:
            grid = {address % step for _place, address in bytes_of(one)} & {address % step for _place, address in bytes_of(other)}
            assert grid or not one.overlaps(other)
        told, shared = told + one.overlaps(other), shared + exact
    assert shared > 100
    assert told - shared < 1000


@pytest.mark.parametrize("seed", range(6))
def test_what_is_not_told_the_device_keeps_apart(seed: int) -> None:
    """Random commands, timed by the device model with random latencies: where two share bytes and run at once, that was told."""
    rng = np.random.default_rng(seed)
    together = 0
    for _ in range(60):
        commands = random_commands(rng, 8)
        told = {(hazard.first, hazard.second) for hazard in find_hazards(commands)}
        dma, vector, issue = rng.integers([0, 0, 1], [200, 200, 50]).tolist()
        npu = replace(ETPU_16, dma_latency=dma, vector_latency=vector, issue=issue)
        events = count(npu, stream_of(npu, commands, [Region("", 4096), Region("", 4096, True)])).events
        touched = [accesses(command) for command in commands]
        for second in range(len(commands)):
            for first in range(second):
                if conflict(touched[first], touched[second]) and events[second].start < events[first].end:
                    pipelined = events[first].unit == events[second].unit == Unit.ARRAY
                    if pipelined and not meets(touched[first].writes, touched[second].reads):
                        continue  # it writes behind what went before
                    together += 1
                    assert (first, second) in told
    assert together > 20


def random_commands(rng: np.random.Generator, length: int) -> list[Command]:
    maps = [Map(256 * index, 64, 16, 4) for index in range(6)]
    seen = [0, 0, 0]
    commands: list[Command] = []
    for _ in range(length):
        waits = Waits(*(int(rng.integers(max(0, number - 1), number + 1)) if rng.random() < 0.4 else 0 for number in seen))
        input, output = (maps[index] for index in rng.choice(6, 2, replace=False))
        kind = rng.integers(4)
        command: Command = [
            load(output.address, 256, waits),
            store(input, waits),
            convolution(input, output, waits),
            Resize(0, input, (4, 4, 16), output, 4, 0, 4, waits=waits),
        ][kind]
        commands.append(command)
        seen[command.unit] += 1
    return commands


def meets(ones: tuple[Area, ...], others: tuple[Area, ...]) -> bool:
    return any(bytes_of(one) & bytes_of(other) for one in ones for other in others)


def conflict(first: object, second: object) -> bool:
    return (
        meets(first.writes, second.reads + second.writes)  # type: ignore[attr-defined]
        or meets(first.reads, second.writes)  # type: ignore[attr-defined]
    )
