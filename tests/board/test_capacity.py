"""Models that do not fit a board of 8 kB of flash and 4 kB of RAM."""

from __future__ import annotations

import re

import pytest

from tvm_tiny.board import BoardInfo, MemoryRegion
from tvm_tiny.board.emulated import EmulatedBoard
from tvm_tiny.errors import CapacityError

from .modules import expected, samples, twice, with_sizes

FLASH, RAM, STACK = 8192, 4096, 1024
SMALL = BoardInfo(
    name="small",
    description="a board with little memory",
    kind="qemu",
    target="cortex-m4",
    clock=25_000_000,
    stack=STACK,
    memory=(MemoryRegion("flash", 0, FLASH), MemoryRegion("ram", 0x20000000, RAM)),
    connection={"machine": "mps2-an386"},
)


def refusal(arena: int, weights: int) -> CapacityError:
    with pytest.raises(CapacityError) as raised:
        EmulatedBoard(SMALL).build(with_sizes(twice(), arena, weights))
    return raised.value


def numbers(text: str) -> dict[str, int]:
    found = re.findall(r"(weights|code|arena|stack|start-up and harness|small by|has|and) ([\d,]+)", text)
    return {name: int(value.replace(",", "")) for name, value in found}


def test_too_little_ram() -> None:
    error = refusal(3000, 8)
    told = numbers(error.message)
    assert error.message.startswith("twice does not fit on small: ram is too small by ")
    assert (told["arena"], told["stack"], told["has"]) == (3000, STACK, RAM)
    assert told["and"] == RAM + told["small by"] == told["arena"] + told["stack"] + told["start-up and harness"]


def test_too_little_flash() -> None:
    error = refusal(16, 9000)
    told = numbers(error.message)
    assert error.message.startswith("twice does not fit on small: flash is too small by ")
    assert (told["weights"], told["has"]) == (9000, FLASH)
    assert told["and"] == FLASH + told["small by"] == told["weights"] + told["code"] + told["start-up and harness"]


def test_too_little_of_both() -> None:
    message = refusal(10_000, 100_000).message
    assert "flash is too small by" in message
    assert "ram is too small by" in message


def test_the_missing_bytes_are_exact() -> None:
    """With so much less of an arena it fits, with 8 bytes more it does not."""
    arena = 4000
    missing = numbers(refusal(arena, 8).message)["small by"]
    fitting = arena - (missing + 7) // 8 * 8
    board = EmulatedBoard(SMALL)
    image = board.build(with_sizes(twice(), fitting, 8))
    assert (board.run(image, samples(3)).outputs[2]["y"] == expected(samples(3)[2])).all()
    refusal(fitting + 8, 8)
