from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tvm_tiny.board.process import run_process
from tvm_tiny.errors import ToolchainError


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_both_outputs_and_the_code(tmp_path: Path) -> None:
    finished = run_process(python("import os, sys; print(os.getcwd()); print('bad', file=sys.stderr); sys.exit(3)"), tmp_path, 30)
    assert finished.code == 3
    assert set(finished.console.split()) == {str(tmp_path), "bad"}


def test_a_signal_is_negative(tmp_path: Path) -> None:
    assert run_process(python("import os; os.kill(os.getpid(), 9)"), tmp_path, 30).code == -9


def test_time_runs_out(tmp_path: Path) -> None:
    start = time.monotonic()
    finished = run_process(python("import time; print('begun', flush=True); time.sleep(60)"), tmp_path, 1.0)
    assert (finished.code, finished.console.strip()) == (None, "begun")
    assert time.monotonic() - start < 20


def test_the_environment_is_added_to(tmp_path: Path) -> None:
    finished = run_process(python("import os; print(os.environ['ADDED'], 'PATH' in os.environ)"), tmp_path, 30, {"ADDED": "yes"})
    assert finished.console.split() == ["yes", "True"]


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolchainError, match="could not be started"):
        run_process([tmp_path / "nothing"], tmp_path, 1)
