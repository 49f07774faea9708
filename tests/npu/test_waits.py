"""Who waits for whom: commands are letters of their unit with the bytes that they read and write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.npu.bench import ETPU_16
from tests.npu.graphs import chain
from tests.npu.samples import sample
from tvm_tiny.npu.commands import Convolution, Lookup, Transfer, Waits
from tvm_tiny.npu.hazards import find_hazards
from tvm_tiny.npu.search import alone, uniform
from tvm_tiny.npu.streams import Choice, compile_graph
from tvm_tiny.npu.waits import Touched, with_waits

UNITS = {"D": sample(Transfer), "A": sample(Convolution), "V": sample(Lookup)}
P, Q, R, S = ((place, place + 10) for place in (0, 10, 20, 30))
Row = tuple[str, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


def waits(*rows: Row) -> list[Waits]:
    commands = [UNITS[unit] for unit, _, _ in rows]
    return [command.waits for command in with_waits(commands, [Touched(reads, writes) for _, reads, writes in rows])]


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        ([("D", (), (P,)), ("A", (Q,), (R,))], Waits()),
        ([("D", (), (P,)), ("A", (P,), (R,))], Waits(dma=1)),
        ([("D", (), (P,)), ("A", ((9, 12),), (R,))], Waits(dma=1)),  # one byte is enough
        ([("D", (), (P,)), ("D", (), (Q,)), ("A", (P,), (R,))], Waits(dma=1)),  # the second is not needed
        ([("D", (), (P,)), ("D", (), (Q,)), ("A", (P, Q), (R,))], Waits(dma=2)),
        ([("D", (), (P,)), ("V", (Q,), (R,)), ("A", (P, R), (S,))], Waits(dma=1, vector=1)),
        ([("A", (P,), (Q,)), ("V", (R,), (P,))], Waits(array=1)),  # writes over what the array still reads
        ([("A", (P,), (Q,)), ("V", (R,), (Q,))], Waits(array=1)),  # and over what it writes
        ([("V", (P,), (Q,)), ("V", (Q,), (R,))], Waits()),  # the vector unit begins when it has completed the one before
        ([("D", (), (Q,)), ("D", (Q,), ())], Waits()),
        ([("A", (P,), (Q,)), ("A", (Q,), (R,))], Waits(array=1)),  # the array begins while results are on their way
        ([("A", (P,), (Q,)), ("A", (R,), (Q,))], Waits()),  # which leave it in order
        ([("A", (P,), (Q,)), ("A", (R,), (P,))], Waits()),
    ],
)
def test_the_latest_command_that_shares_bytes(rows: list[Row], last: Waits) -> None:
    assert waits(*rows)[-1] == last


def test_what_was_waited_for_stays_waited_for() -> None:
    """Counts of a unit's commands never go down: it works in order."""
    found = waits(("D", (), (P,)), ("A", (P,), (Q,)), ("D", (), (R,)), ("A", (S,), (S,)), ("A", (R,), (Q,)))
    assert [each.dma for each in found] == [0, 1, 0, 1, 2]


def test_the_commands_of_a_region_have_just_what_they_need() -> None:
    """The first convolution waits for its input, the transfer at the end for all convolutions; without one there is a hazard."""
    made = chain((1, 8, 8, 8))
    commands = list(compile_graph(made, ETPU_16, Choice(uniform(made, ETPU_16, 1), alone(made))).run.commands)
    assert find_hazards(commands) == []
    first = next(index for index, command in enumerate(commands) if isinstance(command, Convolution))
    assert commands[first].waits.dma > 0
    without = [replace(command, waits=Waits()) if index == first else command for index, command in enumerate(commands)]
    assert find_hazards(without)
    last = commands[-1]
    assert isinstance(last, Transfer)
    assert last.waits.array == sum(isinstance(command, Convolution) for command in commands)
