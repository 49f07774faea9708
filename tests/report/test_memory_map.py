"""The arena over time, as text and as a picture."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvm_tiny.report.html import html_report
from tvm_tiny.report.memory_map import COLOURS, memory_map_text, plot_memory_map


def buffer(name: str, kind: str, offset: int, size: int, first: int, last: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "tensor": "", "offset": offset, "bytes": size, "first": first, "last": last}


BUFFERS = [
    buffer("image", "input", 0, 240, 0, 0),
    buffer("conv2d_0", "tensor", 240, 240, 0, 1),
    buffer("conv2d_1.rows", "scratch", 0, 120, 1, 1),
    buffer("scores", "output", 120, 120, 1, 2),
]


def report(layers: int = 3, buffers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    row = {"op": "conv2d", "macs": 8, "live_macs": 8, "dtype": "int8", "schedule": "default", "output": [1, 4], "ram": 480}
    return {
        "model": "net",
        "target": "cortex-m4",
        "board": None,
        "macs": 8,
        "live_macs": 8,
        "planner": "exact",
        "planner_optimal": True,
        "instructions": None,
        "cycles": None,
        "cycle_model": None,
        "counter": None,
        "flash": {"weights": 64, "code": None},
        "ram": {"arena": 480, "arena_lower_bound": 480, "arena_lower_bound_overlap": 480, "io": 360, "stack": None},
        "layers": [{**row, "name": f"conv2d_{index}", "instructions": None, "cycles": None} for index in range(layers)],
        "memory": {
            "alignment": 16,
            "peak": {
                "bytes": 480,
                "layers": ["conv2d_0", "conv2d_1"],
                "buffers": [{"name": "image", "kind": "input", "bytes": 240}],
            },
            "buffers": BUFFERS if buffers is None else buffers,
        },
    }


def test_text_has_a_letter_for_each_buffer_where_it_lies() -> None:
    lines = memory_map_text(report()).splitlines()
    assert lines[0].split() == ["460", "BB", "BB", ".."]
    assert lines[11].split() == ["240", "BB", "BB", ".."]
    assert lines[12].split() == ["220", "AA", "DD", "DD"]
    assert lines[23].split() == ["0", "AA", "CC", ".."]
    assert lines[24].split() == ["0", "1", "2"]
    assert lines[25].split() == ["^^", "^^"]
    assert re.search(r"C  conv2d_1.rows  scratch +0 +120  1$", "\n".join(lines), re.MULTILINE)
    assert re.search(r"D  scores +output +120 +120  1 to 2$", "\n".join(lines), re.MULTILINE)


def test_text_of_a_large_model_stays_as_wide_as_a_terminal() -> None:
    many = [buffer(f"b{index}", "tensor", index % 400, 64, index, index + 1) for index in range(900)]
    lines = memory_map_text(report(901, many)).splitlines()
    assert max(map(len, lines)) <= 110
    assert len(lines) < 100
    assert "a column 10 layers" in "\n".join(lines)
    assert lines[-1] == "... and 848 more buffers; --json has all"


def test_text_of_an_empty_arena() -> None:
    assert memory_map_text(report(0, [])) == "the arena is empty"


def area(path: Path, colour: str) -> int:
    """Pixels of about a kind's colour, which is drawn a little transparent."""
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    drawn = 0.85 * np.array(to_rgb(colour)) + 0.15
    return int(np.sum(np.abs(imread(path)[..., :3] - drawn).max(axis=-1) < 0.02))


def test_boxes_are_as_large_as_bytes_times_layers(tmp_path: Path) -> None:
    """Each with 4 % of a layer's width of air on both sides; labels and the marks of the peak take something off."""
    path = plot_memory_map(report(), tmp_path / "map.png")
    tensor, scratch = area(path, COLOURS["tensor"]), area(path, COLOURS["scratch"])
    assert tensor / scratch == pytest.approx(240 * 1.92 / (120 * 0.92), rel=0.15)


def test_the_same_report_gives_the_same_picture(tmp_path: Path) -> None:
    files = [plot_memory_map(report(), tmp_path / name).read_bytes() for name in ("a.png", "b.png")]
    assert files[0] == files[1]


def test_a_picture_of_thousands_of_buffers(tmp_path: Path) -> None:
    many = [buffer(f"b{index}", "tensor", index % 400, 64, index // 3, index // 3) for index in range(3000)]
    assert plot_memory_map(report(1000, many), tmp_path / "map.png").stat().st_size > 10_000


class _Page(HTMLParser):
    """What a browser would load, and the tags that are open at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_other_file() -> None:
    page = _Page()
    given = report()
    given["layers"][0]["name"] = "<b>&amp;"
    text = html_report(given)
    page.feed(text)
    assert page.open == []
    (picture,) = page.sources
    assert base64.b64decode(picture.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert "<b>" not in text.replace("<body>", "")
    assert "proven: no plan is smaller" in text


def test_the_page_of_a_run_has_costs() -> None:
    given = report()
    for index, layer in enumerate(given["layers"]):
        layer.update(instructions=100 * (index + 1), cycles=200 * (index + 1))
    text = html_report({**given, "board": "mps2-an386", "instructions": 600, "cycles": 1200, "counter": "qemu-plugin"})
    assert "net for cortex-m4 on mps2-an386" in text
    assert "<td>16.7%</td>" in text
    assert "width: 12.00em" in text
