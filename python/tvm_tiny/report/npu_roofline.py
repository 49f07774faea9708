"""A roofline of an NPU: how fast each layer is, against what its multiplications for each byte of SRAM would allow.

After Williams, Waterman and Patterson, "Roofline" (CACM 2009): below the slanted roof a layer is bound by bytes, below the flat one
by multipliers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import TYPE_CHECKING, Any

from tvm_tiny.report.picture import INK, LINE, new_figure, png
from tvm_tiny.target import get_npu

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_NEAR = (0.04, 0.03)
"""Of the picture's width and height: labels of points that lie nearer to each other would overlap."""

_LETTER, _GAP = (0.0085, 0.024), 0.008
"""Width and height of a letter, and what lies between a label and its point, as parts of the picture's."""

Point = tuple[int, float, float]
Label = tuple[str, float, float]


def points(npu: Mapping[str, Any]) -> list[Point]:
    """For each layer with multiplications: its number, multiplications for each byte read or written in SRAM, and for each cycle
    from its first start to its last end.
    """
    found = []
    for number, layer in enumerate(npu["layers"]):
        traffic = sum(layer["sram_traffic"].values())
        if layer["live_macs"] and traffic and layer["cycles"]:
            found.append((number, layer["live_macs"] / traffic, layer["live_macs"] / layer["cycles"]))
    return found


def labels(found: Sequence[Point], width: float, height: float) -> list[Label]:
    """Text and place for each group of points that are near to its first one, in a picture of so many decades."""
    groups: list[list[Point]] = []
    for point in sorted(found, key=lambda each: each[1:]):
        near = next((group for group in groups if _near(point, group[0], width, height)), None)
        if near is None:
            groups.append([point])
        else:
            near.append(point)
    return [(", ".join(str(each[0]) for each in sorted(group)), *max(each[1:] for each in group)) for group in groups]


def arranged(found: Sequence[Label], width: float, height: float) -> list[tuple[str, tuple[float, float], tuple[bool, bool]]]:
    """Text, place, and on which side of it, right or left and above or below, a label overlaps no other one, if there is one."""
    boxes: list[tuple[float, float, float, float]] = []
    result = []
    for text, intensity, speed in found:
        x, y = log10(intensity) / width, log10(speed) / height
        wide = _LETTER[0] * len(text)
        sides = {}
        for right in (True, False):
            for low in (y + _GAP, y - _GAP - _LETTER[1]):
                left = x if right else x - wide
                sides[right, low > y] = (left, low, left + wide, low + _LETTER[1])
        side = next((each for each, box in sides.items() if not any(_overlap(box, other) for other in boxes)), (True, True))
        boxes.append(sides[side])
        result.append((text, (intensity, speed), side))
    return result


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _near(one: Point, other: Point, width: float, height: float) -> bool:
    apart = [abs(log10(a / b)) for a, b in zip(one[1:], other[1:], strict=True)]
    return apart[0] < _NEAR[0] * width and apart[1] < _NEAR[1] * height


def roof(npu: Mapping[str, Any], intensity: float) -> float:
    """Multiplications a cycle that ``intensity``, multiplications a byte, allows: all ports of the array, or all multipliers."""
    machine = get_npu(npu["config"])
    bandwidth = (machine.feeds + 2) * machine.size  # feeds, weights and outputs, N bytes each
    return min(float(machine.macs_per_cycle), intensity * bandwidth)


def draw_roofline(npu: Mapping[str, Any]) -> Figure:
    """Layers as points under the roof; ``npu`` is a report's key of that name.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed.
    """
    figure = new_figure(7, 4.6)
    axes = figure.add_subplot()
    from matplotlib.ticker import NullFormatter

    layers = points(npu)
    low = min([intensity for _, intensity, _ in layers], default=0.1) / 2
    high = max([intensity for _, intensity, _ in layers], default=10.0) * 8
    steps = [low * (high / low) ** (index / 100) for index in range(101)]
    axes.plot(steps, [roof(npu, each) for each in steps], color=INK, linewidth=1.2)
    machine = get_npu(npu["config"])
    axes.text(high, machine.macs_per_cycle * 1.08, f"{machine.macs_per_cycle:,} multipliers", ha="right", fontsize=8, color=INK)
    slowest = min([roof(npu, low), *(speed for _, _, speed in layers)])
    for _number, intensity, speed in layers:
        axes.plot([intensity], [speed], "o", color="#3b75af", markersize=4)
    width, height = log10(high / low), log10(4 * machine.macs_per_cycle / slowest)
    for text, place, (right, up) in arranged(labels(layers, width, height), width, height):
        style: dict[str, Any] = {"textcoords": "offset points", "fontsize": 6, "color": INK, "ha": "left" if right else "right"}
        axes.annotate(text, place, xytext=(3 if right else -3, 3 if up else -7), **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(slowest / 2, machine.macs_per_cycle * 2)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("multiplications for each byte of SRAM traffic", color=INK)
    axes.set_ylabel("multiplications a cycle, from start to end", color=INK)
    axes.grid(which="major", color=LINE, linewidth=0.4)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(f"layers on {npu['config']}; numbers are those of the table", fontsize=10, color=INK)
    return figure


def roofline_png(npu: Mapping[str, Any]) -> bytes:
    """:func:`draw_roofline` as a PNG file."""
    return png(draw_roofline(npu))
