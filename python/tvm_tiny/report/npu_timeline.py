"""The course of an NPU's time as a picture: which unit works on which layer when (a Gantt chart)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tvm_tiny.report.picture import FAINT, INK, LINE, new_figure, png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = ("array", "vector", "dma")
_NAMES = {"array": "array", "vector": "vector unit", "dma": "DMA"}
_LABEL_SHARE = 0.02  # of the width, below which a layer's number does not fit
_GAP_SHARE = 0.01  # of the width: commands of a layer with a smaller gap between them share a label


def draw_timeline(npu: Mapping[str, Any]) -> Figure:
    """Bars of each unit from left to right, a colour for each layer in turn; ``npu`` is a report's key of that name.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    """
    figure = new_figure(11, 3.4)
    axes = figure.add_subplot()
    from matplotlib import colormaps

    palette = colormaps["tab20"].colors  # type: ignore[attr-defined]
    for unit, layer, start, end in npu["timeline"]:
        row = UNITS.index(unit)
        axes.broken_barh([(start, end - start)], (row - 0.4, 0.8), facecolors=palette[layer % len(palette)], linewidth=0)
    for unit, layer, start, end in stretches(npu):
        if end - start > _LABEL_SHARE * npu["cycles"]:
            row = UNITS.index(unit)
            axes.text((start + end) / 2, row, str(layer), ha="center", va="center", fontsize=7, color=INK)
    axes.set_yticks(range(len(UNITS)), [_label(npu, unit) for unit in UNITS])
    axes.invert_yaxis()
    axes.set_xlim(0, max(npu["cycles"], 1))
    axes.set_xlabel("cycles; numbers are layers", color=INK)
    axes.grid(axis="x", color=LINE, linewidth=0.4)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=INK, length=0)
    axes.set_title(f"{npu['config']}: {npu['cycles']:,} cycles, array used to {npu['utilisation']:.0%}", fontsize=10, color=INK)
    axes.spines["bottom"].set_color(FAINT)
    return figure


def stretches(npu: Mapping[str, Any]) -> list[tuple[str, int, int, int]]:
    """(unit, layer, start, end) of commands of a layer that follow each other on a unit with hardly a gap."""
    found: list[tuple[str, int, int, int]] = []
    for unit, layer, start, end in sorted(npu["timeline"], key=lambda each: (each[0], each[2])):
        if found and found[-1][:2] == (unit, layer) and start - found[-1][3] < _GAP_SHARE * npu["cycles"]:
            found[-1] = (unit, layer, found[-1][2], end)
        else:
            found.append((unit, layer, start, end))
    return found


def _label(npu: Mapping[str, Any], unit: str) -> str:
    busy = npu["units"].get(unit, {}).get("busy", 0)
    return f"{_NAMES[unit]}\nbusy {busy / max(npu['cycles'], 1):.0%}"


def timeline_png(npu: Mapping[str, Any]) -> bytes:
    """:func:`draw_timeline` as a PNG file."""
    return png(draw_timeline(npu))
