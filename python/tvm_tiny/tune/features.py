"""What the cost model sees of a candidate: what its code does and how often, taken from the lowered function itself.

MetaSchedule's own features know stores in loops, but not what a call of a micro-kernel does, and a candidate's module here is the
plain definition with annotations. So each candidate is built, and its loops are walked: how often each kind of thing runs, how much
text there is, how much memory it takes; calls of the runtime go into buckets by their name. Implementation and knobs are there too,
for what the loops do not show. All are logarithms, since cycles are products.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.schedule.walk import expressions, statements
from tvm_tiny.tune.candidate import Candidate
from tvm_tiny.tune.space import decision_of
from tvm_tiny.tune.workload import Tunable, Workload

if TYPE_CHECKING:
    from tvm import tirx

W = TypeVar("W", bound=Tunable)
Features = Callable[[W, Decision], np.ndarray]

_IMPLEMENTATIONS = 6
_KNOBS = 12
_BUCKETS = 16
_KINDS = ("turns", "branches", "stores", "loads", "calls", "arithmetic")
LENGTH = _IMPLEMENTATIONS + 2 * _KNOBS + 2 * len(_KINDS) + 2 * _BUCKETS + 4
"""How many features there are."""


def features_of(workload: Workload, candidate: Candidate) -> np.ndarray:
    """A float32 array of shape (LENGTH,)."""
    names = [space.implementation for space in workload.spaces]
    index = names.index(candidate.decision.implementation)
    which = np.zeros(_IMPLEMENTATIONS)
    which[min(index, _IMPLEMENTATIONS - 1)] = 1.0
    knobs = np.full(2 * _KNOBS, -1.0)
    for place, knob in enumerate(workload.spaces[index].knobs[:_KNOBS]):
        value = candidate.decision.choices.get(knob.name, knob.values[0])
        knobs[2 * place : 2 * place + 2] = knob.values.index(value), np.log2(1 + abs(value))
    walk = _Walk()
    func = candidate.layer.func
    assert func is not None
    walk.visit(func.body, 1.0)
    counts = [walk.often[kind] for kind in _KINDS] + [walk.once[kind] for kind in _KINDS]
    memory = [candidate.scratch, candidate.constants, walk.local, walk.once["turns"]]
    code = np.log2(1.0 + np.array([*counts, *walk.calls, *walk.work, *memory]))
    return np.concatenate([which, knobs, code]).astype(np.float32)


class _Walk:
    """Counts what a lowered function does; ``often`` by how many times it runs, ``once`` in the text."""

    def __init__(self) -> None:
        self.often = dict.fromkeys(_KINDS, 0.0)
        self.once = dict.fromkeys(_KINDS, 0.0)
        self.calls = np.zeros(_BUCKETS)
        self.work = np.zeros(_BUCKETS)
        self.local = 0.0

    def visit(self, stmt: tirx.Stmt, times: float) -> None:
        from tvm import tirx

        if isinstance(stmt, tirx.SeqStmt):
            for each in stmt.seq:
                self.visit(each, times)
        elif isinstance(stmt, tirx.For):
            extent = getattr(stmt.extent, "value", None)
            turns = times * (float(extent) if extent is not None else 2.0)
            self._count("turns", turns)
            self.visit(stmt.body, turns)
        elif isinstance(stmt, tirx.IfThenElse):
            self._count("branches", times)
            self._own(stmt, times)
            self.visit(stmt.then_case, times)
            if stmt.else_case is not None:
                self.visit(stmt.else_case, times)
        elif isinstance(stmt, (tirx.While, tirx.AttrStmt)):
            self.visit(stmt.body, times)
        else:
            if isinstance(stmt, tirx.BufferStore):
                self._count("stores", times)
            elif isinstance(stmt, tirx.AllocBuffer):
                self.local += float(np.prod([int(extent) for extent in stmt.buffer.shape]))
            self._own(stmt, times)

    def _count(self, kind: str, times: float) -> None:
        self.often[kind] += times
        self.once[kind] += 1

    def _own(self, stmt: tirx.Stmt, times: float) -> None:
        """The expressions of a statement without those of the statements in it."""
        inner = {id(each) for each in list(statements(stmt))[1:]}
        if inner and type(stmt).__name__ == "IfThenElse":
            return  # a condition is part of the branch
        for each in expressions(stmt):
            kind = type(each).__name__
            if kind == "TensorLoad":
                self._count("loads", times)
            elif kind == "Call":
                self._call(each, times)
            elif kind in ("Add", "Sub", "Mul", "FloorDiv", "FloorMod", "Min", "Max", "Select"):
                self._count("arithmetic", times)

    def _call(self, call: Any, times: float) -> None:
        self._count("calls", times)
        if not str(call.op.name).endswith(("call_extern", "call_pure_extern")):
            return
        name = str(getattr(call.args[0], "value", call.args[0]))
        bucket = zlib.crc32(name.encode()) % _BUCKETS
        numbers = [abs(int(each.value)) for each in call.args[1:] if isinstance(getattr(each, "value", None), int)]
        self.calls[bucket] += times
        self.work[bucket] += times * max([1, *(number for number in numbers if number < 1 << 16)])


def code_features(built: Callable[[Workload, Decision], Candidate | None]) -> Features[Workload]:
    """Features of what ``built`` makes of a decision; all 0 where it cannot be built, None."""

    def features(workload: Workload, decision: Decision) -> np.ndarray:
        candidate = built(workload, decision)
        row = np.zeros(LENGTH, np.float32) if candidate is None else features_of(workload, candidate)
        return row.reshape(1, LENGTH)

    return features


def feature_extractor(workloads: dict[str, W], features: Features[W]) -> Any:
    """MetaSchedule's feature extractor.

    Parameters
    ----------
    workloads : dict
        Name of the tuning task → its workload.
    features : callable
        (workload, decision) → float32 rows, whose scores add up; what it says is remembered.
    """
    import tvm
    from tvm.ir.utils import derived_object
    from tvm.s_tir.meta_schedule.feature_extractor import PyFeatureExtractor

    remembered: dict[tuple[str, str], np.ndarray] = {}

    def of(workload: W, schedule: Any) -> np.ndarray:
        decision = decision_of(schedule)
        place = (workload.key, repr((decision.implementation, sorted(decision.choices.items()))))
        if place not in remembered:
            remembered[place] = features(workload, decision)
        return remembered[place]

    @derived_object
    class Rows(PyFeatureExtractor):
        """The rows of features of each candidate."""

        def extract_from(self, context: Any, candidates: Sequence[Any]) -> list[Any]:
            workload = workloads[str(context.task_name)]
            return [tvm.runtime.tensor(of(workload, each.sch)) for each in candidates]

    return Rows()
