"""Candidates that fail in each way, in one firmware with good ones, on the emulated board."""

from __future__ import annotations

import pytest

from tvm_tiny.board import get_board
from tvm_tiny.board.base import Board
from tvm_tiny.errors import BoardError
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.candidate import Candidate, candidate_of, module_of
from tvm_tiny.tune.measure import Boards, Job, measure
from tvm_tiny.tune.reference import samples_with_expected
from tvm_tiny.tune.workload import Workload, workload_of

from .conftest import CRASHES, HANGS, M4, RAISES, UNCOMPILABLE, WRONG, convolution

pytestmark = pytest.mark.usefixtures("faulty")


def job_of(workload: Workload, timeout: float = 5.0) -> Job:
    samples, wanted = samples_with_expected(workload.node, 0)
    default = candidate_of(workload, workload.default)
    return Job(workload, default, samples, wanted, timeout=timeout)


def candidate(workload: Workload, turns: int = 8, fault: int = 0) -> Candidate:
    return candidate_of(workload, Decision("faulty", {"turns": turns, "fault": fault}))


@pytest.fixture
def workload() -> Workload:
    return workload_of(convolution(), M4)


@pytest.mark.slow
def test_each_failure_is_found_among_good_candidates(workload: Workload) -> None:
    given = [
        candidate(workload, 8),
        candidate(workload, fault=CRASHES),
        candidate(workload, 4),
        candidate(workload, fault=WRONG),
        candidate(workload, fault=UNCOMPILABLE),
        candidate(workload, fault=HANGS),
        candidate(workload, 0),
    ]
    told: dict[int, str] = {}
    outcomes = measure(
        get_board("mps2-an386"), job_of(workload), given, lambda each, outcome: told.update({given.index(each): outcome.status})
    )
    assert [outcome.status for outcome in outcomes] == ["ok", "crash", "ok", "wrong", "compile", "hang", "ok"]
    assert told == {index: outcome.status for index, outcome in enumerate(outcomes)}
    assert [bool(outcome.message) for outcome in outcomes] == [False, True, False, True, True, True, False]
    costs = [outcomes[index].cost for index in (0, 2, 6)]
    assert costs == sorted(costs, key=lambda cost: -(cost or 0)), "fewer turns, fewer cycles"
    assert outcomes[1].cost is outcomes[3].cost is None


def test_choices_that_an_implementation_refuses(workload: Workload) -> None:
    with pytest.raises(RuntimeError, match="do not go together"):
        candidate(workload, fault=RAISES)


def test_many_in_one_firmware_cost_what_each_costs_alone(workload: Workload) -> None:
    given = [candidate(workload, turns) for turns in (8, 4, 0)]
    job, board = job_of(workload), get_board("mps2-an386")
    together = measure(board, job, given)
    alone = [measure(board, job, [each])[0] for each in given]
    assert [outcome.cycles for outcome in together] == pytest.approx([outcome.cycles for outcome in alone], rel=0.02)


class Counted:
    """An emulated board that fails as ``failures`` say, one for each run."""

    def __init__(self, failures: list[Exception | None]) -> None:
        self.inner = get_board("mps2-an386")
        self.name, self.target = self.inner.name, self.inner.target
        self.ram_size, self.flash_size = self.inner.ram_size, self.inner.flash_size
        self.failures, self.runs = failures, 0

    def build(self, module, **options):
        return self.inner.build(module, **options)

    def run(self, image, inputs, *, timeout=300.0):
        self.runs += 1
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        return self.inner.run(image, inputs, timeout=timeout)


def test_a_board_that_fails_once_is_asked_again(workload: Workload) -> None:
    board: Board = Counted([BoardError("cable pulled")])
    given = [candidate(workload, turns) for turns in (8, 4)]
    assert [outcome.status for outcome in measure(board, job_of(workload), given)] == ["ok", "ok"]


def test_a_board_that_runs_nothing_is_not_the_candidates_fault(workload: Workload) -> None:
    board: Board = Counted([BoardError("cable pulled")] * 50)
    with pytest.raises(BoardError, match="cable pulled"):
        measure(board, job_of(workload), [candidate(workload, 4)])


def test_a_dead_board_leaves_its_work_to_the_others(workload: Workload) -> None:
    dead, alive = Counted([BoardError("dead")] * 50), Counted([])
    boards = Boards([dead, alive])
    given = [candidate(workload, turns) for turns in (8, 4, 0)]
    outcomes = [outcome for future in boards.submit(job_of(workload), given) for outcome in future.result()]
    boards.close()
    assert [outcome.status for outcome in outcomes] == ["ok"] * 3
    assert alive.runs >= 2


def test_boards_without_counts_by_layer_measure_one_at_a_time(workload: Workload) -> None:
    class Whole(Counted):
        def run(self, image, inputs, *, timeout=300.0):
            from dataclasses import replace

            return replace(super().run(image, inputs, timeout=timeout), layers=())

    board = Whole([])
    outcomes = measure(board, job_of(workload), [candidate(workload, turns) for turns in (8, 0)])
    assert [outcome.status for outcome in outcomes] == ["ok", "ok"]
    assert (outcomes[0].cost or 0) > (outcomes[1].cost or 0) > 0
    assert board.runs == 3

    board = Whole([])
    boards = Boards([board])
    for _ in range(2):
        [future.result() for future in boards.submit(job_of(workload), [candidate(workload, turns) for turns in (8, 0)])]
    boards.close()
    assert board.runs == 3 + 2, "that is known from the first time on"


def test_the_layers_of_a_batch_are_its_candidates_in_order(workload: Workload) -> None:
    module = module_of([candidate(workload, turns) for turns in (8, 4, 0)], M4)
    assert [layer.name for layer in module.layers] == ["c0", "c1", "c2"]
    assert [spec.name for spec in module.outputs] == ["y0", "y1", "y2"]
