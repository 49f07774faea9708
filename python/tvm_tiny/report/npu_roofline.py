"""A roofline of an NPU: how fast each layer is, against what its multiplications for each byte of SRAM would allow.

After Williams, Waterman and Patterson, "Roofline" (CACM 2009): below the slanted roof a layer is bound by bytes, below the flat one
by multipliers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tvm_tiny.report.picture import FAINT, INK, LINE, new_figure, png
from tvm_tiny.target import get_npu

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def points(npu: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """For each layer with multiplications: name, multiplications for each byte read or written in SRAM, and for each cycle."""
    found = []
    for layer in npu["layers"]:
        traffic = sum(layer["sram_traffic"].values())
        if layer["live_macs"] and traffic and layer["busy"].get("array"):
            found.append((layer["name"], layer["live_macs"] / traffic, layer["live_macs"] / layer["busy"]["array"]))
    return found


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
    layers = points(npu)
    low = min([intensity for _, intensity, _ in layers], default=0.1) / 2
    high = max([intensity for _, intensity, _ in layers], default=10.0) * 4
    steps = [low * (high / low) ** (index / 100) for index in range(101)]
    axes.plot(steps, [roof(npu, each) for each in steps], color=INK, linewidth=1.2)
    machine = get_npu(npu["config"])
    axes.text(high, machine.macs_per_cycle * 1.08, f"{machine.macs_per_cycle:,} multipliers", ha="right", fontsize=8, color=INK)
    for index, (_name, intensity, speed) in enumerate(layers):
        axes.plot([intensity], [speed], "o", color="#3b75af", markersize=5)
        axes.annotate(str(index), (intensity, speed), textcoords="offset points", xytext=(4, 3), fontsize=7, color=FAINT)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("multiplications for each byte of SRAM traffic", color=INK)
    axes.set_ylabel("multiplications a cycle of the array", color=INK)
    axes.grid(which="major", color=LINE, linewidth=0.4)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(f"layers on {npu['config']}", fontsize=10, color=INK)
    return figure


def roofline_png(npu: Mapping[str, Any]) -> bytes:
    """:func:`draw_roofline` as a PNG file."""
    return png(draw_roofline(npu))
