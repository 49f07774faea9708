"""What tuning has found: tables for the terminal, and pictures of the search and of its cost model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tvm_tiny.report.picture import FAINT, INK, LINE, new_figure, save_figure
from tvm_tiny.report.table import Cell, text_table
from tvm_tiny.tune.database import Tuned
from tvm_tiny.tune.result import TunedLayer, TuningResult
from tvm_tiny.tune.space import label
from tvm_tiny.tune.statistics import predictions, rank_correlation, spearman

_LABEL = 64
_COLOURS = ("#3b75af", "#d9822b", "#4c9a4c", "#b5483d", "#7d64a6", "#7a5c4f", "#c977b1", "#6d6d6d")


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


def plot_search(result: TuningResult, path: str | Path) -> Path:
    """Best cost against trials, each workload by its default.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    OutputError
        The picture cannot be written.
    """
    figure = new_figure(8, 4.5)
    axes = figure.add_subplot()
    for index, layer in enumerate(each for each in result.layers if each.default):
        curve = [cost / (layer.default or 1) for cost in (layer.default or 1, *layer.best_so_far)]
        axes.step(range(len(curve)), curve, where="post", color=_COLOURS[index % len(_COLOURS)], label=_names(layer), linewidth=1.4)
    axes.set_xlabel("trials", color=INK)
    axes.set_ylabel(f"best {result.unit} / default", color=INK)
    axes.set_title(f"{result.model} on {result.board}, {result.search} search", color=INK, fontsize=10)
    _tidy(axes)
    if result.layers:
        axes.legend(fontsize=6, frameon=False, ncols=2)
    return save_figure(figure, path)


def plot_predictions(result: TuningResult, path: str | Path) -> Path:
    """The cost model's scores before measuring against what was measured, with their rank correlation.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    OutputError
        The picture cannot be written.
    """
    figure = new_figure(5.5, 5)
    axes = figure.add_subplot()
    for index, layer in enumerate(result.layers):
        pairs = predictions(layer)
        if pairs:
            value = spearman([pair[0] for pair in pairs], [pair[1] for pair in pairs])
            told = f"{_names(layer)}{'' if value is None else f': {value:.2f}'}"
            predicted, measured = zip(*pairs, strict=True)
            axes.scatter(predicted, measured, s=10, color=_COLOURS[index % len(_COLOURS)], label=told, alpha=0.7)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
    axes.set_xlabel("predicted score (1 is the best so far)", color=INK)
    axes.set_ylabel(f"best {result.unit} / {result.unit} of the candidate", color=INK)
    correlation = rank_correlation(result)
    told = "no predictions" if correlation is None else f"rank correlation {correlation:.2f}"
    axes.set_title(f"{result.model} on {result.board}: {told}", color=INK, fontsize=10)
    _tidy(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6, frameon=False, loc="lower right")
    return save_figure(figure, path)


def _tidy(axes: object) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)  # type: ignore[attr-defined]
    axes.grid(color=LINE, linewidth=0.3)  # type: ignore[attr-defined]
    axes.tick_params(colors=INK, labelsize=8)  # type: ignore[attr-defined]


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
