"""Boards behind QEMU's GDB stub, which offers what a probe's server does: memory, registers, breakpoints; no semihosting."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tvm_tiny.board import BoardInfo, get_board, list_boards
from tvm_tiny.board.attached import DWT, SYSTICK
from tvm_tiny.board.base import Board, Image, RunResult
from tvm_tiny.board.catalogue import board_info
from tvm_tiny.board.elf import read_segments
from tvm_tiny.board.gdb import GdbBoard
from tvm_tiny.board.gdb_target import GdbTarget
from tvm_tiny.board.rsp import PacketStream
from tvm_tiny.board.symbols import read_symbols
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, FirmwareError

from . import faulty
from .gdb_flash import FlashServer
from .gdb_proxy import FAULTS, Cable, Emulator, emulator
from .gdb_server import FakeServer, listening
from .modules import expected, expected_double, samples, twice, with_sizes

SAMPLES = samples(5)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Emulator]:
    with emulator("mps2-an386", tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def image() -> Image:
    return behind(1).build(twice())


def behind(port: int, board: str = "mps2-an386", patience: float = 5.0) -> GdbBoard:
    return GdbBoard(board_info(f"gdb:127.0.0.1:{port}:{board}"), patience=patience)


def outputs_of(board: Board, module: CModule) -> tuple[list[list[int]], int | None]:
    result = board.run(board.build(module), SAMPLES, timeout=30)
    return [outputs["y"].tolist() for outputs in result.outputs], result.stack


@pytest.mark.parametrize("name", ["microbit", "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"])
def test_computes_what_the_emulated_board_does(name: str, tmp_path: Path) -> None:
    with emulator(name, tmp_path) as machine:
        board = behind(machine.port, name)
        first, again = outputs_of(board, twice()), outputs_of(board, twice())
    assert first == again == outputs_of(get_board(name), twice())
    assert first[0] == [expected(sample).tolist() for sample in SAMPLES]


def test_an_image_of_many_packets(machine: Emulator) -> None:
    module = with_sizes(twice(), 20_000, 100_000)
    assert outputs_of(behind(machine.port), module)[0] == [expected(sample).tolist() for sample in SAMPLES]


def test_an_emulator_s_time_is_not_the_core_s(machine: Emulator, image: Image) -> None:
    result = behind(machine.port).run(image, SAMPLES)
    assert (result.cycles, result.counter, result.instructions) == (None, None, None)


def test_cycles_are_systick_s_where_the_core_has_no_counter(
    machine: Emulator, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QEMU has no DWT: taken for a real board, it counts its own time."""
    monkeypatch.setattr(GdbTarget, "is_emulator", False)
    info = board_info(f"gdb:127.0.0.1:{machine.port}:mps2-an386")
    board = GdbBoard(replace(info, connection={**(info.connection or {}), "reset": "system_reset"}))
    result = board.run(image, SAMPLES)
    assert result.counter == SYSTICK
    assert result.cycles is not None
    assert result.cycles > 0


@pytest.mark.parametrize(
    ("counter", "seconds", "cycles", "name"),
    [
        (0xE0001004, 171.0, 1000, DWT),  # at 25 MHz, 2^32 cycles are 171.8 s
        (0xE0001004, 172.0, None, None),
        (0xE000E018, 172.0, 1000, SYSTICK),
    ],
)
def test_a_counter_that_may_have_begun_anew_tells_nothing(
    counter: int, seconds: float, cycles: int | None, name: str | None
) -> None:
    result = behind(1)._with_cycles(RunResult([], cycles=1000), counter, seconds)
    assert (result.cycles, result.counter) == (cycles, name)
    assert ("no cycles: the core ran for 172 s" in result.log) == (cycles is None)


@pytest.mark.parametrize("info", [info for info in list_boards() if info.kind == "gdb"], ids=lambda info: info.name)
def test_images_for_the_known_boards_lie_in_their_memories(info: BoardInfo) -> None:
    image = GdbBoard(info).build(twice())
    flash, ram, symbols = info.region("flash"), info.region("ram"), read_symbols(image.path)
    assert flash is not None
    assert ram is not None
    assert all(flash.origin <= each.address < flash.origin + flash.size for each in read_segments(image.path))
    assert symbols.address_of("tiny_vectors") == flash.origin
    assert ram.origin < symbols.address_of("tiny_mailbox") < ram.origin + ram.size
    stop = symbols.address_of("mailbox_stop")
    code = [each.data[stop - each.address :] for each in read_segments(image.path) if 0 <= stop - each.address < len(each.data)]
    assert code[0][:2].hex() in ("00bf", "c046")  # a "nop" of two bytes, which the client steps over


def test_traces_every_layer(machine: Emulator) -> None:
    board = behind(machine.port)
    result = board.run(board.build(twice(), trace=True), SAMPLES)
    for sample, trace in zip(SAMPLES, result.traces, strict=True):
        np.testing.assert_array_equal(trace[0], expected_double(sample))
        np.testing.assert_array_equal(trace[1], expected(sample))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (faulty.NULL_WRITE, r"faulted on gdb:.* at sample 0: MemManage fault \(DACCVIOL.*at twice_negate\+"),
        (faulty.OVERFLOW, "the stack overflowed"),
        (faulty.BEHIND_ARENA, "damaged memory at sample 0: it wrote behind the end of its arena"),
        (faulty.HANG, r"did not end within 1 s on gdb:.*: 0 of 5 samples were done, last seen in twice_negate\+"),
    ],
)
def test_what_the_model_does_wrong_is_told(machine: Emulator, module: CModule, message: str) -> None:
    board = behind(machine.port)
    with pytest.raises(FirmwareError) as raised:
        board.run(board.build(module), SAMPLES, timeout=1)
    assert re.search(message, raised.value.message), raised.value.message
    # And the board is as good as before.
    assert outputs_of(board, twice())[0] == [expected(sample).tolist() for sample in SAMPLES]


def attempt(cable: Cable, image: Image) -> BoardError | None:
    """The error of a run through ``cable``, None where it came through with the right outputs; within the time-outs in any case."""
    with listening(cable) as port:
        start = time.monotonic()
        try:
            result = behind(port, patience=0.4).run(image, SAMPLES, timeout=3)
        except BoardError as error:
            return error
        finally:
            assert time.monotonic() - start < 6
    assert [outputs["y"].tolist() for outputs in result.outputs] == [expected(sample).tolist() for sample in SAMPLES]
    return None


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_cable_never_leads_to_a_wrong_result(machine: Emulator, image: Image, name: str) -> None:
    whole = Cable(machine.port)
    assert attempt(whole, image) is None
    assert whole.packets > 40
    for at in range(0, whole.packets - 1, whole.packets // 10):
        error = attempt(Cable(machine.port, at, FAULTS[name]), image)
        if name == "a bit flipped once":  # the checksum tells, and the server sends the packet again
            assert error is None
        else:
            assert error is not None, at
            assert re.match(r"(the GDB server at 127.0.0.1:\d+ (closed|broke|sent|did not))", error.message), error.message
    assert attempt(Cable(machine.port), image) is None


@pytest.mark.parametrize("at", [1, 4, 9])
def test_a_reset_in_the_middle_is_told(machine: Emulator, image: Image, at: int) -> None:
    error = attempt(Cable(machine.port, at, before_resume=machine.reset), image)
    assert error is not None
    assert f"made request 1 after {at}: it was reset in the middle of the run" in error.message


def test_flash_is_programmed_where_it_holds_something_else(machine: Emulator, image: Image) -> None:
    with PacketStream("127.0.0.1", machine.port) as stub:
        flash = FlashServer(stub)
        with listening(FakeServer(flash)) as port:
            erased = []
            for each in (image, image, behind(1).build(with_sizes(twice(), 16, 3000))):
                result = behind(port).run(each, SAMPLES, timeout=30)
                assert [outputs["y"].tolist() for outputs in result.outputs] == [expected(sample).tolist() for sample in SAMPLES]
                erased.append((flash.erased, flash.finished))
    assert erased[0][0] >= 1024
    assert erased[0][1] == 1
    assert erased[1] == erased[0]
    assert erased[2][0] > erased[0][0]


def test_a_reset_while_it_is_halted_is_never_blamed_on_the_model(machine: Emulator, image: Image) -> None:
    def reset(packet: bytes) -> tuple[bytes, str]:
        machine.reset()
        return packet, "whole"

    whole = Cable(machine.port)
    assert attempt(whole, image) is None
    errors = [attempt(Cable(machine.port, at, reset), image) for at in range(0, whole.packets, 4)]
    told = [error for error in errors if error is not None]
    assert len(told) > len(errors) // 2  # one while it loads does not matter
    for error in told:
        assert not isinstance(error, FirmwareError), error
        assert re.search(r"is halted at reset_handler\+|was reset in the middle of the run", error.message), error.message


def test_memory_that_does_not_keep_what_is_loaded(machine: Emulator) -> None:
    info = board_info(f"gdb:127.0.0.1:{machine.port}:mps2-an386")
    nowhere = replace(info.memory[0], origin=0x0800_0000)
    board = GdbBoard(replace(info, memory=(nowhere, *info.memory[1:])))
    with pytest.raises(BoardError, match=r"holds another image than was loaded: at 0x08000000|GDB server at .* answered 'E"):
        board.run(board.build(twice()), SAMPLES)
