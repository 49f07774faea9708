"""The arena over time: layers from left to right, addresses from bottom to top, a box for each buffer. As a picture and as text."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvm_tiny.report.picture import INK, LINE, new_figure, png, save_figure
from tvm_tiny.report.table import text_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Report = Mapping[str, Any]
Buffer = Mapping[str, Any]

COLOURS = {"input": "#8fbf7f", "output": "#e0a458", "tensor": "#8db4d8", "scratch": "#c9c2b8"}
"""Fill of each kind of buffer."""
_PEAK = "#fbe9e4"
_PEAK_LINE = "#b5543c"

_MOST_NAMED_LAYERS = 60
_MOST_LABELS = 400
_SMALLEST, _LARGEST = 5.0, 9.0  # of labels, in points
_CHARACTER = 0.64  # width of a letter, of its size
_LINE = 1.25  # height of a line of text, of its size


def plot_memory_map(report: Report, path: str | Path) -> Path:
    """Draw the map as PNG. Buffers that are too small for their name have none; the layers of the peak are marked.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    OutputError
        ``path`` cannot be written.
    """
    return save_figure(_drawn(report), path)


def memory_map_png(report: Report) -> bytes:
    """The same picture as the bytes of a PNG file."""
    return png(_drawn(report))


def _drawn(report: Report) -> Figure:
    layers, buffers = report["layers"], _buffers(report)
    count, arena = max(1, len(layers)), max(1, report["ram"]["arena"])
    figure = new_figure(min(18.0, max(7.5, 2.2 + 0.62 * count)), 6.4)
    axes = figure.add_subplot()
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(0, arena * 1.02)
    _mark_peak(axes, report, arena)
    _mark_pools(axes, report)
    _draw_boxes(axes, buffers)
    axes.axhline(arena, color=INK, linewidth=0.9)
    _draw_axes(axes, report, count)
    figure.draw_without_rendering()  # settles the layout, from which sizes of labels follow
    if len(buffers) <= _MOST_LABELS:
        _label_boxes(axes, buffers)
    figure.set_layout_engine("none")
    return figure


def _buffers(report: Report) -> list[Buffer]:
    """The buffers that have bytes; those of a further pool lie above all of the pools before it."""
    start = _starts(report)
    buffers = (each for each in report["memory"]["buffers"] if each["bytes"])
    return [{**each, "offset": each["offset"] + start.get(each.get("pool", ""), 0)} for each in buffers]


def _starts(report: Report) -> dict[str, int]:
    """Where each pool begins on the axis of addresses."""
    starts, end = {}, 0
    for pool in report["memory"].get("pools", ()):
        starts[pool["name"]] = end
        end += pool["bytes"]
    return starts


def _mark_pools(axes: Axes, report: Report) -> None:
    """A line above each pool, with its name, where there are several."""
    pools = report["memory"].get("pools", ())
    for pool in pools if len(pools) > 1 else ():
        end = _starts(report)[pool["name"]] + pool["bytes"]
        axes.axhline(end, color=INK, linewidth=0.9)
        axes.annotate(
            f"{pool['name']}\n{pool['bytes']:,}",
            (1.0, end - pool["bytes"] / 2),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
        )


def _mark_peak(axes: Axes, report: Report, arena: int) -> None:
    names = set(report["memory"]["peak"]["layers"])
    for time, layer in enumerate(report["layers"]):
        if layer["name"] in names:
            axes.axvspan(time - 0.5, time + 0.5, color=_PEAK, zorder=0)
            axes.vlines([time - 0.5, time + 0.5], 0, arena, color=_PEAK_LINE, linewidth=0.8, linestyle=(0, (3, 3)), zorder=2.5)


def _draw_boxes(axes: Axes, buffers: Sequence[Buffer]) -> None:
    """The largest first, so that none hides another; what overlaps shows through."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    ordered = sorted(buffers, key=lambda each: -each["bytes"] * (each["last"] - each["first"] + 1))
    inset = 0.04  # of a layer's width, so that boxes beside each other are told apart
    boxes = [
        Rectangle((each["first"] - 0.5 + inset, each["offset"]), each["last"] - each["first"] + 1 - 2 * inset, each["bytes"])
        for each in ordered
    ]
    colours = [COLOURS[each["kind"]] for each in ordered]
    width = 0.7 if len(buffers) <= _MOST_LABELS else 0.2
    axes.add_collection(PatchCollection(boxes, facecolors=colours, edgecolors="#4a4a4a", linewidths=width, alpha=0.85, zorder=2))


def _draw_axes(axes: Axes, report: Report, count: int) -> None:
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    names = [layer["name"] for layer in report["layers"]]
    if len(names) <= _MOST_NAMED_LAYERS:
        axes.set_xticks(range(len(names)), names, rotation=55, ha="right", rotation_mode="anchor", fontsize=8)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=20))
        axes.set_xlabel("layer", color=INK)
    peaks = set(report["memory"]["peak"]["layers"])
    if len(names) <= _MOST_NAMED_LAYERS:
        for label, name in zip(axes.get_xticklabels(), names, strict=True):
            if name in peaks:
                label.set_color(_PEAK_LINE)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    pools = report["memory"].get("pools", ())
    axes.set_ylabel("bytes of the pools, one above the other" if len(pools) > 1 else "address in the arena, bytes", color=INK)
    axes.tick_params(axis="x", length=0)
    axes.tick_params(axis="y", labelsize=9, color=LINE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    ram, peak = report["ram"], report["memory"]["peak"]
    bound = ram.get("arena_lower_bound_overlap") or ram["arena_lower_bound"]
    what = f"{len(pools)} pools, {ram['arena']:,} bytes in all" if len(pools) > 1 else f"an arena of {ram['arena']:,} bytes"
    title = f"{report['model']} for {report['target']}: {what}"
    axes.set_title(
        f"{title}, of which at least {bound:,} are needed" if bound < ram["arena"] else title, fontsize=12, color=INK, pad=30
    )
    kinds = [kind for kind in COLOURS if any(each["kind"] == kind for each in report["memory"]["buffers"])]
    handles = [Patch(facecolor=COLOURS[kind], edgecolor="#4a4a4a", linewidth=0.7, label=kind) for kind in kinds]
    handles.append(Patch(facecolor=_PEAK, edgecolor=_PEAK_LINE, linewidth=0.7, label=f"peak, {peak['bytes']:,} bytes"))
    axes.legend(handles=handles, ncols=len(handles), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=9)


def _label_boxes(axes: Axes, buffers: Sequence[Buffer]) -> None:
    """Each box that has room for it gets its name, and its bytes where they fit too; upright in boxes that are high."""
    from matplotlib.patheffects import withStroke

    bottom_left, top_right = axes.transData.transform([(0.0, 0.0), (1.0, 1.0)])
    points = 72.0 / axes.figure.dpi
    across, up = (top_right - bottom_left) * points
    for each in buffers:
        last = _uncovered(each, buffers)
        width, height = (last - each["first"] + 1) * across - 4.0, each["bytes"] * up - 3.0
        fitted = _fitted(each["name"], each["bytes"], width, height)
        if fitted is None:
            continue
        text, size, upright = fitted
        axes.text(
            (each["first"] + last) / 2,
            each["offset"] + each["bytes"] / 2,
            text,
            fontsize=size,
            rotation=90 if upright else 0,
            ha="center",
            va="center",
            color=INK,
            linespacing=1.1,
            path_effects=[withStroke(linewidth=2.0, foreground=COLOURS[each["kind"]])],
            zorder=3,
        )


def _uncovered(buffer: Buffer, buffers: Sequence[Buffer]) -> int:
    """The last layer at which no later buffer has begun to run over ``buffer``: so far its label may go."""
    end = buffer["offset"] + buffer["bytes"]
    over = (
        each["first"] - 1
        for each in buffers
        if buffer["first"] < each["first"] <= buffer["last"]
        and each["offset"] < end
        and buffer["offset"] < each["offset"] + each["bytes"]
    )
    return min(over, default=buffer["last"])


def _fitted(name: str, nbytes: int, width: float, height: float) -> tuple[str, float, bool] | None:
    """The fullest text that a box of ``width`` × ``height`` points holds, its size, and whether it stands upright."""
    for lines in ([name, f"{nbytes:,}"], [name], [f"{nbytes:,}"]):
        flat, upright = _size(lines, width, height), _size(lines, height, width)
        if max(flat, upright) >= _SMALLEST:
            stands = upright > 1.6 * flat  # text that lies is easier to read
            return "\n".join(lines), upright if stands else flat, stands
    return None


def _size(lines: Sequence[str], along: float, beside: float) -> float:
    """The size at which ``lines`` fit a box that is ``along`` points wide and ``beside`` high."""
    return min(_LARGEST, along / (max(map(len, lines)) * _CHARACTER), beside / (len(lines) * _LINE))


# ---- as text ---------------------------------------------------------------------------------------------------------------------

_LETTERS = string.ascii_uppercase + string.ascii_lowercase
_ROWS, _COLUMNS, _WIDE_COLUMNS = 24, 100, 33


def memory_map_text(report: Report) -> str:
    """The map for a terminal: a column for each layer, a letter for each buffer, "." for bytes that nothing uses.

    A row stands for so many bytes, and shows the buffer that holds most of them. Where there are more layers than columns, a column
    stands for several, and shows the first of them. More buffers than letters use them again; the list has the first ones.
    """
    layers, memory, arena = report["layers"], report["memory"], report["ram"]["arena"]
    buffers = _buffers(report)
    if not buffers:
        return "the arena is empty"
    count = max(1, len(layers))
    step = -(-count // _COLUMNS)
    times, band = range(0, count, step), -(-arena // _ROWS)
    wide, between = (2, " ") if count <= _WIDE_COLUMNS else (1, "")
    margin = len(f"{arena:,}")

    def line(head: str, cells: Iterable[str]) -> str:
        return f"{head:>{margin}} {between.join(cells)}".rstrip()

    rows = [
        line(f"{start:,}", (_cell(buffers, start, min(arena, start + band), time) * wide for time in times))
        for start in range((arena - 1) // band * band, -1, -band)
    ]
    if wide > 1:
        rows.append(line("", (f"{time:<2}" for time in times)))
    peaks = set(memory["peak"]["layers"])
    marks = (any(layer["name"] in peaks for layer in layers[time : time + step]) for time in times)
    rows.append(line("", (("^" if mark else " ") * wide for mark in marks)))
    rows.append(f"A row is {band:,} bytes, a column {'a layer' if step == 1 else f'{step} layers'}; ^ is the peak.")
    return "\n".join(rows) + "\n\n" + _legend(buffers)


def _legend(buffers: Sequence[Buffer]) -> str:
    shown = list(zip(_LETTERS, buffers, strict=False))
    rows = [(letter, each["name"], each["kind"], each["offset"], each["bytes"], _span(each)) for letter, each in shown]
    more = len(buffers) - len(shown)
    table = text_table(["", "buffer", "kind", "offset", "bytes", "layers"], rows)
    return f"{table}\n... and {more:,} more buffers; --json has all" if more else table


def _cell(buffers: Sequence[Buffer], start: int, end: int, time: int) -> str:
    held = [
        (min(end, each["offset"] + each["bytes"]) - max(start, each["offset"]), -index)
        for index, each in enumerate(buffers)
        if each["first"] <= time <= each["last"]
    ]
    most, index = max(held, default=(0, 0))
    return _LETTERS[-index % len(_LETTERS)] if most > 0 else "."


def _span(buffer: Buffer) -> str:
    return f"{buffer['first']}" if buffer["first"] == buffer["last"] else f"{buffer['first']} to {buffer['last']}"
