"""Where the time of a model goes, layer by layer: as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvm_tiny.report.picture import INK, LINE, new_figure, save_figure
from tvm_tiny.report.table import Cell, text_table

Report = Mapping[str, Any]

_BAR = 24
_BLUE, _ORANGE = "#3b75af", "#d9822b"


@dataclass(frozen=True)
class LayerCost:
    """One layer's part of an inference.

    Attributes
    ----------
    cost : int
        Cycles, or instructions where no cycles are known.
    share : float
        Its part of the whole inference, in 0 to 1.
    macs : int
        Multiply-accumulates that matter to the output: those that are left when dead channels are removed.
    rate : float or None
        Of these, how many for each unit of cost; None for a layer without any.
    """

    name: str
    op: str
    macs: int
    instructions: int | None
    cycles: int | None
    cost: int
    share: float
    rate: float | None


@dataclass(frozen=True)
class Profile:
    """The costs of a model's layers, in their order of execution; ``unit`` is "cycle" or "instruction"."""

    unit: str
    layers: tuple[LayerCost, ...]
    total: int
    macs: int

    @property
    def rest(self) -> int:
        """The cost of what belongs to no layer: the function that calls them."""
        return self.total - sum(layer.cost for layer in self.layers)


def profile(report: Report) -> Profile:
    """The costs by layer of a report with measurements.

    Raises
    ------
    ValueError
        The report has no measurements by layer.
    """
    unit = "cycle" if report["cycles"] is not None else "instruction"
    key = f"{unit}s"
    total = report[key]
    if total is None or any(layer[key] is None for layer in report["layers"]):
        raise ValueError("the report has no measurements by layer")
    layers = tuple(
        LayerCost(
            name=layer["name"],
            op=layer["op"],
            macs=layer["live_macs"],
            instructions=layer["instructions"],
            cycles=layer["cycles"],
            cost=layer[key],
            share=layer[key] / total,
            rate=layer["live_macs"] / layer[key] if layer["live_macs"] and layer[key] else None,
        )
        for layer in report["layers"]
    )
    return Profile(unit, layers, total, report["live_macs"])


def profile_text(report: Report) -> str:
    """The table: a row for each layer, for what is between them, and for all."""
    found = profile(report)
    longest = max((layer.cost for layer in found.layers), default=0) or 1
    rows: list[tuple[Cell, ...]] = [
        (
            layer.name,
            layer.op,
            layer.macs or None,
            layer.instructions,
            layer.cycles,
            None if layer.rate is None else f"{layer.rate:.3f}",
            f"{layer.share:6.1%}",
            "#" * round(_BAR * layer.cost / longest),
        )
        for layer in found.layers
    ]
    rows.append(
        (
            "(between layers)",
            "",
            None,
            _rest(report, "instructions"),
            _rest(report, "cycles"),
            None,
            f"{found.rest / found.total:6.1%}",
            "",
        )
    )
    rate = f"{found.macs / found.total:.3f}" if found.macs else None
    rows.append(("all", "", found.macs or None, report["instructions"], report["cycles"], rate, "100.0%", ""))
    macs = "MACs" if report["live_macs"] == report["macs"] else "live MACs"
    headers = ["layer", "operator", macs, "instructions", "cycles", f"MAC/{found.unit}", "share", ""]
    if report["cycles"] is None:
        headers, rows = headers[:4] + headers[5:], [row[:4] + row[5:] for row in rows]
    return text_table(headers, rows)


def plot_profile(report: Report, path: str | Path) -> Path:
    """Draw the costs by layer as PNG: a bar for each layer, in its order of execution, with its share.

    Layers with multiply-accumulates are blue and tell how many they do for each unit of cost; the others are orange.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    OutputError
        ``path`` cannot be written.
    ValueError
        The report has no measurements by layer.
    """
    found = profile(report)
    figure = new_figure(9.0, 1.6 + 0.32 * max(1, len(found.layers)))
    axes = figure.add_subplot()
    places = range(len(found.layers))
    costs = [layer.cost for layer in found.layers]
    axes.barh(places, costs, color=[_BLUE if layer.macs else _ORANGE for layer in found.layers], height=0.72)
    for place, layer in zip(places, found.layers, strict=True):
        rate = "" if layer.rate is None else f"   {layer.rate:.2f} MAC/{found.unit}"
        axes.text(layer.cost, place, f" {layer.share:.1%}{rate}", va="center", ha="left", fontsize=9, color=INK)
    axes.set_yticks(list(places), [layer.name for layer in found.layers], fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.3 * max(costs, default=1))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel(
        f"{found.unit}s per inference" + (f", model {report['cycle_model']}" if report["cycle_model"] else ""), color=INK
    )
    axes.set_title(f"{report['model']} on {report['board']}: {found.total:,} {found.unit}s", fontsize=12, color=INK, pad=12)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    return save_figure(figure, path)


def _rest(report: Report, key: str) -> int | None:
    total = report[key]
    return None if total is None else total - sum(layer[key] for layer in report["layers"])
