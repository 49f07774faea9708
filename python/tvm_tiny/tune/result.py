"""What a tuning run has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tvm_tiny.schedule.implementation import Decision
from tvm_tiny.tune.measure import Outcome
from tvm_tiny.tune.space import label


@dataclass(frozen=True)
class Trial:
    """One candidate of the search.

    Attributes
    ----------
    outcome : Outcome
    predicted : float or None
        The cost model's score before it was measured, the larger the better; None where it had none.
    eligible : bool
        Whether it may be chosen: it makes the arena no larger than is allowed.
    remembered : bool
        Whether it was measured by an earlier run.
    """

    decision: Decision
    outcome: Outcome
    predicted: float | None = None
    eligible: bool = True
    remembered: bool = False


@dataclass(frozen=True)
class TunedLayer:
    """A workload of the model and what tuning has found for it.

    Attributes
    ----------
    layers : tuple of str
        Names of the layers that are this workload.
    default : int or None
        Cost of the default, in the run's unit; None where the board could not run it.
    best : Decision or None
        What is better than the default, if anything is.
    best_cost : int or None
        Its cost; the default's where nothing is better.
    candidates : int
        How many there are.
    """

    layers: tuple[str, ...]
    op: str
    workload: str
    default: int | None
    best: Decision | None
    best_cost: int | None
    candidates: int
    trials: tuple[Trial, ...]

    @property
    def exhausted(self) -> bool:
        """Whether every candidate that there is was looked at."""
        return len({label(trial.decision) for trial in self.trials}) == self.candidates

    @property
    def failed(self) -> int:
        """How many candidates failed."""
        return sum(trial.outcome.status != "ok" for trial in self.trials)

    @property
    def best_so_far(self) -> list[int]:
        """After each trial, the cost of the best that may be chosen, the default included."""
        best, curve = self.default, []
        for trial in self.trials:
            cost = trial.outcome.cost
            if trial.eligible and cost is not None and (best is None or cost < best):
                best = cost
            if best is not None:
                curve.append(best)
        return curve

    def report(self) -> dict[str, Any]:
        """For ``--json``."""
        statuses = [trial.outcome.status for trial in self.trials]
        return {
            "layers": list(self.layers),
            "op": self.op,
            "workload": self.workload,
            "default": self.default,
            "best": self.best_cost,
            "decision": None if self.best is None else label(self.best),
            "candidates": self.candidates,
            "trials": len(self.trials),
            "exhausted": self.exhausted,
            "remembered": sum(trial.remembered for trial in self.trials),
            "failed": {status: statuses.count(status) for status in sorted(set(statuses)) if status != "ok"},
            "best_so_far": self.best_so_far,
            "measured": [
                {
                    "decision": label(trial.decision),
                    "cost": trial.outcome.cost,
                    "status": trial.outcome.status,
                    "message": trial.outcome.message,
                    "predicted": trial.predicted,
                    "eligible": trial.eligible,
                }
                for trial in self.trials
            ],
        }


@dataclass(frozen=True)
class TuningResult:
    """What :func:`tvm_tiny.tune` returns.

    Attributes
    ----------
    unit : str
        What is minimised: "cycles", or "instructions" where the board counts no cycles.
    seconds : float
        How long it took.
    measured : int
        Candidates that were measured in this run, failures included; the others were known from the journal.
    pace : float
        Candidates that the search had measured a minute, without the start: the defaults, and what is imported.
    emulated : bool
        The board is attached, but an emulator: its costs are those that the emulated board of its machine has counted.
    """

    model: str
    target: str
    board: str
    compiler: str
    unit: str
    search: str
    seed: int
    layers: tuple[TunedLayer, ...]
    seconds: float
    measured: int
    pace: float = 0.0
    emulated: bool = False

    @property
    def default_total(self) -> int:
        """Cost of all layers that were tuned, by default."""
        return sum((layer.default or 0) * len(layer.layers) for layer in self.layers)

    @property
    def best_total(self) -> int:
        """Cost of all layers that were tuned, as tuned."""
        return sum((layer.best_cost or 0) * len(layer.layers) for layer in self.layers)

    def report(self) -> dict[str, Any]:
        """For ``--json``."""
        from tvm_tiny.tune.statistics import rank_correlation

        return {
            "model": self.model,
            "target": self.target,
            "board": self.board,
            "compiler": self.compiler,
            "unit": self.unit,
            "search": self.search,
            "seed": self.seed,
            "seconds": round(self.seconds, 2),
            "measured": self.measured,
            "measured_a_minute": round(self.pace, 1),
            "emulated": self.emulated,
            "default": self.default_total,
            "best": self.best_total,
            "rank_correlation": rank_correlation(self),
            "layers": [layer.report() for layer in self.layers],
        }
