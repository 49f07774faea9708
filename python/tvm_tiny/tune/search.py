"""The search: MetaSchedule's strategies and cost model, one tuning context for each workload, all of them in turn.

TVM's own task scheduler gives each batch of a task to a builder and a runner. Here batches of all tasks are on their way at the
same time, on several boards, and what is on its way is waited for in a fixed order, so that a seed gives the same search again:
that is what lets a run that was interrupted go on from its journal. So the loop is ours; contexts, strategies, cost model and
databases are MetaSchedule's.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from tvm_tiny.errors import TargetError, ToolchainError
from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.target import tvm_target
from tvm_tiny.tune.features import Features, feature_extractor
from tvm_tiny.tune.space import decision_of, label, space_generator
from tvm_tiny.tune.workload import Tunable

SEARCHES = ("xgboost", "random")

ROUND = 16
"""Candidates that a task asks for at a time."""

_INTRINSICS = "tvm.s_tir.tensor_intrin"
_LOCK = threading.Lock()
W = TypeVar("W", bound=Tunable)
_UNTIMED = 1e10  # MetaSchedule's time of what has none


@contextmanager
def without_tensor_intrinsics() -> Iterator[None]:
    """Within this, ``import tvm.s_tir.tensor_intrin`` does not run that module, unless something of it is asked for.

    A tuning context imports it so that tensor intrinsics are registered: those of CUDA, ROCm and Hexagon, parsed from TVMScript in
    some 25 seconds. A stand-in takes its name, which becomes the module itself at the first question for an attribute. Afterwards
    all is as before, and the next import is a real one.
    """
    with _LOCK:
        if _INTRINSICS in sys.modules:
            yield
            return
        sys.modules[_INTRINSICS] = _StandIn(_INTRINSICS)
        try:
            yield
        finally:
            if isinstance(sys.modules.get(_INTRINSICS), _StandIn):
                del sys.modules[_INTRINSICS]


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import itself looks at
            raise AttributeError(name)
        import importlib

        if sys.modules.get(_INTRINSICS) is self:
            del sys.modules[_INTRINSICS]
        return getattr(importlib.import_module(_INTRINSICS), name)


@dataclass(frozen=True)
class Proposal:
    """What a search wants to be measured: MetaSchedule's candidates and the decisions that they stand for."""

    candidates: Sequence[Any]
    decisions: Sequence[Decision]


@dataclass
class Search:
    """The search of one workload.

    Attributes
    ----------
    module : tvm.IRModule
        The workload as TVM sees it.
    predicted : list
        For each candidate that was measured, the cost model's score of it before, None where it had none yet.
    """

    workload: Tunable
    context: Any
    module: Any
    model: Any
    database: Any
    proposal: Proposal | None = None
    predicted: list[float | None] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def propose(self) -> Proposal | None:
        """The next candidates, None where the search is at its end."""
        # The strategy notices only after some empty rounds that there is nothing left.
        candidates = None if len(self.seen) == self.workload.size else self.context.generate_measure_candidates()
        if candidates is None:
            self.proposal = None
            return None
        self.proposal = Proposal(list(candidates), [decision_of(each.sch) for each in candidates])
        self.seen |= {label(decision) for decision in self.proposal.decisions}
        return self.proposal

    def learn(self, costs: Sequence[float | None]) -> None:
        """What the candidates of the last proposal cost, in cycles; None for those that failed."""
        from tvm.s_tir.meta_schedule.database import TuningRecord
        from tvm.s_tir.meta_schedule.runner import RunnerResult

        assert self.proposal is not None
        candidates = self.proposal.candidates
        if candidates:
            self.predicted += self._predictions(candidates)
        results = [RunnerResult(None, "failed") if cost is None else RunnerResult([cost], None) for cost in costs]
        token = self.database.commit_workload(self.module)
        for candidate, cost in zip(candidates, costs, strict=True):
            seconds = [_UNTIMED if cost is None else float(cost)]
            self.database.commit_tuning_record(TuningRecord(candidate.sch.trace, token, seconds))
        self.model.update(self.context, candidates, results)
        self.context.notify_runner_results(candidates, results)

    def _predictions(self, candidates: Sequence[Any]) -> list[float | None]:
        if getattr(self.model, "booster", None) is None:
            return [None] * len(candidates)
        return [float(score) for score in self.model.predict(self.context, candidates)]


def make_searches(
    workloads: Sequence[W],
    features: Features[W],
    *,
    kind: str,
    trials: int,
    seed: int,
) -> list[Search]:
    """A search for each of ``workloads``, at its beginning; they share one cost model.

    Parameters
    ----------
    features : callable
        As in :func:`tvm_tiny.tune.features.feature_extractor`.
    kind : str
        One of :data:`SEARCHES`: MetaSchedule's evolutionary search led by XGBoost, or its random replay of traces.

    Raises
    ------
    TargetError
        The kind of search is unknown.
    ToolchainError
        A package that MetaSchedule's cost model needs is not installed.
    """
    if kind not in SEARCHES:
        raise TargetError(f"search is {kind!r}: expected one of {', '.join(SEARCHES)}")
    np.random.seed(seed % 2**32)  # noqa: NPY002 - MetaSchedule's cost model draws from it until it has learnt something
    logging.getLogger("tvm.s_tir.meta_schedule").setLevel(logging.ERROR)
    tasks = {f"task{index}": workload for index, workload in enumerate(workloads)}
    model = _model(kind, tasks, features, seed)
    return [_search(name, workload, model, kind, trials, seed + index) for index, (name, workload) in enumerate(tasks.items())]


def _model(kind: str, tasks: dict[str, W], features: Features[W], seed: int) -> Any:
    from tvm.s_tir.meta_schedule.cost_model import RandomModel, XGBModel
    from tvm.s_tir.meta_schedule.cost_model.xgb_model import XGBConfig

    if kind == "random":
        return RandomModel(seed=seed)
    try:
        import xgboost  # noqa: F401
    except ImportError as error:
        raise ToolchainError(f"the cost model cannot be loaded: {error}", "pip install 'tvm-tiny[tune]'") from error
    config = XGBConfig(max_depth=6, min_child_weight=0, eta=0.2, seed=seed, nthread=1, tree_method="hist")
    extractor = feature_extractor(tasks, features)
    return XGBModel(
        extractor=extractor,
        config=config,
        num_warmup_samples=1,
        early_stopping_rounds=20,
        verbose_eval=10_000,
        adaptive_training=True,
    )


def _search(name: str, workload: Tunable, model: Any, kind: str, trials: int, seed: int) -> Search:
    from tvm.s_tir.meta_schedule import TuneContext
    from tvm.s_tir.meta_schedule.database import MemoryDatabase
    from tvm.s_tir.meta_schedule.search_strategy import EvolutionarySearch, ReplayTrace

    population = max(min(4 * workload.size, 128), 2 * ROUND)
    strategy = (
        ReplayTrace(max_fail_count=100)
        if kind == "random"
        else EvolutionarySearch(population_size=population, init_min_unmeasured=ROUND, genetic_num_iters=3, eps_greedy=0.15)
    )
    module = workload.module()
    logger = logging.getLogger(f"tvm.s_tir.meta_schedule.{name}")
    with without_tensor_intrinsics():
        context = TuneContext(
            module,
            target=tvm_target(workload.core),
            space_generator=space_generator(workload, seed),
            search_strategy=strategy,
            task_name=name,
            rand_state=1 + seed % (2**31 - 2),
            num_threads=1,
            logger=logger,
        )
    database = MemoryDatabase()
    context.pre_tuning(trials, min(ROUND, trials), database=database, cost_model=model)
    return Search(workload, context, module, model, database)
