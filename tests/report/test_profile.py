"""Where the time of a model goes, as a table and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvm_tiny.errors import OutputError
from tvm_tiny.report.profile import plot_profile, profile, profile_text

from .test_text import layer, report


def measured(**values: Any) -> dict[str, Any]:
    """Three layers that take 60, 30 and 6 of 100 cycles."""
    layers = [
        layer("conv2d_0", macs=120, live_macs=120, instructions=50, cycles=60),
        layer("depthwise_conv2d_1", macs=15, live_macs=15, instructions=25, cycles=30),
        layer("softmax_2", live_macs=0, instructions=5, cycles=6),
    ]
    facts = {"model": "net", "board": "mps2-an386", "cycle_model": "cortex-m4 zero-wait-state 1", "counter": "qemu-plugin"}
    return report(**facts, macs=135, live_macs=135, instructions=84, cycles=100, layers=layers, **values)


def without_cycles() -> dict[str, Any]:
    found = measured()
    return {**found, "cycles": None, "cycle_model": None, "layers": [{**each, "cycles": None} for each in found["layers"]]}


def test_shares_and_rates_are_of_cycles():
    found = profile(measured())
    assert (found.unit, found.total, found.rest) == ("cycle", 100, 4)
    assert [(each.cost, each.share, each.rate) for each in found.layers] == [(60, 0.6, 2.0), (30, 0.3, 0.5), (6, 0.06, None)]


def test_of_instructions_where_cycles_are_not_known():
    found = profile(without_cycles())
    assert (found.unit, found.rest) == ("instruction", 4)
    assert [each.cost for each in found.layers] == [50, 25, 5]


def test_rates_are_of_what_matters_to_the_output():
    found = measured()
    found["layers"][0]["live_macs"] = 30
    assert profile({**found, "live_macs": 45}).layers[0].rate == 0.5


def test_table():
    assert profile_text(measured()).splitlines() == [
        "layer               operator          MACs  instructions  cycles  MAC/cycle  share",
        "------------------  ----------------  ----  ------------  ------  ---------  ------  ------------------------",
        "conv2d_0            conv2d             120            50      60  2.000       60.0%  ########################",
        "depthwise_conv2d_1  depthwise_conv2d    15            25      30  0.500       30.0%  ############",
        "softmax_2           softmax              -             5       6  -            6.0%  ##",
        "(between layers)                         -             4       4  -            4.0%",
        "all                                    135            84     100  1.350      100.0%",
    ]


def test_table_without_cycles():
    lines = profile_text(without_cycles()).splitlines()
    assert lines[0] == "layer               operator          MACs  instructions  MAC/instruction  share"
    assert lines[2].split() == ["conv2d_0", "conv2d", "120", "50", "2.400", "59.5%", "#" * 24]


def test_table_names_live_macs():
    assert "live MACs" in profile_text({**measured(), "macs": 200}).splitlines()[0]


@pytest.mark.parametrize("missing", ["total", "layers"])
def test_without_measurements(missing: str):
    found = without_cycles()
    if missing == "total":
        found["instructions"] = None
    else:
        found["layers"][1]["instructions"] = None
    with pytest.raises(ValueError, match="no measurements by layer"):
        profile(found)


def blue_and_orange(path: Path) -> tuple[int, int]:
    """Pixels of the bars of layers with and without multiply-accumulates."""
    from matplotlib.image import imread

    red, _, blue = np.moveaxis(imread(path)[..., :3].astype(np.float64), -1, 0)
    return int(np.sum(blue - red > 0.2)), int(np.sum(red - blue > 0.2))


def test_chart_has_bars_as_long_as_the_costs(tmp_path: Path):
    path = plot_profile(measured(), tmp_path / "net.png")
    blue, orange = blue_and_orange(path)
    assert blue / orange == pytest.approx(90 / 6, rel=0.1)


def test_chart_without_cycles(tmp_path: Path):
    assert plot_profile(without_cycles(), tmp_path / "net.png").stat().st_size > 1000


def test_same_profile_same_file(tmp_path: Path):
    files = [plot_profile(measured(), tmp_path / name).read_bytes() for name in ("a.png", "b.png")]
    assert files[0] == files[1]


def test_chart_that_cannot_be_written(tmp_path: Path):
    with pytest.raises(OutputError, match="cannot write the picture"):
        plot_profile(measured(), tmp_path / "nowhere" / "net.png")
