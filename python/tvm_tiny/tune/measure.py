"""Measures candidates on boards: many in one firmware, each held against the reference before its time counts.

A firmware that cannot be built, faults, hangs or ends by itself is split, until what is to blame is alone. That one has failed; the
others are measured. Only a board that cannot even run the default ends a run.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from tvm_tiny.board.base import Board, RunResult
from tvm_tiny.board.emulated import EmulatedBoard
from tvm_tiny.board.host import HostBoard
from tvm_tiny.errors import BoardError, CapacityError, FirmwareError, HangError, ToolchainError, UnsupportedOperatorError
from tvm_tiny.tune.candidate import Candidate, module_of
from tvm_tiny.tune.reference import Expected, Sample
from tvm_tiny.tune.workload import Workload

Status = Literal["ok", "compile", "crash", "hang", "wrong"]

T = TypeVar("T")

BATCH = 24
"""Candidates in one firmware, at most."""
_CODE = 12 << 10  # bytes of code that a candidate may have, when it is decided how many fit into the flash
_RESERVE = 16 << 10  # bytes of RAM for stack, harness and guards


@dataclass(frozen=True)
class Outcome:
    """What came of measuring a candidate.

    Attributes
    ----------
    status : str
        "ok", or why there is no time: "compile" (schedule, C or link), "crash", "hang" or "wrong" (another output).
    cycles, instructions : int or None
        Mean per inference.
    message : str
        Of a failure, what was found.
    by_layer : bool
        Whether the board counts each layer of a firmware, so that it measures many candidates in one.
    """

    status: Status
    cycles: int | None = None
    instructions: int | None = None
    message: str = ""
    by_layer: bool = field(default=True, compare=False)

    @property
    def cost(self) -> int | None:
        """Cycles, where the board counts them, else instructions; None of a failure."""
        return self.cycles if self.cycles is not None else self.instructions


@dataclass(frozen=True)
class Job:
    """One workload's measurements: what candidates read, and what they must write, for each sample."""

    workload: Workload
    default: Candidate
    samples: Sequence[Sample]
    expected: Sequence[Expected]
    optimize: str = "speed"
    timeout: float = 30.0


Tell = Callable[[Candidate, Outcome], None]
"""Called with each outcome as soon as it is known, in any thread."""


def _keep_quiet(_candidate: Candidate, _outcome: Outcome) -> None:
    pass


class Boards:
    """Boards that measure at the same time; each takes the next batch when it has done its last one.

    An emulated board is as many as this machine has processors. A board that stops working is left out, and its batch goes to
    another one.
    """

    def __init__(self, boards: Sequence[Board]) -> None:
        self._smallest = min(boards, key=lambda board: board.ram_size or 1 << 40)
        lanes = [lane for board in boards for lane in _lanes(board)]
        self._free: queue.SimpleQueue[Board] = queue.SimpleQueue()
        for lane in lanes:
            self._free.put(lane)
        self.lanes = self._alive = len(lanes)
        self._by_layer = True
        self._pool = ThreadPoolExecutor(max_workers=len(lanes), thread_name_prefix="tvm_tiny-tune")

    def submit(self, job: Job, candidates: Sequence[Candidate], tell: Tell = _keep_quiet) -> list[Future[list[Outcome]]]:
        """Measure ``candidates``, a batch for each future, in their order."""

        def heard(candidate: Candidate, outcome: Outcome) -> None:
            self._by_layer &= outcome.by_layer
            tell(candidate, outcome)

        pieces = batches(job, candidates, self._smallest, self.lanes) if self._by_layer else [[each] for each in candidates]
        return [self._pool.submit(self._on_any, lambda board, batch=batch: measure(board, job, batch, heard)) for batch in pieces]

    def run(self, what: Callable[[Board], T]) -> Future[T]:
        """Do ``what`` on the next board that is free."""
        return self._pool.submit(self._on_any, what)

    def close(self) -> None:
        """Forget what has not begun; wait for what has."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _on_any(self, what: Callable[[Board], T]) -> T:
        while True:
            board = self._free.get()
            try:
                value = what(board)
            except BoardError:
                self._alive -= 1
                if self._alive == 0:
                    self._free.put(board)  # so that the other threads fail too, and do not wait
                    raise
                continue
            except BaseException:
                self._free.put(board)
                raise
            self._free.put(board)
            return value


def _lanes(board: Board) -> list[Board]:
    """``board``, as often as it can run at one time."""
    return [board] * (os.cpu_count() or 1) if isinstance(board, EmulatedBoard | HostBoard) else [board]


def batches(job: Job, candidates: Sequence[Candidate], board: Board, lanes: int) -> list[Sequence[Candidate]]:
    """``candidates`` in pieces that fit into the board's memories, and that leave no lane without work."""
    if not candidates:
        return []
    activations = sum(array.nbytes for array in job.samples[0].values())
    output = job.expected[0].output.nbytes
    most = BATCH
    if board.ram_size is not None:
        scratch = max(each.scratch for each in candidates)
        most = min(most, (board.ram_size - _RESERVE - 2 * activations - scratch) // max(2 * output, 1))
    if board.flash_size is not None:
        most = min(most, board.flash_size // (_CODE + max(each.constants for each in candidates)))
    size = max(min(most, -(-len(candidates) // lanes)), 1)
    return [candidates[start : start + size] for start in range(0, len(candidates), size)]


def measure(board: Board, job: Job, candidates: Sequence[Candidate], tell: Tell = _keep_quiet) -> list[Outcome]:
    """One outcome for each candidate.

    Raises
    ------
    BoardError
        The board runs nothing any more, not even the default.
    """
    try:
        result = _run(board, job, candidates)
    except HangError as error:
        return _split(board, job, candidates, tell, "hang", error, error.layer)
    except FirmwareError as error:
        return _split(board, job, candidates, tell, "crash", error)
    except (ToolchainError, CapacityError, UnsupportedOperatorError, ValueError) as error:
        if len(candidates) == 1 and isinstance(error, ToolchainError):
            _require_tools(board, job, candidates[0], error)
        return _split(board, job, candidates, tell, "compile", error)
    except BoardError as error:
        if len(candidates) == 1:
            _require_working(board, job, candidates[0], error)
        return _split(board, job, candidates, tell, "crash", error)
    if len(candidates) > 1 and len(result.layers) != len(candidates):
        return [outcome for each in candidates for outcome in measure(board, job, [each], tell)]  # counted as a whole only
    outcomes = [_outcome(job, candidate, result, index) for index, candidate in enumerate(candidates)]
    for candidate, outcome in zip(candidates, outcomes, strict=True):
        if outcome.status == "ok" or len(candidates) == 1:
            tell(candidate, outcome)
    if len(candidates) == 1:
        return outcomes
    # What is wrong may have been damaged by another candidate: alone, there is no other.
    return [
        outcome if outcome.status == "ok" else measure(board, job, [candidate], tell)[0]
        for candidate, outcome in zip(candidates, outcomes, strict=True)
    ]


def _run(board: Board, job: Job, candidates: Sequence[Candidate]) -> RunResult:
    image = board.build(module_of(candidates, job.workload.core), optimize=job.optimize)
    return board.run(image, job.samples, timeout=job.timeout)


def _split(
    board: Board,
    job: Job,
    candidates: Sequence[Candidate],
    tell: Tell,
    status: Status,
    error: Exception,
    suspect: int | None = None,
) -> list[Outcome]:
    """The outcomes of the parts: the suspect and the others, else two halves; of one alone, that it has failed."""
    if len(candidates) == 1:
        outcome = Outcome(status, message=str(error).splitlines()[0])
        tell(candidates[0], outcome)
        return [outcome]
    if suspect is not None and suspect < len(candidates):
        others = [*candidates[:suspect], *candidates[suspect + 1 :]]
        found = measure(board, job, others, tell)
        return [*found[:suspect], *measure(board, job, [candidates[suspect]], tell), *found[suspect:]]
    middle = len(candidates) // 2
    return [*measure(board, job, candidates[:middle], tell), *measure(board, job, candidates[middle:], tell)]


def _require_working(board: Board, job: Job, candidate: Candidate, error: Exception) -> None:
    """The board runs the default; otherwise what went wrong is its own fault."""
    if candidate is job.default:
        raise error
    _run(board, job, [job.default])


def _require_tools(board: Board, job: Job, candidate: Candidate, error: Exception) -> None:
    """The compiler compiles the default; otherwise it is missing, or too old."""
    if candidate is job.default:
        raise error
    board.build(module_of([job.default], job.workload.core), optimize=job.optimize)


def _outcome(job: Job, candidate: Candidate, result: RunResult, index: int) -> Outcome:
    for number, (outputs, expected) in enumerate(zip(result.outputs, job.expected, strict=True)):
        different = expected.differences(outputs[f"y{index}"])
        if different:
            message = f"{different:,} of {expected.output.size:,} elements of sample {number} are not the reference's"
            return Outcome("wrong", message=message)
    if result.layers:
        return Outcome("ok", result.layers[index].cycles, result.layers[index].instructions)
    return Outcome("ok", result.cycles, result.instructions, by_layer=False)
