"""Tuning of what runs on an NPU: MetaSchedule's search and cost model as for cores, on the device model instead of a board.

The compiler's own search (npu/search.py) has chosen already; its choice is the default here, from which the search sets out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tvm_tiny.board.base import Board
from tvm_tiny.errors import TargetError
from tvm_tiny.npu.knobs import Region
from tvm_tiny.op.operator import Node
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.target import Core
from tvm_tiny.target.npu import Npu
from tvm_tiny.tune.database import load_database, merged, save_database, tuned
from tvm_tiny.tune.journal import Entry, Journal
from tvm_tiny.tune.measure import Outcome
from tvm_tiny.tune.npu_features import region_features
from tvm_tiny.tune.npu_workload import RegionWorkload
from tvm_tiny.tune.result import Trial, TunedLayer, TuningResult
from tvm_tiny.tune.search import Search, make_searches
from tvm_tiny.tune.space import decided_schedule
from tvm_tiny.tune.tuner import Options, Progress, tune_nodes

if TYPE_CHECKING:
    from tvm_tiny.model import Model


@dataclass(frozen=True)
class NamedRegion:
    """A region and the name of its layer."""

    name: str
    region: Region


@dataclass
class _Task:
    name: str
    workload: RegionWorkload
    search: Search
    default: Entry
    trials: list[Trial] = field(default_factory=list)
    done: bool = False


class RegionTuner:
    """Tunes regions into the database in ``folder``."""

    def __init__(self, folder: Path, options: Options, progress: Progress) -> None:
        if options.trials < 1:
            raise TargetError(f"the number of trials is {options.trials}: expected at least 1")
        self.folder, self.options, self.progress = folder, options, progress
        self.known = load_database(folder)
        self.journal = Journal(folder)
        self.measured = 0

    def run(self, regions: Sequence[NamedRegion], core: Core) -> list[TunedLayer]:
        """Tune each of ``regions``. If this ends early, the journal has what was counted, and the database what was found."""
        tasks: list[_Task] = []
        try:
            workloads = [RegionWorkload(each.region, core) for each in regions]
            searches = make_searches(
                workloads, region_features, kind=self.options.search, trials=self.options.trials, seed=self.options.seed
            )
            for named, workload, search in zip(regions, workloads, searches, strict=True):
                default = self._entry(workload, workload.default)
                _set_out(search, workload, default)
                tasks.append(_Task(named.name, workload, search, default))
            while not all(task.done for task in tasks):
                for task in tasks:
                    self._round(task)
                self._tell(tasks)
        finally:
            for task in tasks:
                self._record(task)
            self.journal.close()
        return [self._result(task) for task in tasks]

    def _round(self, task: _Task) -> None:
        proposal = None if task.done or len(task.trials) >= self.options.trials else task.search.propose()
        if proposal is None:
            task.done = True
            return
        remembered = [self.journal.find(task.workload.key, _device(task.workload), each) is not None for each in proposal.decisions]
        entries = [self._entry(task.workload, decision) for decision in proposal.decisions]
        task.search.learn([entry.outcome.cost for entry in entries])
        scores = task.search.predicted[-len(entries) :] if entries else []
        task.trials += [
            Trial(entry.decision, entry.outcome, score, entry.grows <= self.options.scratch, known)
            for entry, score, known in zip(entries, scores, remembered, strict=True)
        ]

    def _entry(self, workload: RegionWorkload, decision: Decision) -> Entry:
        """What the device model counts, or has counted before."""
        device = _device(workload)
        entry = self.journal.find(workload.key, device, decision)
        if entry is None:
            cost = workload.region.cost(decision.choices)
            grows = max(cost.sram - workload.region.cost({}).sram, 0) if decision != workload.default else 0
            entry = Entry(workload.key, device, decision, Outcome("ok", cost.cycles), grows)
            self.journal.add(entry)
            self.measured += 1
        return entry

    def _tell(self, tasks: Sequence[_Task]) -> None:
        done = sum(len(task.trials) for task in tasks)
        before, now = (sum(each) for each in zip(*((_cost(task.default), self._best_cost(task)) for task in tasks), strict=True))
        self.progress(f"{done:,} candidates on the device model, {100.0 * (1.0 - now / before) if before else 0.0:.1f} % gained")

    def _best(self, task: _Task) -> Entry | None:
        """The best that may be chosen, if it is better than the default."""
        found = [
            entry
            for entry in self.journal.of(task.workload.key, _device(task.workload))
            if entry.outcome.cost is not None and entry.grows <= self.options.scratch and _cost(entry) < _cost(task.default)
        ]
        return min(found, key=_cost, default=None)

    def _best_cost(self, task: _Task) -> int:
        return _cost(self._best(task) or task.default)

    def _record(self, task: _Task) -> None:
        best = self._best(task)
        record = tuned(task.workload, float(_cost(task.default)), None if best is None else (best.decision, float(_cost(best))))
        self.known = merged([{record.key: record}, self.known])
        save_database(self.folder, self.known.values())

    def _result(self, task: _Task) -> TunedLayer:
        best = self._best(task)
        return TunedLayer(
            layers=(task.name,),
            op=task.workload.region.npu.name,
            workload=task.workload.key,
            default=_cost(task.default),
            best=None if best is None else _changed(task.workload, best.decision),
            best_cost=self._best_cost(task),
            candidates=task.workload.size,
            trials=tuple(task.trials),
        )


def _changed(workload: RegionWorkload, decision: Decision) -> Decision:
    """Those of its choices that are not the default's."""
    default = workload.default.choices
    return Decision(decision.implementation, {name: value for name, value in decision.choices.items() if value != default[name]})


def _device(workload: RegionWorkload) -> str:
    return workload.region.npu.name


def _cost(entry: Entry) -> int:
    return entry.outcome.cost or 0


def _set_out(search: Search, workload: RegionWorkload, default: Entry) -> None:
    """Tell the search what its default costs, so that it breeds from it."""
    from tvm.s_tir.meta_schedule.database import TuningRecord

    token = search.database.commit_workload(search.module)
    trace = decided_schedule(workload, search.module, workload.default).trace
    search.database.commit_tuning_record(TuningRecord(trace, token, [float(_cost(default))]))


def model_parts(
    model: Model, core: Core, npu: Npu, optimize: str = "speed", rounding: Literal["tflite-micro", "litert"] = "tflite-micro"
) -> tuple[list[tuple[str, Node]], list[NamedRegion]]:
    """The layers of ``model`` that run on the core, by name, and the regions of ``npu``.

    Raises
    ------
    ModelError, UnsupportedOperatorError, CapacityError
        As :func:`tvm_tiny.compile`.
    """
    from tvm_tiny.npu.compiler import offload_for
    from tvm_tiny.npu.partition import partition
    from tvm_tiny.op.qdq import Arithmetic
    from tvm_tiny.schedule.program import schedule_program
    from tvm_tiny.transform.lower_integer import lower_integer
    from tvm_tiny.transform.pipeline import run_passes

    regions: list[Region] = []

    def remember(region: Region) -> None:
        regions.append(region)

    lowered = lower_integer(model, Arithmetic("onnx" if model.source_format == "onnx" else rounding))
    cut = partition(run_passes(lowered.mod), npu)
    program = schedule_program(cut.mod, model, core, offload=offload_for(npu, optimize, remember))
    nodes = [(layer.name, layer.node) for layer in program.layers if layer.node is not None and layer.offload == "cpu"]
    names = [layer.name for layer in program.layers if layer.offload == "npu"]
    return nodes, [NamedRegion(name, region) for name, region in zip(names, regions, strict=True)]


def tune_parts(
    parts: tuple[Sequence[tuple[str, Node]], Sequence[NamedRegion]],
    core: Core,
    npu: Npu,
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
    """Tune what runs on the core on ``boards``, and what runs on ``npu`` on its device model, into the database in ``folder``.

    Raises
    ------
    TargetError
        No layer is called ``pattern``.
    """
    start = time.monotonic()
    nodes, regions = parts
    fit = [each for each in regions if fnmatchcase(each.name, pattern) or fnmatchcase(npu.name, pattern)]
    wanted = [(name, node) for name, node in nodes if fnmatchcase(name, pattern) or fnmatchcase(node.op.name, pattern)]
    if not fit and not wanted:
        names = [*(name for name, _ in nodes), *(each.name for each in regions)]
        raise TargetError(f"no layer is called {pattern!r}: the model has {', '.join(names)}")
    on_core = (
        tune_nodes(wanted, core, boards, folder, options, model=model, compiler=compiler, optimize=optimize, progress=progress)
        if wanted
        else None
    )
    tuner = RegionTuner(folder, options, progress)
    found = tuner.run(fit, core)
    return TuningResult(
        model=model,
        target=f"{core.name}+{npu.name}",
        board=boards[0].name,
        compiler=compiler,
        unit="cycles" if on_core is None else on_core.unit,
        search=options.search,
        seed=options.seed,
        layers=(*(on_core.layers if on_core else ()), *found),
        seconds=time.monotonic() - start,
        measured=tuner.measured + (on_core.measured if on_core else 0),
    )
