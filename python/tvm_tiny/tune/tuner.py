"""A tuning run: from a model and a board to records in a database."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tvm_tiny.board.base import Board
from tvm_tiny.errors import BoardError, TargetError, TinyError
from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.target import Core
from tvm_tiny.tune.candidate import Candidate, candidate_of
from tvm_tiny.tune.counted import CountedBoard, measured_on, with_counts
from tvm_tiny.tune.database import Tuned, load_database, merged, save_database, tuned
from tvm_tiny.tune.features import code_features
from tvm_tiny.tune.journal import Entry, Journal
from tvm_tiny.tune.layers import Named, named_workloads
from tvm_tiny.tune.measure import Boards, Job, Outcome
from tvm_tiny.tune.reference import samples_with_expected
from tvm_tiny.tune.result import Trial, TunedLayer, TuningResult
from tvm_tiny.tune.search import Search, make_searches
from tvm_tiny.tune.space import label
from tvm_tiny.tune.workload import Workload

Progress = Callable[[str], None]
Build = Callable[[Workload, Decision], Candidate]


@dataclass(frozen=True)
class Options:
    """How a run goes.

    Attributes
    ----------
    trials : int
        Candidates for each workload; those that an earlier run has measured count.
    search : str
        One of `search.SEARCHES`.
    scratch : int
        Bytes by which a layer's working memory may exceed the default's.
    timeout : float
        Seconds after which a firmware hangs.
    """

    trials: int = 64
    seed: int = 0
    search: str = "xgboost"
    scratch: int = 0
    timeout: float = 30.0


@dataclass
class _Task:
    """A workload on its way."""

    named: Named
    job: Job
    search: Search
    default: Entry
    trials: list[Trial] = field(default_factory=list)
    pending: _Pending | None = None

    @property
    def workload(self) -> Workload:
        return self.named.workload


@dataclass(frozen=True)
class _Pending:
    """Candidates that are being measured."""

    decisions: Sequence[Decision]
    futures: Sequence[Future[list[Outcome]]]


class Tuner:
    """Tunes workloads on boards, into a database.

    Parameters
    ----------
    boards : sequence of Board
        Of one kind: all count the same.
    build : callable
        What makes a candidate of a decision.
    """

    def __init__(
        self,
        boards: Sequence[Board],
        folder: Path,
        options: Options,
        optimize: str,
        progress: Progress,
        build: Build = candidate_of,
    ) -> None:
        if options.trials < 1:
            raise TargetError(f"the number of trials is {options.trials}: expected at least 1")
        self.name, self.place = boards[0].name, measured_on(boards[0])
        self.folder, self.options, self.optimize, self.progress, self.build = folder, options, optimize, progress, build
        self.known: dict[str, Tuned] = load_database(folder)
        self.journal = Journal(folder)
        self.boards = Boards(boards)
        self.measured = 0
        self.pace = 0.0
        self._interrupted = threading.Event()
        self._candidates: dict[tuple[str, str], Candidate | Outcome] = {}
        self._digests: dict[tuple[str, str], Outcome] = {}

    def run(self, layers: Sequence[Named]) -> list[TunedLayer]:
        """Tune each of ``layers``. Also if this ends early, the journal has what was measured, and the database what was found.

        Raises
        ------
        BoardError
            The boards run nothing any more.
        """
        tasks: list[_Task] = []
        try:
            with self._noticing_interrupts():
                tasks = self._tasks(layers)
                start, before = time.monotonic(), self.measured
                self._search(tasks)
                self.pace = (self.measured - before) / (time.monotonic() - start)
        finally:
            self.boards.close()
            for task in tasks:
                self._record(task)
            self.journal.close()
        return [self._result(task) for task in tasks]

    # ---- the search --------------------------------------------------------------------------------------------------------------

    def _tasks(self, layers: Sequence[Named]) -> list[_Task]:
        """A task for each workload whose default runs and counts; the others are told and left."""
        jobs = []
        for index, named in enumerate(layers):
            self.progress(f"measuring the defaults ({index + 1} of {len(layers)})")
            workload = named.workload
            samples, wanted = samples_with_expected(workload.node, self.options.seed)
            default = self.build(workload, workload.default)
            job = Job(workload, default, samples, wanted, self.optimize, self.options.timeout)
            # A default that fails tells of a board in trouble more often than of itself.
            self.journal.forget_failure(workload.key, self.place, workload.default)
            jobs.append((named, job, self._start(job, [workload.default])))
        searches = make_searches(
            [named.workload for named in layers],
            code_features(self._built_or_none),
            kind=self.options.search,
            trials=self.options.trials,
            seed=self.options.seed,
        )
        tasks: list[_Task] = []
        failures: list[str] = []
        for (named, job, pending), search in zip(jobs, searches, strict=True):
            [trial] = self._finish(job, pending)
            if trial.outcome.status != "ok":
                failures.append(f"{', '.join(named.layers)}: {trial.outcome.status}, {trial.outcome.message}")
                continue
            if trial.outcome.cost is None:
                raise BoardError(
                    f"{self.name} counts neither cycles nor instructions", "tune on a board that does, an emulated one for instance"
                )
            entry = self.journal.find(named.workload.key, self.place, named.workload.default)
            assert entry is not None
            tasks.append(_Task(named, job, search, entry))
        if failures:
            self.progress(f"left out, as their defaults failed: {'; '.join(failures)}")
        if failures and not tasks:
            raise BoardError(f"{self.name}: the defaults of all layers failed: {'; '.join(failures)}")
        return tasks

    def _search(self, tasks: Sequence[_Task]) -> None:
        """Rounds of all tasks in turn: while the candidates of one are measured, those of the next are looked for."""
        active = list(tasks)
        while active:
            for task in list(active):
                self._learn(task)
                proposal = task.search.propose()
                if proposal is None:
                    active.remove(task)
                    self._record(task)
                else:
                    task.pending = self._start(task.job, proposal.decisions)
                self._tell(tasks, len(active))

    def _learn(self, task: _Task) -> None:
        if task.pending is None:
            return
        trials = self._finish(task.job, task.pending)
        task.pending = None
        task.search.learn([trial.outcome.cost for trial in trials])
        scores = task.search.predicted[-len(trials) :] if trials else []
        task.trials += [replace(trial, predicted=score) for trial, score in zip(trials, scores, strict=True)]

    def _tell(self, tasks: Sequence[_Task], active: int) -> None:
        done = sum(len(task.trials) for task in tasks)
        failed = sum(trial.outcome.status != "ok" for task in tasks for trial in task.trials)
        before = sum(task.default.outcome.cost or 0 for task in tasks)
        now = sum(self._best_cost(task) for task in tasks)
        gain = 100.0 * (1.0 - now / before) if before else 0.0
        self.progress(f"{done:,} candidates, {failed} failed, {active} of {len(tasks)} workloads left, {gain:.1f} % gained")

    # ---- measuring ---------------------------------------------------------------------------------------------------------------

    def _start(self, job: Job, decisions: Sequence[Decision]) -> _Pending:
        """Send those of ``decisions`` to the boards that nobody has measured, and each piece of C only once."""
        fresh: dict[str, Candidate] = {}
        for decision in decisions:
            if self.journal.find(job.workload.key, self.place, decision) is not None:
                continue
            built = self._built(job.workload, decision)
            if isinstance(built, Outcome):
                self._note(job, decision, built)
            elif (job.workload.key, built.digest) not in self._digests:
                fresh.setdefault(built.digest, built)
        return _Pending(decisions, self.boards.submit(job, list(fresh.values()), lambda *each: self._heard(job, *each)))

    def _finish(self, job: Job, pending: _Pending) -> list[Trial]:
        """Wait for what was started."""
        for future in pending.futures:
            future.result()
        trials = []
        for decision in pending.decisions:
            entry = self.journal.find(job.workload.key, self.place, decision)
            if entry is None:  # the same C as another decision's
                built = self._built(job.workload, decision)
                assert isinstance(built, Candidate)
                entry = self._note(job, decision, self._digests[job.workload.key, built.digest])
            remembered = self.journal.remembered(job.workload.key, self.place, decision)
            trials.append(Trial(decision, entry.outcome, None, entry.grows <= self.options.scratch, remembered))
        return trials

    def _heard(self, job: Job, candidate: Candidate, outcome: Outcome) -> None:
        """A board has measured ``candidate``: called in the board's thread."""
        # Ctrl-C goes to compilers and emulators too. What they then fail of is not the candidate's fault.
        if outcome.status != "ok" and self._interrupted.wait(0.2):
            raise KeyboardInterrupt
        self.measured += 1
        self._digests[job.workload.key, candidate.digest] = outcome
        self._note(job, candidate.decision, outcome)

    def _note(self, job: Job, decision: Decision, outcome: Outcome) -> Entry:
        built = self._built(job.workload, decision)
        grows, constants = (built.grows(job.default), built.constants) if isinstance(built, Candidate) else (0, 0)
        entry = Entry(job.workload.key, self.place, decision, outcome, grows, constants)
        self.journal.add(entry)
        return entry

    def _built(self, workload: Workload, decision: Decision) -> Candidate | Outcome:
        """The candidate, or that no C can be made of it."""
        place = (workload.key, label(decision))
        if place not in self._candidates:
            try:
                self._candidates[place] = self.build(workload, decision)
            except Exception as error:  # whatever an implementation makes of choices that it did not expect
                text = str(error).strip().splitlines()
                self._candidates[place] = Outcome("compile", message=f"{type(error).__name__}: {text[0] if text else ''}")
        return self._candidates[place]

    def _built_or_none(self, workload: Workload, decision: Decision) -> Candidate | None:
        built = self._built(workload, decision)
        return built if isinstance(built, Candidate) else None

    # ---- what was found ----------------------------------------------------------------------------------------------------------

    def _ranked(self, task: _Task) -> list[Entry]:
        """Entries that are better than the default and may be chosen, the best first; of equals the one with fewer constants."""
        limit = task.default.outcome.cost or 0
        open_ = {space.implementation for space in task.workload.spaces}
        found = [
            entry
            for entry in self.journal.of(task.workload.key, self.place)
            if entry.outcome.cost is not None and entry.outcome.cost < limit and entry.grows <= self.options.scratch
            if entry.decision.implementation in open_
        ]
        return sorted(found, key=lambda entry: (entry.outcome.cost, entry.constants, label(entry.decision)))

    def _best_cost(self, task: _Task) -> int:
        ranked = self._ranked(task)
        return (ranked[0] if ranked else task.default).outcome.cost or 0

    def _record(self, task: _Task) -> None:
        """Write what was found of a task into the database."""
        best = next(iter(self._ranked(task)), None)
        default = task.default.outcome.cost
        if default is None:
            return
        found = tuned(task.workload, float(default), None if best is None else (best.decision, float(best.outcome.cost or default)))
        self.known = merged([{found.key: found}, self.known])
        save_database(self.folder, self.known.values())

    def _result(self, task: _Task) -> TunedLayer:
        best = next(iter(self._ranked(task)), None)
        default = task.default.outcome.cost
        return TunedLayer(
            layers=task.named.layers,
            op=task.workload.node.op.name,
            workload=task.workload.key,
            default=default,
            best=None if best is None else best.decision,
            best_cost=default if best is None else best.outcome.cost,
            candidates=task.workload.size,
            trials=tuple(task.trials),
        )

    @contextmanager
    def _noticing_interrupts(self) -> Iterator[None]:
        """Ctrl-C also sets a flag, which threads can see."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def notice(_number: int, _frame: object) -> None:
            self._interrupted.set()
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, notice)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def tune_nodes(
    nodes: Sequence[tuple[str, Node]],
    core: Core,
    boards: Sequence[Board],
    folder: Path,
    options: Options,
    *,
    model: str,
    compiler: str,
    optimize: str = "speed",
    pattern: str = "*",
    progress: Progress = lambda _step: None,
) -> TuningResult:
    """Tune ``nodes``, given with their layers' names, on ``boards``, into the database in ``folder``."""
    if not boards:
        raise TinyError("no board to tune on")
    layers = named_workloads(nodes, core, compiler=compiler, optimize=optimize, pattern=pattern)
    return tune_workloads(
        layers, core, boards, folder, options, model=model, compiler=compiler, optimize=optimize, progress=progress
    )


def tune_workloads(
    layers: Sequence[Named],
    core: Core,
    boards: Sequence[Board],
    folder: Path,
    options: Options,
    *,
    model: str,
    compiler: str,
    optimize: str = "speed",
    progress: Progress = lambda _step: None,
    build: Build = candidate_of,
) -> TuningResult:
    """As :func:`tune_nodes`, of workloads."""
    start = time.monotonic()
    counted = [with_counts(board) for board in boards]
    tuner = Tuner(counted, folder, options, optimize, progress, build)
    found = tuner.run(layers)
    counts_cycles = all(trial.outcome.cycles is not None for each in found for trial in each.trials if trial.outcome.status == "ok")
    return TuningResult(
        model=model,
        target=core.name,
        board=tuner.name,
        compiler=compiler,
        unit="cycles" if counts_cycles else "instructions",
        search=options.search,
        seed=options.seed,
        layers=tuple(found),
        seconds=time.monotonic() - start,
        measured=tuner.measured,
        pace=60.0 * tuner.pace,
        emulated=any(board.counted_elsewhere for board in counted if isinstance(board, CountedBoard)),
    )
