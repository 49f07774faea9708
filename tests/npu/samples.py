"""One command of each kind with numbers that differ from field to field."""

from __future__ import annotations

from typing import TypeVar

from tvm_tiny.npu.commands import (
    Clamp,
    Command,
    Convolution,
    Elementwise,
    Lookup,
    Map,
    Pool,
    Requantization,
    Resize,
    Softmax,
    Transfer,
    Waits,
    Window,
)

WINDOW = Window((3, 5), (2, 1), (4, 6), -7, 8, -9)
CLAMP = Clamp(-10, -110, 111)
INPUT, OTHER, OUTPUT = Map(100, 200, 30, 40), Map(101, 201, 31, 41), Map(0x1F000, 202, 32, 42)
WAITS = Waits(11, 12, 13)

COMMANDS: tuple[Command, ...] = (
    Convolution(1, INPUT, (50, 51, 52), OUTPUT, 53, 54, 55, 56, WINDOW, 57, 58, 16, CLAMP, Requantization.SINGLE, 4, False, WAITS),
    Elementwise(
        2, "mul", (INPUT, OTHER), OUTPUT, 60, 61, 62, 63, (-64, 65), (1 << 30, 67), (-5, 4), (1 << 31) - 1, -31, CLAMP, WAITS
    ),
    Pool(3, "average", INPUT, (50, 51, 52), OUTPUT, 53, 54, 55, WINDOW, CLAMP, 128, WAITS),
    Lookup(4, INPUT, OUTPUT, 70, 71, 72, 73, 74, WAITS),
    Softmax(5, INPUT, OUTPUT, 75, 76, 77, 78, 79, CLAMP, WAITS),
    Resize(6, INPUT, (50, 51, 52), OUTPUT, 80, 81, 82, (32768, 1 << 17), -83, 84, -85, WAITS),
    Transfer(7, True, 0, 90, 91, Map(0x6C, 32, 1, 4), 92, 93, 94, WAITS),
)

C = TypeVar("C")


def sample(kind: type[C]) -> C:
    return next(command for command in COMMANDS if isinstance(command, kind))
