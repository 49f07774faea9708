"""Tuning on attached emulators: their outputs count, and the cycles of the emulated board of their machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.board.gdb_proxy import emulator
from tests.board.serial_proxy import resident
from tvm_tiny.board import get_board
from tvm_tiny.board.base import Board
from tvm_tiny.tune.counted import CountedBoard, measured_on, with_counts
from tvm_tiny.tune.layers import named_workloads
from tvm_tiny.tune.result import TuningResult
from tvm_tiny.tune.tuner import Options, tune_workloads

from .conftest import M4, convolution

pytestmark = pytest.mark.usefixtures("faulty")


def tuned(board: Board, folder: Path) -> TuningResult:
    layers = named_workloads([("conv2d_0", convolution())], M4, compiler="gcc-12", optimize="speed")
    options = Options(trials=4, search="random", timeout=4.0)
    return tune_workloads(layers, M4, [board], folder, options, model="m", compiler="gcc-12")


@pytest.fixture
def expected(tmp_path: Path) -> TuningResult:
    return tuned(get_board("mps2-an386"), tmp_path / "emulated")


def same(found: TuningResult, expected: TuningResult) -> None:
    assert (found.emulated, expected.emulated) == (True, False)
    assert found.unit == expected.unit == "cycles"
    (one,), (other,) = found.layers, expected.layers
    assert [(trial.decision, trial.outcome.status, trial.outcome.cycles) for trial in one.trials] == [
        (trial.decision, trial.outcome.status, trial.outcome.cycles) for trial in other.trials
    ]
    assert {trial.outcome.status for trial in one.trials} > {"ok"}, "some fail"


@pytest.mark.slow
def test_behind_the_emulator_s_gdb_server(tmp_path: Path, expected: TuningResult) -> None:
    with emulator("mps2-an386", tmp_path) as machine:
        same(tuned(get_board(f"gdb:127.0.0.1:{machine.port}"), tmp_path / "gdb"), expected)


@pytest.mark.slow
def test_on_the_emulator_s_uart(tmp_path: Path, expected: TuningResult) -> None:
    with resident("mps2-an386", tmp_path) as machine:
        same(tuned(get_board(f"serial:{machine.device}"), tmp_path / "serial"), expected)


def test_real_boards_count_themselves() -> None:
    board = get_board("gdb:localhost:3333:nucleo-l4r5zi")
    assert with_counts(board) is board
    emulated = get_board("mps2-an386")
    assert with_counts(emulated) is emulated
    assert isinstance(with_counts(get_board("gdb:localhost:3333:mps2-an386")), CountedBoard)


def test_measurements_belong_to_the_board_and_not_to_its_address() -> None:
    assert measured_on(get_board("mps2-an386")) == "mps2-an386"
    assert measured_on(get_board("gdb:localhost:3333:nucleo-l4r5zi")) == "gdb/nucleo-l4r5zi"
    assert measured_on(get_board("gdb:elsewhere:3334:nucleo-l4r5zi")) == "gdb/nucleo-l4r5zi"
    assert measured_on(get_board("nucleo-l4r5zi")) == "gdb/nucleo-l4r5zi"
    assert measured_on(with_counts(get_board("serial:/dev/null:mps2-an386"))) == "serial/mps2-an386"
