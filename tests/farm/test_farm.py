"""A tracker and servers as processes of their own: results, errors, and what happens when one of them goes."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.board.modules import NEGATE, expected, samples, twice
from tests.farm.conftest import BOARD, Lab
from tests.farm.farms import free_port, wait_for
from tvm_tiny.board import get_board
from tvm_tiny.board.base import Board, RunResult
from tvm_tiny.codegen.sources import CModule
from tvm_tiny.errors import BoardError, BoardLostError, FirmwareError, InputError, TinyError
from tvm_tiny.farm import boards_of, remote_board

ENDLESS = "for (volatile int32_t i = 0;; ++i)\n    (void)in, (void)out;"
FAULTY = "out[0] = *(volatile const int8_t *)0xa0000000u;\n  " + NEGATE

CLIENT = """
import sys
from tests.board.modules import twice
from tests.farm.test_farm import ENDLESS, samples
from tvm_tiny.farm import Address, remote_board
board = remote_board("single", Address.parse(sys.argv[1]))
board.run(board.build(twice(ENDLESS)), samples(41))
"""


def slow(loops: int) -> CModule:
    """A module that takes its time, and computes what all others do."""
    return twice(f"for (volatile int32_t i = 0; i < {loops}; ++i)\n    ;\n  {NEGATE}")


def assert_right(result: RunResult, fed: list[dict[str, np.ndarray]]) -> None:
    assert len(result.outputs) == len(fed)
    for output, sample in zip(result.outputs, fed, strict=True):
        np.testing.assert_array_equal(output["y"], expected(sample))


def error_of(board: Board, module: CModule, **options: float) -> TinyError:
    with pytest.raises(TinyError) as caught:
        board.run(board.build(module), samples(2), **options)
    return caught.value


def test_a_shared_board_is_a_board_and_measures_as_it_does_at_home(lab: Lab) -> None:
    remote, local = remote_board(BOARD, lab.farm.address), get_board(BOARD)
    assert isinstance(remote, Board)
    assert (remote.name, remote.target, remote.ram_size, remote.flash_size) == (
        BOARD,
        "cortex-m4",
        local.ram_size,
        local.flash_size,
    )
    image, fed = remote.build(twice()), samples(3)
    there, here = remote.run(image, fed), local.run(image, fed)
    assert_right(there, fed)
    assert there.cycles is not None
    for name in ("instructions", "cycles", "stack", "layers", "counter", "cycle_model", "per_inference", "functions"):
        assert getattr(there, name) == getattr(here, name), name


def test_layers_and_checks_of_the_arena_come_back(lab: Lab) -> None:
    remote, local, fed = remote_board("single", lab.farm.address), get_board(BOARD), samples(2)
    image = remote.build(twice(), trace=True)
    there, here = remote.run(image, fed), local.run(image, fed)
    assert len(there.traces) == 2
    for mine, theirs in zip(here.traces, there.traces, strict=True):
        assert list(theirs) == [0, 1]
        for layer, array in mine.items():
            np.testing.assert_array_equal(theirs[layer], array)
            assert theirs[layer].dtype == array.dtype


@pytest.mark.parametrize("negate", [FAULTY, ENDLESS])
def test_a_fault_is_told_as_at_home(lab: Lab, negate: str) -> None:
    module = twice(negate)
    there = error_of(remote_board("single", lab.farm.address), module, timeout=1)
    here = error_of(get_board(BOARD), module, timeout=1)
    assert isinstance(there, FirmwareError)
    assert type(there) is type(here)
    assert (there.message, there.hint) == (here.message, here.hint)


def test_wrong_inputs_are_told_as_at_home(lab: Lab) -> None:
    board = remote_board("single", lab.farm.address)
    with pytest.raises(InputError, match=r"expected shape \(2, 4\), found \(3,\)"):
        board.run(board.build(twice()), [{"x": np.zeros(3, np.int8)}])


def test_no_server_of_that_name(lab: Lab) -> None:
    with pytest.raises(BoardError, match=r"no server shares a board 'mps9'.*it has mps2-an386, old, single"):
        remote_board("mps9", lab.farm.address)


def test_a_server_of_another_version_is_refused(lab: Lab) -> None:
    with pytest.raises(BoardError, match=r"'old' at .* is of another version: protocol 0 on the server, 1 on the client"):
        remote_board("old", lab.farm.address)


def test_a_client_that_dies_leaves_the_board_to_others(lab: Lab) -> None:
    client = lab.farm.run_python(CLIENT, str(lab.farm.address))
    wait_for(lambda: lab.single.lines("runs twice, 41 samples"), "the client's run")
    client.kill()
    board = remote_board("single", lab.farm.address)
    since = time.monotonic()
    fed = samples(2)
    assert_right(board.run(board.build(twice()), fed), fed)
    assert time.monotonic() - since < 20, "the board was kept for a client that is dead"


def test_a_server_that_falls_silent_is_lost_after_a_bounded_time(lab: Lab) -> None:
    board = remote_board("single", lab.farm.address, patience=2, attempts=1)
    image, fed = board.build(twice(NEGATE)), samples(2)
    wait_for(lambda: any(each.name == "single" and each.free for each in _shared(lab)), "a free board")
    lab.single.signal(signal.SIGSTOP)
    try:
        since = time.monotonic()
        with pytest.raises(BoardLostError, match="has been silent for 2 s"):
            board.run(image, fed)
        assert time.monotonic() - since < 15
    finally:
        lab.single.signal(signal.SIGCONT)
    # It is as good as before when it is back.
    assert_right(remote_board("single", lab.farm.address).run(image, fed), fed)


def test_a_board_behind_a_gdb_server_is_shared_too(lab: Lab) -> None:
    port = free_port()
    machine = ("qemu-system-arm", "-machine", BOARD, "-display", "none", "-serial", "none", "-monitor", "none")
    lab.farm.start([*machine, "-S", "-gdb", f"tcp:127.0.0.1:{port}"])
    lab.farm.serve("--board", f"gdb:127.0.0.1:{port}:{BOARD}")
    wait_for(lambda: lab.farm.serving(f"gdb/{BOARD}"), "the start of the server")
    board, fed = remote_board(f"gdb/{BOARD}", lab.farm.address), samples(2)
    result = board.run(board.build(twice()), fed)
    assert_right(result, fed)
    assert result.stack


def test_a_server_whose_process_ends_is_started_again(lab: Lab) -> None:
    (worker,) = lab.single.children()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not lab.farm.serving("single"), "the end of the server")
    wait_for(lambda: lab.farm.serving("single"), "its new start")
    assert lab.single.lines("the server ended with code -9 and is started again")
    board, fed = remote_board("single", lab.farm.address), samples(2)
    assert_right(board.run(board.build(twice()), fed), fed)


def _shared(lab: Lab) -> list:
    from tvm_tiny.farm import shared_boards

    return shared_boards(lab.farm.address)


def test_one_of_three_servers_is_killed_and_only_its_own_run_is_repeated(lab: Lab) -> None:
    """The last test of this file: then two servers are left."""
    boards = boards_of(lab.farm.address, BOARD)
    assert len(boards) == 3
    image = boards[0].build(slow(5_000_000))
    before = {id(server): len(server.lines("runs twice")) for server in lab.three}
    counts = range(5, 11)  # a run is known in the logs by how many samples it has
    fed = {count: samples(count) for count in counts}

    def measure(number: int, count: int) -> RunResult:
        return boards[number % 3].run(image, fed[count])

    victim = lab.three[1]
    with ThreadPoolExecutor(3) as pool:
        running = {count: pool.submit(measure, number, count) for number, count in enumerate(counts)}
        wait_for(lambda: len(victim.lines("runs twice")) > before[id(victim)], "a run on the server that shall die")
        victim.signal(signal.SIGKILL)
        results = {count: future.result(timeout=60) for count, future in running.items()}
    for count, result in results.items():
        assert_right(result, fed[count])
        assert result.instructions is not None
    begun = Counter(line for server in lab.three for line in server.lines(r"runs twice, (\d+) samples")[before[id(server)] :])
    assert sorted(begun) == sorted(str(count) for count in counts)
    assert sum(begun.values()) == len(counts) + 1
    (repeated,) = [samples_of for samples_of, times in begun.items() if times == 2]
    assert victim.lines(r"runs twice, (\d+) samples")[-1] == repeated
    assert lab.farm.serving(BOARD) == 2
