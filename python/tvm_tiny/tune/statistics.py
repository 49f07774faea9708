"""How well the cost model has ordered what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tvm_tiny.tune.result import TunedLayer, TuningResult


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation, ties having the mean of their ranks; None where one of the two is constant or too short."""
    if len(first) < 3:
        return None
    ranks = [_ranks(np.asarray(values, dtype=np.float64)) for values in (first, second)]
    centred = [rank - rank.mean() for rank in ranks]
    norm = float(np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum()) / norm if norm > 0 else None


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + 1 + ends) / 2.0)[inverse]


def predictions(layer: TunedLayer) -> list[tuple[float, float]]:
    """(predicted, measured) of each trial that has both; both as the best cost over the cost, so that larger is better."""
    costs = [trial.outcome.cost for trial in layer.trials if trial.outcome.cost]
    best = min(costs, default=0)
    return [
        (trial.predicted, best / trial.outcome.cost) for trial in layer.trials if trial.predicted is not None and trial.outcome.cost
    ]


def rank_correlation(result: TuningResult) -> float | None:
    """The mean over layers of the rank correlation of predicted and measured cost, weighted by their numbers of trials."""
    found = []
    for layer in result.layers:
        pairs = predictions(layer)
        value = spearman([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        if value is not None:
            found.append((value, len(pairs)))
    weights = sum(weight for _, weight in found)
    return sum(value * weight for value, weight in found) / weights if weights else None
