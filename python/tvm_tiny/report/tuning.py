"""What tuning has found: tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from tvm_tiny.report.table import Cell, text_table
from tvm_tiny.tune.database import Tuned
from tvm_tiny.tune.result import TunedLayer, TuningResult
from tvm_tiny.tune.space import label
from tvm_tiny.tune.statistics import rank_correlation

_LABEL = 64


def tuning_text(result: TuningResult) -> str:
    """A table by workload, and the sum of all."""
    rows = [
        (_names(layer), layer.default, layer.best_cost, _gain(layer), _trials(layer), layer.failed, _choice(layer))
        for layer in result.layers
    ]
    if not rows:
        return f"Nothing in {result.model} has more than one schedule on {result.target}."
    headers = ["layers", f"default {result.unit}", "best", "gain", "trials of all", "failed", "schedule"]
    count = sum(len(layer.trials) for layer in result.layers)
    total = (
        f"{result.default_total:,} → {result.best_total:,} {result.unit} in these layers; {count:,} candidates, "
        f"{result.measured:,} of them measured now, in {result.seconds:.0f} s"
    )
    told = [total]
    exhausted = sum(layer.exhausted for layer in result.layers)
    if exhausted:
        whose = "any workload" if exhausted == len(result.layers) else f"{exhausted} of {len(result.layers)} workloads"
        told.append(f"More trials find nothing new for {whose}: all candidates were looked at")
    correlation = rank_correlation(result)
    if correlation is not None:
        told.append(f"The cost model's order against the measured one: rank correlation {correlation:.2f}")
    if result.emulated:
        told.append(f"The board is an emulator: outputs are its own, {result.unit} those that the emulated board counts")
    return "\n".join([text_table(headers, rows), *told])


def failures_text(result: TuningResult) -> str:
    """Why candidates failed; "" where none did."""
    rows: list[tuple[Cell, ...]] = [
        (_names(layer), label(trial.decision), trial.outcome.status, trial.outcome.message)
        for layer in result.layers
        for trial in layer.trials
        if trial.outcome.status != "ok"
    ]
    return "Candidates that failed:\n" + text_table(["layers", "schedule", "how", "found"], rows) if rows else ""


def database_text(known: Iterable[Tuned]) -> str:
    """A table of a database's workloads."""
    rows = [
        (
            str(each.facts["core"]["name"]),
            str(each.facts["compiler"]),
            str(each.facts["flags"]),
            str(each.facts["operator"]),
            " x ".join(str(extent) for extent in each.facts["output"][2]),
            round(each.default.cycles),
            round(each.best.cycles) if each.best else None,
            f"{100 * (1 - each.ratio):.1f} %",
            _short(label(each.best.decision)) if each.best else "default",
        )
        for each in known
    ]
    headers = ["core", "compiler", "flags", "operator", "output", "default", "best", "gain", "schedule"]
    return text_table(headers, sorted(rows)) if rows else "The database has no records."


def _names(layer: TunedLayer) -> str:
    more = f" and {len(layer.layers) - 1} more" if len(layer.layers) > 1 else ""
    return f"{layer.layers[0]}{more}"


def _gain(layer: TunedLayer) -> str | None:
    if layer.default is None or layer.best_cost is None:
        return None
    return f"{100 * (1 - layer.best_cost / layer.default):.1f} %"


def _trials(layer: TunedLayer) -> str:
    return f"{len(layer.trials)} of {layer.candidates}"


def _choice(layer: TunedLayer) -> str:
    return "default" if layer.best is None else _short(label(layer.best))


def _short(text: str) -> str:
    """What tells enough of a decision in a table: a region of an NPU has very many knobs."""
    return text if len(text) <= _LABEL else f"{text[: _LABEL - 4]} ..."
