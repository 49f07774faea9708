"""Pictures of a tuning run, from its report: the search, workload by workload, and how well the cost model foresaw it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tvm_tiny.report.picture import FAINT, INK, LINE, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Report = Mapping[str, Any]
"""What `TuningResult.report` gives."""

_BEST, _OTHER, _FAILED = "#3b75af", "#a9a9a9", "#b5483d"
_COLOURS = ("#3b75af", "#d9822b", "#4c9a4c", "#b5483d", "#7d64a6", "#7a5c4f")
_COLUMNS = 4
_FAR = 1.5
"""Candidates that take more than this many times the default's cost are drawn as triangles at the upper edge."""
_KEY = f"blue: the best so far; grey: each candidate, a triangle if it takes more than {_FAR} times the default; red: failed"


def search_png(report: Report) -> bytes:
    """For each workload the best cost after each trial, and the cost of each candidate, over the default's.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    """
    layers = [layer for layer in report["layers"] if layer["default"]]
    columns = min(_COLUMNS, max(len(layers), 1))
    rows = max(math.ceil(len(layers) / columns), 1)
    figure = new_figure(max(2.8 * columns, 4.5), 2.1 * rows + 0.9)
    gain = 1 - report["best"] / report["default"] if report["default"] else 0.0
    figure.suptitle(f"{report['model']} on {report['board']}, search {report['search']}: {gain:.1%} gained", color=INK, fontsize=10)
    for index, layer in enumerate(layers):
        axes = figure.add_subplot(rows, columns, index + 1)
        _draw_search(axes, layer, report["unit"])
        if index % columns == 0:
            axes.set_ylabel(f"{report['unit']} / default", color=INK, fontsize=8)
        if index + columns >= len(layers):
            axes.set_xlabel("trials", color=INK, fontsize=8)
    figure.supxlabel(_KEY, color=FAINT, fontsize=7)
    if not layers:
        figure.add_subplot().set_axis_off()
    return png(figure)


def _draw_search(axes: Axes, layer: Report, unit: str) -> None:
    from matplotlib.ticker import MaxNLocator

    default, measured = layer["default"], layer["measured"]
    best = [1.0, *(cost / default for cost in layer["best_so_far"])]
    costs = [(turn, each["cost"] / default) for turn, each in enumerate(measured, 1) if each["cost"]]
    low, high = min(best), min(max([1.1, *(cost for _, cost in costs)]), _FAR)
    for marker, shown in (("o", [each for each in costs if each[1] <= high]), ("^", [each for each in costs if each[1] > high])):
        turns = [turn for turn, _ in shown]
        axes.scatter(turns, [min(cost, high) for _, cost in shown], s=11, marker=marker, color=_OTHER, zorder=5, linewidth=0)
    failed = [turn for turn, each in enumerate(measured, 1) if each["status"] != "ok"]
    axes.scatter(failed, [high] * len(failed), s=14, marker="x", color=_FAILED, linewidth=0.9, zorder=3)
    axes.axhline(1.0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.step(range(len(best)), best, where="post", color=_BEST, linewidth=1.6, zorder=4)
    axes.set_title(f"{_name(layer)}\n{default:,} → {layer['best']:,} {unit}", color=INK, fontsize=7.5)
    axes.set_xlim(0, max(len(measured), 1) * 1.04)
    axes.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    _tidy(axes)


def cost_model_png(report: Report) -> bytes:
    """The cost model's scores before measuring against what was measured, an operator a colour, with the rank correlation.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    """
    figure = new_figure(5.6, 4.9)
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
    for colour, (operator, pairs) in enumerate(sorted(_pairs(report["layers"]).items())):
        predicted, measured = zip(*pairs, strict=True)
        label = f"{operator} ({len(pairs)})"
        axes.scatter(predicted, measured, s=16, color=_COLOURS[colour % len(_COLOURS)], label=label, alpha=0.65, linewidth=0)
    correlation = report["rank_correlation"]
    told = "no order to compare" if correlation is None else f"rank correlation {correlation:.2f}"
    axes.set_title(f"{report['model']} on {report['board']}: {told}", color=INK, fontsize=10)
    axes.set_xlabel("predicted: score before measuring", color=INK, fontsize=9)
    axes.set_ylabel(f"measured: {report['unit']} of the workload's best / {report['unit']}", color=INK, fontsize=9)
    axes.set_ylim(-0.04, 1.06)
    _tidy(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7.5, frameon=False, loc="upper left")
    return png(figure)


def _pairs(layers: Sequence[Report]) -> dict[str, list[tuple[float, float]]]:
    """Operator → (predicted, measured) of each candidate that has both; the larger the better."""
    found: dict[str, list[tuple[float, float]]] = {}
    for layer in layers:
        costs = [each["cost"] for each in layer["measured"] if each["cost"]]
        for each in layer["measured"]:
            if each["cost"] and each["predicted"] is not None:
                found.setdefault(layer["op"], []).append((each["predicted"], min(costs) / each["cost"]))
    return found


def _name(layer: Report) -> str:
    more = len(layer["layers"]) - 1
    return f"{layer['layers'][0]}{f' and {more} more' if more else ''}"


def _tidy(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=LINE, linewidth=0.3)
    axes.tick_params(colors=INK, labelsize=7.5)
