"""One HTML file that tells all of a compiled model: sizes, the map of its arena, layer by layer. It needs no other file."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tvm_tiny.report.memory_map import memory_map_png
from tvm_tiny.report.npu import npu_rows
from tvm_tiny.report.npu_roofline import roofline_png
from tvm_tiny.report.npu_timeline import timeline_png
from tvm_tiny.report.profile import profile
from tvm_tiny.report.table import Cell, cell_text, shape_text
from tvm_tiny.report.text import memory_fields
from tvm_tiny.report.tuning_plots import cost_model_png, search_png

Report = Mapping[str, Any]

_STYLE = """\
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1200px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0; }
h2 { font-size: 1.15em; margin-top: 2em; }
p.what { color: #666; margin-top: 0.2em; }
img { max-width: 100%; }
table { border-collapse: collapse; font-size: 0.92em; }
th { text-align: left; color: #666; font-weight: normal; border-bottom: 1px solid #bbb; }
td, th { padding: 0.2em 0.9em 0.2em 0; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.peak td { background: #fbe9e4; }
div.bar { background: #3b75af; height: 0.75em; min-width: 1px; margin-top: 0.3em; }
div.wide { overflow-x: auto; }
"""


def html_report(report: Report, tuning: Report | None = None) -> str:
    """The page for a report; costs of layers are on it where the report has measurements, and with ``tuning`` that run.

    Raises
    ------
    ToolchainError
        ``matplotlib`` is not installed, which draws the map.
    """
    where = f" on {report['board']}" if report["board"] else ""
    title = escape(f"{report['model']} for {report['target']}{where}")
    picture = b64encode(memory_map_png(report)).decode("ascii")
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p class="what">compiled by tvm_tiny, optimised for {escape(str(report.get("optimize", "speed")))}</p>
<h2>Sizes and costs</h2>
{_table(["", "", ""], [(name, value, remark) for name, value, remark in memory_fields(report) if value is not None], head=False)}
<h2>The arena over time</h2>
<div class="wide"><img alt="map of the arena: layers from left to right, addresses from bottom to top" \
src="data:image/png;base64,{picture}"></div>
{_peak(report)}
<h2>Layers</h2>
<div class="wide">{_layers(report)}</div>
{_npu(report)}{_tuning(tuning)}</body>
</html>
"""


def _tuning(tuning: Report | None) -> str:
    """What a tuning run has found: a table by workload, the search, and the cost model's predictions."""
    if not tuning:
        return ""
    unit = tuning["unit"]
    headers = ["layers", f"default {unit}", "best", "gain", "candidates", "failed", "schedule"]
    rows: list[tuple[Cell, ...]] = [
        (
            ", ".join(layer["layers"]),
            layer["default"],
            layer["best"],
            f"{1 - layer['best'] / layer['default']:.1%}",
            f"{layer['trials']} of {layer['candidates']}",
            sum(layer["failed"].values()),
            layer["decision"] or "default",
        )
        for layer in tuning["layers"]
    ]
    pictures = (
        ("for each workload the best cost after each trial, and the cost of each candidate", search_png(tuning)),
        ("predicted against measured", cost_model_png(tuning)),
    )
    images = "\n".join(
        f'<div class="wide"><img alt="{alt}" src="data:image/png;base64,{b64encode(data).decode("ascii")}"></div>'
        for alt, data in pictures
    )
    return f"""\
<h2>Tuning</h2>
<p>{escape(tuning["board"])}, {escape(tuning["compiler"])}: {tuning["default"]:,} → {tuning["best"]:,} {unit} in these layers.</p>
<div class="wide">{_table(headers, rows)}</div>
{images}
"""


def _npu(report: Report) -> str:
    """What the NPU does: its time as a chart, its layers under the roofline, and a table of them."""
    npu = report.get("npu")
    if not npu:
        return ""
    pictures = (
        ("units of the NPU over time, a colour for each layer", timeline_png(npu)),
        ("layers under the roofline", roofline_png(npu)),
    )
    images = "\n".join(
        f'<div class="wide"><img alt="{alt}" src="data:image/png;base64,{b64encode(data).decode("ascii")}"></div>'
        for alt, data in pictures
    )
    headers, rows = npu_rows(npu)
    return f"""\
<h2>The NPU, {escape(npu["config"])}</h2>
{images}
<div class="wide">{_table(headers, rows)}</div>
"""


def _peak(report: Report) -> str:
    peak = report["memory"]["peak"]
    if not peak["layers"]:
        return ""
    rows = [(buffer["name"], buffer["kind"], buffer["bytes"]) for buffer in peak["buffers"]]
    names = escape(", ".join(peak["layers"]))
    return (
        f"<p>The peak of {peak['bytes']:,} bytes is at {names}. In use at {escape(peak['layers'][0])}:</p>\n"
        f"{_table(['buffer', 'kind', 'bytes'], rows)}"
    )


def _layers(report: Report) -> str:
    """A row for each layer; a bar tells its share of an inference where that was measured. The layers of the peak are marked."""
    layers = report["layers"]
    measured = report["cycles"] is not None or report["instructions"] is not None
    shares = (
        [cost.share for cost in profile(report).layers] if measured and layers and layers[0]["instructions"] is not None else []
    )
    headers = ["layer", "operator", "output", "dtype", "MACs", "RAM", "schedule"]
    rows: list[tuple[Cell, ...]] = [
        (
            layer["name"],
            layer["op"],
            shape_text(layer["output"]),
            layer["dtype"],
            layer["live_macs"] or None,
            layer.get("ram"),
            layer["schedule"],
        )
        for layer in layers
    ]
    if shares:
        headers += ["instructions", "cycles", "share"]
        rows = [
            (*row, layer["instructions"], layer["cycles"], f"{share:.1%}")
            for row, layer, share in zip(rows, layers, shares, strict=True)
        ]
    peaks = set(report["memory"]["peak"]["layers"])
    return _table(headers, rows, marked=[layer["name"] in peaks for layer in layers], shares=shares)


def _table(
    headers: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    head: bool = True,
    marked: Sequence[bool] = (),
    shares: Sequence[float] = (),
) -> str:
    numeric = [any(isinstance(row[column], int) for row in rows) for column in range(len(headers))]
    classes = [' class="number"' if number else "" for number in numeric]
    longest = max(shares, default=0.0) or 1.0
    lines = ["<table>"]
    if head:
        cells = "".join(f"<th{name}>{escape(header)}</th>" for name, header in zip(classes, headers, strict=True))
        lines.append(f"<tr>{cells}{'<th></th>' if shares else ''}</tr>")
    for index, row in enumerate(rows):
        cells = "".join(f"<td{name}>{escape(cell_text(cell))}</td>" for name, cell in zip(classes, row, strict=True))
        if shares:
            cells += f'<td><div class="bar" style="width: {12 * shares[index] / longest:.2f}em"></div></td>'
        name = ' class="peak"' if marked and marked[index] else ""
        lines.append(f"<tr{name}>{cells}</tr>")
    return "\n".join([*lines, "</table>"])
