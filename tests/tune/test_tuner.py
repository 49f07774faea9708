"""Whole runs on the emulated board: what fails is recorded, what was measured is kept, and the best is found and used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tvm_tiny.board import get_board
from tvm_tiny.errors import TargetError
from tvm_tiny.op.operator import Node
from tvm_tiny.tune.database import load_database
from tvm_tiny.tune.decide import Decisions
from tvm_tiny.tune.journal import FILE, read_entries
from tvm_tiny.tune.layers import named_workloads
from tvm_tiny.tune.result import TuningResult
from tvm_tiny.tune.tuner import Options, tune_nodes

from .conftest import M4, RAISES, convolution

pytestmark = pytest.mark.usefixtures("faulty")
LAYERS = [("conv2d_0", convolution()), ("conv2d_1", convolution(seed=1))]


def tuned(folder: Path, nodes: list[tuple[str, Node]] = LAYERS, *, pattern: str = "*", **options: object) -> TuningResult:
    given = Options(**{"trials": 24, "timeout": 4.0, **options})  # type: ignore[arg-type]
    return tune_nodes(nodes, M4, [get_board("mps2-an386")], folder, given, model="m", compiler="gcc-12", pattern=pattern)


@pytest.mark.slow
def test_a_run_finds_the_best_past_all_failures_and_remembers_everything(tmp_path: Path) -> None:
    result = tuned(tmp_path)
    (layer,) = result.layers
    assert layer.layers == ("conv2d_0", "conv2d_1"), "identical layers are tuned once"
    assert layer.best is not None
    statuses = {trial.outcome.status for trial in layer.trials}
    assert statuses == {"ok", "compile", "crash", "hang", "wrong"}
    assert layer.failed == sum(trial.outcome.status != "ok" for trial in layer.trials) > 3
    best = min(trial.outcome.cost for trial in layer.trials if trial.outcome.cost is not None and trial.eligible)
    assert layer.best_cost == best < (layer.default or 0)
    assert layer.best_so_far[-1] == best
    assert layer.best_so_far == sorted(layer.best_so_far, reverse=True)

    known = load_database(tmp_path)
    assert Decisions([known])(convolution(seed=7), M4) == layer.best
    entries = list(read_entries(tmp_path / FILE))
    assert len({entry.place for entry in entries}) == len(entries) >= len(layer.trials)
    refused = [entry for entry in entries if entry.decision.choices.get("fault") == RAISES]
    assert refused
    assert all("do not go together" in entry.outcome.message for entry in refused)

    again = tuned(tmp_path)
    assert again.measured == 0
    assert [trial.decision for trial in again.layers[0].trials] == [trial.decision for trial in layer.trials], "the same search"
    assert all(trial.remembered for trial in again.layers[0].trials)
    assert again.layers[0].best == layer.best


def test_random_search_of_few_trials(tmp_path: Path) -> None:
    result = tuned(tmp_path, search="random", trials=5, seed=3)
    assert not any(trial.remembered for trial in result.layers[0].trials), "the default is of this run, too"
    assert not result.layers[0].exhausted
    assert len(result.layers[0].trials) == 5
    assert {trial.predicted for trial in result.layers[0].trials} == {None}


@pytest.mark.slow
def test_what_makes_the_arena_grow_is_not_chosen_unless_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tvm_tiny.tune.candidate import Candidate

    monkeypatch.setattr(Candidate, "grows", lambda self, other: 0 if self.decision == other.decision else 100)
    (layer,) = tuned(tmp_path, trials=8, scratch=99).layers
    assert layer.best is None
    assert layer.best_cost == layer.default
    assert Decisions([load_database(tmp_path)])(convolution(), M4) is None
    (layer,) = tuned(tmp_path, trials=8, scratch=100).layers
    assert layer.best is not None


def test_layers_by_pattern() -> None:
    def names(pattern: str) -> list[tuple[str, ...]]:
        return [each.layers for each in named_workloads(LAYERS, M4, compiler="gcc-12", optimize="speed", pattern=pattern)]

    assert names("conv2d") == [("conv2d_0", "conv2d_1")]
    assert names("*_1") == [("conv2d_1",)]
    with pytest.raises(TargetError, match="no layer is called 'pool': the model has conv2d_0, conv2d_1"):
        names("pool")


def test_no_trials(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="the number of trials is 0"):
        tuned(tmp_path, trials=0)


_CHILD = """
import sys
from pathlib import Path
from tests.tune import conftest, test_tuner
from tvm_tiny.schedule import select
from tvm_tiny.schedule.scalar import ANY
select._BY_ISA["dsp"] = (conftest.FAULTY, ANY)
test_tuner.tuned(Path(sys.argv[1]))
"""


def _children(process: int) -> set[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return {int(each) for each in listed.stdout.split()}


def _waited_for(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_resumes_with_all_that_it_had_measured(how: signal.Signals, tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", _CHILD, str(tmp_path)]
    child = subprocess.Popen(command, env=environment, cwd=root, start_new_session=True, stderr=subprocess.DEVNULL)
    journal = tmp_path / FILE
    assert _waited_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 3)
    assert child.poll() is None, "it ended before it could be killed"
    _waited_for(lambda: _children(child.pid))
    emulators = _children(child.pid)
    if how is signal.SIGKILL:
        child.kill()
    else:
        os.killpg(child.pid, how)  # Ctrl-C goes to all
    child.wait()
    assert _waited_for(lambda: not any(Path(f"/proc/{each}/exe").exists() for each in emulators)), "nothing runs on"
    before = {entry.place: entry for entry in read_entries(journal)}
    assert len(before) >= 3
    for entry in before.values():
        assert (entry.outcome.status == "ok") == (entry.decision.choices.get("fault", 0) == 0), "an end is no candidate's fault"

    result = tuned(tmp_path)
    after = {entry.place: entry for entry in read_entries(journal)}
    assert {place: after[place] for place in before} == before
    assert any(trial.remembered for trial in result.layers[0].trials), "nothing is measured twice"
    assert result.measured <= len(after) - len(before)
    assert result.layers[0].best is not None
